import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Deadline } from '../../common/deadline.js';
import type { PeriodicTask } from '../../database/periodic-task.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { DURABLE_EVENTS, type DurableEventName, PaymentsEvents } from '../payments-events.js';
import { EventLog, listenerPayload } from './event-log.js';
import type { DueEvent } from './event-log.statements.js';

/** Lets a burst of transactions share one sweep. */
const WAKE_MS = 50;
/** Finds events of processes that died, and retries that are due. */
const INTERVAL_MS = 1_000;
const BATCH = 50;
const LISTENER_TIMEOUT_MS = 30_000;
/** Outlasts the slowest listener: an event whose lease has ended belongs to a process that died. */
const LEASE_MS = 60_000;
const MAX_BACKOFF_MS = 3_600_000;

/**
 * Delivers events to the listeners of this process. Each process leases its batches, so several can run at
 * once.
 */
@Injectable()
export class ListenerDeliveries implements OnApplicationBootstrap {
  readonly #logger = new Logger(ListenerDeliveries.name);
  readonly #task: PeriodicTask;

  constructor(
    private readonly log: EventLog,
    private readonly events: PaymentsEvents,
    tasks: PeriodicTasks,
  ) {
    this.#task = tasks.add({
      name: 'outbox',
      intervalMs: INTERVAL_MS,
      work: (signal) => this.#sweep(signal),
      failure: 'Events could not be delivered to listeners; this is tried again in a second.',
    });
    log.onAdded(() => this.#task.wake(WAKE_MS));
  }

  onApplicationBootstrap(): void {
    this.#task.start();
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    for (const name of DURABLE_EVENTS)
      if (this.events.hasListener(name)) await this.#deliverDue(name, signal);
  }

  async #deliverDue(name: DurableEventName, signal: AbortSignal): Promise<void> {
    let count = BATCH;
    while (count === BATCH && !signal.aborted) count = await this.#deliverBatch(name);
  }

  /** @returns the size of the batch */
  async #deliverBatch(name: DurableEventName): Promise<number> {
    const now = new Date();
    const until = new Date(now.getTime() + LEASE_MS);
    const due = await this.log.lease(name, { now, until, limit: BATCH });
    const isDelivered = await Promise.all(due.map((event) => this.#deliver(name, event)));
    const postponed = due
      .filter((_, index) => !isDelivered[index])
      .map((event) => [event, new Date(Date.now() + backoffOf(event))] as const);
    const delivered = due.filter((_, index) => isDelivered[index]);
    if (due.length > 0) await this.log.finish(delivered, postponed);
    return due.length;
  }

  async #deliver(name: DurableEventName, event: DueEvent): Promise<boolean> {
    const { id, attempts } = event;
    const call = () => this.events.deliver(name, listenerPayload(event), { eventId: id, attempt: attempts });
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
