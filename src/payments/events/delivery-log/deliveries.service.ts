import { Injectable } from '@nestjs/common';
import { v7 as uuidV7 } from 'uuid';
import { DomainError } from '../../../common/errors.js';
import { columnValues } from '../../../database/columns.js';
import { Database, query } from '../../../database/database.js';
import { dayOf, wake } from '../delivery/deliveries.repository.js';
import { type DeliveryRow, LOCK_DESTINATION } from '../delivery/deliveries.statements.js';
import { DeliveryWorker } from '../delivery/delivery-worker.js';
import { type DeliveryState, EventDeliveryEntity } from '../delivery/event-delivery.entity.js';
import { loggedAttempt } from '../delivery/retries.js';
import { about, DestinationsRepository, type Holder } from '../destinations/destinations.repository.js';
import { EventLog } from '../event-log.js';
import type { EventType } from '../event-types.js';
import * as statements from './delivery-log.statements.js';

/** The greatest id: the first page begins before it. */
const END = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** Deliveries that one request recovers, of each kind. */
const MOST_RECOVERED = 10_000;

export interface DeliveryFilter {
  readonly state: DeliveryState | null;
  readonly type: EventType | null;
  /** The event before which the page begins. */
  readonly before: string | null;
  readonly limit: number;
}

/** Deliveries that wait for an attempt, up to 10,000, and the creation time of the oldest. */
export interface PendingDeliveries {
  readonly count: number;
  readonly oldest: Date | undefined;
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
  ): Promise<DeliveryRow[]> {
    await this.destinations.find(holder, id);
    return this.database.query(statements.LIST[state ?? 'any'], [id, before ?? END, type, limit]);
  }

  /** Those to enabled destinations. */
  async pending(): Promise<PendingDeliveries> {
    const [row] = await this.database.query(statements.PENDING, []);
    return { count: row?.pending ?? 0, oldest: row?.createdAt };
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
    const now = new Date();
    const first = uuidV7({ msecs: since.getTime(), random: new Uint8Array(16) });
    const counts = await this.database.transaction(function* () {
      // Locked first, as by the worker. Two requests recover nothing twice.
      yield* query(LOCK_DESTINATION, [id]);
      const failed = yield* query(statements.RECOVER_FAILED, [id, first, now, MOST_RECOVERED]);
      const values = [id, first, now, dayOf(now), MOST_RECOVERED];
      const missed =
        holder === null
          ? yield* query(statements.RECOVER_MISSED.all, values)
          : yield* query(statements.RECOVER_MISSED.ofProject, [...values, holder]);
      yield* wake([id], now);
      return [failed.length, missed.length];
    });
    this.worker.wake();
    return {
      count: counts.reduce((sum, count) => sum + count, 0),
      hasMore: counts.some((count) => count === MOST_RECOVERED),
    };
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
