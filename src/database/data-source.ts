import { existsSync } from 'node:fs';
import type { Database as SqliteDriver } from 'better-sqlite3';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { Secret } from '../common/secret.js';
import type { DatabaseAddress } from '../config/rules.js';
import { Initial1796100000010 } from './migrations/1796100000010-initial.js';
import { PARSERS } from './postgres/statement-batch.js';
import { CONNECT_TIMEOUT_MS, PostgresPool } from './postgres/postgres.pool.js';

export type Entities = NonNullable<DataSourceOptions['entities']>;

/**
 * SQLite waits synchronously for the lock of another process, so this also limits how long the server is
 * blocked.
 */
const SQLITE_LOCK_TIMEOUT_MS = 250;
/** A starting process may wait for another one that migrates. */
const SQLITE_MIGRATION_LOCK_TIMEOUT_MS = 5_000;

const SHARED = {
  migrationsTableName: 'migrations',
  migrations: [Initial1796100000010],
  migrationsTransactionMode: 'all',
  synchronize: false,
  invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
} satisfies Partial<DataSourceOptions>;

/** Whether the address is that of a SQLite file which does not exist. SQLite would create it. */
export function lacksFile({ file }: DatabaseAddress): boolean {
  return file !== undefined && !existsSync(file);
}

/**
 * A data source for either engine, not yet connected.
 * @param poolSize connections of the pool on PostgreSQL
 */
export function createDataSource(address: DatabaseAddress, poolSize: number, entities: Entities): DataSource {
  return createFrom(address, entities, {
    poolSize,
    driver: { Pool: PostgresPool },
    lockTimeout: SQLITE_LOCK_TIMEOUT_MS,
  });
}

/**
 * A data source for migrations: one connection, and no deadline for statements.
 * @param entities to compare the schema with; a migration needs none, and TypeORM reads them slowly
 */
export function createMigrationDataSource(address: DatabaseAddress, entities: Entities = []): DataSource {
  return createFrom(address, entities, {
    poolSize: 1,
    driver: pg,
    lockTimeout: SQLITE_MIGRATION_LOCK_TIMEOUT_MS,
  });
}

interface Limits {
  /** PostgreSQL. */
  poolSize: number;
  /** PostgreSQL: the module with the pool's class. */
  driver: Pick<typeof pg, 'Pool'>;
  /** SQLite, in milliseconds. */
  lockTimeout: number;
}

function createFrom({ file, url }: DatabaseAddress, entities: Entities, limits: Limits): DataSource {
  const dataSource = new DataSource(
    url ? postgresOptions(url, limits, entities) : sqliteOptions(file, limits, entities),
  );
  if (url) mapDatesToTimestamptz(dataSource);
  return dataSource;
}

function sqliteOptions(path: string, { lockTimeout }: Limits, entities: Entities): DataSourceOptions {
  return {
    ...SHARED,
    entities,
    type: 'better-sqlite3',
    database: path,
    timeout: lockTimeout,
    prepareDatabase: (driver: SqliteDriver) => {
      driver.pragma('journal_mode = WAL');
      driver.pragma('synchronous = FULL');
      // Overwrites deleted ciphertext instead of only unlinking it from its page.
      driver.pragma('secure_delete = ON');
    },
  };
}

function postgresOptions(url: Secret, { poolSize, driver }: Limits, entities: Entities): DataSourceOptions {
  const logger = new Logger('Database');
  return {
    ...SHARED,
    entities,
    type: 'postgres',
    url: url.reveal(),
    driver,
    poolSize,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    // No other startup parameters: poolers refuse those that they don't know.
    applicationName: 'tillkeeper',
    installExtensions: false,
    extra: { keepAlive: true, types: PARSERS },
    poolErrorHandler: () => logger.warn('PostgreSQL closed an idle connection.'),
  };
}

/** Makes `Date` columns `timestamptz` on PostgreSQL. TypeORM would omit the time zone. */
function mapDatesToTimestamptz({ driver }: DataSource): void {
  const normalizeType = driver.normalizeType.bind(driver);
  driver.normalizeType = (column) =>
    column.type === Date ? 'timestamp with time zone' : normalizeType(column);
}
