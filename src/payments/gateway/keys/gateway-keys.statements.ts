import { columns, inserted, type RowOf } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import { ProjectEntity } from '../../../projects/project.entity.js';
import { GatewayKeyEntity, GatewayUsageEntity } from './gateway-key.entity.js';

type KeyRow = RowOf<GatewayKeyEntity>;

/** $1 key. Returns no row if its project was deleted. */
export const FIND_HOLDER = sql<KeyRow & Pick<RowOf<ProjectEntity>, 'gatewayPaused'>>(
  `SELECT ${columns(GatewayKeyEntity, { of: 'k' })}, ${columns(ProjectEntity, { of: 'p', only: ['gatewayPaused'] })}
   FROM gateway_keys k
   JOIN projects p ON p.id = k.project_id
   WHERE k.id = $1 AND p.deleted_at IS NULL`,
  'find_gateway_key',
);

/** Parameters: `columnValues(GatewayKeyEntity, …)`. */
export const ADD = sql<never>(`INSERT INTO gateway_keys ${inserted(GatewayKeyEntity)}`);

/** $1 key, $2 project. */
export const FIND = sql<KeyRow>(
  `SELECT ${columns(GatewayKeyEntity)} FROM gateway_keys WHERE id = $1 AND project_id = $2`,
);

/** $1 project. */
export const COUNT = sql<{ count: number }>(
  'SELECT count(*) AS count FROM gateway_keys WHERE project_id = $1',
);

/** $1 key, $2 name, $3 permissions, $4 accounts, $5 paused. */
export const CHANGE = sql<never>(
  'UPDATE gateway_keys SET name = $2, permissions = $3, accounts = $4, paused = $5 WHERE id = $1',
);

/** $1 project, $2 whether it is paused. Returns a row if that is a change. */
export const PAUSE_PROJECT = sql<{ id: string }>(
  'UPDATE projects SET gateway_paused = $2 WHERE id = $1 AND gateway_paused <> $2 RETURNING id',
);

/** $1 key. */
export const DELETE = sql<never>('DELETE FROM gateway_keys WHERE id = $1');

/** $1 project. */
export const KEYS_OF_PROJECT = sql<Pick<KeyRow, 'id' | 'mode'>>(
  `SELECT ${columns(GatewayKeyEntity, { only: ['id', 'mode'] })} FROM gateway_keys WHERE project_id = $1`,
);

/** $1 key. */
export const DELETE_USAGE = sql<never>('DELETE FROM gateway_usage WHERE key_id = $1');

/** $1 key, $2 day, $3 permission, $4 requests, $5 errors, $6 refused. A key that was revoked gets no row. */
export const COUNT_USAGE = sql<never>(
  `INSERT INTO gateway_usage AS u (key_id, day, permission, requests, errors, refused)
   SELECT k.id, $2, $3, $4, $5, $6 FROM gateway_keys k WHERE k.id = $1
   ON CONFLICT (key_id, day, permission) DO UPDATE SET requests = u.requests + excluded.requests,
     errors = u.errors + excluded.errors, refused = u.refused + excluded.refused`,
  'count_gateway_usage',
);

/** $1 key, $2 first day. */
export const USAGE_SINCE = sql<RowOf<GatewayUsageEntity>>(
  `SELECT ${columns(GatewayUsageEntity)} FROM gateway_usage
   WHERE key_id = $1 AND day >= $2 ORDER BY day DESC, permission`,
);

/** $1 first day to keep. */
export const DELETE_USAGE_BEFORE = sql<never>('DELETE FROM gateway_usage WHERE day < $1');
