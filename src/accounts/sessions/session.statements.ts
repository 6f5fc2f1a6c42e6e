import type { OwnerId } from '../../common/ids.js';
import { columnNames } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import { SessionEntity } from '../account.entities.js';

/**
 * $1 to $9: the columns, $10 password hash. Returns no row if the account was revoked or has another password:
 * a login that overlaps a change of the password must not outlive it.
 */
export const ADD_SESSION = sql<{ id: string }>(
  ({ rowLock }) =>
    `INSERT INTO account_sessions (${columnNames(SessionEntity)})
     SELECT $1, a.id, $3, $4, $5, $6, $7, $8, $9 FROM accounts a
     WHERE a.id = $2 AND a.password_hash = $10 AND a.revoked_at IS NULL ${rowLock({ of: 'a' })}
     RETURNING id`,
);

/**
 * $1 session, $2 token hash, $3 next token hash, $4 expiry, $5 now, $6 token hash if the token before the valid one
 * may be used too, else empty, $7 time since which it may. It may be used once.
 */
export const ROTATE_SESSION = sql<{ accountId: OwnerId }>(
  `UPDATE account_sessions SET token_hash = $3, expires_at = $4, last_used_at = $5,
     former_hash = CASE WHEN token_hash = $2 THEN token_hash END
   WHERE id = $1 AND (token_hash = $2 OR (former_hash = $6 AND last_used_at > $7)) AND expires_at > $5
     AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = account_sessions.account_id AND a.revoked_at IS NULL)
   RETURNING account_id AS "accountId"`,
);

/** $1 session, $2 token hash. Ends the session unless this is its current token. */
export const END_REUSED_SESSION = sql<{ id: string }>(
  'DELETE FROM account_sessions WHERE id = $1 AND token_hash <> $2 RETURNING id',
);

/** $1 session, $2 hash of its token, or of the one before. */
export const END_SESSION_WITH = sql<{ id: string }>(
  'DELETE FROM account_sessions WHERE id = $1 AND (token_hash = $2 OR former_hash = $2) RETURNING id',
);

/** $1 account. */
export const END_SESSIONS = sql<never>('DELETE FROM account_sessions WHERE account_id = $1');

/** $1 account, $2 session. */
export const END_OTHER_SESSIONS = sql<never>(
  'DELETE FROM account_sessions WHERE account_id = $1 AND id <> $2',
);
