import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';

const INTERVAL_MS = 60 * 60 * 1_000;

/** Deletes the keys and answers that are no longer remembered. */
@Injectable()
export class IdempotencySweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger(IdempotencySweeper.name);
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly keys: IdempotencyKeysRepository) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.#sweep(), INTERVAL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  async #sweep(): Promise<void> {
    await this.keys.sweep().catch(() => this.#logger.warn('Old idempotency keys could not be deleted; this is tried again in an hour.'));
  }
}
