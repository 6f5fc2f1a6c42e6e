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
