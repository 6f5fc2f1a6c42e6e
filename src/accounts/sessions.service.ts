import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { DeveloperTokens } from '../auth/developer-tokens.js';
import { DomainError } from '../common/errors.js';
import type { OwnerId } from '../common/ids.js';
import { hashOf, newRefreshToken, sessionIdOf } from './refresh-token.js';
import { SessionsRepository } from './sessions.repository.js';

export const ACCESS_SECONDS = 30 * 60;
const REFRESH_MS = 7 * 24 * 60 * 60 * 1_000;

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Hands out access tokens of 30 minutes and the refresh tokens, of 7 days, that the next ones are fetched with. */
@Injectable()
export class SessionsService {
  readonly #logger = new Logger(SessionsService.name);

  constructor(
    private readonly sessions: SessionsRepository,
    private readonly accessTokens: DeveloperTokens,
  ) {}

  async begin(accountId: OwnerId): Promise<Tokens> {
    const id = randomUUID();
    const refreshToken = newRefreshToken(id);
    await this.sessions.add(id, accountId, hashOf(refreshToken), expiry());
    return { refreshToken, accessToken: this.accessTokens.issue(accountId, ACCESS_SECONDS, id) };
  }

  /**
   * Exchanges a refresh token for new tokens. One that comes a second time was copied, by whom nobody can tell: the session ends for
   * all, as RFC 9700 (section 4.14.2) has it.
   * @throws DomainError `unauthenticated`
   */
  async continue(token: string): Promise<Tokens> {
    const id = sessionIdOf(token);
    if (!id) throw notValid();
    const refreshToken = newRefreshToken(id);
    const rotation = await this.sessions.rotate(id, hashOf(token), hashOf(refreshToken), expiry());
    if ('accountId' in rotation) return { refreshToken, accessToken: this.accessTokens.issue(rotation.accountId, ACCESS_SECONDS, id) };
    if (rotation.wasEnded) this.#logger.warn('A refresh token was used a second time; the session that it belongs to was ended.');
    throw notValid();
  }
}

function expiry(): Date {
  return new Date(Date.now() + REFRESH_MS);
}

function notValid(): DomainError {
  return new DomainError('unauthenticated', 'The refresh token is not valid, or no longer: log in again.', { challenge: 'Bearer' });
}
