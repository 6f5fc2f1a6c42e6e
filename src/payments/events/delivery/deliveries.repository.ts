import { Injectable } from '@nestjs/common';
import { Database, exec, query, type Steps } from '../../../database/database.js';
import type { DestinationRow } from '../destinations/destinations.statements.js';
import { EventLog } from '../event-log.js';
import type { EventContent } from '../event-log.statements.js';
import * as statements from './deliveries.statements.js';
import type { Claimed } from './deliveries.statements.js';
import type { Attempt } from './event-sender.js';
import { DESTINATION_LOG_LENGTH, loggedAttempt, type LoggedAttempt, retryAfter } from './retries.js';

/** Outlasts an attempt: a delivery whose lease has ended belongs to a process that died. */
const LEASE_MS = 60_000;

/** A delivery that this process has leased. */
export interface LeasedDelivery extends Claimed {
  readonly event: EventContent;
}

/** A delivery after its attempt, which is `undefined` if it was aborted. */
export interface TriedDelivery {
  readonly delivery: Claimed;
  readonly attempt: Attempt | undefined;
}

interface NextOptions {
  /** How many deliveries are handed out. */
  readonly limitFor: (destination: DestinationRow) => number;
  /** How long nothing is due after this round, if it hands out nothing. */
  readonly pauseMs: number;
}

/** The next deliveries of a destination; none if nothing is due. */
export interface Round {
  readonly destination: DestinationRow;
  readonly deliveries: readonly LeasedDelivery[];
}

/** Stores deliveries, and hands them out. */
@Injectable()
export class DeliveriesRepository {
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
      if (destinations.length > 0) yield* exec(statements.WAKE, [JSON.stringify(destinations), now]);
      return { published: ids.length, destinations };
    });
  }

  /** Destinations with something to send, those first that waited longest. */
  async due({ isFailing, limit }: { isFailing: boolean; limit: number }): Promise<string[]> {
    const rows = await this.database.query(statements.FIND_DUE, [new Date(), limit, isFailing]);
    return rows.map(({ id }) => id);
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

  /** Records the attempts of the last round, and leases the deliveries of the next one. */
  next(
    destinationId: string,
    tried: readonly TriedDelivery[],
    options: NextOptions,
  ): Promise<Round | undefined> {
    return this.database.transaction(() => this.#next(destinationId, tried, options));
  }

  *#next(
    id: string,
    tried: readonly TriedDelivery[],
    { limitFor, pauseMs }: NextOptions,
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
      else
        yield* exec(statements.FINISH, [
          id,
          delivery.eventId,
          delivery.day,
          'failed',
          null,
          delivery.log,
          null,
        ]);
    }
    return { destination, deliveries };
  }
}

/** The partition of a delivery that is made at this time. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function* finish(destinationId: string, tried: readonly TriedDelivery[]): Steps<void> {
  for (const { delivery, attempt } of tried) {
    const key = [destinationId, delivery.eventId, delivery.day];
    if (!attempt) {
      yield* exec(statements.RELEASE, [...key, new Date()]);
      continue;
    }
    const { status, error, response } = attempt;
    const before = JSON.parse(delivery.log) as LoggedAttempt[];
    const log = [...before, loggedAttempt(attempt)].slice(-DESTINATION_LOG_LENGTH);
    const delay = error === null || status === 410 ? undefined : retryAfter(delivery.attempts + 1);
    const due = delay === undefined ? null : new Date(Date.now() + delay);
    const state = error === null ? 'delivered' : due ? 'pending' : 'failed';
    yield* exec(statements.FINISH, [...key, state, due, JSON.stringify(log), response]);
  }
}

function* noteHealth(
  { id, failingSince, lastFailureAt }: DestinationRow,
  tried: readonly TriedDelivery[],
): Steps<void> {
  const ends = tried
    .flatMap(({ attempt }) =>
      attempt ? [{ ...attempt, end: attempt.at.getTime() + attempt.durationMs }] : [],
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
