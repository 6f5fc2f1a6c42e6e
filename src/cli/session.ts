import { hostname, userInfo } from 'node:os';
import {
  type DynamicModule,
  type INestApplicationContext,
  Module,
  type ModuleMetadata,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Command } from 'commander';
import { DataSource } from 'typeorm';
import { AccountStandingsModule } from '../accounts/account-standings.js';
import { ENTITIES } from '../bootstrap/entities.js';
import { explainFailure } from '../bootstrap/start-failure.js';
import { systemActor } from '../common/actor.js';
import { throwIfInterrupted } from '../common/deadline.js';
import { loadEnvFile } from '../config/environment.js';
import { loadSettings, loadStoreSettings } from '../config/load-settings.js';
import { type Settings, SettingsModule, type StoreSettings } from '../config/settings.js';
import { lacksFile } from '../database/data-source.js';
import { Database } from '../database/database.js';
import { DatabaseModule } from '../database/database.module.js';
import { isMigrated } from '../database/migrate.js';
import { Keyring } from '../vault/keys/keyring.js';
import { VaultModule } from '../vault/vault.module.js';
import {
  CommandFailed,
  EXIT_CODES,
  OutputFailed,
  print,
  Progress,
  type Report,
  WrongUsage,
} from './output.js';

/** Milliseconds to wait for a lock of the SQLite file. A server waits less, because its requests wait too. */
const LOCK_TIMEOUT_MS = 10_000;

/** Actor in the system's history: the operating system's user. Tenants never see it. */
export const OPERATOR = systemActor(`command line: ${account()}@${hostname()}`.slice(0, 255));

function account(): string {
  try {
    return userInfo().username;
  } catch {
    // The user of a container may have no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}

type Work<Args extends unknown[]> = (session: Session, ...args: Args) => Promise<Report>;

/** Creates a command's action: opens a session, runs `work` with commander's arguments, prints the report. */
export type Runner = <Args extends unknown[]>(
  work: Work<Args>,
) => (this: Command, ...args: Args) => Promise<void>;

/** @param signal aborted when the user interrupts */
export function runnerFor(signal: AbortSignal): Runner {
  return (work) =>
    async function (...args) {
      // Files that a command creates, such as a new database, are for this user only.
      process.umask(0o077);
      const isJson = this.opts<{ json?: true }>().json === true;
      const session = new Session(signal, !isJson && process.stderr.isTTY);
      try {
        await throwIfInterrupted(signal);
        const report = await work(session, ...args).finally(() => session.close());
        const stream = report.isBesideOutput ? process.stderr : process.stdout;
        const text = isJson ? JSON.stringify(report.json, null, 2) : report.text;
        await print(stream, `${text}\n`, report.ifLost);
        process.exitCode = report.isBad ? EXIT_CODES.failed : EXIT_CODES.done;
      } catch (error) {
        if (error instanceof OutputFailed && error.isQuiet) {
          process.exitCode = EXIT_CODES.closedPipe;
          return;
        }
        const message = signal.aborted
          ? 'Interrupted. What was done stays done; run the command again to go on.'
          : messageOf(error);
        if (isJson && !(error instanceof OutputFailed))
          process.stdout.write(`${JSON.stringify({ error: message })}\n`);
        else process.stderr.write(`${message}\n`);
        const failure = error instanceof WrongUsage ? EXIT_CODES.wrongUsage : EXIT_CODES.failed;
        process.exitCode = signal.aborted ? EXIT_CODES.interrupted : failure;
      }
    };
}

export function messageOf(error: unknown): string {
  return error instanceof CommandFailed ? error.message : explainFailure(error);
}

@Module({})
class CommandLineModule {}

function environment(): NodeJS.ProcessEnv {
  loadEnvFile();
  // Only the server and `migrate` change the schema.
  return { ...process.env, MIGRATE_ON_START: 'false' };
}

interface OpenOptions {
  /** Modules beside those of the database and the vault. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  /** Required settings: all settings of a server, or by default the database and the master key. */
  readonly settings?: 'server' | 'store';
  /** Data keys to unwrap: by default all. `none` needs no master key. */
  readonly keys?: 'all' | 'history' | 'none';
}

/** Resources of one command. Closed when the command ends. */
export class Session {
  /** Aborted when the user interrupts: check it with `throwIfInterrupted` between two steps. */
  readonly signal: AbortSignal;
  readonly #showsProgress: boolean;
  readonly #bars: Progress[] = [];
  #settings: Settings | undefined;
  #context: INestApplicationContext | undefined;

  constructor(signal: AbortSignal, showsProgress: boolean) {
    this.signal = signal;
    this.#showsProgress = showsProgress;
  }

  /** All settings of a server. @throws ConfigurationError */
  get settings(): Settings {
    this.#settings ??= loadSettings(environment(), { makesMasterKey: false });
    return this.#settings;
  }

  /** Settings of the database, and master keys if there are any. @throws ConfigurationError */
  get storeSettings(): StoreSettings {
    return loadStoreSettings(environment(), { needsMasterKey: false });
  }

  /**
   * Opens the server's services, without HTTP.
   * @throws ConfigurationError; CommandFailed if a migration is missing; WrongMasterKey
   */
  async open({ imports, settings = 'store', keys = 'all' }: OpenOptions): Promise<INestApplicationContext> {
    const needsMasterKey = keys !== 'none';
    const context = await this.#connect(
      settings === 'server' ? this.settings : loadStoreSettings(environment(), { needsMasterKey }),
      imports,
    );
    if (keys === 'all') await context.get(Keyring).load();
    if (keys === 'history') await context.get(Keyring).loadPrimary('audit');
    return context;
  }

  async #connect(settings: StoreSettings, imports: OpenOptions['imports']): Promise<INestApplicationContext> {
    if (lacksFile(settings.database))
      throw new CommandFailed('There is no database at the path of DATABASE_URL.');
    const all: DynamicModule = {
      module: CommandLineModule,
      imports: [
        SettingsModule.forRoot(settings),
        DatabaseModule.forRoot(ENTITIES),
        VaultModule,
        AccountStandingsModule,
        ...imports,
      ],
    };
    this.#context = await NestFactory.createApplicationContext(all, { logger: false, abortOnError: false });
    if (!(await isMigrated(this.#context.get(DataSource)))) {
      throw new CommandFailed(
        'The database has migrations that did not run yet: run `tillkeeper migrate`, or start the server.',
      );
    }
    this.#context.get(Database).setLockTimeout(LOCK_TIMEOUT_MS);
    await throwIfInterrupted(this.signal);
    return this.#context;
  }

  /** Shows a progress bar on a terminal. */
  progress(what: string, total: number): Progress {
    const bar = new Progress(what, total, this.#showsProgress);
    this.#bars.push(bar);
    return bar;
  }

  async close(): Promise<void> {
    for (const bar of this.#bars) bar.stop();
    await this.#context?.close();
  }
}
