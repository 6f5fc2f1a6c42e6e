import type { Pool, PoolClient } from 'pg';
import { Database, type SqlValue, type Statement, type Transaction } from './database.js';
import { asDomainError } from './database-errors.js';

/** PostgreSQL through TypeORM's own pool, with named prepared statements. */
export class PostgresDatabase extends Database {
  readonly engine = 'postgres';

  constructor(private readonly pool: Pool) {
    super();
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
      // A connection that can't roll back is in an unknown state: the pool throws it away.
      await client?.query('ROLLBACK').then(
        () => client?.release(),
        () => client?.release(true),
      );
      throw asDomainError(error);
    }
  }
}

async function execute<Row>(on: Pool | PoolClient, { name, text }: Statement<Row>, values: SqlValue[]): Promise<Row[]> {
  const { rows } = await on.query({ name, text, values });
  return rows as Row[];
}
