import { columnNames, columns } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { FOREIGN_REASON } from '../../ledger/read/foreign-object.js';
import { OTHER_ACCOUNT_REASON, OTHER_ENDPOINT_REASON } from './event-reader.js';
import { WebhookEventEntity } from './webhook-event.entity.js';

const SETTLED = `outcome IN ('applied', 'ignored')`;
/**
 * Reasons that may no longer be true at the next delivery, because the owner of an account or an object can
 * change. The last parameters of the statements that say so.
 */
export const REVOCABLE = [OTHER_ACCOUNT_REASON, OTHER_ENDPOINT_REASON, FOREIGN_REASON] as const;

/** @param first number of the first parameter of `REVOCABLE` */
const settledCondition = (first: number, table = '') => {
  const revocable = REVOCABLE.map((_, index) => `$${first + index}`).join(', ');
  return `(${table}outcome = 'applied' OR ${table}outcome = 'ignored' AND ${table}reason NOT IN (${revocable}))`;
};
/** The condition of the partial index: events that are unsettled or once were. */
const FAILED_ONCE = 'failed_at IS NOT NULL';

const DESCRIPTION = [
  'projectId',
  'mode',
  'id',
  'type',
  'apiVersion',
  'createdAt',
  'receivedAt',
  'processedAt',
  'outcome',
  'reason',
] as const;

const COLUMNS = columnNames(WebhookEventEntity, [
  ...DESCRIPTION,
  'duplicates',
  'sealed',
  'keyId',
  'isDelivered',
  'subscriptionId',
  'paymentIntentId',
]);

/** $1 project, $2 mode, $3 id, `REVOCABLE`. Returns a row if the event was applied or ignored before. */
export const IS_SETTLED = sql<{ id: string }>(
  `SELECT id FROM webhook_events WHERE project_id = $1 AND mode = $2 AND id = $3 AND ${settledCondition(4)}`,
  'is_webhook_event_settled',
);

/**
 * $1 project, $2 mode, $3 ids as a JSON array, `REVOCABLE`. Returns those that are stored, and whether they were
 * applied or ignored.
 */
export const FIND_KNOWN = sql<{ id: string; isSettled: boolean }>(
  (dialect) =>
    `SELECT id, ${settledCondition(4)} AS "isSettled" FROM webhook_events
     WHERE project_id = $1 AND mode = $2 AND id IN (${dialect.jsonItems('$3')})`,
  'find_known_webhook_events',
  { computed: { isSettled: Boolean } },
);

/** $1 project, $2 mode, $3 id, `REVOCABLE`. Returns a row if the event was applied or ignored before. */
export const COUNT_DUPLICATE = sql<{ id: string }>(
  `UPDATE webhook_events SET duplicates = duplicates + 1 WHERE project_id = $1 AND mode = $2 AND id = $3 AND ${settledCondition(4)} RETURNING id`,
  'count_duplicate_webhook_event',
);

/** A delivery that was applied knows the objects best, since Stripe was asked for those that the payload lacks. */
const KEEP_SUBJECT = `subscription_id = COALESCE(excluded.subscription_id, e.subscription_id),
     payment_intent_id = COALESCE(excluded.payment_intent_id, e.payment_intent_id)`;

/**
 * $1 project, $2 mode, $3 id, $4 type, $5 API version, $6 created, $7 now, $8 outcome, $9 reason, $10 sealed,
 * $11 key, $12 whether Stripe delivered it, $13 subscription, $14 payment; `toApply` also `REVOCABLE`. Of an event that was applied or ignored before, only the deliveries are
 * counted: `duplicates` is greater than 0. On PostgreSQL the statement waits for a concurrent transaction that claimed the event.
 */
export const CLAIM = {
  toIgnore: claim('claim_webhook_event_to_ignore', `e.${SETTLED}`),
  toApply: claim('claim_webhook_event_to_apply', settledCondition(15, 'e.')),
};

function claim(name: string, isSettled: string) {
  return sql<{ duplicates: number }>(
    `INSERT INTO webhook_events AS e (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, 0, $10, $11, $12, $13, $14)
   ON CONFLICT (project_id, mode, id) DO UPDATE SET ${KEEP_SUBJECT},
     is_delivered = e.is_delivered OR excluded.is_delivered,
     duplicates = CASE WHEN ${isSettled} THEN e.duplicates + 1 ELSE 0 END,
     outcome = CASE WHEN ${isSettled} THEN e.outcome ELSE excluded.outcome END,
     reason = CASE WHEN ${isSettled} THEN e.reason ELSE excluded.reason END,
     processed_at = CASE WHEN ${isSettled} THEN e.processed_at ELSE excluded.processed_at END
   RETURNING duplicates`,
    name,
  );
}

/** Parameters of `CLAIM.toApply`. Changes nothing if the event was applied meanwhile. */
export const FAIL = sql<never>(
  `INSERT INTO webhook_events AS e (${COLUMNS}, failed_at, failure) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, 0, $10, $11, $12, $13, $14, $7, $9)
   ON CONFLICT (project_id, mode, id) DO UPDATE SET ${KEEP_SUBJECT},
     is_delivered = e.is_delivered OR excluded.is_delivered,
     outcome = excluded.outcome, reason = excluded.reason,
     processed_at = excluded.processed_at, failed_at = excluded.failed_at, failure = excluded.failure
   WHERE NOT ${settledCondition(15, 'e.')}`,
  'fail_webhook_event',
);

