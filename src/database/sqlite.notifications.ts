import type { Database as Driver, Statement as Prepared } from 'better-sqlite3';
import { DatabaseNotifications } from './database-notifications.js';

/** SQLite sends nothing. It only says that another connection has written, so every write of another process is a gap. */
export class SqliteNotifications extends DatabaseNotifications {
  readonly areArriving = true;
  readonly #disconnectListeners: (() => void)[] = [];
  /** https://www.sqlite.org/pragma.html#pragma_data_version */
  readonly #dataVersion: Prepared<[], number>;
  #seenVersion: number | undefined;

  constructor(driver: Driver) {
    super();
    this.#dataVersion = driver.prepare<[], number>('PRAGMA data_version').pluck();
  }

  isCurrent(): boolean {
    try {
      const version = this.#dataVersion.get();
      if (version !== this.#seenVersion) for (const listener of this.#disconnectListeners) listener();
      this.#seenVersion = version;
      return true;
    } catch {
      // Another process has locked the whole file.
      return false;
    }
  }

  /** Has an effect in this process alone, where whoever wrote has told already. */
  send(): void {
    return undefined;
  }

  subscribe(): void {
    return undefined;
  }

  onDisconnect(listener: () => void): void {
    this.#disconnectListeners.push(listener);
  }
}
