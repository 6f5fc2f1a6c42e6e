import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import { EventLog } from '../event-log.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveryWorker } from './delivery-worker.js';

/** Lets a burst of transactions share one publication. */
const WAKE_MS = 20;
/** Finds events of processes that died. */
const INTERVAL_MS = 1_000;
const BATCH = 500;

/** Publishes new events: numbers them, and makes a delivery for each destination that wants them. */
@Injectable()
export class EventPublisher implements OnApplicationBootstrap {
  readonly task: PeriodicTask;

  constructor(
    private readonly log: EventLog,
    private readonly deliveries: DeliveriesRepository,
    private readonly worker: DeliveryWorker,
    tasks: PeriodicTasks,
  ) {
    this.task = tasks.add({
      name: 'event_publication',
      onServersOnly: true,
      intervalMs: INTERVAL_MS,
      work: (signal) => this.#publish(signal),
      failure: 'Events could not be published; this is tried again in a second.',
    });
    log.onAdded(() => this.task.wake(WAKE_MS));
  }

  onApplicationBootstrap(): void {
    this.task.start();
  }

  async #publish(signal: AbortSignal): Promise<void> {
    let count = BATCH;
    while (count === BATCH && !signal.aborted && (await this.log.hasUnpublished())) {
      const { published, destinations } = await this.deliveries.publish(BATCH);
      if (destinations.length > 0) this.worker.wake();
      count = published;
    }
  }
}
