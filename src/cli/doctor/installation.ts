import type { DataSource } from 'typeorm';
import { ENTITIES } from '../../bootstrap/entities.js';
import { ConfigurationError, type Environment, loadEnvFile } from '../../config/environment.js';
import { examineSettings } from '../../config/load-settings.js';
import type { MasterKeySources } from '../../config/master-key-sources.js';
import { createDataSource, lacksFile } from '../../database/data-source.js';
import { CommandFailed } from '../output.js';

/** `skipped`: there was nothing to check. */
type Verdict = 'ok' | 'warning' | 'failed' | 'skipped';

/** Result of a check. The message includes the remedy for a problem. */
export interface Finding {
  readonly verdict: Verdict;
  readonly message: string;
}

export const ok = (message: string): Finding => ({ verdict: 'ok', message });
export const warning = (message: string): Finding => ({ verdict: 'warning', message });
export const failed = (message: string): Finding => ({ verdict: 'failed', message });
export const skipped = (message: string): Finding => ({ verdict: 'skipped', message });

/** One for the check that waits for a notification, one for the others. */
const CONNECTIONS = 2;

/** Settings and database under examination. Works with invalid settings too. */
export class Installation {
  readonly signal: AbortSignal;
  readonly env: Environment;
  readonly masterKeys: MasterKeySources;
  readonly problems: readonly string[];
  readonly #connecting: Promise<DataSource>;

  constructor(signal: AbortSignal) {
    this.signal = signal;
    const unread = unreadEnvFile();
    const { env, masterKeys, problems } = examineSettings(process.env);
    this.env = env;
    this.masterKeys = masterKeys;
    this.problems = [...unread, ...problems];
    this.#connecting = this.#connect();
    this.#connecting.catch(() => undefined);
  }

  /** @throws CommandFailed, or the driver's error */
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
    if (lacksFile(address))
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
