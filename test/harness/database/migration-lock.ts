import Sqlite from 'better-sqlite3';
import { Client } from 'pg';
import { MIGRATION_LOCK } from '../../../src/database/migrate.js';
import { eventually } from '../eventually.js';
import type { TestDatabase } from './test-database.js';

/** Holds the lock under which processes migrate on SQLite. @returns what releases it */
export function takeSqliteMigrationLock({ url }: TestDatabase): () => void {
  const file = new Sqlite(url.replace('sqlite:', ''));
  file.pragma('journal_mode = WAL');
  file.exec('BEGIN IMMEDIATE');
  return () => file.close();
}

/** Holds the lock under which processes migrate on PostgreSQL. */
export class MigrationLock {
  private constructor(private readonly client: Client) {}

  static async take({ url }: TestDatabase): Promise<MigrationLock> {
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return new MigrationLock(client);
  }

  async untilAwaitedBy(count: number): Promise<void> {
    await eventually(async () => {
      const { rowCount } = await this.client.query(
        `SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()`,
      );
      if (rowCount !== count) throw new Error(`${rowCount} and not ${count} wait for the migration lock.`);
    });
  }

  async release(): Promise<void> {
    await this.client.end();
  }
}
