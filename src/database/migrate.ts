import { Logger } from '@nestjs/common';
import { type DataSource, type Migration, MigrationExecutor, type QueryRunner } from 'typeorm';
import { engineOf } from './database.js';
import { reachingDatabase } from './database-errors.js';

/** The id of the advisory lock: "till" in ASCII. */
export const MIGRATION_LOCK = 0x74696c6c;

/** The database has a schema from before the first release. */
export class UnreleasedSchema extends Error {
  constructor() {
    super(
      'A version from before the first release made this database, and this version cannot use its tables. Start with an empty one: move the file tillkeeper.db in DATA_DIR away, or point DATABASE_URL at another database. Then enter the projects and their credentials again. The old database is unchanged.',
    );
  }
}

const REPORT_EVERY_MS = 15_000;

/** Lifts the role's timeouts for a migration. */
const NO_LIMITS = `SELECT set_config(name, '0', true)
  FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) AS name`;

/** $1 the lock. */
const LOCK_HOLDER = `SELECT l.pid, a.application_name AS name, a.state FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
  WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = $1 AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/**
 * Brings the schema up to date and disconnects. Processes that start together migrate one after another: on
 * PostgreSQL under an advisory lock of the transaction, on SQLite in one write transaction.
 * @param dataSource with one connection, not yet connected
 * @returns the names of the migrations that ran
 * @throws UnreleasedSchema
 */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  await dataSource.initialize();
  try {
    const done =
      engineOf(dataSource) === 'postgres'
        ? await migratePostgres(dataSource)
        : await migrateSqlite(dataSource);
    return done.map(({ name }) => name);
  } finally {
    await dataSource.destroy();
  }
}

/** Uses a lock of the transaction, since a pooler could keep a session's lock forever. */
async function migratePostgres(dataSource: DataSource): Promise<Migration[]> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.startTransaction();
    await runner.query(NO_LIMITS);
    await takeLock(runner);
    await namesOfRun(runner);
    const done = await new MigrationExecutor(dataSource, runner).executePendingMigrations();
    await runner.commitTransaction();
    return done;
  } finally {
    await runner.release();
  }
}

async function takeLock(runner: QueryRunner): Promise<void> {
  const [{ taken }] = (await runner.query('SELECT pg_try_advisory_xact_lock($1) AS taken', [
    MIGRATION_LOCK,
  ])) as [{ taken: boolean }];
  if (taken) return;
  const logger = new Logger('Database');
  const startedAt = Date.now();
  const report = () =>
    logger.log(
      `Waiting for the migration lock, which ${holder ?? 'another connection'} holds: ${seconds()} s so far.`,
    );
  const seconds = () => Math.round((Date.now() - startedAt) / 1_000);
  const [row] = (await runner.query(LOCK_HOLDER, [MIGRATION_LOCK])) as {
    pid: number;
    name: string;
    state: string;
  }[];
  const holder = row && `connection ${row.pid} (${row.name || 'unnamed'}, ${row.state || 'of another user'})`;
  report();
  const reporting = setInterval(report, REPORT_EVERY_MS);
  await runner
    .query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    .finally(() => clearInterval(reporting));
}

/** Begins the transaction before TypeORM creates its table. Closing the connection rolls back a failure. */
async function migrateSqlite(dataSource: DataSource): Promise<Migration[]> {
  const runner = dataSource.createQueryRunner();
  await runner.beforeMigration();
  await runner.query('BEGIN IMMEDIATE');
  await namesOfRun(runner);
  const done = await dataSource.runMigrations({ transaction: 'none' });
  await dataSource.query('COMMIT');
  return done;
}

/**
 * Whether every migration has run. Writes nothing, unlike TypeORM's check, which creates its table.
 * @throws DomainError `database_unavailable`; UnreleasedSchema
 */
export async function isMigrated(dataSource: DataSource): Promise<boolean> {
  const { missing } = await compareMigrations(dataSource);
  return missing.length === 0;
}

/**
 * @returns migrations that did not run yet, and migrations of a newer version that ran
 * @throws DomainError `database_unavailable`; UnreleasedSchema
 */
export async function compareMigrations(
  dataSource: DataSource,
): Promise<{ missing: string[]; newer: string[] }> {
  const runner = dataSource.createQueryRunner();
  const done = await reachingDatabase(namesOfRun(runner).finally(() => runner.release()));
  const known = dataSource.migrations.map(({ name }) => name ?? '');
  return {
    missing: known.filter((name) => !done.includes(name)),
    newer: done.filter((name) => !known.includes(name)),
  };
}

/** @throws UnreleasedSchema if migrations ran, but not the first one of this version */
async function namesOfRun(runner: QueryRunner): Promise<string[]> {
  if (!(await runner.hasTable('migrations'))) return [];
  const done = ((await runner.query('SELECT name FROM migrations')) as { name: string }[]).map(
    ({ name }) => name,
  );
  const [first] = runner.dataSource.migrations;
  if (done.length > 0 && first && !done.includes(first.name ?? '')) throw new UnreleasedSchema();
  return done;
}
