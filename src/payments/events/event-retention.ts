import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { PeriodicTask } from '../../database/periodic-task.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { DeliveriesRepository } from './delivery/deliveries.repository.js';
import { EventLog } from './event-log.js';

const KEPT_MS = 30 * 24 * 3_600_000;
const BATCH = 500;
const PAUSE_MS = 50;

/** Deletes events and deliveries after 30 days, and makes the partitions of the next days. */
@Injectable()
export class EventRetention implements OnApplicationBootstrap {
  readonly task: PeriodicTask;

  constructor(
    private readonly log: EventLog,
    private readonly deliveries: DeliveriesRepository,
    tasks: PeriodicTasks,
  ) {
    this.task = tasks.add({
      name: 'event_retention',
      onServersOnly: true,
      intervalMs: 3_600_000,
      firstAfterMs: 60_000,
      inOneProcess: true,
      work: (signal) => this.sweep(new Date(), signal),
      failure: 'Old events could not be deleted; this is tried again in an hour.',
    });
  }

  onApplicationBootstrap(): void {
    this.task.start();
  }

  /** Sweeps in small transactions with pauses between them, so that nothing waits for locks. */
  async sweep(now: Date, signal?: AbortSignal): Promise<void> {
    const before = new Date(now.getTime() - KEPT_MS);
    const steps = [
      () => this.deliveries.keepDays(before),
      () => inBatches(() => this.deliveries.forget(before, BATCH), signal),
      () => inBatches(() => this.log.forget(before, BATCH), signal),
    ];
    const errors: unknown[] = [];
    // A step that fails keeps no other from its work.
    for (const step of steps) await step().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw new AggregateError(errors, 'Old events could not be deleted.');
  }
}

/** @param work returns the number of rows that it deleted */
async function inBatches(work: () => Promise<number>, signal: AbortSignal | undefined): Promise<void> {
  while (!signal?.aborted && (await work()) === BATCH) await sleep(PAUSE_MS);
}
