import type { Database as Driver, Statement as Prepared } from 'better-sqlite3';

/** Messages between processes on one database. */
export abstract class DatabaseNotifications {
  /** Whether messages currently arrive. For readiness and metrics. */
  abstract readonly areArriving: boolean;

  /**
   * Whether caches may be used: all messages about changes committed more than 1.5 seconds ago have arrived.
   */
  abstract isCurrent(): boolean;

  /**
   * Sends soon, and again after a lost connection. A crash loses the message: use `Database.notify` if it
   * must not be lost.
   */
  abstract send(channel: string, payload: string): void;

  abstract subscribe(channel: string, receive: (payload: string) => void): void;

  /** Calls `listener` when messages may have been missed. */
  abstract onDisconnect(listener: () => void): void;
}

/** How often SQLite is asked at most. Asking takes longer than the lookup in a cache that it is for. */
const ASK_EVERY_MS = 250;

/**
 * SQLite has no messages, and only shows that another connection has written. Each such write empties all
 * caches.
 */
export class SqliteNotifications extends DatabaseNotifications {
  readonly areArriving = true;
  readonly #disconnectListeners: (() => void)[] = [];
  /** https://www.sqlite.org/pragma.html#pragma_data_version */
  readonly #dataVersion: Prepared<[], number>;
  #seenVersion: number | undefined;
  #askedAt = -Infinity;

  constructor(driver: Driver) {
    super();
    this.#dataVersion = driver.prepare<[], number>('PRAGMA data_version').pluck();
  }

  isCurrent(): boolean {
    const now = performance.now();
    if (now - this.#askedAt < ASK_EVERY_MS) return true;
    try {
      const version = this.#dataVersion.get();
      if (version !== this.#seenVersion) for (const listener of this.#disconnectListeners) listener();
      this.#seenVersion = version;
      this.#askedAt = now;
      return true;
    } catch {
      // Another process has locked the whole file.
      return false;
    }
  }

  /** Nothing to send: other processes see the change of the file, and this one empties its caches itself. */
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
