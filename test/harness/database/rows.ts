import Sqlite from 'better-sqlite3';
import { Client } from 'pg';
import type { TestDatabase } from './test-database.js';

type Row = Record<string, unknown>;

/** What a table holds, read past the service; in no order. */
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

/** Changes the database behind the service's back. */
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
      // Of the Error that Jest knows: the driver's descends from that of the test file which loaded it first.
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
