import { existsSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import type { Command } from 'commander';
import type { DataSource } from 'typeorm';
import { ENTITIES } from '../../bootstrap/entities.js';
import { explainFailure } from '../../bootstrap/start-failure.js';
import { Deadline } from '../../common/deadline.js';
import { ConfigurationError, type Environment, loadEnvFile } from '../../config/environment.js';
import { examineSettings } from '../../config/load-settings.js';
import type { MasterKeySources } from '../../config/master-key-sources.js';
import { createDataSource } from '../../database/data-source.js';
import { CommandFailed, type Report, reporting, table } from '../output.js';
import type { Session } from '../session.js';
import {
  checkClock,
  checkDatabase,
  checkDataKeys,
  checkPooler,
  checkRoles,
  checkSchema,
  onDatabase,
} from './database-checks.js';
import { checkConfiguration, checkDisk, checkPublicUrl, checkStripe } from './outside-checks.js';

/** `warning`: it works, but not as it should. `skipped`: there was nothing to look at. */
type Verdict = 'ok' | 'warning' | 'failed' | 'skipped';

/** What one check came to, with a sentence that says what to do where something is wrong. */
export interface Finding {
  readonly verdict: Verdict;
  readonly message: string;
}

export const ok = (message: string): Finding => ({ verdict: 'ok', message });
export const warning = (message: string): Finding => ({ verdict: 'warning', message });
export const failed = (message: string): Finding => ({ verdict: 'failed', message });
export const skipped = (message: string): Finding => ({ verdict: 'skipped', message });

/** One for a check that waits, one for the others. */
const CONNECTIONS = 2;

/** What the checks look at. Nothing here needs all settings to be right. */
export class Installation {
  readonly env: Environment;
  readonly masterKeys: MasterKeySources;
  readonly problems: readonly string[];
  readonly #connecting: Promise<DataSource>;

  constructor(readonly signal: AbortSignal) {
    const unread = unreadEnvFile();
    const { env, masterKeys, problems } = examineSettings(process.env);
    this.env = env;
    this.masterKeys = masterKeys;
    this.problems = [...unread, ...problems];
    this.#connecting = this.#connect();
    this.#connecting.catch(() => undefined);
  }

  /** @throws CommandFailed, or what the driver says */
  connect(): Promise<DataSource> {
    return this.#connecting;
  }

  async close(): Promise<void> {
    await this.#connecting.then(
      (dataSource) => dataSource.destroy(),
      () => undefined,
    );
  }

  async #connect(): Promise<DataSource> {
    const address = this.env.optional('DATABASE_URL');
    if (!address) throw new CommandFailed('DATABASE_URL is missing or wrong: correct it first.');
    // SQLite would make one.
    if (address.engine === 'sqlite' && !existsSync(address.path))
      throw new CommandFailed(
        'There is no database at the path of DATABASE_URL: correct the path, or start the server or run `tillkeeper migrate`, which make one.',
      );
    return createDataSource(address, CONNECTIONS, ENTITIES).initialize();
  }
}

function unreadEnvFile(): readonly string[] {
  try {
    loadEnvFile();
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

const DEADLINE_MS = 10_000;

const CHECKS: Readonly<Record<string, (installation: Installation) => Promise<Finding>>> = {
  configuration: checkConfiguration,
  database: checkDatabase,
  pooler: onDatabase(checkPooler),
  schema: onDatabase(checkSchema),
  clock: onDatabase(checkClock),
  data_keys: onDatabase(checkDataKeys),
  stripe: checkStripe,
  public_url: checkPublicUrl,
  roles: onDatabase(checkRoles),
  disk: checkDisk,
};

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .summary('look whether everything is as it should be')
    .description(
      'Checks the settings, and what they lead to: a line for each check, ok, warning, failed or skipped, and what to do. Changes nothing. Ends with 1 if a check failed.',
    )
    .action(reporting(examine));
}

/** All checks at once: none waits for another, and none that fails keeps another from its verdict. */
async function examine({ signal }: Session): Promise<Report> {
  // The standard output is for the verdicts.
  Logger.overrideLogger(false);
  const installation = new Installation(signal);
  try {
    const checks = await Promise.all(
      Object.entries(CHECKS).map(async ([check, run]) => ({ check, ...(await conclude(run(installation))) })),
    );
    signal.throwIfAborted();
    const isBad = checks.some(({ verdict }) => verdict === 'failed');
    return {
      text: table(checks.map(({ check, verdict, message }) => [verdict, check, message])),
      json: { healthy: !isBad, checks },
      isBad,
    };
  } finally {
    await installation.close();
  }
}

async function conclude(running: Promise<Finding>): Promise<Finding> {
  try {
    return await Deadline.within(
      DEADLINE_MS,
      () => running,
      () => new CommandFailed(`It did not end within ${DEADLINE_MS / 1_000} seconds.`),
    );
  } catch (error) {
    return failed(
      error instanceof CommandFailed ? error.message : explainFailure(error).replaceAll('\n', ' '),
    );
  }
}
