import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { Settings } from '../../config/settings.js';
import { WebhookEventsRepository } from './webhook-events.repository.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const EVERY_MS = 60 * 60 * 1000;
/** Soon after the start, so that a process that never lives for an hour sweeps too. */
const FIRST_AFTER_MS = 60 * 1000;
const BATCH = 200;
const PAUSE_MS = 50;

/** For how long an event is known at least. Stripe sends none again after 30 days. */
const KNOWN_FOR_DAYS = 90;

/** Destroys payloads when their time is over, and long after that the records of their events. */
@Injectable()
export class WebhookSweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(WebhookSweeper.name);
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly events: WebhookEventsRepository,
    private readonly settings: Settings,
    private readonly tasks: PeriodicTasks,
  ) {}

  onApplicationBootstrap(): void {
    this.#wait(FIRST_AFTER_MS);
  }

  beforeApplicationShutdown(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    if (this.#stopped.signal.aborted) return;
    this.#timer = setTimeout(() => {
      void this.sweep(new Date())
        .catch(() => this.#logger.warn('Old webhook payloads could not be destroyed; it is tried again within the hour.'))
        .finally(() => this.#wait(EVERY_MS));
    }, ms).unref();
  }

  /** In small transactions with pauses, so that nobody has to wait for it. */
  async sweep(now: Date): Promise<void> {
    const daysAgo = (days: number) => new Date(now.getTime() - days * DAY_MS);
    const { webhookRetentionDays: kept } = this.settings;
    await this.#inBatches(() => this.events.destroyPayloads(daysAgo(kept), BATCH));
    await this.#inBatches(() => this.events.forget(daysAgo(Math.max(kept, KNOWN_FOR_DAYS)), BATCH));
    if (!this.#stopped.signal.aborted) this.tasks.succeeded('webhook_payloads');
  }

  async #inBatches(work: () => Promise<number>): Promise<void> {
    while (!this.#stopped.signal.aborted && (await work()) === BATCH) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
