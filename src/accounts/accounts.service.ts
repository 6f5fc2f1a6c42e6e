import { Injectable, Logger } from '@nestjs/common';
import { invalidToken } from '../auth/auth.errors.js';
import { EndedSessions } from '../auth/tokens/ended-sessions.js';
import type { Actor } from '../common/actor.js';
import { DomainError } from '../common/errors.js';
import { type OwnerId, parseUuid } from '../common/ids.js';
import type { Secret } from '../common/secret.js';
import type { Account } from './accounts.repository.js';
import { AccountsRepository } from './accounts.repository.js';
import { storedForm } from '../http/validation/email.js';
import { FailedAttempts, type LockOutScope } from './attempts/failed-attempts.js';
import { Passwords } from './passwords/passwords.js';

/** A normalized address and its password. */
interface Login {
  readonly email: string;
  readonly password: Secret;
}

/** Manages developer accounts, for installations without an authorization server. */
@Injectable()
export class AccountsService {
  readonly #logger = new Logger(AccountsService.name);
  /** Refused logins since the start, for metrics: wrong credentials, and too many attempts. */
  readonly failedLogins = { wrong: 0, limited: 0 };

  constructor(
    private readonly accounts: AccountsRepository,
    private readonly passwords: Passwords,
    private readonly attempts: FailedAttempts,
    private readonly ended: EndedSessions,
  ) {}

  /** @throws DomainError `email_taken`, `rate_limited`, `too_busy` */
  async register(login: Login, fullName: string | null, ip: string): Promise<Account> {
    const account = await this.attempts.limit(ip, storedForm(login.email), () => this.add(login, fullName));
    if (!account)
      throw new DomainError('email_taken', 'There is an account with this e-mail address: log in.');
    return account;
  }

  /** @returns the account, or `undefined` if the address has one. @throws DomainError `too_busy` */
  async add(
    { email, password }: Login,
    fullName: string | null,
    operator?: Actor,
  ): Promise<Account | undefined> {
    if (await this.accounts.findByEmail(email)) return undefined;
    return this.accounts.add(storedForm(email), await this.passwords.hash(password), fullName, operator);
  }

  /** All accounts, the oldest first. */
  list(): Promise<Account[]> {
    return this.accounts.list();
  }

  /** Sets a password, reactivates the account and ends its sessions. @returns whether the account exists */
  async setPassword({ email, password }: Login, operator: Actor): Promise<boolean> {
    const account = await this.accounts.findByEmail(email);
    return (
      account !== undefined &&
      this.accounts.setPassword(account.email, await this.passwords.hash(password), operator)
    );
  }

  /** Revokes an account and ends its sessions. @returns whether the account exists */
  async revoke(email: string, operator: Actor): Promise<boolean> {
    const account = await this.accounts.findByEmail(email);
    return account !== undefined && this.accounts.revoke(account.email, operator);
  }

  /**
   * Authenticates a developer. A wrong password and an unknown address fail alike.
   * @throws DomainError `unauthenticated`, `rate_limited`, `too_busy`
   */
  async logIn(login: Login, ip: string): Promise<Account> {
    const account = await this.#limited(login.email, ip, () => this.#find(login));
    if (!account) throw wrongLogin();
    if (!this.passwords.isOutdated(account.passwordHash)) return account;
    return this.accounts.rehash(account, await this.passwords.hash(login.password));
  }

  /**
   * Changes the password of the caller, and ends all sessions but that of the caller.
   * @throws DomainError `wrong_password`, `rate_limited`, `too_busy`
   */
  async changePassword(
    account: Account,
    { current, next }: { current: Secret; next: Secret },
    { session, actor, ip }: { session: string | undefined; actor: Actor; ip: string },
  ): Promise<void> {
    const isChanged = await this.#limited(account.email, ip, async () => {
      if (!(await this.passwords.matches(account.passwordHash, current))) return undefined;
      return this.accounts.changePassword(account, await this.passwords.hash(next), { session, actor });
    });
    if (!isChanged) throw new DomainError('wrong_password', 'The current password is wrong.');
    this.ended.forget();
  }

  /**
   * Deletes the account of an access token: erases address and name, and ends all sessions.
   * @throws DomainError `account_owns_projects`
   */
  async delete({ id }: Account, actor: Actor): Promise<void> {
    await this.accounts.delete(id, actor);
    this.ended.forget();
  }

  /** Returns an access token's account. @throws DomainError `account_not_found`, `unauthenticated` */
  async get(subject: string): Promise<Account> {
    const id = parseUuid<OwnerId>(subject);
    const account = id && (await this.accounts.find(id));
    // Other requests are refused once this process reads the standing again.
    if (!account && id && (await this.accounts.wasDeleted(id)))
      throw invalidToken('The account of this access token was revoked.');
    if (!account)
      throw new DomainError(
        'account_not_found',
        'The access token was not made for an account of this service.',
      );
    if (account.isRevoked) throw invalidToken('The account of this access token was revoked.');
    return account;
  }

  /** Runs an attempt to prove a password. @returns `undefined` for a wrong one. @throws DomainError */
  async #limited<Result>(
    email: string,
    ip: string,
    attempt: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    const onLockOut = (scope: LockOutScope) => this.#recordLockOut(scope, email, ip);
    try {
      const result = await this.attempts.limit(ip, storedForm(email), attempt, onLockOut);
      if (result === undefined) this.failedLogins.wrong += 1;
      return result;
    } catch (error) {
      if (error instanceof DomainError && error.code === 'rate_limited') this.failedLogins.limited += 1;
      throw error;
    }
  }

  /** Omits unknown addresses from the history, which strangers could fill with invented ones. */
  async #recordLockOut(scope: LockOutScope, email: string, ip: string): Promise<void> {
    this.#logger.warn(
      `After too many failed attempts nobody can log in ${scope === 'account' ? 'to an account' : 'from a network address'} for a while.`,
    );
    try {
      const account = scope === 'account' ? await this.accounts.findByEmail(email) : undefined;
      if (scope === 'address' || account) await this.accounts.recordLockOut(account?.id, ip);
    } catch {
      this.#logger.warn('The history has no entry about that: the database did not take it.');
    }
  }

  async #find({ email, password }: Login): Promise<Account | undefined> {
    const account = await this.accounts.findByEmail(email);
    const isRight = await this.passwords.matches(account?.passwordHash, password);
    return isRight && !account?.isRevoked ? account : undefined;
  }
}

export function wrongLogin(): DomainError {
  return new DomainError('unauthenticated', 'The e-mail address or the password is wrong.', {
    challenge: 'Bearer',
  });
}
