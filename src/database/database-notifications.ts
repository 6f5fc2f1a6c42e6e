/** Messages between the processes that share one database. */
export abstract class DatabaseNotifications {
  /** Whether every message sent since the last gap has arrived or will. */
  abstract readonly areComplete: boolean;

  abstract subscribe(channel: string, receive: (payload: string) => void): void;

  /** Runs `listener` whenever messages may have been missed. */
  abstract onGap(listener: () => void): void;
}

/** SQLite has one server process: nobody else sends anything. */
export class NoNotifications extends DatabaseNotifications {
  readonly areComplete = true;

  subscribe(): void {
    return undefined;
  }

  onGap(): void {
    return undefined;
  }
}
