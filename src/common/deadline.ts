import { setImmediate as immediate } from 'node:timers/promises';

/** A time limit for one or more calls. Aborts `signal`; work that ignores the signal continues. */
export class Deadline {
  readonly #passed = new AbortController();
  readonly #tooLate: () => Error;
  readonly #timer: NodeJS.Timeout;

  /** @param tooLate creates the error of calls that exceed the limit */
  constructor(milliseconds: number, tooLate: () => Error) {
    this.#tooLate = tooLate;
    // An idle limit must not keep the process alive.
    this.#timer = setTimeout(() => this.#passed.abort(), milliseconds).unref();
  }

  /** Limits one call. The signal also aborts when the call ends. */
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

  /** Rejects without starting `work` if the limit has passed. */
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
 * Yields for one turn of the event loop, so that signals and timers are noticed.
 * Otherwise synchronous SQLite statements and imports (since Node 22) delay them until all work is done.
 */
export async function turnEventLoop(): Promise<void> {
  // The first resolves in the current turn; the second after the next poll, where Node reads signals.
  await immediate();
  await immediate();
}

/** Checks `signal` after a turn of the event loop. Lets a command be interrupted between two steps. */
export async function throwIfInterrupted(signal: AbortSignal): Promise<void> {
  await turnEventLoop();
  signal.throwIfAborted();
}
