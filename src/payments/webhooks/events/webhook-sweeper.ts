import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { Settings } from '../../../config/settings.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import { WebhookEventsRepository } from './webhook-events.repository.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const BATCH = 200;
const PAUSE_MS = 50;

/** Minimum age of a deleted event record. Stripe sends no event again after 30 days. */
const MIN_RECORD_DAYS = 90;

/** Destroys expired payloads, and deletes the records of their events long after that. */
@Injectable()
export class WebhookSweeper implements OnApplicationBootstrap {
  readonly task: PeriodicTask;

  constructor(
    private readonly events: WebhookEventsRepository,
    private readonly settings: Settings,
    tasks: PeriodicTasks,
  ) {
    this.task = tasks.add({
      name: 'webhook_payloads',
      intervalMs: 60 * 60 * 1_000,
      // Soon after the start, so that a process that never lives for an hour sweeps too.
      firstAfterMs: 60 * 1_000,
      inOneProcess: true,
      work: (signal) => this.sweep(new Date(), signal),
      failure: 'Old webhook payloads could not be destroyed; this is tried again in an hour.',
    });
  }

  onApplicationBootstrap(): void {
    this.task.start();
  }

  /** Sweeps in small transactions with pauses between them, so that deliveries don't wait for locks. */
  async sweep(now: Date, signal?: AbortSignal): Promise<void> {
    const daysAgo = (days: number) => new Date(now.getTime() - days * DAY_MS);
    const { webhookRetentionDays: retention } = this.settings;
    await inBatches(() => this.events.destroyPayloads(daysAgo(retention), BATCH), signal);
    await inBatches(() => this.events.forget(daysAgo(Math.max(retention, MIN_RECORD_DAYS)), BATCH), signal);
  }
}

/** @param work returns the number of rows that it changed */
async function inBatches(work: () => Promise<number>, signal: AbortSignal | undefined): Promise<void> {
  while (!signal?.aborted && (await work()) === BATCH) await sleep(PAUSE_MS);
}
