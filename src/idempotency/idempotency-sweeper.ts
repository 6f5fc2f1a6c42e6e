import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { PeriodicTask } from '../common/periodic-task.js';
import { PeriodicTasks } from '../database/periodic-tasks.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';

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
