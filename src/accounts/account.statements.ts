import type { OwnerId } from '../common/ids.js';
import { columns, inserted, type RowOf } from '../database/columns.js';
import { sql } from '../database/database.js';
import type { AccountStanding } from '../auth/tokens/ended-sessions.js';
import { AccountEntity } from './account.entities.js';

/** Parameters: `columnValues(AccountEntity, …)`. Returns no row if the address or the identity has an account. */
export const ADD = sql<RowOf<AccountEntity>>(
  `INSERT INTO accounts ${inserted(AccountEntity)}
   ON CONFLICT DO NOTHING RETURNING ${columns(AccountEntity)}`,
);

/** $1 address, $2 hash. Reactivates a revoked account. */
export const SET_PASSWORD = sql<{ id: OwnerId }>(
  'UPDATE accounts SET password_hash = $2, revoked_at = NULL WHERE email = $1 RETURNING id',
  undefined,
  { destroys: true },
);

/** $1 address, $2 now. */
export const REVOKE = sql<{ id: OwnerId }>(
  'UPDATE accounts SET revoked_at = COALESCE(revoked_at, $2) WHERE email = $1 RETURNING id',
);

/** $1 account, $2 hash, $3 former hash. Returns no row if the password has changed since. */
export const CHANGE_PASSWORD = sql<{ id: OwnerId }>(
  'UPDATE accounts SET password_hash = $2 WHERE id = $1 AND password_hash = $3 AND revoked_at IS NULL RETURNING id',
  undefined,
  { destroys: true },
);

/** $1 account, $2 hash. */
export const RESET_PASSWORD = sql<RowOf<AccountEntity>>(
  `UPDATE accounts SET password_hash = $2 WHERE id = $1 AND revoked_at IS NULL
   RETURNING ${columns(AccountEntity)}`,
  undefined,
  { destroys: true },
);

/** $1 account. Changes of one account run one after another. */
export const LOCK_ACCOUNT = sql<Pick<AccountStanding, 'isRevoked'>>(
  ({ rowLock }) => `SELECT revoked_at IS NOT NULL AS "isRevoked" FROM accounts WHERE id = $1 ${rowLock()}`,
  undefined,
  { computed: { isRevoked: Boolean } },
);

/** $1 account. */
export const FIND_ADDRESS = sql<{ email: string }>(
  'SELECT email FROM accounts WHERE id = $1 AND email IS NOT NULL AND revoked_at IS NULL',
);

/** $1 account. Keeps it from being revoked or deleted until the transaction ends. */
export const KEEP_ACCOUNT = sql<Pick<AccountStanding, 'isRevoked'>>(
  ({ rowLock }) =>
    `SELECT revoked_at IS NOT NULL AS "isRevoked" FROM accounts WHERE id = $1 ${rowLock({ shared: true })}`,
  'keep_account',
  { computed: { isRevoked: Boolean } },
);

/** $1 account, $2 now. Keeps the id, so that its access tokens stay refused. */
export const ERASE = sql<{ id: OwnerId }>(
  `UPDATE accounts SET email = NULL, full_name = NULL, password_hash = '', oidc_identity = NULL, revoked_at = COALESCE(revoked_at, $2)
   WHERE id = $1 AND email IS NOT NULL RETURNING id`,
  undefined,
  { destroys: true },
);

/** $1 account, $2 session or NULL. Returns no row if there is no such account. */
export const FIND_STANDING = sql<AccountStanding>(
  `SELECT a.revoked_at IS NOT NULL AS "isRevoked",
     EXISTS (SELECT 1 FROM account_sessions s WHERE s.id = $2 AND s.account_id = a.id) AS "hasSession"
   FROM accounts a WHERE a.id = $1`,
  'find_standing_of_developer',
  { computed: { isRevoked: Boolean, hasSession: Boolean } },
);
