import { randomUUID } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type Lease, PeriodicTask, type PeriodicTaskOptions } from './periodic-task.js';
import { Database, sql } from './database.js';

/** The process that runs a task of which only one may run. */
@Entity('task_leases')
export class TaskLeaseEntity {
  @PrimaryColumn({ type: 'varchar', length: 64, primaryKeyConstraintName: 'task_leases_pk' })
  task: string;

  /** The random id of a process. */
  @Column('uuid')
  owner: string;

  /** The end of the lease, by the database's clock. Another process may acquire it then. */
  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt: Date;
}

const acquire = (now: string, expiry: string) =>
  `INSERT INTO task_leases (task, owner, expires_at) VALUES ($1, $2, ${expiry})
   ON CONFLICT (task) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
   WHERE task_leases.owner = excluded.owner OR task_leases.expires_at <= ${now}
   RETURNING task`;

/**
 * $1 task, $2 owner, $3 milliseconds. Returns a row if the lease was acquired. Uses the database's clock,
 * since clocks of processes differ.
 */
const ACQUIRE = sql<{ task: string }>({
  sqlite: acquire(
    `strftime('%Y-%m-%d %H:%M:%f', 'now')`,
    `strftime('%Y-%m-%d %H:%M:%f', 'now', '+' || ($3 / 1000.0) || ' seconds')`,
  ),
  postgres: acquire('now()', `now() + $3 * interval '1 millisecond'`),
});

const RELEASE = sql<never>('DELETE FROM task_leases WHERE task = $1 AND owner = $2');

/** The leases of this process. */
@Injectable()
export class TaskLeases {
  readonly #owner = randomUUID();

  constructor(private readonly database: Database) {}

  /** @param lengthMs after which another process takes over when this one crashed */
  of(task: string, lengthMs: number): Lease {
    return {
      renewEveryMs: lengthMs / 3,
      acquire: async () => (await this.database.query(ACQUIRE, [task, this.#owner, lengthMs])).length > 0,
      release: async () => void (await this.database.query(RELEASE, [task, this.#owner])),
    };
  }
}

type Options = Pick<PeriodicTaskOptions, 'name' | 'intervalMs' | 'firstAfterMs' | 'work'> & {
  /** Logged as a warning when a run fails. */
  readonly failure?: string;
  /** Whether one process of many runs the task. Each process runs it otherwise. */
  readonly inOneProcess?: boolean;
  /** Whether commands of the CLI leave the task to the servers. */
  readonly onServersOnly?: boolean;
};

/** Added to the interval of a task for the length of its lease. */
const GRACE_MS = 60_000;

/** The periodic tasks of this process. They stop with the application, before the database closes. */
@Injectable()
export class PeriodicTasks implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #logger = new Logger(PeriodicTasks.name);
  readonly #tasks: PeriodicTask[] = [];

  constructor(
    private readonly leases: TaskLeases,
    private readonly host: HttpAdapterHost,
  ) {}

  /** Adds a task. Call it in a constructor, and then `start`, `wake` or `run` of the task. */
  add({ failure, inOneProcess, onServersOnly = false, ...options }: Options): PeriodicTask {
    const isServer = Boolean(this.host.httpAdapter);
    const onFailure = () => failure && this.#logger.warn(failure);
    const lease = inOneProcess ? this.leases.of(options.name, options.intervalMs + GRACE_MS) : undefined;
    const task = new PeriodicTask({
      ...options,
      onFailure,
      isOff: onServersOnly && !isServer,
      ...(lease && { lease }),
    });
    this.#tasks.push(task);
    return task;
  }

  /** The last success of each task in use, in milliseconds since the epoch; 0 before the first one. */
  lastSuccesses(): [name: string, at: number][] {
    return this.#tasks
      .filter(({ isInUse }) => isInUse)
      .map(({ name, lastSuccess }): [string, number] => [name, lastSuccess])
      .sort();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#tasks.map((task) => task.stop()));
  }

  /** Not awaited, so that the server stops listening at once. */
  beforeApplicationShutdown(): void {
    void this.stop();
  }

  onApplicationShutdown(): Promise<void> {
    return this.stop();
  }
}
