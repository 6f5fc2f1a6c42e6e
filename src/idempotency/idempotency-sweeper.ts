import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTasks } from '../common/periodic-tasks.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';

const INTERVAL_MS = 60 * 60 * 1_000;
/** Soon after the start, so that a process that never lives for an hour sweeps too. */
const FIRST_AFTER_MS = 60 * 1_000;

/** Deletes the keys and answers that are no longer remembered. */
@Injectable()
export class IdempotencySweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger(IdempotencySweeper.name);
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly keys: IdempotencyKeysRepository,
    private readonly tasks: PeriodicTasks,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setTimeout(() => {
      this.#timer = setInterval(() => void this.#attempt(), INTERVAL_MS).unref();
      void this.#attempt();
    }, FIRST_AFTER_MS).unref();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.#timer);
  }

  async sweep(): Promise<void> {
    await this.keys.sweep();
    this.tasks.succeeded('idempotency_keys');
  }

  async #attempt(): Promise<void> {
    await this.sweep().catch(() => this.#logger.warn('Old idempotency keys could not be deleted; this is tried again in an hour.'));
  }
}
