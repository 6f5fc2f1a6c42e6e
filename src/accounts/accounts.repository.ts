import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { OwnerId } from '../common/ids.js';
import { Database, run, sql, toTimestamp } from '../database/database.js';
import type { Account } from './account.js';

interface AccountRow {
  id: OwnerId;
  email: string;
  password_hash: string;
  full_name: string | null;
  created_at: Date | string;
  revoked_at: Date | string | null;
}

const COLUMNS = 'id, email, password_hash, full_name, created_at, revoked_at';

const FIND = sql<AccountRow>('find_account', `SELECT ${COLUMNS} FROM accounts WHERE id = $1`);
const FIND_BY_EMAIL = sql<AccountRow>('find_account_by_email', `SELECT ${COLUMNS} FROM accounts WHERE email = $1`);

/** $1 id, $2 email, $3 password hash, $4 full name, $5 now. */
const ADD = sql<AccountRow>(
  'add_account',
  `INSERT INTO accounts (id, email, password_hash, full_name, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, NULL)
   ON CONFLICT (email) DO NOTHING RETURNING ${COLUMNS}`,
);

/** $1 id, $2 old hash, $3 new hash. */
const REHASH = sql<never>('rehash_password', 'UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2');

const SET_PASSWORD = sql<{ id: OwnerId }>(
  'set_password',
  'UPDATE accounts SET password_hash = $2, revoked_at = NULL WHERE email = $1 RETURNING id',
);
const REVOKE = sql<{ id: OwnerId }>(
  'revoke_account',
  'UPDATE accounts SET revoked_at = COALESCE(revoked_at, $2) WHERE email = $1 RETURNING id',
);
const END_SESSIONS = sql<never>('end_account_sessions', 'DELETE FROM account_sessions WHERE account_id = $1');

/** Developers have accounts across all projects, so there is no tenant to lead with. */
@Injectable()
export class AccountsRepository {
  constructor(private readonly database: Database) {}

  async find(id: OwnerId): Promise<Account | undefined> {
    const [row] = await this.database.query(FIND, [id]);
    return row && toAccount(row);
  }

  async findByEmail(email: string): Promise<Account | undefined> {
    const [row] = await this.database.query(FIND_BY_EMAIL, [email]);
    return row && toAccount(row);
  }

  /** @returns the new account, or `undefined` when the address has one */
  async add(email: string, passwordHash: string, fullName: string | null): Promise<Account | undefined> {
    const [row] = await this.database.query(ADD, [randomUUID(), email, passwordHash, fullName, new Date()]);
    return row && toAccount(row);
  }

  /** Puts the same password's hash of another cost in the place of `from`, if that is still there. */
  async rehash({ id, passwordHash: from }: Account, to: string): Promise<void> {
    await this.database.query(REHASH, [id, from, to]);
  }

  /** Also gives a revoked account back. Ends all sessions. @returns whether there is such an account */
  setPassword(email: string, passwordHash: string): Promise<boolean> {
    return this.#changeAndEndSessions(SET_PASSWORD, email, passwordHash);
  }

  /** Ends all sessions, too. @returns whether there is such an account */
  revoke(email: string): Promise<boolean> {
    return this.#changeAndEndSessions(REVOKE, email, new Date());
  }

  #changeAndEndSessions(change: typeof REVOKE, email: string, value: string | Date): Promise<boolean> {
    return this.database.transaction(function* () {
      const [account] = yield* run(change, [email, value]);
      if (!account) return false;
      yield* run(END_SESSIONS, [account.id]);
      return true;
    });
  }
}

function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    email: row.email,
    passwordHash: row.password_hash,
    fullName: row.full_name,
    createdAt: toTimestamp(row.created_at),
    isRevoked: row.revoked_at !== null,
  };
}
