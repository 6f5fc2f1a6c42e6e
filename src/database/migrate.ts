import pg from 'pg';
import type { DataSource } from 'typeorm';
import type { DatabaseLocation } from './data-source.js';

/** An arbitrary number that all processes of this service agree on ("till" in ASCII). */
const MIGRATION_LOCK = 0x74696c6c;

/**
 * Brings the schema up to date, one process at a time. On PostgreSQL the lock has a connection of its own, so that a pool of one
 * can't wait for itself; it goes when that connection does. SQLite has one server process and its own file lock.
 */
export async function migrate(dataSource: DataSource, location: DatabaseLocation): Promise<void> {
  if (location.engine === 'sqlite') {
    await dataSource.runMigrations();
    return;
  }
  const lock = new pg.Client({ connectionString: location.url.reveal(), application_name: 'tillkeeper migrations' });
  await lock.connect();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations();
  } finally {
    await lock.end();
  }
}
