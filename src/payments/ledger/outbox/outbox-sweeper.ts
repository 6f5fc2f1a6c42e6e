import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Deadline } from '../../../common/deadline.js';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import { DURABLE_EVENTS, type DurableEventName, PaymentsEvents } from '../../payments-events.js';
import type { DueEvent } from './outbox-event.entity.js';
import { OutboxRepository } from './outbox.repository.js';

/** Lets a burst of transactions share one sweep. */
const WAKE_MS = 50;
/** Finds events of processes that died, and retries that are due. */
const INTERVAL_MS = 1_000;
const BATCH = 50;
const LISTENER_TIMEOUT_MS = 30_000;
/** Outlasts the slowest listener: an event whose lease has ended belongs to a process that died. */
const LEASE_MS = 60_000;
const MAX_BACKOFF_MS = 3_600_000;
/** Keeps events for a listening process that is down or not deployed yet. */
const MAX_AGE_WITHOUT_LISTENER_MS = 30 * 24 * 3_600_000;
const DROP_INTERVAL_MS = 60_000;

/**
 * Delivers the outbox to the listeners of this process. Each process leases its batches, so several can run
 * at once.
 */
@Injectable()
export class OutboxSweeper implements OnApplicationBootstrap {
  readonly #logger = new Logger(OutboxSweeper.name);
  readonly #task: PeriodicTask;
  #nextDrop = 0;

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly events: PaymentsEvents,
    private readonly host: HttpAdapterHost,
    tasks: PeriodicTasks,
  ) {
    this.#task = tasks.add({
      name: 'outbox',
      intervalMs: INTERVAL_MS,
      work: (signal) => this.#sweep(signal),
      failure: 'The outbox could not be swept; this is tried again in a second.',
    });
  }

  onApplicationBootstrap(): void {
    // A command of the CLI has no listeners, so it must not drop events.
    if (!this.host.httpAdapter) this.#nextDrop = Infinity;
    this.#task.start();
  }

  /** Schedules a sweep. Called in the transaction that adds to the outbox, shortly before the commit. */
  wake(): void {
    this.#task.wake(WAKE_MS);
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const withoutListener = DURABLE_EVENTS.filter((name) => !this.events.hasListener(name));
    for (const name of DURABLE_EVENTS)
      if (!withoutListener.includes(name)) await this.#deliverDue(name, signal);
    const now = Date.now();
    if (now < this.#nextDrop) return;
    this.#nextDrop = now + DROP_INTERVAL_MS;
    for (const name of withoutListener)
      await this.outbox.drop(name, new Date(now - MAX_AGE_WITHOUT_LISTENER_MS));
  }

  async #deliverDue(name: DurableEventName, signal: AbortSignal): Promise<void> {
    let count = BATCH;
    while (count === BATCH && !signal.aborted) count = await this.#deliverBatch(name);
  }

  /** @returns the size of the batch */
  async #deliverBatch(name: DurableEventName): Promise<number> {
    const now = new Date();
    const until = new Date(now.getTime() + LEASE_MS);
    const due = await this.outbox.lease(name, { now, until, limit: BATCH });
    const isDelivered = await Promise.all(due.map((event) => this.#deliver(name, event)));
    const postponed = due
      .filter((_, index) => !isDelivered[index])
      .map((event) => [event, new Date(Date.now() + backoffOf(event))] as const);
    const delivered = due.filter((_, index) => isDelivered[index]);
    if (due.length > 0) await this.outbox.finish(delivered, postponed);
    return due.length;
  }

  async #deliver(name: DurableEventName, { id, payload, attempts }: DueEvent): Promise<boolean> {
    const call = () => this.events.deliver(name, payload, { eventId: id, attempt: attempts });
    const tooLate = () => new Error('A listener did not finish in time.');
    const isDelivered = await Deadline.within(LISTENER_TIMEOUT_MS, call, tooLate).catch(() => false);
    if (!isDelivered)
      this.#logger.warn(
        `A listener for ${name} failed with event ${id}, attempt ${attempts}; it will be retried.`,
      );
    return isDelivered;
  }
}

function backoffOf({ attempts }: DueEvent): number {
  return Math.min(1_000 * 2 ** (attempts - 1), MAX_BACKOFF_MS);
}
