import { Injectable } from '@nestjs/common';
import type { OwnerId } from '../common/ids.js';
import { Database, query, sql } from '../database/database.js';

/** $1 id, $2 account, $3 token hash, $4 expiry. */
const ADD = sql<never>(
  'INSERT INTO account_sessions (id, account_id, token_hash, expires_at) VALUES ($1, $2, $3, $4)',
  'add_account_session',
);

/** $1 id, $2 token hash, $3 next token hash, $4 expiry, $5 now. */
const ROTATE = sql<{ account_id: OwnerId }>(
  `UPDATE account_sessions SET token_hash = $3, expires_at = $4
   WHERE id = $1 AND token_hash = $2 AND expires_at > $5
     AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = account_sessions.account_id AND a.revoked_at IS NULL)
   RETURNING account_id`,
  'rotate_account_session',
);

/** $1 id, $2 the hash of a token that is not the session's last one. */
const END = sql<{ id: string }>('DELETE FROM account_sessions WHERE id = $1 AND token_hash <> $2 RETURNING id', 'end_account_session');

const END_EXPIRED = sql<never>('DELETE FROM account_sessions WHERE expires_at <= $1', 'end_expired_account_sessions');

/** The account that the session goes on for, or whether it was ended because a token that had been exchanged came again. */
type Rotation = { accountId: OwnerId } | { wasEnded: boolean };

@Injectable()
export class SessionsRepository {
  constructor(private readonly database: Database) {}

  /** Begins a session, and clears away what expired. */
  async add(id: string, accountId: OwnerId, tokenHash: string, expiresAt: Date): Promise<void> {
    await this.database.query(END_EXPIRED, [new Date()]);
    await this.database.query(ADD, [id, accountId, tokenHash, expiresAt]);
  }

  /** Exchanges the session's token for the next one. */
  rotate(id: string, tokenHash: string, nextHash: string, expiresAt: Date): Promise<Rotation> {
    return this.database.transaction(function* () {
      const [session] = yield* query(ROTATE, [id, tokenHash, nextHash, expiresAt, new Date()]);
      if (session) return { accountId: session.account_id };
      return { wasEnded: (yield* query(END, [id, tokenHash])).length > 0 };
    });
  }
}
