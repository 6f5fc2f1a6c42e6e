import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import { DataSource, In, IsNull, Not, type Repository } from 'typeorm';
import { OpaqueKeys } from '../auth/opaque-keys/opaque-keys.js';
import { type Actor, systemActor } from '../common/actor.js';
import { DomainError } from '../common/errors.js';
import type { OwnerId, ProjectId } from '../common/ids.js';
import { columnValues, type RowOf } from '../database/columns.js';
import { reachingDatabase } from '../database/database-errors.js';
import { Database, exec, query, type Steps } from '../database/database.js';
import { countMail } from '../mail/mail-counts.statements.js';
import type { SystemAction } from '../history/history-entry.js';
import { type HistoryChain, HistoryTrail } from '../history/history-trail.js';
import { AccountEntity } from './account.entities.js';
import { MembershipHook } from '../projects/members/membership-hook.js';
import { LEAVE_ALL, MEMBERSHIPS } from '../projects/members/members.statements.js';
import { OWNS_PROJECT } from '../projects/project.statements.js';
import {
  ADD,
  CHANGE_PASSWORD,
  ERASE,
  LOCK_ACCOUNT,
  RESET_PASSWORD,
  REVOKE,
  SET_PASSWORD,
} from './account.statements.js';
import { spellingsOf } from '../http/validation/email.js';
import { END_OTHER_SESSIONS, END_SESSIONS } from './sessions/session.statements.js';

/** A developer of the built-in authorization server. Times are RFC 3339 in UTC with milliseconds. */
export interface Account {
  readonly id: OwnerId;
  readonly email: string;
  readonly passwordHash: string;
  readonly fullName: string | null;
  readonly createdAt: string;
  readonly isRevoked: boolean;
}

export interface IssuedReset {
  readonly token: string;
  readonly expiresAt: Date;
}

/** The nil UUID, which no session has. */
const NO_SESSION = '00000000-0000-0000-0000-000000000000';

type NewAccount = Pick<Account, 'email' | 'passwordHash' | 'fullName'> & {
  readonly oidcIdentity?: string | undefined;
};

