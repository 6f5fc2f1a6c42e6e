import { columns, inserted, type RowOf } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { StripeConnectionCheckEntity } from './connection-check.entity.js';

export type ConnectionCheckRow = RowOf<StripeConnectionCheckEntity>;

const KEYS = `FROM stripe_credentials k
   JOIN stripe_configs c ON c.project_id = k.project_id AND c.is_active
   JOIN projects p ON p.id = k.project_id AND p.deleted_at IS NULL
   LEFT JOIN stripe_connection_checks h ON h.project_id = k.project_id AND h.mode = k.mode
   WHERE k.kind = 'secret_key' AND k.slot = 0`;

export const COUNT_KEYS = sql<{ count: number }>(`SELECT count(*) AS count ${KEYS}`);

/** $1 time of the last check, $2 limit. The keys that wait longest come first. */
export const FIND_DUE = sql<ProjectMode>(
  `SELECT k.project_id AS "projectId", k.mode AS "mode" ${KEYS} AND (h.checked_at IS NULL OR h.checked_at <= $1)
   ORDER BY h.checked_at NULLS FIRST, k.project_id, k.mode LIMIT $2`,
);

/** $1 project, $2 mode. */
export const LOCK_CHECK = sql<ConnectionCheckRow>(
  ({ rowLock }) =>
    `SELECT ${columns(StripeConnectionCheckEntity)} FROM stripe_connection_checks
     WHERE project_id = $1 AND mode = $2 ${rowLock()}`,
);

/** Parameters: `columnValues(StripeConnectionCheckEntity, …)`. */
export const RECORD = sql<never>(
  `INSERT INTO stripe_connection_checks ${inserted(StripeConnectionCheckEntity)}
   ON CONFLICT (project_id, mode) DO UPDATE SET checked_at = excluded.checked_at,
     endpoint_problem = excluded.endpoint_problem, endpoint_problem_since = excluded.endpoint_problem_since`,
);

/** $1 project, $2 mode, $3 time that stands for a check. Keeps what is known of the endpoint. */
export const POSTPONE = sql<never>(
  `INSERT INTO stripe_connection_checks (project_id, mode, checked_at) VALUES ($1, $2, $3)
   ON CONFLICT (project_id, mode) DO UPDATE SET checked_at = excluded.checked_at`,
);

/** $1 time. Rows of removed keys are not renewed. */
export const FORGET_OLD = sql<never>('DELETE FROM stripe_connection_checks WHERE checked_at < $1');
