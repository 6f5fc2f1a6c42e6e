import Sqlite from 'better-sqlite3';
import { Client } from 'pg';
import type { TestDatabase } from './test-database.js';

type Row = Record<string, unknown>;

/** The rows of a table, read without the service, in any order. */
export function rowsOf(database: TestDatabase, table: string): Promise<Row[]> {
  return run(database, `SELECT * FROM ${table}`);
}

export async function tablesOf(database: TestDatabase): Promise<unknown[]> {
  const tables = {
    sqlite: `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`,
    postgres: `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  };
  return (await run(database, tables[database.engine])).map(({ name }) => name).sort();
}

/** Changes the database without the service. */
export async function execute(database: TestDatabase, text: string): Promise<void> {
  await run(database, text);
}

async function run({ engine, url }: TestDatabase, text: string): Promise<Row[]> {
  if (engine === 'sqlite') {
    const file = new Sqlite(url.replace('sqlite:', ''));
    try {
      const statement = file.prepare<[], Row>(text);
      if (statement.reader) return statement.all();
      statement.run();
      return [];
    } catch (error) {
      // Jest's own `Error`: the driver's class belongs to the test file that loaded the driver first.
      throw new Error(String(error), { cause: error });
    } finally {
      file.close();
    }
  }
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}
