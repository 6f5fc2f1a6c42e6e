import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { PeriodicTasks } from '../common/periodic-tasks.js';
import { KeyHoldersRepository } from './key-holders.repository.js';
import { Keyring } from './keyring.js';

const LOOK_EVERY_MS = 2_000;

/**
 * Keeps the keyring of a running server in step with the database, and says there which keys it has: that is how a rotation knows
 * when it may go on. It writes only when something changed, or as long as it lacks a key.
 */
@Injectable()
export class KeyFollower implements BeforeApplicationShutdown {
  readonly #id = randomUUID();
  readonly #name = `${hostname()} ${process.pid}`;
  readonly #logger = new Logger('Vault');
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;
  #answered = '';

  constructor(
    private readonly keyring: Keyring,
    private readonly holders: KeyHoldersRepository,
    private readonly tasks: PeriodicTasks,
  ) {}

  /** From now on, until the application shuts down. The keyring is loaded. */
  async start(): Promise<void> {
    if (this.#timer) return;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
    await this.#look();
  }

  /** Nobody waits for this to be told: the server has to stop listening, and the database closes when it is done. */
  beforeApplicationShutdown(): void {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.holders.remove(this.#id).catch(() => undefined);
  }

  async #look(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      const keys = await this.keyring.follow();
      if (!this.#timer) return;
      const answer = JSON.stringify(keys);
      const isNews = answer !== this.#answered;
      if (isNews && keys.missing.length > 0) this.#logger.warn(`This process can't open data key ${keys.missing.join(', ')}.`);
      if (isNews || keys.missing.length > 0) await this.holders.put({ id: this.#id, name: this.#name, ...keys, answeredAt: new Date() });
      this.#answered = answer;
      if (keys.missing.length === 0) this.tasks.succeeded('data_keys');
    } catch {
      // The database is away, which whoever needs it says louder. The next look comes soon.
    } finally {
      this.#isBusy = false;
    }
  }
}
