import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DomainError } from '../common/errors.js';
import { Database, sql } from '../database/database.js';
import { Keyring } from '../vault/keyring.js';

const PING = sql<{ one: number }>('ping', 'SELECT 1 AS one');

/** Whether this process can serve: the database answers, its schema is migrated, the data keys are open, and nobody asked it to stop. */
@Injectable()
export class ReadinessService implements OnApplicationBootstrap {
  #opened = false;
  #stopping = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly database: Database,
    private readonly keyring: Keyring,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.#open();
  }

  /** From now on `check` refuses. */
  stop(): void {
    this.#stopping = true;
  }

  /** @throws DomainError `shutting_down`, `not_migrated`, `database_unavailable` */
  async check(): Promise<void> {
    if (this.#stopping) throw new DomainError('shutting_down', 'This process is shutting down.', { retryAfterSeconds: 1 });
    await this.database.query(PING, []);
    if (!this.#opened && !(await this.#open())) {
      throw new DomainError('not_migrated', 'The database has migrations that did not run yet.', { retryAfterSeconds: 5 });
    }
  }

  /** Where `MIGRATE_ON_START` is off the schema may come later than the process. */
  async #open(): Promise<boolean> {
    if (await this.dataSource.showMigrations()) return false;
    await this.keyring.load();
    return (this.#opened = true);
  }
}
