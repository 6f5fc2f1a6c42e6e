import { columns, inserted } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import { type DeliveryRow, RECEIVES, NEW_COLUMNS } from '../delivery/deliveries.statements.js';
import { type DeliveryState, EventDeliveryEntity } from '../delivery/event-delivery.entity.js';

/** Conditions that use the partial indexes. */
const STATES: Readonly<Record<DeliveryState | 'any', string>> = {
  any: '',
  pending: `AND state = 'pending' AND due_at IS NOT NULL`,
  delivered: `AND state = 'delivered'`,
  failed: `AND state = 'failed'`,
};

const list = (state: DeliveryState | 'any') =>
  sql<DeliveryRow>(
    `SELECT ${columns(EventDeliveryEntity)} FROM event_deliveries
     WHERE destination_id = $1 AND event_id < $2 AND COALESCE(type = $3, true) ${STATES[state]}
     ORDER BY event_id DESC LIMIT $4`,
    `list_${state}_event_deliveries`,
  );

/** $1 destination, $2 event before which, $3 type or `null`, $4 limit. The newest event first. */
export const LIST = {
  any: list('any'),
  pending: list('pending'),
  delivered: list('delivered'),
  failed: list('failed'),
};

/** Bounds the cost of counting. */
const MAX_COUNTED = 10_000;

/** Pending deliveries to enabled destinations. Returns no row if there are none. */
export const PENDING = sql<Pick<DeliveryRow, 'createdAt'> & { readonly pending: number }>(
  `SELECT ${columns(EventDeliveryEntity, { of: 'first', only: ['createdAt'] })}, COUNT(*) OVER () AS pending
   FROM (SELECT x.created_at FROM event_destinations d JOIN event_deliveries x ON x.destination_id = d.id
     WHERE d.enabled AND d.next_due_at IS NOT NULL AND x.due_at IS NOT NULL LIMIT ${MAX_COUNTED}) AS first
   ORDER BY first.created_at LIMIT 1`,
  'pending_event_deliveries',
);

/** Parameters: `columnValues(EventDeliveryEntity, …)`. */
export const ADD = sql<never>(`INSERT INTO event_deliveries ${inserted(EventDeliveryEntity)}`);

/** $1 destination, $2 event, $3 now. Starts the retries again. */
export const RETRY = sql<DeliveryRow>(
  `UPDATE event_deliveries SET state = 'pending', attempts = 0, due_at = $3
   WHERE destination_id = $1 AND event_id = $2 RETURNING ${columns(EventDeliveryEntity)}`,
);

/** $1 destination, $2 first event, $3 now, $4 limit. */
export const RECOVER_FAILED = sql<{ eventId: string }>(
  `UPDATE event_deliveries SET state = 'pending', attempts = 0, due_at = $3
   WHERE destination_id = $1 AND (event_id, day) IN (SELECT event_id, day FROM event_deliveries
     WHERE destination_id = $1 AND state = 'failed' AND event_id >= $2 AND type <> 'destination.test'
     ORDER BY event_id LIMIT $4)
   RETURNING event_id AS "eventId"`,
);

const recoverMissed = (name: string, ofProject: string) =>
  sql<{ eventId: string }>(
    `INSERT INTO event_deliveries (${NEW_COLUMNS})
     SELECT d.id, e.id, $4, e.type, 'pending', 0, $3, '[]', $3
     FROM events e JOIN event_destinations d ON d.id = $1
     WHERE e.id >= $2 AND e.seq > 0 AND ${ofProject} AND ${RECEIVES}
       AND NOT EXISTS (SELECT 1 FROM event_deliveries x WHERE x.destination_id = $1 AND x.event_id = e.id)
     ORDER BY e.id LIMIT $5
     RETURNING event_id AS "eventId"`,
    name,
  );

/**
 * $1 destination, $2 first event, $3 now, $4 day, $5 limit; `ofProject` also $6 project. Makes deliveries of
 * published events that have none.
 */
export const RECOVER_MISSED = {
  all: recoverMissed('recover_events_of_all', 'd.project_id IS NULL'),
  ofProject: recoverMissed('recover_events_of_project', 'e.project_id = $6'),
};
