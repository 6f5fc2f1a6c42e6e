import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database, run } from '../../database/database.js';
import { DELETE_EXPIRED, SWEPT_AT_ONCE } from './webhook-secret.statements.js';

const EVERY_MS = 60_000;

/** Destroys former webhook secrets once they are no longer valid. Every process does so; it harms nobody to be second. */
@Injectable()
export class WebhookSecretSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger(WebhookSecretSweeper.name);
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.#start(), EVERY_MS).unref();
    this.#start();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** @returns how many it destroyed */
  async sweep(now = new Date()): Promise<number> {
    const swept = await this.database.transaction(() => run(DELETE_EXPIRED[this.database.engine], [now]));
    return swept.length < SWEPT_AT_ONCE ? swept.length : swept.length + (await this.sweep(now));
  }

  #start(): void {
    this.#running = this.sweep().then(
      () => undefined,
      // They are not accepted any more, whether destroyed now or by the next attempt.
      () => this.#logger.warn('Former webhook secrets that are no longer valid could not be destroyed yet.'),
    );
  }
}
