import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, IsNull, type Repository } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { PeriodicTask } from '../../database/periodic-task.js';
import { reachingDatabase } from '../../database/database-errors.js';
import { Database } from '../../database/database.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import type { SealedText } from '../../vault/seal/seal.js';
import { IdempotencyKeyEntity } from './idempotency-key.entity.js';
import { CLAIM, DELETE_EXPIRED } from './idempotency-keys.statements.js';

const LEASE_MS = 30_000;
const REMEMBERED_MS = 24 * 60 * 60 * 1_000;

/** One use of a key. */
export interface KeyUse {
  readonly projectId: ProjectId;
  readonly scope: string;
  readonly request: string;
  readonly holder: string;
}

/** An earlier use of a key. The answer is null while the request runs. */
export interface EarlierUse {
  readonly request: string;
  readonly answer: SealedText | null;
}

@Injectable()
export class IdempotencyKeysRepository {
  readonly #entities: Repository<IdempotencyKeyEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
  ) {
    this.#entities = dataSource.getRepository(IdempotencyKeyEntity);
  }

  /** @returns `undefined` if the key was claimed, else its earlier use */
  async claim({ projectId, scope, request, holder }: KeyUse): Promise<EarlierUse | undefined> {
    const now = new Date();
    const leaseUntil = new Date(now.getTime() + LEASE_MS);
    const claimed = await this.database.query(CLAIM, [
      projectId,
      scope,
      request,
      holder,
      leaseUntil,
      now,
      forgottenBy(now),
    ]);
    if (claimed.length > 0) return undefined;
    const earlier = await reachingDatabase(this.#entities.findOneBy({ projectId, scope }));
    // The other request has failed meanwhile. `null` makes this caller retry, and the key is free then.
    return earlier ?? { request, answer: null };
  }

  /** Does nothing if the lease was lost. */
  async answer(
    { projectId, scope, holder }: KeyUse,
    { sealed, keyId }: { sealed: SealedText; keyId: string },
  ): Promise<void> {
    await reachingDatabase(this.#entities.update({ projectId, scope, holder }, { answer: sealed, keyId }));
  }

  async release({ projectId, scope, holder }: KeyUse): Promise<void> {
    await reachingDatabase(this.#entities.delete({ projectId, scope, holder, answer: IsNull() }));
  }

  /** Deletes expired keys. */
  async sweep(): Promise<void> {
    await this.database.write(DELETE_EXPIRED, [forgottenBy(new Date())]);
  }
}

function forgottenBy(now: Date): Date {
  return new Date(now.getTime() - REMEMBERED_MS);
}

/** Deletes expired idempotency keys with their answers. */
@Injectable()
export class IdempotencySweeper implements OnApplicationBootstrap {
  readonly task: PeriodicTask;

  constructor(keys: IdempotencyKeysRepository, tasks: PeriodicTasks) {
    this.task = tasks.add({
      name: 'idempotency_keys',
      intervalMs: 60 * 60 * 1_000,
      // Soon after the start, for processes that never run for an hour.
      firstAfterMs: 60 * 1_000,
      inOneProcess: true,
      work: () => keys.sweep(),
      failure: 'Old idempotency keys could not be deleted; this is tried again in an hour.',
    });
  }

  onApplicationBootstrap(): void {
    this.task.start();
  }
}
