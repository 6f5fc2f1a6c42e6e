import Sqlite from 'better-sqlite3';
import { Client } from 'pg';
import type { TestDatabase } from './test-database.js';

type Row = Record<string, unknown>;

/** What a table holds, read past the service; in no order. */
export function rowsOf(database: TestDatabase, table: string): Promise<Row[]> {
  return select(database, `SELECT * FROM ${table}`);
}

export async function tablesOf(database: TestDatabase): Promise<unknown[]> {
  const tables = {
    sqlite: `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`,
    postgres: `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  };
  return (await select(database, tables[database.engine])).map(({ name }) => name).sort();
}

async function select({ engine, url }: TestDatabase, text: string): Promise<Row[]> {
  if (engine === 'sqlite') {
    const file = new Sqlite(url.replace('sqlite:', ''), { readonly: true });
    try {
      return file.prepare<[], Row>(text).all();
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
