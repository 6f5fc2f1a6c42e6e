import { columnNames, columns } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { FOREIGN_REASON } from '../../ledger/read/foreign-object.js';
import { OTHER_ACCOUNT_REASON, OTHER_ENDPOINT_REASON } from './received-event.js';
import { WebhookEventEntity } from './webhook-event.entity.js';

const SETTLED = `outcome IN ('applied', 'ignored')`;
/** Reasons that a later delivery may overcome: who owns an account or an object can change. */
const REVOCABLE = [OTHER_ACCOUNT_REASON, OTHER_ENDPOINT_REASON, FOREIGN_REASON]
  .map((reason) => `'${reason.replaceAll("'", "''")}'`)
  .join(', ');
const settledForGood = (table = '') =>
  `(${table}outcome = 'applied' OR ${table}outcome = 'ignored' AND ${table}reason NOT IN (${REVOCABLE}))`;
/** The condition of the partial index: events that are unsettled or once were. */
const FAILED_ONCE = 'failed_at IS NOT NULL';
const findSettled = (ids: string) =>
  sql<{ id: string }>(
    `SELECT id FROM webhook_events WHERE project_id = $1 AND mode = $2 AND id IN (${ids}) AND ${settledForGood()}`,
    'find_settled_webhook_events',
  );

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

const COLUMNS = columnNames(WebhookEventEntity, [...DESCRIPTION, 'duplicates', 'sealed', 'keyId']);

/** $1 project, $2 mode, $3 id. A row when the event was applied or ignored before. */
export const IS_SETTLED = sql<{ id: string }>(
  `SELECT id FROM webhook_events WHERE project_id = $1 AND mode = $2 AND id = $3 AND ${settledForGood()}`,
  'is_webhook_event_settled',
);

/** $1 project, $2 mode, $3 ids as a JSON array. Those of them that were applied or ignored before. */
export const FIND_SETTLED = {
  sqlite: findSettled('SELECT value FROM json_each($3)'),
  postgres: findSettled('SELECT json_array_elements_text($3::json)'),
};

/** The same of one event, $3 its id, and this delivery is counted. */
export const COUNT_DUPLICATE = sql<{ id: string }>(
  `UPDATE webhook_events SET duplicates = duplicates + 1 WHERE project_id = $1 AND mode = $2 AND id = $3 AND ${settledForGood()} RETURNING id`,
  'count_duplicate_webhook_event',
);

/**
 * $1 project, $2 mode, $3 id, $4 type, $5 API version, $6 created, $7 now, $8 outcome, $9 reason, $10 sealed, $11 key. What was applied
 * or ignored stays so, and only counts the delivery: more than 0 duplicates say that this was one. On PostgreSQL it waits for
 * whoever else is applying the event.
 */
export const CLAIM = {
  toIgnore: claim('claim_webhook_event_to_ignore', `e.${SETTLED}`),
  toApply: claim('claim_webhook_event_to_apply', settledForGood('e.')),
};

function claim(name: string, isSettled: string) {
  return sql<{ duplicates: number }>(
    `INSERT INTO webhook_events AS e (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, 0, $10, $11)
   ON CONFLICT (project_id, mode, id) DO UPDATE SET
     duplicates = CASE WHEN ${isSettled} THEN e.duplicates + 1 ELSE 0 END,
     outcome = CASE WHEN ${isSettled} THEN e.outcome ELSE excluded.outcome END,
     reason = CASE WHEN ${isSettled} THEN e.reason ELSE excluded.reason END,
     processed_at = CASE WHEN ${isSettled} THEN e.processed_at ELSE excluded.processed_at END
   RETURNING duplicates`,
    name,
  );
}

/** The same parameters. Counts nothing: an event that was applied meanwhile has not failed. */
export const FAIL = sql<never>(
  `INSERT INTO webhook_events AS e (${COLUMNS}, failed_at, failure) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, 0, $10, $11, $7, $9)
   ON CONFLICT (project_id, mode, id) DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason,
     processed_at = excluded.processed_at, failed_at = excluded.failed_at, failure = excluded.failure
   WHERE NOT ${settledForGood('e.')}`,
  'fail_webhook_event',
);

