import { hash } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, LessThanOrEqual, type Repository } from 'typeorm';
import type { PeriodicTask } from '../../database/periodic-task.js';
import type { RowOf } from '../../database/columns.js';
import { Database } from '../../database/database.js';
import { reachingDatabase } from '../../database/database-errors.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { FailedLoginEntity } from './failed-login.entity.js';
import { COUNT_FAILURE, FIND_FAILURES } from './failed-logins.statements.js';

export type FailureCount = RowOf<FailedLoginEntity>;

/** Counts failed logins per network address and per account. */
@Injectable()
export class FailedLoginsRepository implements OnApplicationBootstrap {
  readonly #entities: Repository<FailedLoginEntity>;
  readonly sweep: PeriodicTask;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
    tasks: PeriodicTasks,
  ) {
    this.#entities = dataSource.getRepository(FailedLoginEntity);
    this.sweep = tasks.add({
      name: 'failed_logins',
      intervalMs: 60 * 60_000,
      // Soon after the start, for processes that never run for an hour.
      firstAfterMs: 60_000,
      inOneProcess: true,
      failure: 'Old counts of failed logins could not be deleted; this is tried again in an hour.',
      work: () => this.#deleteEnded(),
    });
  }

  onApplicationBootstrap(): void {
    this.sweep.start();
  }

  /** @returns the counts whose window has not ended */
  find(keys: readonly [string, string]): Promise<FailureCount[]> {
    return this.database.query(FIND_FAILURES, [...keys, new Date()]);
  }

  /** Counts a failure under both keys. @returns the new counts */
  add(keys: readonly [string, string], windowMs: number): Promise<FailureCount[]> {
    const now = Date.now();
    return this.database.write(COUNT_FAILURE, [...keys, new Date(now), new Date(now + windowMs)]);
  }

  async forget(key: string): Promise<void> {
    await reachingDatabase(this.#entities.delete({ key }));
  }

  async #deleteEnded(): Promise<void> {
    await reachingDatabase(this.#entities.delete({ endsAt: LessThanOrEqual(new Date()) }));
  }
}

export function failureKey(scope: 'account' | 'address', name: string): string {
  return hash('sha256', `${scope} ${name}`, 'base64url');
}
