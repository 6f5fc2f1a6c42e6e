import { columns, type RowOf } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import { FailedLoginEntity } from './failed-login.entity.js';

/** $1 and $2 keys, $3 now. */
export const FIND_FAILURES = sql<RowOf<FailedLoginEntity>>(
  `SELECT ${columns(FailedLoginEntity)} FROM failed_logins WHERE key IN ($1, $2) AND ends_at > $3`,
  'find_failed_logins',
);

/** $1 and $2 keys, $3 now, $4 end of a new window. Returns the counts with this failure. */
export const COUNT_FAILURE = sql<RowOf<FailedLoginEntity>>(
  `INSERT INTO failed_logins AS f (key, failures, ends_at) VALUES ($1, 1, $4), ($2, 1, $4)
   ON CONFLICT (key) DO UPDATE SET
     failures = CASE WHEN f.ends_at <= $3 THEN 1 ELSE f.failures + 1 END,
     ends_at = CASE WHEN f.ends_at <= $3 THEN excluded.ends_at ELSE f.ends_at END
   RETURNING ${columns(FailedLoginEntity)}`,
);
