import { Injectable } from '@nestjs/common';
import { v7 as uuidV7 } from 'uuid';
import { DomainError } from '../../../common/errors.js';
import { columnValues } from '../../../database/columns.js';
import { Database, query, type SqlValue, type Statement } from '../../../database/database.js';
import { dayOf, wake } from '../delivery/deliveries.repository.js';
import { type DeliveryRow, LOCK_DESTINATION } from '../delivery/deliveries.statements.js';
import { DeliveryWorker } from '../delivery/delivery-worker.js';
import { type DeliveryState, EventDeliveryEntity } from '../delivery/event-delivery.entity.js';
import { loggedAttempt } from '../delivery/retries.js';
import { about, DestinationsRepository, type Holder } from '../destinations/destinations.repository.js';
import { EventLog } from '../event-log.js';
import type { EventType } from '../event-types.js';
import * as statements from './delivery-log.statements.js';
import { RECOVERY_BATCH } from './delivery-log.statements.js';

/** The greatest id: the first page begins before it. */
const END = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** Deliveries that one request recovers, of each kind. */
const MOST_RECOVERED = 10_000;
/** An event is published after it is made. Clocks of processes and the database may differ by less. */
const CLOCK_SKEW_MS = 3_600_000;

export interface DeliveryFilter {
  readonly state: DeliveryState | null;
  readonly type: EventType | null;
  /** The event before which the page begins. */
  readonly before: string | null;
  readonly limit: number;
}

export interface DeliveryPage {
  readonly deliveries: readonly DeliveryRow[];
  readonly hasMore: boolean;
}

/** Deliveries that wait for an attempt, up to 10,000, and when the oldest of them was due. */
export interface PendingDeliveries {
  readonly count: number;
  /** `null` if none is due. */
  readonly oldest: Date | null;
}

/** Reads the deliveries of a destination, and sends them again. */
@Injectable()
export class DeliveriesService {
  constructor(
    private readonly database: Database,
    private readonly destinations: DestinationsRepository,
    private readonly log: EventLog,
    private readonly worker: DeliveryWorker,
  ) {}

  /** @returns one page, the newest event first @throws DomainError `event_destination_not_found` */
  async list(
    holder: Holder,
    id: string,
    { state, type, before, limit }: DeliveryFilter,
  ): Promise<DeliveryPage> {
    await this.destinations.find(holder, id);
    const values = [id, before ?? END, type, limit];
    const deliveries = await this.database.query(statements.LIST[state ?? 'any'], values);
    const found = deliveries[0]?.found ?? 0;
    return { deliveries, hasMore: found === limit || deliveries.length < found };
  }

  /** Those to enabled destinations. `oldest` leaves out failing ones. */
  async pending(): Promise<PendingDeliveries> {
    const [row] = await this.database.query(statements.PENDING, [new Date()]);
    return { count: row?.pending ?? 0, oldest: row?.oldest ?? null };
  }

  /** @throws DomainError `event_destination_not_found`, `event_delivery_not_found` */
  async retry(holder: Holder, id: string, eventId: string): Promise<DeliveryRow> {
    await this.destinations.find(holder, id);
    const now = new Date();
    const [delivery] = await this.database.transaction(function* () {
      // Locked first, as by the worker.
      yield* query(LOCK_DESTINATION, [id]);
      const rows = yield* query(statements.RETRY, [id, eventId, now]);
      yield* wake([id], now);
      return rows;
    });
    if (!delivery)
      throw new DomainError('event_delivery_not_found', 'The destination has no delivery of this event.');
    this.worker.wake();
    return delivery;
  }

  /**
   * Sends failed deliveries again, and events from before the destination was made or while it was disabled.
   * @returns how many there are, and whether more are left
   * @throws DomainError `event_destination_not_found`
   */
  async recover(holder: Holder, id: string, since: Date): Promise<{ count: number; hasMore: boolean }> {
    await this.destinations.find(holder, id);
    const first = uuidV7({ msecs: since.getTime(), random: new Uint8Array(16) });
    const counts = [
      await this.#recoverFailed(id, first),
      await this.#recoverMissed(holder, id, { first, after: (since.getTime() - CLOCK_SKEW_MS) * 1_000 }),
    ];
    this.worker.wake();
    return {
      count: counts.reduce((sum, count) => sum + count, 0),
      hasMore: counts.some((count) => count === MOST_RECOVERED),
    };
  }

  async #recoverFailed(id: string, first: string): Promise<number> {
    let [count, batch] = [0, RECOVERY_BATCH];
    while (batch === RECOVERY_BATCH && count < MOST_RECOVERED) {
      const now = new Date();
      batch = await this.#recover(id, now, statements.RECOVER_FAILED, [id, first, now]);
      count += batch;
    }
    return count;
  }

  /** @param after the place before the first event, in the order of publishing */
  async #recoverMissed(
    holder: Holder,
    id: string,
    { first, after }: { first: string; after: number },
  ): Promise<number> {
    let count = 0;
    let place = Math.max(0, after);
    while (count < MOST_RECOVERED) {
      const events = await (holder === null
        ? this.database.query(statements.PUBLISHED_SINCE.all, [place, RECOVERY_BATCH])
        : this.database.query(statements.PUBLISHED_SINCE.ofProject, [place, RECOVERY_BATCH, holder]));
      const last = events.at(-1);
      if (!last) break;
      place = last.seq;
      const ids = JSON.stringify(events.flatMap((event) => (event.id >= first ? [event.id] : [])));
      const now = new Date();
      const values = [id, ids, now, dayOf(now), MOST_RECOVERED - count];
      count += await this.#recover(id, now, statements.RECOVER_MISSED, values);
    }
    return count;
  }

  /** Two requests recover nothing twice. @returns the number of deliveries */
  #recover(id: string, now: Date, statement: Statement<object>, values: SqlValue[]): Promise<number> {
    return this.database.transaction(function* () {
      // Locked first, as by the worker.
      yield* query(LOCK_DESTINATION, [id]);
      const recovered = yield* query(statement, values);
      if (recovered.length > 0) yield* wake([id], now);
      return recovered.length;
    });
  }

  /**
   * Sends a test event at once, also to a disabled destination. It is not repeated, and doesn't count as a
   * failure of the destination.
   * @throws DomainError `event_destination_not_found`, `shutting_down`
   */
  async test(holder: Holder, id: string): Promise<DeliveryRow> {
    const { database, log } = this;
    const destination = await this.destinations.find(holder, id);
    const event = await database.transaction(() =>
      log.add(['destination.test', { projectId: holder, mode: null, ...about(destination) }]),
    );
    const attempt = await this.worker.attempt(destination, { event });
    if (!attempt) throw new DomainError('shutting_down', 'This server is stopping; send the request again.');
    const delivery: DeliveryRow = {
      destinationId: id,
      eventId: event.id,
      day: dayOf(event.createdAt),
      type: event.type,
      state: attempt.error === null ? 'delivered' : 'failed',
      attempts: 1,
      dueAt: null,
      log: JSON.stringify([loggedAttempt(attempt)]),
      response: attempt.response,
      createdAt: event.createdAt,
    };
    await database.write(statements.ADD, columnValues(EventDeliveryEntity, delivery));
    return delivery;
  }
}
