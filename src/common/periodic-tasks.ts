import { Injectable } from '@nestjs/common';

/** What every server does again and again. */
export const PERIODIC_TASKS = ['data_keys', 'delivery_notes', 'idempotency_keys', 'outbox', 'webhook_payloads', 'webhook_secrets'] as const;
type PeriodicTask = (typeof PERIODIC_TASKS)[number];

/** Remembers when each periodic task of this process last did all that it had to do. */
@Injectable()
export class PeriodicTasks {
  readonly #succeededAt = new Map<PeriodicTask, number>();

  succeeded(task: PeriodicTask): void {
    this.#succeededAt.set(task, Date.now());
  }

  /** Milliseconds since the epoch; 0 before the first time. */
  lastSuccess(task: PeriodicTask): number {
    return this.#succeededAt.get(task) ?? 0;
  }
}
