import type { Socket } from 'node:net';
import type { Pool, PoolClient } from 'pg';
import { Database, sql, type SqlValue, type Statement, type StatementCall, type Transaction } from './database.js';
import { asDomainError } from './database-errors.js';
import { StatementBatch } from './statement-batch.js';

const BEGIN: StatementCall = { statement: sql('begin', 'BEGIN'), values: [] };
const COMMIT: StatementCall = { statement: sql('commit', 'COMMIT'), values: [] };
const ROLLBACK: StatementCall = { statement: sql('rollback', 'ROLLBACK'), values: [] };

/** Milliseconds without a byte, when PostgreSQL itself would long have cancelled the statement: nobody is there any more. */
const SILENCE_MS = 6_000;

/** PostgreSQL through TypeORM's own pool, with named prepared statements. */
export class PostgresDatabase extends Database {
  readonly engine = 'postgres';

  constructor(private readonly pool: Pool) {
    super();
    pool.on('acquire', watch);
    pool.on('release', (_error, client) => unwatch(client));
  }

  override connections(): { busy: number; idle: number; waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.pool;
    return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
  }

  query<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]> {
    return this.#withConnection(async (run) => (await run([{ statement, values }]))[0] as Row[]);
  }

  /** What is unread waits for the next statement that is read, or for the commit, and goes in one message with it. */
  transaction<Result>(body: () => Transaction<Result>): Promise<Result> {
    return this.#withConnection(async (run) => {
      const steps = body();
      const waiting = [BEGIN];
      let step = steps.next([]);
      while (!step.done) {
        const calls = step.value;
        waiting.push(...calls);
        const isUnread = calls.every(({ isUnread }) => isUnread);
        step = steps.next(isUnread ? [] : (await run(waiting.splice(0))).slice(-calls.length));
      }
      await run([...waiting, COMMIT]);
      return step.value;
    });
  }

  async #withConnection<T>(use: (run: (calls: StatementCall[]) => Promise<unknown[][]>) => Promise<T>): Promise<T> {
    let client: PoolClient | undefined;
    let isFit = true;
    try {
      const connected = (client = await this.pool.connect());
      const result = await use((calls) =>
        runTogether(connected, calls).catch((error: unknown) => {
          isFit = false;
          throw error;
        }),
      );
      client.release();
      return result;
    } catch (error) {
      if (client) endTransaction(client, isFit);
      throw asDomainError(error);
    }
  }
}

function runTogether(client: PoolClient, calls: StatementCall[]): Promise<unknown[][]> {
  return new Promise((resolve, reject) => {
    client.query(new StatementBatch(calls, (error, rows) => (error ? reject(error) : resolve(rows))));
  });
}

/** Whoever waits for the transaction does not wait for this. A connection on which a statement failed ends, which rolls back as well. */
function endTransaction(client: PoolClient, isFit: boolean): void {
  if (!isFit) return client.release(true);
  runTogether(client, [ROLLBACK]).then(
    () => client.release(),
    () => client.release(true),
  );
}

/** While it is in use. A connection that fails does so to whoever waits for its answer; without a listener it would end the process too. */
function watch(client: PoolClient): void {
  client.on('error', ignore);
  socketOf(client).setTimeout(SILENCE_MS, cut);
}

function unwatch(client: PoolClient): void {
  client.off('error', ignore);
  socketOf(client).setTimeout(0, cut);
}

function ignore(): void {}

function cut(this: Socket): void {
  this.destroy();
}

/** Not in the types of pg, though its pool relies on it. */
function socketOf(client: PoolClient): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}
