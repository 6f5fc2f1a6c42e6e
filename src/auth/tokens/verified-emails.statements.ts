import { excludedColumns, inserted } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import { VerifiedEmailEntity } from './verified-email.entity.js';

/** Parameters: `columnValues(VerifiedEmailEntity, …)`. */
export const KEEP = sql<never>(
  `INSERT INTO verified_emails ${inserted(VerifiedEmailEntity)}
   ON CONFLICT (subject) DO UPDATE SET ${excludedColumns(VerifiedEmailEntity, ['email', 'seenAt'])}`,
);

/** $1 subject. */
export const FIND = sql<{ email: string }>('SELECT email FROM verified_emails WHERE subject = $1');

/** $1 time. */
export const FORGET = sql<never>('DELETE FROM verified_emails WHERE seen_at < $1', undefined, {
  destroys: true,
});
