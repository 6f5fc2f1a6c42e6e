import type { Database as SqliteDriver } from 'better-sqlite3';
import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { StoreSettings } from '../config/settings.js';
import { createDataSource, createMigrationDataSource, type Entities } from './data-source.js';
import { Database } from './database.js';
import { DatabaseNotifications, NoNotifications } from './database-notifications.js';
import { migrate } from './migrate.js';
import { PostgresDatabase } from './postgres.database.js';
import { PostgresNotifications } from './postgres.notifications.js';
import { SqliteDatabase } from './sqlite.database.js';

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
        { provide: DataSource, inject: [StoreSettings], useFactory: (settings: StoreSettings) => connect(settings, entities) },
        { provide: Database, inject: [DataSource], useFactory: openDatabase },
        { provide: DatabaseNotifications, inject: [StoreSettings], useFactory: openNotifications },
      ],
      exports: [DataSource, Database, DatabaseNotifications],
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
  if (settings.migrateOnStart) await migrate(createMigrationDataSource(settings.database, entities));
  return createDataSource(settings.database, settings.databasePoolSize, entities).initialize();
}

function openDatabase({ driver }: DataSource): Database {
  // TypeORM doesn't type its drivers' handles: `databaseConnection` of better-sqlite3, `master` pool of pg.
  const handles = driver as unknown as { databaseConnection?: SqliteDriver; master?: Pool };
  if (handles.databaseConnection) return new SqliteDatabase(handles.databaseConnection);
  if (handles.master) return new PostgresDatabase(handles.master);
  throw new Error('The data source is not connected.');
}

function openNotifications({ database }: StoreSettings): DatabaseNotifications {
  return database.engine === 'postgres' ? new PostgresNotifications(database.url) : new NoNotifications();
}
