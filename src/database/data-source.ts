import type { Database as SqliteDriver } from 'better-sqlite3';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { Secret } from '../common/secret.js';
import { Initial1763700000000 as InitialPostgres } from './migrations/postgres/1763700000000-initial.js';
import { StripeConnection1763760000000 as StripeConnectionPostgres } from './migrations/postgres/1763760000000-stripe-connection.js';
import { StripeLeases1763802000000 as StripeLeasesPostgres } from './migrations/postgres/1763802000000-stripe-leases.js';
import { WebhookSecretOverlap1763805000000 as WebhookSecretOverlapPostgres } from './migrations/postgres/1763805000000-webhook-secret-overlap.js';
import { KeyRotation1763810000000 as KeyRotationPostgres } from './migrations/postgres/1763810000000-key-rotation.js';
import { WebhookEvents1763820000000 as WebhookEventsPostgres } from './migrations/postgres/1763820000000-webhook-events.js';
import { Ledger1763830000000 as LedgerPostgres } from './migrations/postgres/1763830000000-ledger.js';
import { Audit1763800000000 as AuditPostgres } from './migrations/postgres/1763800000000-audit.js';
import { Accounts1763840000000 as AccountsPostgres } from './migrations/postgres/1763840000000-accounts.js';
import { Billing1763850000000 as BillingPostgres } from './migrations/postgres/1763850000000-billing.js';
import { SpentCustomers1763860000000 as SpentCustomersPostgres } from './migrations/postgres/1763860000000-spent-customers.js';
import { RefundTimes1763870000000 as RefundTimesPostgres } from './migrations/postgres/1763870000000-refund-times.js';
import { RoomForUpdates1763880000000 as RoomForUpdatesPostgres } from './migrations/postgres/1763880000000-room-for-updates.js';
import { PaymentSources1796000001000 as PaymentSourcesPostgres } from './migrations/postgres/1796000001000-payment-sources.js';
import { SubscriptionPauses1796000001100 as SubscriptionPausesPostgres } from './migrations/postgres/1796000001100-subscription-pauses.js';
import { UnreadableEvents1796000001200 as UnreadableEventsPostgres } from './migrations/postgres/1796000001200-unreadable-events.js';
import { PaymentsBySubscription1796000002000 as PaymentsBySubscriptionPostgres } from './migrations/postgres/1796000002000-payments-by-subscription.js';
import { KeyAccounts1796000002100 as KeyAccountsPostgres } from './migrations/postgres/1796000002100-key-accounts.js';
import { ForeignObjects1796000002200 as ForeignObjectsPostgres } from './migrations/postgres/1796000002200-foreign-objects.js';
import { AccountChanges1796000002300 as AccountChangesPostgres } from './migrations/postgres/1796000002300-account-changes.js';
import { ForeignClaims1796000002400 as ForeignClaimsPostgres } from './migrations/postgres/1796000002400-foreign-claims.js';
import { Initial1763700000000 as InitialSqlite } from './migrations/sqlite/1763700000000-initial.js';
import { StripeConnection1763760000000 as StripeConnectionSqlite } from './migrations/sqlite/1763760000000-stripe-connection.js';
import { StripeLeases1763802000000 as StripeLeasesSqlite } from './migrations/sqlite/1763802000000-stripe-leases.js';
import { WebhookSecretOverlap1763805000000 as WebhookSecretOverlapSqlite } from './migrations/sqlite/1763805000000-webhook-secret-overlap.js';
import { KeyRotation1763810000000 as KeyRotationSqlite } from './migrations/sqlite/1763810000000-key-rotation.js';
import { WebhookEvents1763820000000 as WebhookEventsSqlite } from './migrations/sqlite/1763820000000-webhook-events.js';
import { Ledger1763830000000 as LedgerSqlite } from './migrations/sqlite/1763830000000-ledger.js';
import { Audit1763800000000 as AuditSqlite } from './migrations/sqlite/1763800000000-audit.js';
import { Accounts1763840000000 as AccountsSqlite } from './migrations/sqlite/1763840000000-accounts.js';
import { Billing1763850000000 as BillingSqlite } from './migrations/sqlite/1763850000000-billing.js';
import { SpentCustomers1763860000000 as SpentCustomersSqlite } from './migrations/sqlite/1763860000000-spent-customers.js';
import { RefundTimes1763870000000 as RefundTimesSqlite } from './migrations/sqlite/1763870000000-refund-times.js';
import { PaymentSources1796000001000 as PaymentSourcesSqlite } from './migrations/sqlite/1796000001000-payment-sources.js';
import { SubscriptionPauses1796000001100 as SubscriptionPausesSqlite } from './migrations/sqlite/1796000001100-subscription-pauses.js';
import { UnreadableEvents1796000001200 as UnreadableEventsSqlite } from './migrations/sqlite/1796000001200-unreadable-events.js';
import { PaymentsBySubscription1796000002000 as PaymentsBySubscriptionSqlite } from './migrations/sqlite/1796000002000-payments-by-subscription.js';
import { KeyAccounts1796000002100 as KeyAccountsSqlite } from './migrations/sqlite/1796000002100-key-accounts.js';
import { CONNECT_TIMEOUT_MS, PostgresPool } from './postgres.pool.js';
import { ForeignObjects1796000002200 as ForeignObjectsSqlite } from './migrations/sqlite/1796000002200-foreign-objects.js';
import { AccountChanges1796000002300 as AccountChangesSqlite } from './migrations/sqlite/1796000002300-account-changes.js';
import { ForeignClaims1796000002400 as ForeignClaimsSqlite } from './migrations/sqlite/1796000002400-foreign-claims.js';

