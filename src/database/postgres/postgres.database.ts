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
} from '../database.js';
import { asDomainError, isReadOnlyServer, lacksPreparedStatement } from '../database-errors.js';
import { STATEMENT_TIMEOUT_MS } from './postgres.pool.js';
import { type PreparedStatements, StatementBatch } from './statement-batch.js';

const BEGIN: StatementCall = { statement: sql('BEGIN', 'begin'), values: [] };
const COMMIT: StatementCall = { statement: sql('COMMIT', 'commit'), values: [] };
const ROLLBACK: StatementCall = { statement: sql('ROLLBACK', 'rollback'), values: [] };

/**
 * Settings of one transaction, since a pooler may give the connection to another client afterwards. The timeouts end the transaction of a
 * paused process. Statements find rows by key, so a generic plan is good for all values.
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
  readonly #prepared: PreparedStatements = new WeakMap();

  /** @param named whether to prepare statements under their names. Some poolers in transaction mode don't support this */
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

  /** Sends pipelined statements in one message with the next other statement, or with the commit. */
  transaction<Result>(body: () => Steps<Result>): Promise<Result> {
    return this.#withConnection(async (run) => {
      const steps = body();
      const waiting = [BEGIN, SETTINGS];
      let step = steps.next([]);
      let isCommitted = false;
      while (!step.done) {
        const calls = step.value;
        waiting.push(...calls);
        if (calls.every((call) => call.isPipelined)) {
          step = steps.next([]);
          continue;
        }
        const firstResult = waiting.length - calls.length;
        isCommitted = calls.some((call) => call.isLast);
        if (isCommitted) waiting.push(COMMIT);
        const results = await run(waiting.splice(0));
        step = steps.next(results.slice(firstResult, firstResult + calls.length));
      }
      if (!isCommitted) await run([...waiting, COMMIT]);
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

  /** Retries once over another connection, after failures at which nothing was written. */
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
      // Closing the connection of a failed statement rolls back.
      if (isBroken) client.release(true);
      else this.#rollBack(client);
      throw error;
    }
  }

  #runTogether(client: PoolClient, calls: StatementCall[]): Promise<unknown[][]> {
    return new Promise((resolve, reject) => {
      client.query(
        new StatementBatch(calls, this.#named ? this.#prepared : undefined, (error, rows) =>
          error ? reject(error) : resolve(rows),
        ),
      );
    });
  }

  /** Rolls back in the background. */
  #rollBack(client: PoolClient): void {
    this.#runTogether(client, [ROLLBACK]).then(
      () => client.release(),
      () => client.release(true),
    );
  }
}
