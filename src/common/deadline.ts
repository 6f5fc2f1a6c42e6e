import { setImmediate as immediate } from 'node:timers/promises';

/**
 * A time limit for one call or several. When it passes, `signal` aborts; work that ignores the signal goes on
 * unheard.
 */
export class Deadline {
  readonly #passed = new AbortController();
  readonly #tooLate: () => Error;
  readonly #timer: NodeJS.Timeout;

  /** @param tooLate makes the error of calls that outlast the limit */
  constructor(milliseconds: number, tooLate: () => Error) {
    this.#tooLate = tooLate;
    // A limit that nobody waits for must not keep the process alive.
    this.#timer = setTimeout(() => this.#passed.abort(), milliseconds).unref();
  }

  /** Limits one call. The signal aborts as soon as the call has ended, in whatever way. */
  static async within<T>(
    milliseconds: number,
    work: (signal: AbortSignal) => Promise<T>,
    tooLate: () => Error,
  ): Promise<T> {
    const deadline = new Deadline(milliseconds, tooLate);
    deadline.#timer.ref();
    try {
      return await deadline.run(work);
    } finally {
      clearTimeout(deadline.#timer);
      deadline.#passed.abort();
    }
  }

  get signal(): AbortSignal {
    return this.#passed.signal;
  }

  /** Starts nothing once the limit has passed. */
  run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise<T>((resolve, reject) => {
      const end = () => reject(this.#tooLate());
      if (signal.aborted) return end();
      signal.addEventListener('abort', end, { once: true });
      work(signal)
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', end));
    });
  }
}

/**
 * Lets the event loop go round once, so that signals and timers are noticed. Statements on SQLite are
 * synchronous, and since Node 22 so are imports: without this, a signal that came long ago is noticed only
 * when all the work is done.
 */
export async function turnEventLoop(): Promise<void> {
  // The first ends within the current turn. The second ends after the next poll, where Node reads signals.
  await immediate();
  await immediate();
}

/**
 * Checks `signal` after a turn of the event loop: the place between two pieces of work where a command can be
 * interrupted.
 */
export async function throwIfInterrupted(signal: AbortSignal): Promise<void> {
  await turnEventLoop();
  signal.throwIfAborted();
}
