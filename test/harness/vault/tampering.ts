import Sqlite from 'better-sqlite3';
import { Client } from 'pg';
import type { TestDatabase } from '../database/test-database.js';

/** Runs statements that the triggers refuse, as an owner of the database can. */
export async function tamper({ engine, url }: TestDatabase, ...statements: string[]): Promise<void> {
  if (engine === 'postgres') {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      await client.query(['SET session_replication_role = replica', ...statements].join('; '));
    } finally {
      await client.end();
    }
    return;
  }
  const file = new Sqlite(url.replace('sqlite:', ''));
  try {
    const triggers = file
      .prepare<[], { name: string; sql: string }>(
        `SELECT name, sql FROM sqlite_master WHERE type = 'trigger'`,
      )
      .all();
    for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`);
    for (const statement of statements) file.exec(statement);
    for (const { sql } of triggers) file.exec(sql);
  } finally {
    file.close();
  }
}
