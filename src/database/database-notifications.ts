/** Messages between the processes that share one database. */
export abstract class DatabaseNotifications {
  /** Whether every message sent since the last gap has arrived or will. */
  abstract readonly areComplete: boolean;

  /** Sends it soon, and again after a lost connection. For what must not be lost with this process, notify in the transaction instead. */
  abstract send(channel: string, payload: string): void;

  abstract subscribe(channel: string, receive: (payload: string) => void): void;

  /** Runs `listener` whenever messages may have been missed. */
  abstract onGap(listener: () => void): void;
}

/** SQLite has one server process: nobody else sends anything. */
export class NoNotifications extends DatabaseNotifications {
  readonly areComplete = true;

  send(): void {
    return undefined;
  }

  subscribe(): void {
    return undefined;
  }

  onGap(): void {
    return undefined;
  }
}
