import type { Database as SqliteDriver } from 'better-sqlite3';
import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { Settings } from '../config/settings.js';
import { createDataSource, type Entities } from './data-source.js';
import { Database } from './database.js';
import { migrate } from './migrate.js';
import { PostgresDatabase } from './postgres.database.js';
import { SqliteDatabase } from './sqlite.database.js';

@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  static forRoot(entities: Entities): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        { provide: DataSource, inject: [Settings], useFactory: (settings: Settings) => connect(settings, entities) },
        { provide: Database, inject: [DataSource], useFactory: openDatabase },
      ],
      exports: [DataSource, Database],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.dataSource.destroy();
  }
}

async function connect(settings: Settings, entities: Entities): Promise<DataSource> {
  const dataSource = createDataSource(settings.database, settings.databasePoolSize, entities);
  await dataSource.initialize();
  if (settings.migrateOnStart) await migrate(dataSource, settings.database);
  return dataSource;
}

function openDatabase({ driver }: DataSource): Database {
  // TypeORM doesn't type its drivers' handles: `databaseConnection` of better-sqlite3, `master` pool of pg.
  const handles = driver as unknown as { databaseConnection?: SqliteDriver; master?: Pool };
  if (handles.databaseConnection) return new SqliteDatabase(handles.databaseConnection);
  if (handles.master) return new PostgresDatabase(handles.master);
  throw new Error('The data source is not connected.');
}
