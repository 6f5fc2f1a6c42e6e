import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { NIL } from 'uuid';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import { DestinationsRepository } from './destinations.repository.js';
import type { FailingDestination } from './destinations.statements.js';

const INTERVAL_MS = 60_000;
/** Limits what is in memory at once. */
const BATCH = 500;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DISABLED_AFTER_MS = 5 * DAY_MS;
/** Between two failures: a single failure of long ago proves nothing. */
const FAILURES_APART_MS = 12 * HOUR_MS;
/** Time from the first failure to each warning. */
const WARNINGS_AFTER_MS = [DAY_MS, 3 * DAY_MS];

/** Warns of failing destinations, and disables those that fail for five days. */
@Injectable()
export class DestinationHealth implements OnApplicationBootstrap {
  readonly task: PeriodicTask;

  constructor(
    private readonly destinations: DestinationsRepository,
    tasks: PeriodicTasks,
  ) {
    this.task = tasks.add({
      name: 'destination_health',
      onServersOnly: true,
      intervalMs: INTERVAL_MS,
      inOneProcess: true,
      work: (signal) => this.check(new Date(), signal),
      failure: 'Failing event destinations could not be checked; this is tried again in a minute.',
    });
  }

  onApplicationBootstrap(): void {
    this.task.start();
  }

  async check(now: Date, signal?: AbortSignal): Promise<void> {
    const since = new Date(now.getTime() - (WARNINGS_AFTER_MS[0] ?? 0));
    let batch: FailingDestination[];
    let last: string = NIL;
    do {
      batch = await this.destinations.failing(since, last, BATCH);
      for (const destination of batch) {
        if (signal?.aborted) return;
        const measure = measureFor(destination, now);
        if (measure === 'disable') await this.destinations.disable(destination, 'failing');
        if (measure === 'warn') await this.destinations.warn(destination);
      }
      last = batch.at(-1)?.id ?? last;
    } while (batch.length === BATCH);
  }
}

/** Decides what to do about a failing destination. */
export function measureFor(
  {
    failingSince,
    lastFailureAt,
    warnings,
  }: Pick<FailingDestination, 'failingSince' | 'lastFailureAt' | 'warnings'>,
  now: Date,
): 'disable' | 'warn' | undefined {
  if (!failingSince || !lastFailureAt) return undefined;
  const age = now.getTime() - failingSince.getTime();
  const apart = lastFailureAt.getTime() - failingSince.getTime();
  if (age >= DISABLED_AFTER_MS && apart >= FAILURES_APART_MS) return 'disable';
  const next = WARNINGS_AFTER_MS[warnings];
  return next !== undefined && age >= next ? 'warn' : undefined;
}
