import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { SystemAction } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { type Actor, systemActor } from '../common/actor.js';
import type { OwnerId } from '../common/ids.js';
import { Database, query, sql, toTimestamp } from '../database/database.js';
import type { Account } from './account.js';
import { spellingsOf } from './email.js';

interface AccountRow {
  id: OwnerId;
  email: string;
  password_hash: string;
  full_name: string | null;
  created_at: Date | string;
  revoked_at: Date | string | null;
}

const COLUMNS = 'id, email, password_hash, full_name, created_at, revoked_at';

const FIND = sql<AccountRow>(`SELECT ${COLUMNS} FROM accounts WHERE id = $1`, 'find_account');
/** $1 the address as it was typed, $2 and $3 with its domain in Unicode and in Punycode. Older accounts may have any of these; the typed one goes first. */
const FIND_BY_EMAIL = sql<AccountRow>(
  `SELECT ${COLUMNS} FROM accounts WHERE email IN ($1, $2, $3)
   ORDER BY CASE email WHEN $1 THEN 0 WHEN $2 THEN 1 ELSE 2 END LIMIT 1`,
  'find_account_by_email',
);

/** $1 id, $2 email, $3 password hash, $4 full name, $5 now. */
const ADD = sql<AccountRow>(
  `INSERT INTO accounts (id, email, password_hash, full_name, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, NULL)
   ON CONFLICT (email) DO NOTHING RETURNING ${COLUMNS}`,
  'add_account',
);

/** $1 id, $2 old hash, $3 new hash. */
const REHASH = sql<never>('UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2', 'rehash_password');

const SET_PASSWORD = sql<{ id: OwnerId }>(
  'UPDATE accounts SET password_hash = $2, revoked_at = NULL WHERE email = $1 RETURNING id',
  'set_password',
);
const REVOKE = sql<{ id: OwnerId }>(
  'UPDATE accounts SET revoked_at = COALESCE(revoked_at, $2) WHERE email = $1 RETURNING id',
  'revoke_account',
);
const END_SESSIONS = sql<never>('DELETE FROM account_sessions WHERE account_id = $1', 'end_account_sessions');

/** Developers have accounts across all projects, so there is no tenant to lead with. */
@Injectable()
export class AccountsRepository {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  async find(id: OwnerId): Promise<Account | undefined> {
    const [row] = await this.database.query(FIND, [id]);
    return row && toAccount(row);
  }

  async findByEmail(email: string): Promise<Account | undefined> {
    const { unicode, ascii } = spellingsOf(email) ?? { unicode: email, ascii: email };
    const [row] = await this.database.query(FIND_BY_EMAIL, [email, unicode, ascii]);
    return row && toAccount(row);
  }

  /** @param operator who is named in the history; nobody for who registers. @returns the new account, or `undefined` when the address has one */
  add(email: string, passwordHash: string, fullName: string | null, operator?: Actor): Promise<Account | undefined> {
    const { audit } = this;
    return this.database.transaction(function* () {
      const [row] = yield* query(ADD, [randomUUID(), email, passwordHash, fullName, new Date()]);
      if (row && operator) yield* audit.appendSystemEvent('developers.added', { account: row.id }, operator);
      return row && toAccount(row);
    });
  }

  /** Puts the same password's hash of another cost in the place of `from`, if that is still there. */
  async rehash({ id, passwordHash: from }: Account, to: string): Promise<void> {
    await this.database.query(REHASH, [id, from, to]);
  }

  /** Also gives a revoked account back. Ends all sessions. @returns whether there is such an account */
  setPassword(email: string, passwordHash: string, operator: Actor): Promise<boolean> {
    return this.#changeAndEndSessions(SET_PASSWORD, email, passwordHash, 'developers.password_set', operator);
  }

  /** Ends all sessions, too. @returns whether there is such an account */
  revoke(email: string, operator: Actor): Promise<boolean> {
    return this.#changeAndEndSessions(REVOKE, email, new Date(), 'developers.revoked', operator);
  }

  /** Writes into the history that nobody can log in to an account, or from an address, for a while. @param accountId if it is an account's */
  recordLockOut(accountId: OwnerId | undefined, ip: string): Promise<void> {
    const actor = { ...systemActor('login'), ip: isIP(ip) ? ip : null };
    const details = accountId === undefined ? { by: 'address' } : { by: 'account', account: accountId };
    return this.audit.recordSystemEvent('developers.locked_out', details, actor);
  }

  #changeAndEndSessions(
    change: typeof REVOKE,
    email: string,
    value: string | Date,
    action: SystemAction,
    operator: Actor,
  ): Promise<boolean> {
    const { audit } = this;
    return this.database.transaction(function* () {
      const [account] = yield* query(change, [email, value]);
      if (!account) return false;
      yield* query(END_SESSIONS, [account.id]);
      yield* audit.appendSystemEvent(action, { account: account.id }, operator);
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
