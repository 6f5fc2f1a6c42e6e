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

/** Answers are up to 64 KB each. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** A page ends before its limit when its answers exceed the size. `found` counts the rows up to the limit. */
const list = (state: DeliveryState | 'any') =>
  sql<DeliveryRow & { readonly found: number }>(
    `SELECT ${columns(EventDeliveryEntity, { of: 'sized' })}, found FROM (
       SELECT page.*, COUNT(*) OVER () AS found, SUM(OCTET_LENGTH(response)) OVER (
         ORDER BY event_id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
       FROM (SELECT * FROM event_deliveries
         WHERE destination_id = $1 AND event_id < $2 AND COALESCE(type = $3, true) ${STATES[state]}
         ORDER BY event_id DESC LIMIT $4) AS page) AS sized
     WHERE COALESCE(bytes_before, 0) < ${MAX_PAGE_BYTES} ORDER BY event_id DESC`,
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

/**
 * $1 now. Pending deliveries to enabled destinations, and when the first of those that wait for this service was
 * due: a failing destination waits for its receiver.
 */
export const PENDING = sql<{ readonly pending: number; readonly oldest: Date | null }>(
  `SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM event_destinations d JOIN event_deliveries x ON x.destination_id = d.id
       WHERE d.enabled AND d.next_due_at IS NOT NULL AND x.due_at IS NOT NULL LIMIT ${MAX_COUNTED}) AS first) AS pending,
     (SELECT MIN((SELECT MIN(x.due_at) FROM event_deliveries x
         WHERE x.destination_id = d.id AND x.due_at IS NOT NULL))
       FROM event_destinations d WHERE d.enabled AND d.failing_since IS NULL AND d.next_due_at <= $1) AS oldest`,
  'pending_event_deliveries',
  { computed: { oldest: Date } },
);

/** Parameters: `columnValues(EventDeliveryEntity, …)`. */
export const ADD = sql<never>(`INSERT INTO event_deliveries ${inserted(EventDeliveryEntity)}`);

/** $1 destination, $2 event, $3 now. Starts the retries again. */
export const RETRY = sql<DeliveryRow>(
  `UPDATE event_deliveries SET state = 'pending', attempts = 0, due_at = $3
   WHERE destination_id = $1 AND event_id = $2 RETURNING ${columns(EventDeliveryEntity)}`,
);

/** Rows of one transaction, which holds up the worker and the publisher. */
export const RECOVERY_BATCH = 500;

/** $1 destination, $2 first event, $3 now. A limit in the text lets PostgreSQL plan for few rows. */
export const RECOVER_FAILED = sql<{ eventId: string }>(
  `UPDATE event_deliveries SET state = 'pending', attempts = 0, due_at = $3
   WHERE destination_id = $1 AND (event_id, day) IN (SELECT event_id, day FROM event_deliveries
     WHERE destination_id = $1 AND state = 'failed' AND event_id >= $2 AND type <> 'destination.test'
     ORDER BY event_id LIMIT ${RECOVERY_BATCH})
   RETURNING event_id AS "eventId"`,
);

const publishedSince = (name: string, ofProject: string) =>
  sql<{ id: string; seq: number }>(
    `SELECT id, seq FROM events WHERE seq > $1 ${ofProject} ORDER BY seq LIMIT $2`,
    name,
  );

/** $1 the place after which, $2 limit; `ofProject` also $3 project. */
export const PUBLISHED_SINCE = {
  all: publishedSince('events_published_since', ''),
  ofProject: publishedSince('events_of_project_published_since', 'AND project_id = $3'),
};

/**
 * $1 destination, $2 events as a JSON array, $3 now, $4 day, $5 limit. Makes deliveries of those that have none,
 * except the news of the destination itself.
 */
export const RECOVER_MISSED = sql<{ eventId: string }>(
  ({ jsonUuids }) => `INSERT INTO event_deliveries (${NEW_COLUMNS})
   SELECT d.id, e.id, $4, e.type, 'pending', 0, $3, '[]', $3
   FROM events e JOIN event_destinations d ON d.id = $1
   WHERE e.id IN (${jsonUuids('$2')}) AND ${RECEIVES}
     AND NOT (e.type LIKE 'destination.%' AND e.data LIKE '{"destination":{"id":"' || d.id || '"%')
     AND NOT EXISTS (SELECT 1 FROM event_deliveries x WHERE x.destination_id = $1 AND x.event_id = e.id)
   ORDER BY e.id LIMIT $5
   RETURNING event_id AS "eventId"`,
  'recover_events',
);
