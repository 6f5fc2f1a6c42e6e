import { Injectable } from '@nestjs/common';
import { DataSource, LessThanOrEqual, type Repository } from 'typeorm';
import type { OwnerId } from '../common/ids.js';
import { Database, query, type Steps } from '../database/database.js';
import { reachingDatabase } from '../database/database-errors.js';
import { END_SESSION, ROTATE_SESSION } from './account.statements.js';
import { SessionEntity } from './session.entity.js';

/** The account that the session goes on for, or whether it was ended because a token that had been exchanged came again. */
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

  /** Begins a session, and deletes the expired ones. */
  async add(id: string, accountId: OwnerId, tokenHash: string, expiresAt: Date): Promise<void> {
    await reachingDatabase(this.#entities.delete({ expiresAt: LessThanOrEqual(new Date()) }));
    await reachingDatabase(this.#entities.insert({ id, accountId, tokenHash, expiresAt }));
  }

  /** Exchanges the session's token for the next one. */
  rotate(id: string, tokenHash: string, nextHash: string, expiresAt: Date): Promise<Rotation> {
    return this.database.transaction(function* (): Steps<Rotation> {
      const [session] = yield* query(ROTATE_SESSION, [id, tokenHash, nextHash, expiresAt, new Date()]);
      return session ?? { wasEnded: (yield* query(END_SESSION, [id, tokenHash])).length > 0 };
    });
  }
}
