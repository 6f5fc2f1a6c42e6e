import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import { SealBroken } from '../../../vault/seal/seal.js';
import { PaymentsEvents } from '../../payments-events.js';
import { DestinationSealer, type DestinationSecrets } from '../destinations/destination-secrets.js';
import { DestinationsRepository } from '../destinations/destinations.repository.js';
import { eventBody } from '../event-log.js';
import {
  DeliveriesRepository,
  type DueOptions,
  hasFailed,
  isTest,
  type LeasedDelivery,
  type TriedDelivery,
} from './deliveries.repository.js';
import { type Attempt, EventSender } from './event-sender.js';
import type { DestinationRow } from '../destinations/destinations.statements.js';
import { MOST_CLAIMED } from './deliveries.statements.js';

/** Finds retries that are due, and deliveries of processes that died. */
const INTERVAL_MS = 1_000;
/**
 * Loops of one process. Slow and failing destinations have their own, so that many of them delay no other. A
 * destination that turns out to be slow may exceed the number, once.
 */
const LOOPS = { quick: 100, slow: 100, failing: 50 };
type Pace = keyof typeof LOOPS;
/** A destination whose attempts take longer is slow. */
const SLOW_MS = 1_000;
/** Slow destinations that a process remembers. */
const MOST_SLOW = 1_000;
/** After which a loop ends, though more is due, and others have their turn. */
const TURN_MS = 2_000;
/** Until the next loop of a destination after an unexpected error. */
const ERROR_PAUSE_MS = 5_000;
/** How long attempts may take after the stop signal. Their deliveries are due at once otherwise. */
const FINISH_MS = 4_000;
const GONE = 410;
const UNREADABLE = 'The secrets of the destination were altered in the database; make the destination again.';

interface Loop {
  pace: Pace;
  readonly ended: Promise<void>;
}

/**
 * Sends deliveries. Each destination has a loop of its own, so a slow one delays no other. The loop ends when
 * nothing is due, after a failed or slow attempt, or when its turn is over.
 */
