import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import {
  Column,
  DataSource,
  Entity,
  Index,
  IsNull,
  JoinColumn,
  LessThanOrEqual,
  ManyToOne,
  PrimaryColumn,
  type Repository,
} from 'typeorm';
import type { ProjectId } from '../common/ids.js';
import type { PeriodicTask } from '../common/periodic-task.js';
import { reachingDatabase } from '../database/database-errors.js';
import { Database } from '../database/database.js';
import { PeriodicTasks } from '../database/periodic-tasks.js';
import { DataKeyEntity } from '../vault/keys/data-key.entity.js';
import type { SealedText } from '../vault/seal/seal.js';
import { CLAIM } from './idempotency-keys.statements.js';

/** A request with an `Idempotency-Key`. Without an answer it is still running. */
@Entity('idempotency_keys')
@Index('idempotency_keys_by_age', ['createdAt'])
@Index('idempotency_keys_by_key', ['keyId'])
export class IdempotencyKeyEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'idempotency_keys_pk' })
  projectId: ProjectId;

  /** Keyed hash of the caller, the operation and the caller's key. */
  @PrimaryColumn({ type: 'varchar', length: 32, primaryKeyConstraintName: 'idempotency_keys_pk' })
  scope: string;

  /** Keyed hash of the input. */
  @Column({ type: 'varchar', length: 32 })
  request: string;

  /** Attempt that has the lease. Only this attempt may store the answer. */
  @Column('uuid')
  holder: string;

  /** End of the lease, after which a retry may run. A crashed process blocks the key until then. */
  @Column({ name: 'lease_until', type: Date, precision: 3 })
  leaseUntil: Date;

  @Column({ type: 'text', nullable: true })
  answer: SealedText | null;

  /** Id of the data key that sealed `answer`. */
  @Column({ name: 'key_id', type: 'varchar', length: 16, nullable: true })
  keyId: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => DataKeyEntity)
  @JoinColumn({ name: 'key_id', foreignKeyConstraintName: 'idempotency_keys_key_fk' })
  dataKey: DataKeyEntity | null;
}

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
    await reachingDatabase(this.#entities.delete({ createdAt: LessThanOrEqual(forgottenBy(new Date())) }));
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
