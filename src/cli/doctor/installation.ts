import { existsSync } from 'node:fs';
import type { DataSource } from 'typeorm';
import type { Environment } from '../../config/environment.js';
import { examineSettings } from '../../config/load-settings.js';
import type { MasterKeySources } from '../../config/master-key-sources.js';
import { loadEnvFile } from '../../config/env-file.js';
import { ConfigurationError } from '../../config/configuration-error.js';
import { createDataSource } from '../../database/data-source.js';
import { ENTITIES } from '../../entities.js';
import { CommandFailed } from '../command-failed.js';

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
