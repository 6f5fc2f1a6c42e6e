import { columns, type RowOf } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import type { DestinationRow } from '../destinations/destinations.statements.js';
import { EventDestinationEntity } from '../destinations/event-destination.entity.js';
import { EventEntity } from '../event.entity.js';
import type { EventContent } from '../event-log.statements.js';
import { EventDeliveryEntity } from './event-delivery.entity.js';

export type DeliveryRow = RowOf<EventDeliveryEntity>;

/** Whether destination `d` receives event `e`. An event of both modes goes to destinations of each. */
export const RECEIVES = `(d.mode IS NULL OR e.mode IS NULL OR d.mode = e.mode)
  AND (d.event_types IS NULL OR d.event_types LIKE '% ' || e.type || ' %')`;

export const NEW_COLUMNS = 'destination_id, event_id, day, type, state, attempts, due_at, log, created_at';

/** $1 event ids as a JSON array, $2 now, $3 day. Makes the deliveries of new events. */
export const FAN_OUT = sql<{ destinationId: string }>(
  ({ jsonUuids }) => `INSERT INTO event_deliveries (${NEW_COLUMNS})
   SELECT d.id, e.id, $3, e.type, 'pending', 0, $2, '[]', $2
   FROM events e JOIN event_destinations d ON d.project_id = e.project_id OR d.project_id IS NULL
   WHERE e.id IN (${jsonUuids('$1')}) AND d.enabled AND ${RECEIVES}
   RETURNING destination_id AS "destinationId"`,
  'fan_out_events',
);

/** $1 destinations as a JSON array. In the order of ids, so that transactions can't wait for each other. */
export const LOCK_DESTINATIONS = sql<never>(
  ({ jsonUuids, rowLock }) =>
    `SELECT id FROM event_destinations WHERE id IN (${jsonUuids('$1')}) ORDER BY id ${rowLock()}`,
  'lock_event_destinations',
);

/**
 * $1 destinations as a JSON array, $2 now, $3 the start of the current pause, $4 the end of a new one: those that
 * failed since $3, and before $5 too, wait. Call it while they are locked: a worker may just find that nothing is due.
 */
export const WAKE = sql<never>(
  ({ jsonUuids }) => `UPDATE event_destinations SET next_due_at = CASE
     WHEN next_due_at <= $2 THEN next_due_at
     WHEN failing_since IS NULL OR failing_since >= $5 OR last_failure_at <= $3 THEN $2
     WHEN next_due_at <= $4 THEN next_due_at
     ELSE $4 END
   WHERE id IN (${jsonUuids('$1')})`,
  'wake_event_destinations',
);

/**
 * $1 now, $2 limit, $3 whether they are failing, $4 destinations as a JSON array, $5 whether to search among
 * these or among the others. The destinations with something to send.
 */
export const FIND_DUE = sql<{ id: string }>(
  ({ jsonUuids }) => `SELECT id FROM event_destinations
   WHERE enabled AND next_due_at <= $1 AND (failing_since IS NOT NULL) = $3
     AND (id IN (${jsonUuids('$4')})) = $5 ORDER BY next_due_at LIMIT $2`,
  'find_due_event_destinations',
);

/** $1 destination. */
export const LOCK_DESTINATION = sql<DestinationRow>(
  ({ rowLock }) =>
    `SELECT ${columns(EventDestinationEntity)} FROM event_destinations WHERE id = $1 ${rowLock()}`,
  'lock_event_destination',
);

const CLAIMED = ['eventId', 'day', 'type', 'attempts', 'dueAt', 'log'] as const;

/** A leased delivery. `dueAt` is the end of the lease, by which later statements recognize it. */
export type Claimed = Pick<DeliveryRow, (typeof CLAIMED)[number]>;

/**
 * Attempts of one process to one destination at a time. A limit in the text lets PostgreSQL plan for few rows: with a parameter it expects a
 * tenth of the table, and reads all of it.
 */
export const MOST_CLAIMED = 5;

/** $1 destination, $2 now, $3 end of the lease, $4 limit, up to `MOST_CLAIMED`. */
export const CLAIM = sql<Claimed>(
  `UPDATE event_deliveries SET due_at = $3 WHERE destination_id = $1 AND (event_id, day) IN (
     SELECT event_id, day FROM (SELECT event_id, day FROM event_deliveries
       WHERE destination_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT ${MOST_CLAIMED}) AS first LIMIT $4)
   RETURNING ${columns(EventDeliveryEntity, { only: CLAIMED })}`,
  'claim_event_deliveries',
);

/** $1 ids of claimed events as a JSON array. */
export const FIND_EVENTS = sql<EventContent>(
  ({ jsonUuids }) =>
    `SELECT ${columns(EventEntity, { only: ['id', 'projectId', 'mode', 'type', 'data', 'createdAt'] })}
     FROM events WHERE id IN (${jsonUuids('$1')} LIMIT ${MOST_CLAIMED})`,
  'find_events_to_deliver',
);

/**
 * $1 destination, $2 event, $3 day, $4 end of the lease, $5 state, $6 due, $7 log, $8 response. Changes nothing
 * after the lease, when another process or a retry has the delivery.
 */
export const FINISH = sql<never>(
  `UPDATE event_deliveries SET state = $5, due_at = $6, log = $7, response = $8, attempts = attempts + 1
   WHERE destination_id = $1 AND event_id = $2 AND day = $3 AND due_at = $4`,
  'finish_event_delivery',
);

/** $1 destination, $2 event, $3 day, $4 end of the lease, $5 now. Ends the lease of an attempt without an outcome. */
export const RELEASE = sql<never>(
  `UPDATE event_deliveries SET due_at = $5
   WHERE destination_id = $1 AND event_id = $2 AND day = $3 AND due_at = $4`,
  'release_event_delivery',
);

/**
 * $1 destination, $2 before which nothing is due. Call it while the destination is locked: a new delivery would
 * be missed.
 */
export const SETTLE = sql<never>(
  `UPDATE event_destinations SET next_due_at = (
     SELECT CASE WHEN min(due_at) < $2 THEN $2 ELSE min(due_at) END FROM event_deliveries
     WHERE destination_id = $1 AND due_at IS NOT NULL)
   WHERE id = $1`,
  'settle_event_destination',
);

/** $1 day before which deliveries are dropped. PostgreSQL only. */
export const KEEP_DAYS = sql<never>('SELECT keep_event_days($1::date)');

/** $1 day, $2 limit. SQLite only: its rows are in the order of their days. */
export const FORGET = sql<{ eventId: string }>(
  `DELETE FROM event_deliveries WHERE day < $1
     AND rowid IN (SELECT rowid FROM event_deliveries ORDER BY rowid LIMIT $2)
   RETURNING event_id AS "eventId"`,
);

/** $1 destination, $2 failing since or NULL, $3 last failure. A new period of failures has no warnings. */
export const NOTE_HEALTH = sql<never>(
  `UPDATE event_destinations SET
     warnings = CASE WHEN failing_since = $2 THEN warnings ELSE 0 END, failing_since = $2, last_failure_at = $3
   WHERE id = $1`,
  'note_health_of_event_destination',
);
