import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type OwnerId, parseUuid } from '../../common/ids.js';
import { Settings } from '../../config/settings.js';
import { Database, sql } from '../../database/database.js';
import { Keyring } from '../../vault/keys/keyring.js';
import type { Caller } from '../caller.js';
import { invalidToken } from '../auth.errors.js';

/** Maximum delay until a revocation takes effect in every process. */
const MAX_AGE_MS = 1_500;
const MAX_KEPT = 10_000;

interface Standing {
  is_revoked: number;
  has_session: number;
}

/** $1 account, $2 session or NULL. Returns no row if there is no such account. */
const FIND_STANDING = sql<Standing>(
  `SELECT CASE WHEN a.revoked_at IS NULL THEN 0 ELSE 1 END AS is_revoked,
     CASE WHEN EXISTS (SELECT 1 FROM account_sessions s WHERE s.id = $2 AND s.account_id = a.id) THEN 1 ELSE 0 END AS has_session
   FROM accounts a WHERE a.id = $1`,
  'find_standing_of_developer',
);

/** Refuses unexpired access tokens of revoked accounts and ended sessions. */
@Injectable()
export class EndedSessions {
  readonly #standings = new LRUCache<string, Promise<Standing | undefined>>({
    max: MAX_KEPT,
    ttl: MAX_AGE_MS,
  });

  constructor(
    private readonly settings: Settings,
    private readonly keyring: Keyring,
    private readonly database: Database,
  ) {}

  /** @throws DomainError `unauthenticated`, `database_unavailable` */
  async assertGoesOn(caller: Caller): Promise<void> {
    // Skips the check until the keyring is loaded; later steps refuse such requests.
    if (caller.kind !== 'developer' || !this.settings.authBuiltin || !this.keyring.isLoaded) return;
    const { sub, sessionId } = caller;
    const accountId = parseUuid<OwnerId>(sub);
    const standing = accountId && (await this.#find(accountId, sessionId));
    if (!standing) return;
    if (standing.is_revoked) throw invalidToken('The account of this access token was revoked.');
    if (sessionId !== undefined && !standing.has_session)
      throw invalidToken('The session of this access token has ended: log in again.');
  }

  #find(accountId: OwnerId, sessionId: string | undefined): Promise<Standing | undefined> {
    const session = sessionId === undefined ? undefined : parseUuid<string>(sessionId);
    const key = `${accountId} ${session ?? ''}`;
    const known = this.#standings.get(key);
    if (known) return known;
    const found = this.database.query(FIND_STANDING, [accountId, session ?? null]).then(([row]) => row);
    this.#standings.set(key, found);
    found.catch(() => this.#standings.delete(key));
    return found;
  }
}