/** $1 project, $2 mode, $3 id, $4 outcome, $5 reason, $6 now. Of an event that is applied once more, whatever became of it before. */
export const SETTLE_AGAIN = sql<never>(
  `UPDATE webhook_events SET outcome = $4, reason = $5, processed_at = $6 WHERE project_id = $1 AND mode = $2 AND id = $3`,
  'settle_webhook_event_again',
);

/** The same parameters. Of an event that can't be read, whatever became of it before. */
export const FAIL_AGAIN = sql<never>(
  `UPDATE webhook_events SET outcome = $4, reason = $5, processed_at = $6, failed_at = $6, failure = $5
   WHERE project_id = $1 AND mode = $2 AND id = $3`,
  'fail_webhook_event_again',
);

const EVENT = [...DESCRIPTION, 'failedAt', 'failure', 'duplicates', 'keyId'] as const;
export type EventRow = Pick<WebhookEventEntity, (typeof EVENT)[number]>;
const ROW = columns(WebhookEventEntity, { only: EVENT });

/** $1 project, $2 id. Stripe's ids are unique across both modes. */
export const FIND = sql<EventRow & Pick<WebhookEventEntity, 'sealed'>>(
  `SELECT ${columns(WebhookEventEntity, { only: [...EVENT, 'sealed'] })} FROM webhook_events WHERE project_id = $1 AND mode IN ('test', 'live') AND id = $2`,
  'find_webhook_event',
);

/** Limits the rows that a count reads: the table grows with every delivery. */
const MOST_COUNTED = 10_000;

/**
 * $1 project, $2 mode, $3 type, $4 outcome, each of which but the first may be `null`. Each mode is read along its own index; what is
 * not settled is rare and has one too.
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

/** Beside those of `filtered`: $5 how many, $6 after how many, $7 the sum of the two. */
export const LIST = {
  all: list('list_webhook_events', false),
  unsettled: list('list_unsettled_webhook_events', true),
};

export const COUNT = {
  all: count('count_webhook_events', false),
  unsettled: count('count_unsettled_webhook_events', true),
};

type ActivityRow = Pick<WebhookEventEntity, 'mode' | 'failedAt' | 'failure'> & {
  /** An expression, so SQLite gives its text. */
  lastEventAt: Date | string | null;
  unreadableEvents: number;
};

/** $1 project. At least one row for each mode; more only where several events failed in the same millisecond. */
export const ACTIVITY = sql<ActivityRow>(
  `SELECT m.mode, (SELECT max(e.received_at) FROM webhook_events e WHERE e.project_id = $1 AND e.mode = m.mode) AS "lastEventAt",
     ${columns(WebhookEventEntity, { of: 'f', only: ['failedAt', 'failure'] })},
     (SELECT count(*) FROM webhook_events u WHERE u.project_id = $1 AND u.mode = m.mode AND u.outcome = 'unreadable' AND u.${FAILED_ONCE})
       AS "unreadableEvents"
   FROM (SELECT 'test' AS mode UNION ALL SELECT 'live') m
   LEFT JOIN webhook_events f ON f.project_id = $1 AND f.mode = m.mode AND f.failed_at =
     (SELECT max(l.failed_at) FROM webhook_events l WHERE l.project_id = $1 AND l.mode = m.mode AND l.${FAILED_ONCE})`,
  'find_webhook_activity',
);

/** $1 before when, $2 how many. By way of the keys, which are few: so an index leads to the oldest. */
export const DESTROY_PAYLOADS = sql<{ id: string }>(
  `UPDATE webhook_events SET sealed = NULL, key_id = NULL WHERE (project_id, mode, id) IN (
     SELECT project_id, mode, id FROM webhook_events
     WHERE key_id IN (SELECT id FROM data_keys) AND received_at < $1 LIMIT $2)
   RETURNING id`,
  'destroy_webhook_payloads',
);

/** The same parameters. */
export const FORGET = sql<{ id: string }>(
  `DELETE FROM webhook_events WHERE (project_id, mode, id) IN (
     SELECT project_id, mode, id FROM webhook_events WHERE key_id IS NULL AND received_at < $1 LIMIT $2)
   RETURNING id`,
  'forget_webhook_events',
);
