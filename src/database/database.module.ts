import type { Database as SqliteDriver } from 'better-sqlite3';
import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { PeriodicTasks } from './periodic-tasks.js';
import { StoreSettings } from '../config/settings.js';
import { createDataSource, createMigrationDataSource, type Entities } from './data-source.js';
import { Database } from './database.js';
import { DatabaseNotifications } from './notifications.js';
import { migrate } from './migrate.js';
import { PostgresDatabase } from './postgres/postgres.database.js';
import { PostgresNotifications } from './postgres/postgres.notifications.js';
import { SqliteDatabase } from './sqlite.database.js';
import { SqliteNotifications } from './notifications.js';
import { TaskLeases } from './periodic-tasks.js';

@Module({})
export class DatabaseModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(DatabaseNotifications) private readonly notifications: DatabaseNotifications,
  ) {}

  static forRoot(entities: Entities): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        TaskLeases,
        PeriodicTasks,
        {
          provide: DataSource,
          inject: [StoreSettings],
          useFactory: (settings: StoreSettings) => connect(settings, entities),
        },
        { provide: Database, inject: [DataSource, StoreSettings], useFactory: openDatabase },
        {
          provide: DatabaseNotifications,
          inject: [DataSource, Database, StoreSettings],
          useFactory: openNotifications,
        },
      ],
      exports: [PeriodicTasks, DataSource, Database, DatabaseNotifications],
    };
  }

  onApplicationBootstrap(): void {
    if (this.notifications instanceof PostgresNotifications) this.notifications.start();
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.notifications instanceof PostgresNotifications) await this.notifications.stop();
    await this.dataSource.destroy();
  }
}

async function connect(settings: StoreSettings, entities: Entities): Promise<DataSource> {
  if (settings.migrateOnStart) await migrate(createMigrationDataSource(settings.directDatabase));
  return createDataSource(settings.database, settings.databasePoolSize, entities).initialize();
}

/** TypeORM doesn't type its drivers' handles: `databaseConnection` of better-sqlite3, `master` pool of pg. */
function handlesOf({ driver }: DataSource): { databaseConnection?: SqliteDriver; master?: Pool } {
  return driver as unknown as { databaseConnection?: SqliteDriver; master?: Pool };
}

function openDatabase(dataSource: DataSource, settings: StoreSettings): Database {
  const { databaseConnection, master } = handlesOf(dataSource);
  if (databaseConnection) return new SqliteDatabase(databaseConnection);
  if (master) return new PostgresDatabase(master, settings.databasePreparedStatements);
  throw new Error('The data source is not connected.');
}

function openNotifications(
  dataSource: DataSource,
  database: Database,
  { directDatabase, directDatabaseUrl }: StoreSettings,
): DatabaseNotifications {
  const { databaseConnection } = handlesOf(dataSource);
  if (databaseConnection) return new SqliteNotifications(databaseConnection);
  if (!directDatabase.url) throw new Error('There is no address to listen at.');
  return new PostgresNotifications(
    directDatabase.url,
    directDatabaseUrl ? 'DATABASE_DIRECT_URL' : 'DATABASE_URL',
    database,
  );
}
