import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { VERSION } from '../../config/settings.js';
import type { PeriodicTask } from '../../database/periodic-task.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { KeyringNodesRepository } from './keyring-nodes.repository.js';
import { Keyring } from './keyring.js';

const SYNC_INTERVAL_MS = 2_000;

/** The longest that a running process reports nothing. */
export const REPORT_INTERVAL_MS = 60_000;

/**
 * Syncs the keyring of a running server with the database every two seconds, and reports its keys there,
 * which a rotation waits for. Writes once a minute, after a change, and while a key is missing.
 */
@Injectable()
export class KeyringSync implements BeforeApplicationShutdown {
  readonly #id = randomUUID();
  readonly #name = `${hostname()} ${process.pid}`;
  readonly #logger = new Logger('Vault');
  readonly #task: PeriodicTask;
  #reported = '';
  #reportedAt = 0;

  constructor(
    private readonly keyring: Keyring,
    private readonly nodes: KeyringNodesRepository,
    tasks: PeriodicTasks,
  ) {
    // Failures are not logged: other messages report that the database is down, and the next run comes soon.
    this.#task = tasks.add({
      name: 'data_keys',
      intervalMs: SYNC_INTERVAL_MS,
      work: (signal) => this.#look(signal),
    });
  }

  /** Runs until the application shuts down. The keyring is loaded. */
  async start(): Promise<void> {
    await this.#task.run();
  }

  /** Not awaited, so that the server stops listening at once. The database closes later. */
  beforeApplicationShutdown(): void {
    void this.#task.stop();
    if (this.#reported) this.nodes.remove(this.#id).catch(() => undefined);
  }

  /** @returns whether no key is missing */
  async #look(signal: AbortSignal): Promise<boolean> {
    const keys = await this.keyring.sync();
    if (signal.aborted) return false;
    const report = JSON.stringify(keys);
    const isComplete = keys.missing.length === 0;
    const isNews = report !== this.#reported;
    if (isNews && !isComplete)
      this.#logger.warn(`This process can't open data key ${keys.missing.join(', ')}.`);
    const isDue = Date.now() - this.#reportedAt >= REPORT_INTERVAL_MS;
    if (isNews || !isComplete || isDue) {
      const answeredAt = new Date();
      await this.nodes.upsert({ id: this.#id, name: this.#name, version: VERSION, ...keys, answeredAt });
      this.#reportedAt = answeredAt.getTime();
    }
    this.#reported = report;
    return isComplete;
  }
}
