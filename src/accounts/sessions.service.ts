import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { DataSource, LessThanOrEqual, type Repository } from 'typeorm';
import { DeveloperTokens } from '../auth/tokens/developer-tokens.js';
import { DomainError } from '../common/errors.js';
import type { OwnerId } from '../common/ids.js';
import { reachingDatabase } from '../database/database-errors.js';
import { Database, query, type Steps } from '../database/database.js';
import { SessionEntity } from './account.entities.js';
import { END_SESSION, ROTATE_SESSION } from './account.statements.js';

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

/** The session's account, or whether a reused token ended the session. */
type Rotation = { accountId: OwnerId } | { wasEnded: boolean };

@Injectable()
export class SessionsRepository {
  readonly #entities: Repository<SessionEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
  ) {
    this.#entities = dataSource.getRepository(SessionEntity);
  }

  /** Adds a session, and deletes expired ones. */
  async add(id: string, accountId: OwnerId, tokenHash: string, expiresAt: Date): Promise<void> {
    await reachingDatabase(this.#entities.delete({ expiresAt: LessThanOrEqual(new Date()) }));
    await reachingDatabase(this.#entities.insert({ id, accountId, tokenHash, expiresAt }));
  }

  /** Replaces the session's token. Ends the session if the token was used before. */
  rotate(id: string, tokenHash: string, nextHash: string, expiresAt: Date): Promise<Rotation> {
    return this.database.transaction(function* (): Steps<Rotation> {
      const [session] = yield* query(ROTATE_SESSION, [id, tokenHash, nextHash, expiresAt, new Date()]);
      return session ?? { wasEnded: (yield* query(END_SESSION, [id, tokenHash])).length > 0 };
    });
  }
}

export const ACCESS_SECONDS = 30 * 60;
const REFRESH_MS = 7 * 24 * 60 * 60 * 1_000;

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Issues access tokens (30 minutes) and refresh tokens (7 days). */
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
   * Exchanges a refresh token. A reused one may be stolen, so it ends the session (RFC 9700, 4.14.2).
   * @throws DomainError `unauthenticated`
   */
  async continue(token: string): Promise<Tokens> {
    const id = sessionIdOf(token);
    if (!id) throw notValid();
    const refreshToken = newRefreshToken(id);
    const rotation = await this.sessions.rotate(id, hashOf(token), hashOf(refreshToken), expiry());
    if ('accountId' in rotation)
      return { refreshToken, accessToken: this.accessTokens.issue(rotation.accountId, ACCESS_SECONDS, id) };
    if (rotation.wasEnded) this.#logger.warn('A refresh token was reused; its session was ended.');
    throw notValid();
  }
}

function expiry(): Date {
  return new Date(Date.now() + REFRESH_MS);
}

function notValid(): DomainError {
  return new DomainError('unauthenticated', 'The refresh token is not valid, or no longer: log in again.', {
    challenge: 'Bearer',
  });
}
