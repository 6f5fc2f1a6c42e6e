import { existsSync } from 'node:fs';
import { type ModuleMetadata, type INestApplicationContext, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { throwIfInterrupted } from '../common/event-loop.js';
import { loadEnvFile } from '../config/env-file.js';
import { loadSettings, loadStoreSettings } from '../config/load-settings.js';
import type { Settings, StoreSettings } from '../config/settings.js';
import { SettingsModule } from '../config/settings.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { isMigrated } from '../database/migrate.js';
import { ENTITIES } from '../entities.js';
import { Keyring } from '../vault/keyring.js';
import { VaultModule } from '../vault/vault.module.js';
import { CommandFailed } from './command-failed.js';
import { Progress } from './progress.js';

/** Milliseconds to wait for the server to finish a write to the SQLite file; here nobody else is kept waiting. */
const SQLITE_LOCK_TIMEOUT_MS = 10_000;

@Module({})
class CommandLineModule {}

type Imports = NonNullable<ModuleMetadata['imports']>;

function environment(): NodeJS.ProcessEnv {
  loadEnvFile();
  // The schema is the server's or the `migrate` command's to change.
  return { ...process.env, MIGRATE_ON_START: 'false' };
}

/** What one command works with. Everything is opened when it is asked for, and closed at the end. */
export class Session {
  #settings: Settings | undefined;
  #context: INestApplicationContext | undefined;
  readonly #bars: Progress[] = [];

  /** @param signal aborted when the user interrupts: check it with `throwIfInterrupted` between two short pieces of work */
  constructor(
    readonly signal: AbortSignal,
    private readonly showsProgress: boolean,
  ) {}

  /** All that a server has. @throws ConfigurationError */
  get settings(): Settings {
    this.#settings ??= loadSettings(environment(), { makesMasterKey: false });
    return this.#settings;
  }

  /** Those of the database, and the master keys if there are any. @throws ConfigurationError */
  get storeSettings(): StoreSettings {
    return loadStoreSettings(environment(), { needsMasterKey: false });
  }

  /**
   * The services of the database, the vault and `imports`, as in the server but without HTTP, and with the data keys open.
   * @throws ConfigurationError; CommandFailed before the migrations ran; WrongMasterKey
   */
  async services(imports: Imports): Promise<INestApplicationContext> {
    const context = await this.#open(this.settings, imports);
    await context.get(Keyring).load();
    return context;
  }

  /** The same for rooms that stand on the database and the vault alone: no other settings are asked for. */
  async servicesOfVault(imports: Imports): Promise<INestApplicationContext> {
    const context = await this.#open(loadStoreSettings(environment(), { needsMasterKey: true }), imports);
    await context.get(Keyring).load();
    return context;
  }

  /** The same for the history: nothing but its key has to open, and none is made. */
  async servicesOfHistory(imports: Imports): Promise<INestApplicationContext> {
    const context = await this.#open(loadStoreSettings(environment(), { needsMasterKey: true }), imports);
    await context.get(Keyring).loadPrimary('audit');
    return context;
  }

  /** The same for what has to work without the master key. */
  async servicesWithoutKeys(imports: Imports): Promise<INestApplicationContext> {
    return this.#open(this.storeSettings, imports);
  }

  async #open(settings: StoreSettings, imports: Imports): Promise<INestApplicationContext> {
    // SQLite would make one.
    if (settings.database.engine === 'sqlite' && !existsSync(settings.database.path))
      throw new CommandFailed('There is no database at the path of DATABASE_URL.');
    const all: DynamicModule = {
      module: CommandLineModule,
      imports: [SettingsModule.forRoot(settings), DatabaseModule.forRoot(ENTITIES), VaultModule, ...imports],
    };
    this.#context = await NestFactory.createApplicationContext(all, { logger: false, abortOnError: false });
    const dataSource = this.#context.get(DataSource);
    if (!(await isMigrated(dataSource))) {
      throw new CommandFailed('The database has migrations that did not run yet: run `tillkeeper migrate`, or start the server.');
    }
    if (settings.database.engine === 'sqlite') await dataSource.query(`PRAGMA busy_timeout = ${SQLITE_LOCK_TIMEOUT_MS}`);
    await throwIfInterrupted(this.signal);
    return this.#context;
  }

  /** A progress bar, where somebody is there to see it. */
  progress(what: string, total: number): Progress {
    const bar = new Progress(what, total, this.showsProgress);
    this.#bars.push(bar);
    return bar;
  }

  async close(): Promise<void> {
    for (const bar of this.#bars) bar.stop();
    await this.#context?.close();
  }
}
