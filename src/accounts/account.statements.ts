import type { OwnerId } from '../common/ids.js';
import { columns, inserted, type RowOf } from '../database/columns.js';
import { sql } from '../database/database.js';
import type { AccountStanding } from '../auth/tokens/ended-sessions.js';
import { AccountEntity } from './account.entities.js';

/** Parameters: `columnValues(AccountEntity, …)`. Returns no row if the address has an account. */
export const ADD = sql<RowOf<AccountEntity>>(
  `INSERT INTO accounts ${inserted(AccountEntity)}
   ON CONFLICT (email) DO NOTHING RETURNING ${columns(AccountEntity)}`,
);

/** $1 address, $2 hash. Reactivates a revoked account. */
export const SET_PASSWORD = sql<{ id: OwnerId }>(
  'UPDATE accounts SET password_hash = $2, revoked_at = NULL WHERE email = $1 RETURNING id',
);

/** $1 address, $2 now. */
export const REVOKE = sql<{ id: OwnerId }>(
  'UPDATE accounts SET revoked_at = COALESCE(revoked_at, $2) WHERE email = $1 RETURNING id',
);

/** $1 account. */
export const END_SESSIONS = sql<never>('DELETE FROM account_sessions WHERE account_id = $1');

/** $1 session, $2 token hash, $3 next token hash, $4 expiry, $5 now. */
export const ROTATE_SESSION = sql<{ accountId: OwnerId }>(
  `UPDATE account_sessions SET token_hash = $3, expires_at = $4
   WHERE id = $1 AND token_hash = $2 AND expires_at > $5
     AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = account_sessions.account_id AND a.revoked_at IS NULL)
   RETURNING account_id AS "accountId"`,
);

/** $1 session, $2 token hash. Deletes the session unless this is its current token. */
export const END_SESSION = sql<{ id: string }>(
  'DELETE FROM account_sessions WHERE id = $1 AND token_hash <> $2 RETURNING id',
);

/** $1 account, $2 session or NULL. Returns no row if there is no such account. */
export const FIND_STANDING = sql<AccountStanding>(
  `SELECT a.revoked_at IS NOT NULL AS "isRevoked",
     EXISTS (SELECT 1 FROM account_sessions s WHERE s.id = $2 AND s.account_id = a.id) AS "hasSession"
   FROM accounts a WHERE a.id = $1`,
  'find_standing_of_developer',
  { computed: { isRevoked: Boolean, hasSession: Boolean } },
);
