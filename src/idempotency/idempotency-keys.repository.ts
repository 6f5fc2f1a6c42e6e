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
import { Database, sql } from '../database/database.js';
import { PeriodicTasks } from '../database/periodic-tasks.js';
import { DataKeyEntity } from '../vault/keys/data-key.entity.js';
import type { SealedText } from '../vault/seal/seal.js';

/** A request that came with an `Idempotency-Key`: running as long as there is no answer. */
@Entity('idempotency_keys')
@Index('idempotency_keys_by_age', ['createdAt'])
@Index('idempotency_keys_by_key', ['keyId'])
export class IdempotencyKeyEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'idempotency_keys_pk' })
  projectId: ProjectId;

  /** Keyed hash of the caller, the operation and the key that the caller chose. */
  @PrimaryColumn({ type: 'varchar', length: 32, primaryKeyConstraintName: 'idempotency_keys_pk' })
  scope: string;

  /** Keyed hash of what was asked for. */
  @Column({ type: 'varchar', length: 32 })
  request: string;

  /** Which attempt has it: one that lost its lease to another must not answer for it. */
  @Column('uuid')
  holder: string;

  /** Until then nobody else may run it; a process that crashed holds it no longer than that. */
  @Column({ name: 'lease_until', type: Date, precision: 3 })
  leaseUntil: Date;

  @Column({ type: 'text', nullable: true })
  answer: SealedText | null;

  /** The data key that `answer` needs. */
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

/** Which request of which project. */
export interface KeyUse {
  readonly projectId: ProjectId;
  readonly scope: string;
  readonly request: string;
  readonly holder: string;
}

/** An earlier use of the same key: without an answer as long as it runs. */
export interface EarlierUse {
  readonly request: string;
  readonly answer: SealedText | null;
}

/**
 * $1 project, $2 scope, $3 request, $4 holder, $5 end of the lease, $6 now, $7 the time of which nothing is remembered. Answers a row
 * when the key is free, too old, or its holder has crashed in the middle of the same request.
 */
const CLAIM = sql<{ holder: string }>(
  `INSERT INTO idempotency_keys AS k (project_id, scope, request, holder, lease_until, created_at) VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT (project_id, scope) DO UPDATE SET request = excluded.request, holder = excluded.holder,
     lease_until = excluded.lease_until, created_at = excluded.created_at, answer = NULL, key_id = NULL
   WHERE k.created_at <= $7 OR (k.answer IS NULL AND k.lease_until <= excluded.created_at AND k.request = excluded.request)
   RETURNING holder`,
  'claim_idempotency_key',
);

@Injectable()
export class IdempotencyKeysRepository {
  readonly #entities: Repository<IdempotencyKeyEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
  ) {
    this.#entities = dataSource.getRepository(IdempotencyKeyEntity);
  }

  /** @returns `undefined` once the key is the holder's, else who has it */
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
    // It failed in between: the next attempt has a free key, and this one is told to come back.
    return earlier ?? { request, answer: null };
  }

  /** Does nothing when the holder lost the key. */
  async answer(
    { projectId, scope, holder }: KeyUse,
    { sealed, keyId }: { sealed: SealedText; keyId: string },
  ): Promise<void> {
    await reachingDatabase(this.#entities.update({ projectId, scope, holder }, { answer: sealed, keyId }));
  }

  async release({ projectId, scope, holder }: KeyUse): Promise<void> {
    await reachingDatabase(this.#entities.delete({ projectId, scope, holder, answer: IsNull() }));
  }

  /** Deletes what is no longer remembered. */
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
      // Soon after the start, so that a process that never lives for an hour sweeps too.
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
