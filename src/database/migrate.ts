import type { DataSource, Migration } from 'typeorm';
import { reachingDatabase } from './database-errors.js';

/** An arbitrary number that all processes of this service agree on ("till" in ASCII). */
export const MIGRATION_LOCK = 0x74696c6c;

/**
 * Brings the schema up to date and disconnects. Processes that start at once do it one after the other: under a lock that goes with
 * the connection on PostgreSQL, in one transaction that alone may write on SQLite.
 * @param dataSource of one connection, not yet connected
 * @returns the names of the migrations that ran
 */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  await dataSource.initialize();
  try {
    const done = dataSource.options.type === 'postgres' ? await migratePostgres(dataSource) : await migrateSqlite(dataSource);
    return done.map(({ name }) => name);
  } finally {
    await dataSource.destroy();
  }
}

async function migratePostgres(dataSource: DataSource): Promise<Migration[]> {
  await dataSource.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
  return dataSource.runMigrations();
}

/** TypeORM's own transaction begins only after it has made its table. What fails is undone as the connection ends. */
async function migrateSqlite(dataSource: DataSource): Promise<Migration[]> {
  await dataSource.createQueryRunner().beforeMigration();
  await dataSource.query('BEGIN IMMEDIATE');
  const done = await dataSource.runMigrations({ transaction: 'none' });
  await dataSource.query('COMMIT');
  return done;
}

/**
 * Whether every migration has run. Only looks: TypeORM's own check makes its table where there is none.
 * @throws DomainError `database_unavailable`
 */
export async function isMigrated(dataSource: DataSource): Promise<boolean> {
  return reachingDatabase(look());

  async function look(): Promise<boolean> {
    const runner = dataSource.createQueryRunner();
    try {
      if (!(await runner.hasTable('migrations'))) return false;
      const done = (await runner.query('SELECT name FROM migrations')) as { name: string }[];
      return dataSource.migrations.every(({ name }) => done.some((row) => row.name === name));
    } finally {
      await runner.release();
    }
  }
}
