import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { DeveloperTokens } from '../../auth/tokens/developer-tokens.js';
import { EndedSessions } from '../../auth/tokens/ended-sessions.js';
import type { Actor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import type { OwnerId } from '../../common/ids.js';
import type { SessionEntity } from '../account.entities.js';
import type { Account } from '../accounts.repository.js';
import { wrongLogin } from '../accounts.service.js';
import { SessionsRepository } from './sessions.repository.js';

const FORM = /^tkrt_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_[\w-]{43}$/;

/** Creates a refresh token from the session's id and 256 random bits. */
function newRefreshToken(sessionId: string): string {
  return `tkrt_${sessionId}_${randomBytes(32).toString('base64url')}`;
}

/** @returns the session's id, or `undefined` if the text is no refresh token */
function sessionIdOf(token: string): string | undefined {
  return FORM.exec(token)?.[1];
}

/** Returns the stored form of a token. A fast hash is enough for 256 random bits. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

export const ACCESS_SECONDS = 30 * 60;
const GRACE_MS = 30_000;
export const REFRESH_MS = 7 * 24 * 60 * 60 * 1_000;

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/**
 * Issues access tokens (30 minutes) and refresh tokens (7 days), and ends sessions. An ended session ends in
 * this process at once, and in others within two seconds.
 */
@Injectable()
export class SessionsService {
  readonly #logger = new Logger(SessionsService.name);

  constructor(
    private readonly sessions: SessionsRepository,
    private readonly accessTokens: DeveloperTokens,
    private readonly ended: EndedSessions,
  ) {}

  /** @throws DomainError `unauthenticated` if the account was revoked or got another password since it was read */
  async begin(account: Account, client: Pick<Actor, 'ip' | 'userAgent'>): Promise<Tokens> {
    const id = randomUUID();
    const refreshToken = newRefreshToken(id);
    const session = { id, tokenHash: hashOf(refreshToken), expiresAt: expiry(), client };
    if (!(await this.sessions.add(account, session))) throw wrongLogin();
    return { refreshToken, accessToken: this.accessTokens.issue(account.id, ACCESS_SECONDS, id) };
  }

  /**
   * Exchanges a refresh token. A reused one may be stolen, so it ends the session (RFC 9700, 4.14.2).
   * @throws DomainError `unauthenticated`
   */
  continue(token: string): Promise<Tokens> {
    return this.#continue(token, 0);
  }

  /**
   * Exchanges a refresh token from a cookie. A tab that is closed within a refresh loses the next token, so the
   * former one may be used once more, shortly after. @throws DomainError `unauthenticated`
   */
  continueInBrowser(token: string): Promise<Tokens> {
    return this.#continue(token, GRACE_MS);
  }

  async #continue(token: string, graceMs: number): Promise<Tokens> {
    const id = sessionIdOf(token);
    if (!id) throw notValid();
    const refreshToken = newRefreshToken(id);
    const next = { nextHash: hashOf(refreshToken), expiresAt: expiry(), graceMs };
    const rotation = await this.sessions.rotate(id, hashOf(token), next);
    if ('accountId' in rotation)
      return { refreshToken, accessToken: this.accessTokens.issue(rotation.accountId, ACCESS_SECONDS, id) };
    if (rotation.wasEnded) {
      this.ended.forget();
      this.#logger.warn('A refresh token was reused; its session was ended.');
    }
    throw notValid();
  }

  /** The newest first, with the number of all. */
  list(accountId: OwnerId, page: { offset: number; limit: number }): Promise<[SessionEntity[], number]> {
    return this.sessions.list(accountId, page);
  }

  /** @throws DomainError `session_not_found` */
  async get(accountId: OwnerId, id: string): Promise<SessionEntity> {
    const session = await this.sessions.find(accountId, id);
    if (!session) throw sessionNotFound();
    return session;
  }

  /** Ends a session with its access tokens. @throws DomainError `session_not_found` */
  async end(accountId: OwnerId, id: string): Promise<void> {
    if (!(await this.sessions.end(accountId, id))) throw sessionNotFound();
    this.ended.forget();
  }

  /** Ends the session of a refresh token, if it is the valid one or the one before. */
  async endWith(token: string): Promise<void> {
    const id = sessionIdOf(token);
    if (id && (await this.sessions.endWith(id, hashOf(token)))) this.ended.forget();
  }

  async endAll(accountId: OwnerId): Promise<void> {
    await this.sessions.endAll(accountId);
    this.ended.forget();
  }
}

function expiry(): Date {
  return new Date(Date.now() + REFRESH_MS);
}

export function sessionNotFound(): DomainError {
  return new DomainError('session_not_found', 'There is no session with this id.');
}

function notValid(): DomainError {
  return new DomainError('unauthenticated', 'The refresh token is not valid, or no longer: log in again.', {
    challenge: 'Bearer',
  });
}
