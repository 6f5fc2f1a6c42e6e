import { hash } from 'node:crypto';
import { exec, query, sql, type Steps } from '../database/database.js';

/** Mails of one kind to one recipient within an hour. */
const MOST_MAILS = 3;
const WINDOW_MS = 3_600_000;

/**
 * $1 hash of the recipient, $2 now, $3 end of a new window, $4 most mails. No row if the recipient had the most in
 * the window.
 */
const COUNT_MAIL = sql<{ mails: number }>(
  `INSERT INTO mail_counts AS m (recipient_hash, mails, ends_at) VALUES ($1, 1, $3)
   ON CONFLICT (recipient_hash) DO UPDATE SET
     mails = CASE WHEN m.ends_at <= $2 THEN 1 ELSE m.mails + 1 END,
     ends_at = CASE WHEN m.ends_at <= $2 THEN excluded.ends_at ELSE m.ends_at END
   WHERE m.ends_at <= $2 OR m.mails < $4 RETURNING mails`,
);

/** $1 now. */
const FORGET_MAILS = sql<never>('DELETE FROM mail_counts WHERE ends_at <= $1');

/**
 * Counts a mail, in the transaction that makes what it carries. The count outlives that, so that a used token
 * frees no mail.
 * @param recipient an address, or the id of an account
 * @returns whether the mail may be sent
 */
export function* countMail(kind: 'invitation' | 'password_reset', recipient: string): Steps<boolean> {
  const now = Date.now();
  yield* exec(FORGET_MAILS, [new Date(now)]);
  const recipientHash = hash('sha256', `${kind} ${recipient}`, 'base64url');
  const values = [recipientHash, new Date(now), new Date(now + WINDOW_MS), MOST_MAILS];
  return (yield* query(COUNT_MAIL, values)).length > 0;
}
