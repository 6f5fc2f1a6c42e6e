import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTask, type PeriodicTaskOptions } from '../common/periodic-task.js';
import { TaskLeases } from './task-leases.js';

type Options = Pick<PeriodicTaskOptions, 'name' | 'intervalMs' | 'firstAfterMs' | 'work'> & {
  /** Logged as a warning when a run fails. */
  readonly failure?: string;
  /** Whether one process of many runs the task. Each process runs it otherwise. */
  readonly inOneProcess?: boolean;
};

/** Added to the interval of a task: for how long a crashed process may delay it. */
const GRACE_MS = 60_000;

/** The periodic tasks of this process. They stop with the application, before the database closes. */
@Injectable()
export class PeriodicTasks implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #logger = new Logger(PeriodicTasks.name);
  readonly #tasks: PeriodicTask[] = [];

  constructor(private readonly leases: TaskLeases) {}

  /** To be called by a constructor. The task waits for `start`, `wake` or `run`. */
  add({ failure, inOneProcess, ...options }: Options): PeriodicTask {
    const onFailure = () => failure && this.#logger.warn(failure);
    const lease = inOneProcess ? this.leases.of(options.name, options.intervalMs + GRACE_MS) : undefined;
    const task = new PeriodicTask({ ...options, onFailure, ...(lease && { lease }) });
    this.#tasks.push(task);
    return task;
  }

  /** When each task last succeeded, by name: milliseconds since the epoch, 0 before the first success. */
  lastSuccesses(): [name: string, at: number][] {
    return this.#tasks.map(({ name, lastSuccess }): [string, number] => [name, lastSuccess]).sort();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#tasks.map((task) => task.stop()));
  }

  /** Nobody waits yet: the server has to stop listening. */
  beforeApplicationShutdown(): void {
    void this.stop();
  }

  onApplicationShutdown(): Promise<void> {
    return this.stop();
  }
}
