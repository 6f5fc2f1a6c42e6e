import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import type { PeriodicTask } from '../../common/periodic-task.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { KeyringNodesRepository } from './keyring-nodes.repository.js';
import { Keyring } from './keyring.js';

const LOOK_EVERY_MS = 2_000;

/**
 * Keeps the keyring of a running server in step with the database, and says there which keys it has: that is how a rotation knows
 * when it may go on. It writes only when something changed, or as long as it lacks a key.
 */
@Injectable()
export class KeyringSync implements BeforeApplicationShutdown {
  readonly #id = randomUUID();
  readonly #name = `${hostname()} ${process.pid}`;
  readonly #logger = new Logger('Vault');
  readonly #task: PeriodicTask;
  #reported = '';

  constructor(
    private readonly keyring: Keyring,
    private readonly nodes: KeyringNodesRepository,
    tasks: PeriodicTasks,
  ) {
    // A failure is not logged: the database is away, which louder messages say, and the next run comes soon.
    this.#task = tasks.add({
      name: 'data_keys',
      intervalMs: LOOK_EVERY_MS,
      work: (signal) => this.#look(signal),
    });
  }

  /** Runs until the application shuts down. The keyring is loaded. */
  async start(): Promise<void> {
    await this.#task.run();
  }

  /** Nobody waits for this to be told: the server has to stop listening, and the database closes when it is done. */
  beforeApplicationShutdown(): void {
    void this.#task.stop();
    if (this.#reported) this.nodes.remove(this.#id).catch(() => undefined);
  }

  /** @returns whether this process has all keys */
  async #look(signal: AbortSignal): Promise<boolean> {
    const keys = await this.keyring.sync();
    if (signal.aborted) return false;
    const report = JSON.stringify(keys);
    const isComplete = keys.missing.length === 0;
    const isNews = report !== this.#reported;
    if (isNews && !isComplete)
      this.#logger.warn(`This process can't open data key ${keys.missing.join(', ')}.`);
    if (isNews || !isComplete)
      await this.nodes.upsert({ id: this.#id, name: this.#name, ...keys, answeredAt: new Date() });
    this.#reported = report;
    return isComplete;
  }
}
