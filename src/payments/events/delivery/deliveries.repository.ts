import { Injectable } from '@nestjs/common';
import { Semaphore } from '../../../common/semaphore.js';
import { Database, exec, query, type Steps } from '../../../database/database.js';
import type { DestinationRow } from '../destinations/destinations.statements.js';
import { EventLog } from '../event-log.js';
import type { EventContent } from '../event-log.statements.js';
import * as statements from './deliveries.statements.js';
import type { Claimed } from './deliveries.statements.js';
import type { Attempt } from './event-sender.js';
import { ATTEMPTS_KEPT, loggedAttempt, type LoggedAttempt, retryAfter } from './retries.js';

/** Outlasts an attempt: a delivery whose lease has ended belongs to a process that died. */
const LEASE_MS = 60_000;
/** From a failed attempt to the next one to a dead destination, though others of its deliveries are due. */
const FAILING_PAUSE_MS = 5_000;
/** A destination that fails for less may answer the next event, and gets it at once. */
const DEAD_AFTER_MS = 60_000;
/** Transactions of loops at a time: they leave connections of the pool to requests. */
const LOOP_TRANSACTIONS = 4;

/** A delivery that this process has leased. */
export interface LeasedDelivery extends Claimed {
  readonly event: EventContent;
}

/** A delivery after its attempt, which is `undefined` if it was aborted. */
export interface TriedDelivery {
  readonly delivery: Claimed;
  readonly attempt: Attempt | undefined;
}

/** Destinations with something to send: some of the given ones, or of all `besides` them. */
export interface DueOptions {
  readonly isFailing: boolean;
  readonly among?: readonly string[];
  readonly besides?: readonly string[];
  readonly limit: number;
}

/** The next deliveries of a destination; none if nothing is due. */
export interface Round {
  readonly destination: DestinationRow;
  readonly deliveries: readonly LeasedDelivery[];
}

/** Stores deliveries, and hands them out. */
@Injectable()
export class DeliveriesRepository {
  readonly #turns = new Semaphore({
    concurrency: LOOP_TRANSACTIONS,
    queued: Infinity,
    tooBusy: () => new Error('The queue has no limit.'),
  });

  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
  ) {}

  /**
   * Numbers new events, and makes their deliveries. One process does so at a time.
   * @returns how many events there were, and the destinations that have something to send
   */
  publish(limit: number): Promise<{ published: number; destinations: string[] }> {
    const { database, log } = this;
    return database.transaction(function* () {
      yield* database.lock('publish events');
      const ids = yield* log.publish(limit);
      if (ids.length === 0) return { published: 0, destinations: [] };
      const now = new Date();
      const made = yield* query(statements.FAN_OUT, [JSON.stringify(ids), now, dayOf(now)]);
      const destinations = [...new Set(made.map(({ destinationId }) => destinationId))];
      if (destinations.length > 0) yield* wake(destinations, now, FAILING_PAUSE_MS);
      return { published: ids.length, destinations };
    });
  }

  /** Destinations with something to send, those first that waited longest. */
  async due({ isFailing, among, besides = [], limit }: DueOptions): Promise<string[]> {
    const values = [new Date(), limit, isFailing, JSON.stringify(among ?? besides), among !== undefined];
    return (await this.database.query(statements.FIND_DUE, values)).map(({ id }) => id);
  }

  /** On PostgreSQL: makes the partitions of the next days, and drops those from before the given time. */
  async keepDays(before: Date): Promise<void> {
    if (this.database.engine === 'postgres') await this.database.query(statements.KEEP_DAYS, [dayOf(before)]);
  }

  /** On SQLite: deletes at most `limit` deliveries from before the given time. @returns how many there were */
  async forget(before: Date, limit: number): Promise<number> {
    if (this.database.engine === 'postgres') return 0;
    return (await this.database.write(statements.FORGET, [dayOf(before), limit])).length;
  }

  /**
   * Records the attempts of the last round, and leases the deliveries of the next one.
   * @param limitFor how many deliveries are handed out
   */
  next(
    destinationId: string,
    tried: readonly TriedDelivery[],
    limitFor: (destination: DestinationRow) => number,
  ): Promise<Round | undefined> {
    return this.#turns.run(() => this.database.transaction(() => this.#next(destinationId, tried, limitFor)));
  }

  *#next(
    id: string,
    tried: readonly TriedDelivery[],
    limitFor: (destination: DestinationRow) => number,
  ): Steps<Round | undefined> {
    const [destination] = yield* query(statements.LOCK_DESTINATION, [id]);
    yield* finish(id, tried);
    if (!destination) return undefined;
    yield* noteHealth(destination, tried);
    const now = new Date();
    const until = new Date(now.getTime() + LEASE_MS);
    const limit = destination.enabled ? limitFor(destination) : 0;
    const claimed = limit > 0 ? yield* query(statements.CLAIM, [id, now, until, limit]) : [];
    if (claimed.length === 0) {
      const isDead = tried.some(hasFailed) && isLongAgo(destination.failingSince, now);
      const pauseMs = isDead ? FAILING_PAUSE_MS : 0;
      yield* exec(statements.SETTLE, [id, new Date(now.getTime() + pauseMs)]);
      return { destination, deliveries: [] };
    }
    const ids = JSON.stringify(claimed.map(({ eventId }) => eventId));
    const events = new Map((yield* query(statements.FIND_EVENTS, [ids])).map((event) => [event.id, event]));
    const deliveries: LeasedDelivery[] = [];
    for (const delivery of claimed) {
      const event = events.get(delivery.eventId);
      if (event) deliveries.push({ ...delivery, event });
      // The event is older than those that are kept.
      else yield* exec(statements.FINISH, [...keyOf(id, delivery), 'failed', null, delivery.log, null]);
    }
    return { destination, deliveries };
  }
}

