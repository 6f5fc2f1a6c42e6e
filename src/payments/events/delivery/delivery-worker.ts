import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import { SealBroken } from '../../../vault/seal/seal.js';
import { PaymentsEvents } from '../../payments-events.js';
import { DestinationSealer } from '../destinations/destination-secrets.js';
import { DestinationsRepository } from '../destinations/destinations.repository.js';
import { eventBody } from '../event-log.js';
import { DeliveriesRepository, type LeasedDelivery, type TriedDelivery } from './deliveries.repository.js';
import { type Attempt, EventSender } from './event-sender.js';
import type { DestinationRow } from '../destinations/destinations.statements.js';

/** Finds retries that are due, and deliveries of processes that died. */
const INTERVAL_MS = 1_000;
/** Attempts of one process to one destination at a time. */
const PER_DESTINATION = 5;
/** Loops of one process. Failing destinations have their own, so that many of them delay no other. */
const LOOPS = { healthy: 100, failing: 50 };
type Health = keyof typeof LOOPS;
/** Until the next attempt to a failing destination, though others of its deliveries are due. */
const FAILING_PAUSE_MS = 5_000;
/** How long attempts may take after the stop signal. Their deliveries are due at once otherwise. */
const FINISH_MS = 4_000;
const GONE = 410;
const UNREADABLE = 'The secrets of the destination were altered in the database; make the destination again.';

/**
 * Sends deliveries. Each destination has a loop of its own, so a slow one delays no other. The loop ends when
 * nothing is due, or after a failed attempt.
 */
@Injectable()
export class DeliveryWorker
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly task: PeriodicTask;
  readonly #logger = new Logger(DeliveryWorker.name);
  readonly #loops: Readonly<Record<Health, Map<string, Promise<void>>>> = {
    healthy: new Map(),
    failing: new Map(),
  };
  readonly #stopping = new AbortController();
  readonly #aborting = new AbortController();

  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly destinations: DestinationsRepository,
    private readonly sealer: DestinationSealer,
    private readonly sender: EventSender,
    private readonly events: PaymentsEvents,
    private readonly host: HttpAdapterHost,
    tasks: PeriodicTasks,
  ) {
    this.task = tasks.add({
      name: 'event_deliveries',
      intervalMs: INTERVAL_MS,
      work: () => this.#startLoops(),
      failure: 'Deliveries of events could not be read; this is tried again in a second.',
    });
  }

  onApplicationBootstrap(): void {
    // A command of the CLI leaves it to the servers.
    if (this.host.httpAdapter) this.task.start();
  }

  wake(): void {
    this.task.wake(0);
  }

  beforeApplicationShutdown(): void {
    this.#stopping.abort();
    setTimeout(() => this.#aborting.abort(), FINISH_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#loops.healthy.values(), ...this.#loops.failing.values()]);
  }

  /** Sends one event, apart from the loop of the destination. */
  async attempt(
    destination: DestinationRow,
    { event }: Pick<LeasedDelivery, 'event'>,
  ): Promise<Attempt | undefined> {
    const { id, sealed, url } = destination;
    const secrets = await this.sealer.open(id, sealed).catch((error: unknown) => {
      if (error instanceof SealBroken) return undefined;
      throw error;
    });
    if (!secrets) return { at: new Date(), durationMs: 0, status: null, error: UNREADABLE, response: null };
    const body = JSON.stringify(eventBody(event));
    const attempt = await this.sender.send({ url, secrets, id: event.id, body }, this.#aborting.signal);
    if (attempt)
      this.events.emit('delivery.attempted', { result: attempt.error === null ? 'delivered' : 'failed' });
    return attempt;
  }

  async #startLoops(): Promise<void> {
    await this.#startLoopsOf('healthy');
    await this.#startLoopsOf('failing');
  }

  async #startLoopsOf(health: Health): Promise<void> {
    const loops = this.#loops[health];
    if (this.#stopping.signal.aborted || loops.size >= LOOPS[health]) return;
    const due = await this.deliveries.due({
      isFailing: health === 'failing',
      limit: LOOPS[health] + loops.size,
    });
    for (const id of due) {
      if (loops.size >= LOOPS[health]) return;
      if (this.#loops.healthy.has(id) || this.#loops.failing.has(id)) continue;
      const loop = this.#loop(id)
        .catch(() => this.#logger.warn(`Events could not be sent to destination ${id}; this is tried again.`))
        .finally(() => {
          loops.delete(id);
          this.wake();
        });
      loops.set(id, loop);
    }
  }

  async #loop(id: string): Promise<void> {
    const limitFor = ({ failingSince }: DestinationRow) => (failingSince ? 1 : PER_DESTINATION);
    let tried: TriedDelivery[] = [];
    for (;;) {
      const hasFailed = tried.some(({ attempt }) => attempt?.error !== null);
      const isLast = hasFailed || this.#stopping.signal.aborted;
      const pauseMs = hasFailed ? FAILING_PAUSE_MS : 0;
      const round = await this.deliveries.next(id, tried, { limitFor: isLast ? () => 0 : limitFor, pauseMs });
      if (!round) return;
      const { destination, deliveries } = round;
      if (tried.some(({ attempt }) => attempt?.status === GONE))
        await this.destinations.disable(destination, 'gone');
      if (deliveries.length === 0) return;
      tried = await Promise.all(
        deliveries.map(async (delivery) => ({
          delivery,
          attempt: await this.attempt(destination, delivery),
        })),
      );
    }
  }
}
