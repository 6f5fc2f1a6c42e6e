import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type OwnerId, parseUuid } from '../../common/ids.js';
import { Settings } from '../../config/settings.js';
import type { Steps } from '../../database/database.js';
import { Keyring } from '../../vault/keys/keyring.js';
import type { Caller } from '../caller.js';
import { invalidToken } from '../auth.errors.js';

/** Maximum delay until a revocation takes effect in every process. */
const MAX_AGE_MS = 1_500;
const MAX_KEPT = 10_000;

/** What decides whether a developer's access token still counts. */
export interface AccountStanding {
  readonly isRevoked: boolean;
  readonly hasSession: boolean;
}

/** The port through which `EndedSessions` reads accounts. */
export abstract class AccountStandings {
  /** @returns `undefined` if there is no such account */
  abstract find(id: OwnerId, sessionId: string | null): Promise<AccountStanding | undefined>;

  /** The address of an account that is neither revoked nor deleted. */
  abstract addressOf(subject: OwnerId): Promise<string | undefined>;

  /**
   * Within a transaction that gives something to a developer: keeps the account, if there is one, from being
   * deleted meanwhile. Belongs after the lock of a project's history. @returns whether it was revoked or deleted
   */
  abstract isLockedOut(subject: OwnerId): Steps<boolean>;
}

/** Refuses unexpired access tokens of revoked accounts and ended sessions. */
@Injectable()
export class EndedSessions {
  readonly #standings = new LRUCache<string, Promise<AccountStanding | undefined>>({
    max: MAX_KEPT,
    ttl: MAX_AGE_MS,
  });

  constructor(
    private readonly settings: Settings,
    private readonly keyring: Keyring,
    private readonly accounts: AccountStandings,
  ) {}

  /** @throws DomainError `unauthenticated`, `database_unavailable` */
  async assertGoesOn(caller: Caller): Promise<void> {
    // Skips the check until the keyring is loaded; later steps refuse such requests.
    if (caller.kind !== 'developer' || !this.settings.authBuiltin || !this.keyring.isLoaded) return;
    const { sub, sessionId } = caller;
    const accountId = parseUuid<OwnerId>(sub);
    const standing = accountId && (await this.#find(accountId, sessionId));
    if (!standing) return;
    if (standing.isRevoked) throw invalidToken('The account of this access token was revoked.');
    if (sessionId !== undefined && !standing.hasSession)
      throw invalidToken('The session of this access token has ended: log in again.');
  }

  /** Makes an end take effect in this process at once. Others notice it within two seconds. */
  forget(): void {
    this.#standings.clear();
  }

  #find(accountId: OwnerId, sessionId: string | undefined): Promise<AccountStanding | undefined> {
    const session = sessionId === undefined ? undefined : parseUuid<string>(sessionId);
    const key = `${accountId} ${session ?? ''}`;
    const known = this.#standings.get(key);
    if (known) return known;
    const found = this.accounts.find(accountId, session ?? null);
    this.#standings.set(key, found);
    found.catch(() => this.#standings.delete(key));
    return found;
  }
}