@Injectable()
export class DeliveryWorker
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly task: PeriodicTask;
  readonly #logger = new Logger(DeliveryWorker.name);
  readonly #loops = new Map<string, Loop>();
  /** Destinations whose last attempts were slow. */
  readonly #slow = new LRUCache<string, true>({ max: MOST_SLOW });
  /** Destinations whose last loop ended with an unexpected error. */
  readonly #troubled = new Set<string>();
  readonly #stopping = new AbortController();
  readonly #aborting = new AbortController();

  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly destinations: DestinationsRepository,
    private readonly sealer: DestinationSealer,
    private readonly sender: EventSender,
    private readonly events: PaymentsEvents,
    tasks: PeriodicTasks,
  ) {
    // Each loop may wait for it.
    setMaxListeners(0, this.#stopping.signal);
    this.task = tasks.add({
      name: 'event_deliveries',
      onServersOnly: true,
      intervalMs: INTERVAL_MS,
      work: () => this.#startLoops(),
      failure: 'Deliveries of events could not be read; this is tried again in a second.',
    });
  }

  onApplicationBootstrap(): void {
    this.task.start();
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
    await Promise.all([...this.#loops.values()].map(({ ended }) => ended));
    this.sender.close();
  }

  /**
   * Sends one event, apart from the loop of the destination.
   * @param opening the destination's secrets, which several attempts share
   */
  async attempt(
    destination: DestinationRow,
    { event }: Pick<LeasedDelivery, 'event'>,
    opening = this.#open(destination),
  ): Promise<Attempt | undefined> {
    const { url } = destination;
    const secrets = await opening;
    if (!secrets) return { at: new Date(), durationMs: 0, status: null, error: UNREADABLE, response: null };
    const body = JSON.stringify(eventBody(event));
    const attempt = await this.sender.send({ url, secrets, id: event.id, body }, this.#aborting.signal);
    if (attempt)
      this.events.emit('delivery.attempted', { result: attempt.error === null ? 'delivered' : 'failed' });
    return attempt;
  }

  /** @returns `undefined` if the stored secrets were altered */
  async #open({ id, sealed }: DestinationRow): Promise<DestinationSecrets | undefined> {
    try {
      return await this.sealer.open(id, sealed);
    } catch (error) {
      if (error instanceof SealBroken) return undefined;
      throw error;
    }
  }

  async #startLoops(): Promise<void> {
    const slow = [...this.#slow.keys()];
    await this.#start('quick', { isFailing: false, besides: [...this.#loops.keys(), ...slow] });
    await this.#start('slow', { isFailing: false, among: slow.filter((id) => !this.#loops.has(id)) });
    await this.#start('failing', { isFailing: true, besides: [...this.#loops.keys()] });
  }

  async #start(pace: Pace, which: Omit<DueOptions, 'limit'>): Promise<void> {
    const running = [...this.#loops.values()].filter((loop) => loop.pace === pace).length;
    const limit = LOOPS[pace] - running;
    if (limit <= 0 || which.among?.length === 0) return;
    for (const id of await this.deliveries.due({ ...which, limit })) {
      if (this.#stopping.signal.aborted) return;
      if (!this.#loops.has(id)) this.#loops.set(id, { pace, ended: this.#run(id) });
    }
  }

  async #run(id: string): Promise<void> {
    try {
      await this.#loop(id);
      this.#troubled.delete(id);
    } catch {
      if (!this.#troubled.has(id))
        this.#logger.warn(`Events could not be sent to destination ${id}; this is tried again.`);
      this.#troubled.add(id);
      await sleep(ERROR_PAUSE_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    } finally {
      this.#loops.delete(id);
      this.wake();
    }
  }

  async #loop(id: string): Promise<void> {
    const limitFor = ({ failingSince }: DestinationRow) => (failingSince ? 1 : MOST_CLAIMED);
    const endsAt = performance.now() + TURN_MS;
    let tried: readonly TriedDelivery[] = [];
    let problem: Error | undefined;
    let isOver = false;
    for (;;) {
      const isLast = isOver || this.#stopping.signal.aborted;
      const round = await this.deliveries.next(id, tried, isLast ? () => 0 : limitFor);
      if (!round) return;
      const { destination, deliveries } = round;
      if (tried.some(isGone)) await this.destinations.disable(destination, 'gone');
      if (problem) throw problem;
      if (deliveries.length === 0) return;
      ({ tried, problem } = await this.#try(destination, deliveries));
      const isSlow = this.#slow.has(id);
      isOver = problem !== undefined || isSlow || tried.some(hasFailed) || performance.now() > endsAt;
    }
  }

  /** @returns the outcomes, and an unexpected error if there was one */
  async #try(
    destination: DestinationRow,
    deliveries: readonly LeasedDelivery[],
  ): Promise<{ tried: TriedDelivery[]; problem: Error | undefined }> {
    const { id } = destination;
    const startedAt = performance.now();
    const noting = setTimeout(() => this.#noteSlow(id), SLOW_MS);
    let problem: Error | undefined;
    const opening = this.#open(destination);
    const tried = await Promise.all(
      deliveries.map(async (delivery) => {
        const attempt = await this.attempt(destination, delivery, opening).catch((error: Error) => {
          problem = error;
          return undefined;
        });
        return { delivery, attempt };
      }),
    );
    clearTimeout(noting);
    if (performance.now() - startedAt < SLOW_MS) this.#slow.delete(id);
    return { tried, problem };
  }

  /** Gives the place of the loop to another destination while its attempts last. */
  #noteSlow(id: string): void {
    const loop = this.#loops.get(id);
    if (loop?.pace === 'quick') loop.pace = 'slow';
    this.#slow.set(id, true);
    this.wake();
  }
}

function isGone(tried: TriedDelivery): boolean {
  return tried.attempt?.status === GONE && !isTest(tried.delivery);
}
