import type { Database as Driver, Statement as Prepared } from 'better-sqlite3';

/** Messages between the processes that share one database. */
export abstract class DatabaseNotifications {
  /** Whether messages arrive at the moment, as far as that is known: for readiness and metrics. */
  abstract readonly areArriving: boolean;

  /**
   * Whether a cache may be used now: every change that was committed more than 1.5 seconds ago has been announced here, or is by the time
   * that this returns.
   */
  abstract isCurrent(): boolean;

  /** Sends it soon, and again after a lost connection. For what must not be lost with this process, notify in the transaction instead. */
  abstract send(channel: string, payload: string): void;

  abstract subscribe(channel: string, receive: (payload: string) => void): void;

  /** Runs `listener` whenever messages may have been missed. */
  abstract onDisconnect(listener: () => void): void;
}

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