/** $1 project, $2 mode, $3 id, $4 now, $5 subscription, $6 payment. */
export const MARK_APPLIED = sql<never>(
  `UPDATE webhook_events SET outcome = 'applied', reason = NULL, processed_at = $4,
     subscription_id = COALESCE($5, subscription_id), payment_intent_id = COALESCE($6, payment_intent_id)
   WHERE project_id = $1 AND mode = $2 AND id = $3`,
  'mark_webhook_event_applied',
);

/** The condition of the partial index `webhook_events_waiting`, in the same words. */
const WAITING = `outcome IN ('failed', 'open', 'unreadable')`;
/** Limits the rows that a count reads: the table grows with every delivery. */
const MOST_COUNTED = 10_000;

/** Events of all projects that arrived but are not applied, up to 10,000, and when the oldest arrived. */
export const BACKLOG = sql<{ waiting: number; oldest: Date | null }>(
  `SELECT (SELECT count(*) FROM (SELECT 1 AS one FROM webhook_events WHERE ${WAITING} LIMIT ${MOST_COUNTED}) AS events) AS waiting,
     (SELECT min(received_at) FROM webhook_events WHERE ${WAITING}) AS oldest`,
  'backlog_of_webhook_events',
  { computed: { oldest: Date } },
);

const EVENT = [
  ...DESCRIPTION,
  'failedAt',
  'failure',
  'duplicates',
  'keyId',
  'subscriptionId',
  'paymentIntentId',
] as const;
export type EventRow = Pick<WebhookEventEntity, (typeof EVENT)[number]>;
const ROW = columns(WebhookEventEntity, { only: EVENT });

/**
 * $1 project, $2 mode or `null`, $3 type or `null`, $4 outcome or `null`. Unsettled events are rare and have
 * an index of their own.
 */
const filtered = (mode: StripeMode, isUnsettled: boolean) => `FROM webhook_events
  WHERE project_id = $1 AND mode = '${mode}' AND COALESCE($2, '${mode}') = '${mode}'
    AND COALESCE(type = $3, true) AND COALESCE(outcome = $4, true) ${isUnsettled ? `AND ${FAILED_ONCE}` : ''}`;

const NEWEST_FIRST = 'ORDER BY received_at DESC, id DESC';

const list = (name: string, isUnsettled: boolean) => {
  const newest = (mode: StripeMode) =>
    `SELECT * FROM (SELECT ${ROW} ${filtered(mode, isUnsettled)} ${NEWEST_FIRST} LIMIT $7) AS ${mode}_events`;
  return sql<EventRow>(
    `SELECT * FROM (${newest('test')} UNION ALL ${newest('live')}) AS events ORDER BY "receivedAt" DESC, id DESC LIMIT $5 OFFSET $6`,
    name,
  );
};

const count = (name: string, isUnsettled: boolean) =>
  sql<{ total: number }>(
    `SELECT count(*) AS total FROM (SELECT 1 AS one ${filtered('test', isUnsettled)} UNION ALL SELECT 1 ${filtered('live', isUnsettled)}
     LIMIT ${MOST_COUNTED}) AS events`,
    name,
  );

/** Parameters of `filtered`, then $5 limit, $6 offset, $7 the sum of both. */
export const LIST = {
  all: list('list_webhook_events', false),
  unsettled: list('list_unsettled_webhook_events', true),
};

export const COUNT = {
  all: count('count_webhook_events', false),
  unsettled: count('count_unsettled_webhook_events', true),
};

/** An object has few events, so that they are read whole: in the order of an index, others would be read as well. */
const ofObject = (selected: string) => {
  const by = (column: string) => `SELECT ${selected} FROM webhook_events
    WHERE project_id = $1 AND ${column} = $5 AND COALESCE(mode = $2, true) AND COALESCE(type = $3, true)
      AND COALESCE(outcome = $4, true)`;
  return `WITH events AS MATERIALIZED (${by('subscription_id')} UNION ALL ${by('payment_intent_id')})`;
};

/** $1 project, $2 mode or `null`, $3 type or `null`, $4 outcome or `null`, $5 subscription or payment, $6 limit, $7 offset. */
export const LIST_OF_OBJECT = sql<EventRow>(
  `${ofObject(ROW)} SELECT * FROM events ORDER BY "receivedAt" DESC, id DESC LIMIT $6 OFFSET $7`,
  'list_webhook_events_of_object',
);

/** The first parameters of `LIST_OF_OBJECT`. */
export const COUNT_OF_OBJECT = sql<{ total: number }>(
  `${ofObject('id')} SELECT count(*) AS total FROM events`,
  'count_webhook_events_of_object',
);

/** $1 time, $2 limit. With the few key ids, an index on key and time finds the oldest payloads. */
export const DESTROY_PAYLOADS = sql<{ id: string }>(
  `UPDATE webhook_events SET sealed = NULL, key_id = NULL WHERE (project_id, mode, id) IN (
     SELECT project_id, mode, id FROM webhook_events
     WHERE key_id IN (SELECT id FROM data_keys) AND received_at < $1 LIMIT $2)
   RETURNING id`,
  'destroy_webhook_payloads',
  { destroys: true },
);

/** $1 time, $2 limit. */
export const FORGET = sql<{ id: string }>(
  `DELETE FROM webhook_events WHERE (project_id, mode, id) IN (
     SELECT project_id, mode, id FROM webhook_events WHERE key_id IS NULL AND received_at < $1 LIMIT $2)
   RETURNING id`,
  'forget_webhook_events',
);
