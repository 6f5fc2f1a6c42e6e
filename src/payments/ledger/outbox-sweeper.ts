import { setTimeout as delay } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { DURABLE_EVENTS, type DurableEventName, PaymentsEvents } from '../payments-events.js';
import { type DueEvent, OutboxRepository } from './outbox.repository.js';

/** So that what a burst of transactions wrote is told together. */
const WAKE_MS = 50;
/** For what a process that died left behind, and for what is due again. */
const INTERVAL_MS = 1_000;
const AT_ONCE = 50;
/** A listener that needs longer has failed, and a process that needs longer still has died. */
const PATIENCE_MS = 30_000;
const LEASE_MS = 60_000;
const MAX_BACKOFF_MS = 3_600_000;
/** Whoever listens may be another process, which is down or not installed yet. */
const UNHEARD_MS = 30 * 24 * 3_600_000;
const DROP_INTERVAL_MS = 60_000;

/** Tells other modules what stands in the outbox. */
@Injectable()
export class OutboxSweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(OutboxSweeper.name);
  #interval: NodeJS.Timeout | undefined;
  #wake: NodeJS.Timeout | undefined;
  #nextDrop = 0;
  #sweeping: Promise<void> | undefined;
  #isStopped = false;

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly events: PaymentsEvents,
    private readonly host: HttpAdapterHost,
    private readonly tasks: PeriodicTasks,
  ) {}

  onApplicationBootstrap(): void {
    // A command serves nobody, and clears nothing away.
    if (!this.host.httpAdapter) this.#nextDrop = Infinity;
    this.#interval = setInterval(() => this.#begin(), INTERVAL_MS).unref();
  }

  /** The database closes after this. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#interval);
    clearTimeout(this.#wake);
    await this.#sweeping;
  }

  /** To be called by a transaction that adds to the outbox: it is about to commit. */
  wake(): void {
    this.#wake ??= setTimeout(() => this.#begin(), WAKE_MS).unref();
  }

  #begin(): void {
    clearTimeout(this.#wake);
    this.#wake = undefined;
    this.#sweeping ??= this.#sweep()
      .then(() => this.tasks.succeeded('outbox'))
      .catch(() => this.#logger.warn('The outbox could not be swept; this is tried again in a second.'))
      .finally(() => (this.#sweeping = undefined));
  }

  async #sweep(): Promise<void> {
    const now = Date.now();
    const isTimeToDrop = now >= this.#nextDrop;
    if (isTimeToDrop) this.#nextDrop = now + DROP_INTERVAL_MS;
    for (const name of DURABLE_EVENTS) {
      if (this.events.hasListener(name)) while (!this.#isStopped && (await this.#tellSome(name)) === AT_ONCE);
      // Who listens to nothing leaves it to those who do.
      else if (isTimeToDrop) await this.outbox.drop(name, new Date(now - UNHEARD_MS));
    }
  }

  /** @returns how many there were */
  async #tellSome(name: DurableEventName): Promise<number> {
    const now = Date.now();
    const due = await this.outbox.take(name, new Date(now), new Date(now + LEASE_MS), AT_ONCE);
    const observed = await Promise.all(due.map((event) => this.#tell(name, event)));
    const postponed = due.filter((_, index) => !observed[index]).map((event) => [event, new Date(Date.now() + backoffOf(event))] as const);
    if (due.length > 0)
      await this.outbox.finish(
        due.filter((_, index) => observed[index]),
        postponed,
      );
    return due.length;
  }

  async #tell(name: DurableEventName, { id, payload, attempts }: DueEvent): Promise<boolean> {
    const patience = new AbortController();
    const reassigned = delay(PATIENCE_MS, false, { signal: patience.signal, ref: false }).catch(() => false);
    const isTold = await Promise.race([this.events.deliver(name, payload, { eventId: id, attempt: attempts }), reassigned]);
    patience.abort();
    if (!isTold) this.#logger.warn(`A listener for ${name} failed with event ${id}, attempt ${attempts}; it is told again later.`);
    return isTold;
  }
}

function backoffOf({ attempts }: DueEvent): number {
  return Math.min(1_000 * 2 ** (attempts - 1), MAX_BACKOFF_MS);
}
