import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DomainError } from '../common/errors.js';
import { Database } from '../database/database.js';
import { isMigrated } from '../database/migrate.js';
import { KeyringSync } from '../vault/keys/keyring-sync.js';
import { Keyring } from '../vault/keys/keyring.js';

/** Ready if the database answers, migrations have run, data keys are open, and no shutdown has begun. */
@Injectable()
export class ReadinessService implements OnApplicationBootstrap {
  #isOpen = false;
  #isStopping = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly database: Database,
    private readonly keyring: Keyring,
    private readonly keyringSync: KeyringSync,
  ) {}

  /** With `MIGRATE_ON_START=false` the schema may be migrated after the start. */
  async onApplicationBootstrap(): Promise<void> {
    if (await isMigrated(this.dataSource)) await this.open();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens the data keys. @throws DomainError `not_migrated`, `database_unavailable` */
  async open(): Promise<void> {
    if (!(await isMigrated(this.dataSource))) {
      throw new DomainError('not_migrated', 'The database has migrations that did not run yet.', {
        retryAfterSeconds: 5,
      });
    }
    await this.keyring.load();
    await this.keyringSync.start();
    this.#isOpen = true;
  }

  /** Starts the shutdown: `check` throws from now on. */
  stop(): void {
    this.#isStopping = true;
  }

  /** @throws DomainError `shutting_down`, `not_migrated`, `database_unavailable` */
  async check(): Promise<void> {
    if (this.#isStopping)
      throw new DomainError('shutting_down', 'This process is shutting down.', { retryAfterSeconds: 1 });
    await (this.#isOpen ? this.database.ping() : this.open());
  }
}