export type Entities = NonNullable<DataSourceOptions['entities']>;

export type DatabaseLocation = { engine: 'sqlite'; path: string } | { engine: 'postgres'; url: Secret };

/** SQLite waits synchronously for a lock that another process holds, so this is also how long the server may stand still. */
const SQLITE_LOCK_TIMEOUT_MS = 250;
/** A process that starts may wait for another that migrates. */
const SQLITE_MIGRATION_LOCK_TIMEOUT_MS = 5_000;

const SHARED = {
  migrationsTableName: 'migrations',
  migrationsTransactionMode: 'all',
  synchronize: false,
  invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
} as const;

/** A data source for either engine, not yet connected. @param poolSize connections of the pool on PostgreSQL */
export function createDataSource(location: DatabaseLocation, poolSize: number, entities: Entities): DataSource {
  return createFrom(location, entities, { poolSize, driver: { Pool: PostgresPool }, lockTimeout: SQLITE_LOCK_TIMEOUT_MS });
}

/** A data source for migrations: one connection, and on it a statement may take as long as it needs. */
export function createMigrationDataSource(location: DatabaseLocation, entities: Entities): DataSource {
  return createFrom(location, entities, { poolSize: 1, driver: pg, lockTimeout: SQLITE_MIGRATION_LOCK_TIMEOUT_MS });
}

interface Limits {
  /** PostgreSQL. */
  poolSize: number;
  /** PostgreSQL: whose pool to take. */
  driver: Pick<typeof pg, 'Pool'>;
  /** SQLite, in milliseconds. */
  lockTimeout: number;
}

function createFrom(location: DatabaseLocation, entities: Entities, limits: Limits): DataSource {
  const dataSource = new DataSource(
    location.engine === 'sqlite' ? sqliteOptions(location.path, limits, entities) : postgresOptions(location.url, limits, entities),
  );
  if (location.engine === 'postgres') mapDatesToTimestamptz(dataSource);
  return dataSource;
}

function sqliteOptions(path: string, { lockTimeout }: Limits, entities: Entities): DataSourceOptions {
  return {
    ...SHARED,
    entities,
    type: 'better-sqlite3',
    database: path,
    timeout: lockTimeout,
    migrations: [
      InitialSqlite,
      StripeConnectionSqlite,
      AuditSqlite,
      StripeLeasesSqlite,
      WebhookSecretOverlapSqlite,
      KeyRotationSqlite,
      WebhookEventsSqlite,
      LedgerSqlite,
      AccountsSqlite,
      BillingSqlite,
      SpentCustomersSqlite,
      RefundTimesSqlite,
      PaymentSourcesSqlite,
      SubscriptionPausesSqlite,
      UnreadableEventsSqlite,
      PaymentsBySubscriptionSqlite,
      KeyAccountsSqlite,
      ForeignObjectsSqlite,
      AccountChangesSqlite,
      ForeignClaimsSqlite,
    ],
    prepareDatabase: (driver: SqliteDriver) => {
      driver.pragma('journal_mode = WAL');
      driver.pragma('synchronous = FULL');
      // Destroyed ciphertext is overwritten, not only unlinked from its page.
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
    // Nothing else is set at the start of a connection: poolers refuse what they do not know.
    applicationName: 'tillkeeper',
    migrations: [
      InitialPostgres,
      StripeConnectionPostgres,
      AuditPostgres,
      StripeLeasesPostgres,
      WebhookSecretOverlapPostgres,
      KeyRotationPostgres,
      WebhookEventsPostgres,
      LedgerPostgres,
      AccountsPostgres,
      BillingPostgres,
      SpentCustomersPostgres,
      RefundTimesPostgres,
      RoomForUpdatesPostgres,
      PaymentSourcesPostgres,
      SubscriptionPausesPostgres,
      UnreadableEventsPostgres,
      PaymentsBySubscriptionPostgres,
      KeyAccountsPostgres,
      ForeignObjectsPostgres,
      AccountChangesPostgres,
      ForeignClaimsPostgres,
    ],
    installExtensions: false,
    extra: { keepAlive: true },
    poolErrorHandler: () => logger.warn('PostgreSQL closed an idle connection.'),
  };
}

/** Entities say `Date` for a time; TypeORM would make that a time without a zone on PostgreSQL. */
function mapDatesToTimestamptz({ driver }: DataSource): void {
  const normalizeType = driver.normalizeType.bind(driver);
  driver.normalizeType = (column) => (column.type === Date ? 'timestamp with time zone' : normalizeType(column));
}