/** The partition of a delivery that is made at this time. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/**
 * Part of a transaction that adds deliveries: tells the workers of the destinations.
 * @param pauseMs how long after a failure a dead one waits
 */
export function* wake(destinationIds: readonly string[], now: Date, pauseMs = 0): Steps<void> {
  const ids = JSON.stringify(destinationIds);
  const after = (milliseconds: number) => new Date(now.getTime() + milliseconds);
  yield* exec(statements.LOCK_DESTINATIONS, [ids]);
  yield* exec(statements.WAKE, [ids, now, after(-pauseMs), after(pauseMs), after(-DEAD_AFTER_MS)]);
}

function isLongAgo(time: Date | null, now: Date): boolean {
  return time !== null && now.getTime() - time.getTime() > DEAD_AFTER_MS;
}

export function hasFailed({ attempt }: TriedDelivery): boolean {
  return attempt !== undefined && attempt.error !== null;
}

/** A test is no failure of the destination, and no success. */
export function isTest({ type }: Claimed): boolean {
  return type === 'destination.test';
}

function keyOf(destinationId: string, { eventId, day, dueAt }: Claimed) {
  return [destinationId, eventId, day, dueAt];
}

function* finish(destinationId: string, tried: readonly TriedDelivery[]): Steps<void> {
  for (const { delivery, attempt } of tried) {
    const key = keyOf(destinationId, delivery);
    if (!attempt) {
      yield* exec(statements.RELEASE, [...key, new Date()]);
      continue;
    }
    const { status, error, response, askedMs } = attempt;
    const before = JSON.parse(delivery.log) as LoggedAttempt[];
    const delay = error === null || status === 410 ? undefined : retryAfter(delivery.attempts + 1, askedMs);
    const due = delay === undefined ? null : new Date(Date.now() + delay);
    const log = [...before, loggedAttempt(attempt, due)].slice(-ATTEMPTS_KEPT);
    const state = error === null ? 'delivered' : due ? 'pending' : 'failed';
    yield* exec(statements.FINISH, [...key, state, due, JSON.stringify(log), response]);
  }
}

function* noteHealth(
  { id, failingSince, lastFailureAt }: DestinationRow,
  tried: readonly TriedDelivery[],
): Steps<void> {
  const ends = tried
    .flatMap(({ attempt, delivery }) =>
      attempt && !isTest(delivery) ? [{ ...attempt, end: attempt.at.getTime() + attempt.durationMs }] : [],
    )
    .sort((one, other) => one.end - other.end);
  let since = failingSince;
  let last = lastFailureAt;
  for (const { at, error, end } of ends) {
    since = error === null ? null : (since ?? at);
    if (error !== null) last = new Date(end);
  }
  if (since?.getTime() !== failingSince?.getTime() || last?.getTime() !== lastFailureAt?.getTime())
    yield* exec(statements.NOTE_HEALTH, [id, since, last]);
}