/** Stores accounts. They belong to no project, so no method has a project as its first parameter. */
@Injectable()
export class AccountsRepository {
  readonly #entities: Repository<AccountEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly keys: OpaqueKeys,
    private readonly memberships: MembershipHook,
  ) {
    this.#entities = dataSource.getRepository(AccountEntity);
  }

  async find(id: OwnerId): Promise<Account | undefined> {
    const row = await reachingDatabase(this.#entities.findOneBy({ id, email: Not(IsNull()) }));
    return row ? toAccount(row) : undefined;
  }

  /** Whether there was an account with this id. */
  wasDeleted(id: OwnerId): Promise<boolean> {
    return reachingDatabase(this.#entities.existsBy({ id, email: IsNull() }));
  }

  /** Finds an account by either spelling of its domain (older accounts). Prefers an exact match. */
  async findByEmail(email: string): Promise<Account | undefined> {
    const { unicode, ascii } = spellingsOf(email) ?? { unicode: email, ascii: email };
    const spellings = [email, unicode, ascii];
    const rows = await reachingDatabase(this.#entities.findBy({ email: In(spellings) }));
    const rank = ({ email: stored }: AccountEntity) => spellings.indexOf(stored ?? '');
    const [row] = rows.sort((one, other) => rank(one) - rank(other));
    return row && toAccount(row);
  }

  /** Finds the account of a person at the identity provider. */
  async findByIdentity(oidcIdentity: string): Promise<Account | undefined> {
    const row = await reachingDatabase(this.#entities.findOneBy({ oidcIdentity }));
    return row ? toAccount(row) : undefined;
  }

  /**
   * @param oidcIdentity of a person at the identity provider
   * @returns the account, or `undefined` if the address or the identity has one
   */
  addWithoutPassword(
    email: string,
    fullName: string | null,
    oidcIdentity?: string,
  ): Promise<Account | undefined> {
    return this.database.transaction(() => this.#add({ email, passwordHash: '', fullName, oidcIdentity }));
  }

  /** All accounts that were not deleted, the oldest first. */
  async list(): Promise<Account[]> {
    const order = { createdAt: 'ASC', id: 'ASC' } as const;
    const rows = await reachingDatabase(this.#entities.find({ where: { email: Not(IsNull()) }, order }));
    return rows.map(toAccount);
  }

  /**
   * @param operator recorded in the history; absent for a registration
   * @returns the account, or `undefined` if the address has one
   */
  add(
    email: string,
    passwordHash: string,
    fullName: string | null,
    operator?: Actor,
  ): Promise<Account | undefined> {
    return this.database.transaction(() => this.#add({ email, passwordHash, fullName }, operator));
  }

  *#add({ oidcIdentity, ...added }: NewAccount, operator?: Actor): Steps<Account | undefined> {
    const account = { ...added, id: randomUUID() as OwnerId, oidcIdentity: oidcIdentity ?? null };
    const values = columnValues(AccountEntity, { ...account, createdAt: new Date(), revokedAt: null });
    const [row] = yield* query(ADD, values);
    if (row && operator)
      yield* this.history.appendSystemEvent('developers.added', { account: row.id }, operator);
    return row && toAccount(row);
  }

  /** Replaces a hash of outdated cost, unless the password has changed since. */
  async rehash(account: Account, to: string): Promise<Account> {
    const { id, passwordHash: from } = account;
    await reachingDatabase(this.#entities.update({ id, passwordHash: from }, { passwordHash: to }));
    return { ...account, passwordHash: to };
  }

  /**
   * Changes a password, and ends all sessions but one.
   * @returns the account's id, or `undefined` if the password has changed since the account was read
   */
  changePassword(
    { id, passwordHash: from }: Account,
    to: string,
    { session = NO_SESSION, actor }: { session: string | undefined; actor: Actor },
  ): Promise<OwnerId | undefined> {
    const { history, keys } = this;
    return this.database.transaction(function* (): Steps<OwnerId | undefined> {
      const [account] = yield* query(CHANGE_PASSWORD, [id, to, from]);
      if (!account) return undefined;
      yield* exec(END_OTHER_SESSIONS, [id, session]);
      yield* keys.revoke('password_reset', id);
      yield* history.appendSystemEvent('developers.password_changed', { account: id }, actor);
      return id;
    });
  }

  /** Sets a password, reactivates the account and ends its sessions. @returns whether the account exists */
  setPassword(email: string, passwordHash: string, operator: Actor): Promise<boolean> {
    const change = () => query(SET_PASSWORD, [email, passwordHash]);
    return this.database.transaction(() =>
      this.#changeAndEndSessions(change, 'developers.password_set', operator),
    );
  }

  /** Revokes an account and ends its sessions. @returns whether the account exists */
  revoke(email: string, operator: Actor): Promise<boolean> {
    const change = () => query(REVOKE, [email, new Date()]);
    return this.database.transaction(() =>
      this.#changeAndEndSessions(change, 'developers.revoked', operator),
    );
  }

  /** Records a lock-out of an account, or of a network address if `accountId` is absent. */
  recordLockOut(accountId: OwnerId | undefined, ip: string): Promise<void> {
    const actor = { ...systemActor('login'), ip: isIP(ip) ? ip : null };
    const details = accountId === undefined ? { by: 'address' } : { by: 'account', account: accountId };
    return this.history.recordSystemEvent('developers.locked_out', details, actor);
  }

  /**
   * Issues a token that resets the password.
   * @param options.isMailed counts a mail to the account, also after the token is used
   * @returns `undefined` if the account is not active, or has had the most mails
   */
  issueReset(
    id: OwnerId,
    { forMs, isMailed }: { forMs: number; isMailed: boolean },
    actor: Actor,
  ): Promise<IssuedReset | undefined> {
    const { history, keys } = this;
    return this.database.transaction(function* (): Steps<IssuedReset | undefined> {
      const [account] = yield* query(LOCK_ACCOUNT, [id]);
      if (!account || account.isRevoked) return undefined;
      if (isMailed && !(yield* countMail('password_reset', id))) return undefined;
      const expiresAt = new Date(Date.now() + forMs);
      const token = yield* keys.issue('password_reset', id, { expiresAt });
      yield* history.appendSystemEvent('developers.reset_issued', { account: id }, actor);
      return { token, expiresAt };
    });
  }

  /** Uses up a reset token, sets the password, and ends all sessions. @returns `undefined` if it is not valid */
  resetPassword(
    token: string,
    passwordHash: string,
    actorOf: (id: OwnerId) => Actor,
  ): Promise<Account | undefined> {
    return this.database.transaction(() => this.#resetPassword(token, passwordHash, actorOf));
  }

  *#resetPassword(
    token: string,
    passwordHash: string,
    actorOf: (id: OwnerId) => Actor,
  ): Steps<Account | undefined> {
    const holder = yield* this.keys.redeem('password_reset', token);
    const [row] = holder === undefined ? [] : yield* query(RESET_PASSWORD, [holder, passwordHash]);
    if (!row) return undefined;
    yield* this.#endAccess(row.id);
    yield* this.history.appendSystemEvent('developers.password_reset', { account: row.id }, actorOf(row.id));
    return toAccount(row);
  }

  /**
   * Erases address and name of an account, ends its sessions, and takes it out of all projects. The id stays.
   * @returns false if the account was erased before
   * @throws DomainError `account_owns_projects`
   */
  async delete(id: OwnerId, actor: Actor): Promise<boolean> {
    for (;;) {
      try {
        return await this.database.transaction(() => this.#delete(id, actor));
      } catch (error) {
        if (!(error instanceof JoinedMeanwhile)) throw error;
      }
    }
  }

  *#delete(id: OwnerId, actor: Actor): Steps<boolean> {
    // Locks histories before the account, as a transfer does, so that the two don't wait for each other.
    const chains = new Map<ProjectId, HistoryChain>();
    for (const { projectId } of yield* query(MEMBERSHIPS, [id]))
      chains.set(projectId, yield* this.history.lockChain(projectId));
    const [account] = yield* query(ERASE, [id, new Date()]);
    if (!account) return false;
    const [project] = yield* query(OWNS_PROJECT, [id]);
    if (project)
      throw new DomainError(
        'account_owns_projects',
        'The account owns projects: transfer or delete them before you delete the account.',
      );
    for (const { projectId, role } of yield* query(LEAVE_ALL, [id])) {
      const chain = chains.get(projectId);
      if (!chain) throw new JoinedMeanwhile();
      const at = new Date();
      yield* chain.append({ action: 'member.removed', details: { member: id, role }, actor, at });
      yield* this.memberships.tell({ type: 'member.removed', projectId, member: { subject: id, role }, at });
    }
    yield* this.#endAccess(id);
    yield* this.history.appendSystemEvent('developers.deleted', { account: id }, actor);
    return true;
  }

  *#endAccess(id: OwnerId): Steps<void> {
    yield* exec(END_SESSIONS, [id]);
    yield* this.keys.revoke('password_reset', id);
    yield* this.keys.revoke('sign_in', id);
  }

  *#changeAndEndSessions(
    change: () => Steps<{ id: OwnerId }[]>,
    action: SystemAction,
    operator: Actor,
  ): Steps<boolean> {
    const [account] = yield* change();
    if (!account) return false;
    yield* this.#endAccess(account.id);
    yield* this.history.appendSystemEvent(action, { account: account.id }, operator);
    return true;
  }
}

/** Rolls a deletion back after the account joined a project whose history is not locked. */
class JoinedMeanwhile extends Error {}

function toAccount({
  id,
  email,
  passwordHash,
  fullName,
  createdAt,
  revokedAt,
}: RowOf<AccountEntity>): Account {
  return {
    id,
    email: email ?? '',
    passwordHash,
    fullName,
    createdAt: createdAt.toISOString(),
    isRevoked: revokedAt !== null,
  };
}
