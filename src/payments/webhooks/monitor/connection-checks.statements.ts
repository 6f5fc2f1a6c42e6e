import {
  columnNames,
  columnProperties,
  columns,
  excludedColumns,
  inserted,
  type RowOf,
} from '../../../database/columns.js';
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

/** $1 now, $2 when the key was stored at the latest, $3 limit. The keys that wait longest come first. */
export const FIND_DUE = sql<ProjectMode>(
  `SELECT k.project_id AS "projectId", k.mode AS "mode" ${KEYS} AND (h.due_at IS NULL OR h.due_at <= $1) AND k.written_at <= $2
   ORDER BY h.due_at NULLS FIRST, k.project_id, k.mode LIMIT $3`,
);

/** $1 project, $2 mode, $3 when its key is due. */
export const ENSURE = sql<never>(
  `INSERT INTO stripe_connection_checks (${columnNames(StripeConnectionCheckEntity, ['projectId', 'mode', 'dueAt', 'signatureFailures'])})
   VALUES ($1, $2, $3, 0) ON CONFLICT (project_id, mode) DO NOTHING`,
);

/** $1 project. Locks both modes, so that the project's problems are computed from both. */
export const LOCK_CHECKS = sql<ConnectionCheckRow>(
  ({ rowLock }) =>
    `SELECT ${columns(StripeConnectionCheckEntity)} FROM stripe_connection_checks
     WHERE project_id = $1 ORDER BY mode ${rowLock()}`,
);

const STATE = columnProperties(StripeConnectionCheckEntity).filter(
  (name) => name !== 'projectId' && name !== 'mode',
);

/** Parameters: `columnValues(StripeConnectionCheckEntity, …)`. */
export const SAVE = sql<never>(
  `INSERT INTO stripe_connection_checks ${inserted(StripeConnectionCheckEntity)}
   ON CONFLICT (project_id, mode) DO UPDATE SET ${excludedColumns(StripeConnectionCheckEntity, STATE)}`,
);

/** What other tables know of one mode. */
export interface ConnectionFacts {
  /** Stripe's id of the endpoint that was made here. */
  readonly endpointId: string | null;
  readonly lastDeliveredAt: Date | null;
  readonly hasSecretKey: boolean;
  /** When the current webhook secret was stored. */
  readonly secretWrittenAt: Date | null;
  /** Whether the former secret of `formerSecretUntil` is still stored. */
  readonly hasFormerSecret: boolean;
}

const OF_MODE = 'project_id = $1 AND mode = $2';
const DELIVERED = `SELECT received_at FROM webhook_events WHERE ${OF_MODE} AND is_delivered`;

/** $1 project, $2 mode, $3 end of a former secret. */
export const FIND_FACTS = sql<ConnectionFacts>(
  `SELECT (SELECT endpoint_id FROM stripe_webhook_endpoints WHERE ${OF_MODE}) AS "endpointId",
     (${DELIVERED} ORDER BY received_at DESC LIMIT 1) AS "lastDeliveredAt",
     EXISTS (SELECT 1 FROM stripe_credentials WHERE ${OF_MODE} AND kind = 'secret_key') AS "hasSecretKey",
     (SELECT written_at FROM stripe_credentials WHERE ${OF_MODE} AND kind = 'webhook_secret' AND slot = 0) AS "secretWrittenAt",
     EXISTS (SELECT 1 FROM stripe_credentials
       WHERE ${OF_MODE} AND kind = 'webhook_secret' AND slot > 0 AND valid_until = $3) AS "hasFormerSecret"`,
  'find_connection_facts',
  {
    computed: {
      lastDeliveredAt: Date,
      hasSecretKey: Boolean,
      secretWrittenAt: Date,
      hasFormerSecret: Boolean,
    },
  },
);

/** $1 project and $2 mode after which, $3 limit. */
export const FIND_WITH_PROBLEM = sql<ConnectionCheckRow>(
  `SELECT ${columns(StripeConnectionCheckEntity)} FROM stripe_connection_checks
   WHERE (endpoint_problem IS NOT NULL OR silent_since IS NOT NULL OR signatures_failing_since IS NOT NULL OR former_secret_until IS NOT NULL)
     AND (project_id, mode) > ($1, $2) ORDER BY project_id, mode LIMIT $3`,
);

/** $1 project, $2 mode, $3 limit. Newest first. */
export const FIND_ARRIVALS = sql<{ receivedAt: Date }>(
  `SELECT received_at AS "receivedAt" FROM (${DELIVERED} ORDER BY received_at DESC LIMIT $3) AS arrived`,
  'find_arrivals',
  { computed: { receivedAt: Date } },
);

/** $1 project, $2 mode. */
export const FIND_FIRST_ARRIVAL = sql<{ receivedAt: Date }>(
  `SELECT received_at AS "receivedAt" FROM (${DELIVERED} ORDER BY received_at LIMIT 1) AS arrived`,
  'find_first_arrival',
  { computed: { receivedAt: Date } },
);

const MOST_MISSED = 1_000;

/** $1 project, $2 mode, $3 last arrival, $4 until when it happened. */
export const COUNT_MISSED = sql<{ count: number }>(
  `SELECT count(*) AS count FROM (SELECT 1 AS one FROM webhook_events WHERE ${OF_MODE}
     AND received_at > $3 AND created_at > $3 AND created_at <= $4 AND NOT is_delivered LIMIT ${MOST_MISSED}) AS missed`,
  'count_missed_events',
);

/** $1 project, $2 problems. */
export const SET_PROBLEMS = sql<never>({
  sqlite: 'UPDATE projects SET problems = $2 WHERE id = $1 AND problems IS NOT $2',
  postgres: 'UPDATE projects SET problems = $2 WHERE id = $1 AND problems IS DISTINCT FROM $2',
});

/** $1 time. Rows of removed keys are not renewed. */
export const FORGET_OLD = sql<never>('DELETE FROM stripe_connection_checks WHERE due_at < $1');
