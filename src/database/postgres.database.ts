import { Logger } from '@nestjs/common';
import type { Pool, PoolClient } from 'pg';
import {
  Database,
  exec,
  sql,
  type SqlValue,
  type Statement,
  type StatementCall,
  type Steps,
} from './database.js';
import { asDomainError, isReadOnlyServer, lacksPreparedStatement } from './database-errors.js';
import { STATEMENT_TIMEOUT_MS } from './postgres.pool.js';
import { StatementBatch } from './statement-batch.js';

const BEGIN: StatementCall = { statement: sql('BEGIN', 'begin'), values: [] };
const COMMIT: StatementCall = { statement: sql('COMMIT', 'commit'), values: [] };
const ROLLBACK: StatementCall = { statement: sql('ROLLBACK', 'rollback'), values: [] };

/**
 * Settings of one transaction, since a pooler may lend the connection to somebody else afterwards. The limits end what a process that
 * stands still has begun. Each statement finds its rows by key, so PostgreSQL need not plan for every call's values.
 */
const SETTINGS: StatementCall = {
  statement: sql(
    `SELECT set_config('statement_timeout', '${STATEMENT_TIMEOUT_MS}', true),
       set_config('idle_in_transaction_session_timeout', '${STATEMENT_TIMEOUT_MS}', true),
       set_config('plan_cache_mode', 'force_generic_plan', true)`,
    'settings_of_transaction',
  ),
  values: [],
};

const LOCK = sql<never>('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', 'lock_name');
const NOTIFY = sql<never>('SELECT pg_notify($1, $2)', 'notify');

type Run = (calls: StatementCall[]) => Promise<unknown[][]>;

/** PostgreSQL through TypeORM's own pool. */
export class PostgresDatabase extends Database {
  readonly engine = 'postgres';

  #named: boolean;

  /** @param named whether statements are prepared under their names, which a pooler in transaction mode may not keep */
  constructor(
    private readonly pool: Pool,
    named: boolean,
  ) {
    super();
    this.#named = named;
  }

  override connections(): { busy: number; idle: number; waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.pool;
    return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
  }

  query<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]> {
    return this.#withConnection(async (run) => (await run([{ statement, values }]))[0] as Row[]);
  }

  /** Pipelined statements wait for the next one that is not, or for the commit, and go in one message with it. */
  transaction<Result>(body: () => Steps<Result>): Promise<Result> {
    return this.#withConnection(async (run) => {
      const steps = body();
      const waiting = [BEGIN, SETTINGS];
      let step = steps.next([]);
      while (!step.done) {
        const calls = step.value;
        waiting.push(...calls);
        const isPipelined = calls.every((call) => call.isPipelined);
        step = steps.next(isPipelined ? [] : (await run(waiting.splice(0))).slice(-calls.length));
      }
      await run([...waiting, COMMIT]);
      return step.value;
    });
  }

  write<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]> {
    return this.query(statement, values);
  }

  lock(name: string): Steps<void> {
    return exec(LOCK, [name]);
  }

  notify(channel: string, payload: string): Steps<void> {
    return exec(NOTIFY, [channel, payload]);
  }

  setLockTimeout(): void {
    return undefined;
  }

  /** Writers of other rows do not wait for this batch. */
  async throttle(): Promise<void> {
    return undefined;
  }

  /** Tries once more over another connection after a failure of the connection's own, before which nothing was written. */
  async #withConnection<T>(use: (run: Run) => Promise<T>): Promise<T> {
    try {
      return await this.#withAnyConnection(use).catch((error: unknown) => {
        if (lacksPreparedStatement(error)) this.#giveUpNames();
        else if (!isReadOnlyServer(error)) throw error;
        return this.#withAnyConnection(use);
      });
    } catch (error) {
      throw asDomainError(error);
    }
  }

  #giveUpNames(): void {
    if (this.#named)
      new Logger('Database').warn(
        'A pooler before the database does not keep prepared statements, so none are used from now on: set DATABASE_PREPARED_STATEMENTS=false.',
      );
    this.#named = false;
  }

  async #withAnyConnection<T>(use: (run: Run) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let isBroken = false;
    try {
      const result = await use((calls) =>
        this.#runTogether(client, calls).catch((error: unknown) => {
          isBroken = true;
          throw error;
        }),
      );
      client.release();
      return result;
    } catch (error) {
      // A statement failed on this connection. Closing it rolls back as well.
      if (isBroken) client.release(true);
      else this.#rollBack(client);
      throw error;
    }
  }

  #runTogether(client: PoolClient, calls: StatementCall[]): Promise<unknown[][]> {
    return new Promise((resolve, reject) => {
      client.query(
        new StatementBatch(calls, this.#named, (error, rows) => (error ? reject(error) : resolve(rows))),
      );
    });
  }

  /** Whoever waits for the transaction does not wait for this. */
  #rollBack(client: PoolClient): void {
    this.#runTogether(client, [ROLLBACK]).then(
      () => client.release(),
      () => client.release(true),
    );
  }
}
