import type { Socket } from 'node:net';
import type { Pool, PoolClient } from 'pg';
import { Database, type SqlValue, type Statement, type Transaction } from './database.js';
import { asDomainError } from './database-errors.js';

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

  async query<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]> {
    try {
      return await execute(this.pool, statement, values);
    } catch (error) {
      throw asDomainError(error);
    }
  }

  async transaction<Result>(body: () => Transaction<Result>): Promise<Result> {
    let client: PoolClient | undefined;
    try {
      client = await this.pool.connect();
      await client.query('BEGIN');
      const steps = body();
      let step = steps.next([]);
      while (!step.done) step = steps.next(await execute(client, step.value.statement, step.value.values));
      await client.query('COMMIT');
      client.release();
      return step.value;
    } catch (error) {
      // Ends the connection, which rolls back whatever state it is in.
      client?.release(true);
      throw asDomainError(error);
    }
  }
}

async function execute<Row>(on: Pool | PoolClient, { name, text }: Statement<Row>, values: SqlValue[]): Promise<Row[]> {
  const { rows } = await on.query({ name, text, values });
  return rows as Row[];
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
