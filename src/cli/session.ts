import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import {
  type DynamicModule,
  type INestApplicationContext,
  Module,
  type ModuleMetadata,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { InvalidArgumentError } from 'commander';
import { DataSource } from 'typeorm';
import { ENTITIES } from '../bootstrap/entities.js';
import { systemActor } from '../common/actor.js';
import { throwIfInterrupted } from '../common/event-loop.js';
import { readPastTime } from '../common/past-time.js';
import { loadEnvFile } from '../config/environment.js';
import { loadSettings, loadStoreSettings } from '../config/load-settings.js';
import { type Settings, SettingsModule, type StoreSettings } from '../config/settings.js';
import { DatabaseModule } from '../database/database.module.js';
import { isMigrated } from '../database/migrate.js';
import { Keyring } from '../vault/keys/keyring.js';
import { VaultModule } from '../vault/vault.module.js';
import { CommandFailed, EXIT_CODES, Progress } from './output.js';

/** Milliseconds that a command gets to finish its piece of work after the first signal. */
const GRACE_MS = 8_000;

const controller = new AbortController();

/** Aborted when the user interrupts. */
export const interruption = controller.signal;

/** From now on: a command stops between two pieces of work. A second signal ends it at once, which is as safe as a crash. */
export function listenForSignals(): void {
  const onSignal = (): void => {
    if (interruption.aborted) process.exit(EXIT_CODES.interrupted);
    controller.abort();
    setTimeout(() => process.exit(EXIT_CODES.interrupted), GRACE_MS).unref();
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal);
}

/** Whom the chain of the system names for what a command does: as the operating system says. No tenant reads it. */
export const OPERATOR = systemActor(`command line: ${account()}@${hostname()}`.slice(0, 255));

function account(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}

/** Reads an argument of a command. */
export function pastTime(text: string): Date {
  const time = readPastTime(text);
  if (!time) throw new InvalidArgumentError('It must be a time that has been, as 2026-11-01T00:00:00Z.');
  return time;
}

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
      throw new CommandFailed(
        'The database has migrations that did not run yet: run `tillkeeper migrate`, or start the server.',
      );
    }
    if (settings.database.engine === 'sqlite')
      await dataSource.query(`PRAGMA busy_timeout = ${SQLITE_LOCK_TIMEOUT_MS}`);
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
