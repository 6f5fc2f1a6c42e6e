import { columns, inserted, type RowOf } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import { ServiceAccountEntity } from './service-account.entity.js';

type AccountRow = RowOf<ServiceAccountEntity>;

/** $1 account. Returns no row if its project was deleted. */
export const FIND_CALLER = sql<AccountRow>(
  `SELECT ${columns(ServiceAccountEntity, { of: 'a' })} FROM service_accounts a
   LEFT JOIN projects p ON p.id = a.project_id
   WHERE a.id = $1 AND (a.project_id IS NULL OR p.deleted_at IS NULL)`,
  'find_service_account',
);

/** Parameters: `columnValues(ServiceAccountEntity, …)`. */
export const ADD = sql<never>(`INSERT INTO service_accounts ${inserted(ServiceAccountEntity)}`);

/** $1 account, $2 project or NULL for the operator. */
export const FIND = sql<AccountRow>(
  `SELECT ${columns(ServiceAccountEntity)} FROM service_accounts WHERE id = $1 AND project_id IS NOT DISTINCT FROM $2`,
);

/** $1 project or NULL for the operator. */
export const COUNT = sql<{ count: number }>(
  'SELECT count(*) AS count FROM service_accounts WHERE project_id IS NOT DISTINCT FROM $1',
);

/** $1 account, $2 name, $3 requests per minute or NULL. */
export const UPDATE = sql<never>(
  'UPDATE service_accounts SET name = $2, requests_per_minute = $3 WHERE id = $1',
);

/** $1 account. */
export const DELETE = sql<never>('DELETE FROM service_accounts WHERE id = $1');

/** $1 project. */
export const DELETE_OF_PROJECT = sql<{ id: string }>(
  'DELETE FROM service_accounts WHERE project_id = $1 RETURNING id',
);
