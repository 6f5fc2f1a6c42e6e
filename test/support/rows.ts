import Sqlite from 'better-sqlite3';
import { Client } from 'pg';
import type { TestDatabase } from './test-database.js';

type Row = Record<string, unknown>;

/** What a table holds, read past the service; in no order. */
export async function rowsOf({ engine, url }: TestDatabase, table: string): Promise<Row[]> {
  const text = `SELECT * FROM ${table}`;
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
