import { Injectable } from '@nestjs/common';
import { DataSource, LessThanOrEqual, MoreThan, type Repository } from 'typeorm';
import type { Actor } from '../../common/actor.js';
import type { OwnerId } from '../../common/ids.js';
import { columnValues } from '../../database/columns.js';
import { reachingDatabase } from '../../database/database-errors.js';
import { Database, query, type Steps } from '../../database/database.js';
import { SessionEntity } from '../account.entities.js';
import type { Account } from '../accounts.repository.js';
import { ADD_SESSION, END_REUSED_SESSION, END_SESSION_WITH, ROTATE_SESSION } from './session.statements.js';

/** The session's account, or whether a reused token ended the session. */
type Rotation = { accountId: OwnerId } | { wasEnded: boolean };

interface NewSession {
  readonly id: string;
  readonly tokenHash: string;
  readonly expiresAt: Date;
  readonly client: Pick<Actor, 'ip' | 'userAgent'>;
}

interface NextToken {
  readonly nextHash: string;
  readonly expiresAt: Date;
  /** Milliseconds in which the token before the valid one may be used once more. */
  readonly graceMs: number;
}

/** Stores sessions. They belong to accounts, so no method has a project as its first parameter. */
@Injectable()
export class SessionsRepository {
  readonly #entities: Repository<SessionEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
  ) {
    this.#entities = dataSource.getRepository(SessionEntity);
  }

  /**
   * Adds a session, and deletes expired ones.
   * @returns false if the account was revoked or got another password since it was read
   */
  async add({ id: accountId, passwordHash }: Account, session: NewSession): Promise<boolean> {
    const { client, ...values } = session;
    const now = new Date();
    await reachingDatabase(this.#entities.delete({ expiresAt: LessThanOrEqual(now) }));
    const { ip, userAgent } = client;
    const row = { ...values, accountId, formerHash: null, ip, userAgent, createdAt: now, lastUsedAt: now };
    const added = await this.database.write(ADD_SESSION, [...columnValues(SessionEntity, row), passwordHash]);
    return added.length > 0;
  }

  /** Replaces the session's token. Ends the session if the token was used before. */
  rotate(id: string, tokenHash: string, { nextHash, expiresAt, graceMs }: NextToken): Promise<Rotation> {
    const now = new Date();
    const formerHash = graceMs > 0 ? tokenHash : '';
    const graceSince = new Date(now.getTime() - graceMs);
    return this.database.transaction(function* (): Steps<Rotation> {
      const values = [id, tokenHash, nextHash, expiresAt, now, formerHash, graceSince];
      const [session] = yield* query(ROTATE_SESSION, values);
      return session ?? { wasEnded: (yield* query(END_REUSED_SESSION, [id, tokenHash])).length > 0 };
    });
  }

  /** The newest first, with the number of all. */
  list(accountId: OwnerId, { offset, limit }: { offset: number; limit: number }) {
    return reachingDatabase(
      this.#entities.findAndCount({
        where: { accountId, expiresAt: MoreThan(new Date()) },
        order: { createdAt: 'DESC', id: 'DESC' },
        skip: offset,
        take: limit,
      }),
    );
  }

  async find(accountId: OwnerId, id: string): Promise<SessionEntity | undefined> {
    const where = { id, accountId, expiresAt: MoreThan(new Date()) };
    return (await reachingDatabase(this.#entities.findOneBy(where))) ?? undefined;
  }

  /** @returns whether the account had this session */
  async end(accountId: OwnerId, id: string): Promise<boolean> {
    return Boolean((await reachingDatabase(this.#entities.delete({ id, accountId }))).affected);
  }

  /** Ends the session whose current token it is, or the one before. @returns whether there was one */
  async endWith(id: string, tokenHash: string): Promise<boolean> {
    return (await this.database.write(END_SESSION_WITH, [id, tokenHash])).length > 0;
  }

  async endAll(accountId: OwnerId): Promise<void> {
    await reachingDatabase(this.#entities.delete({ accountId }));
  }
}
