/** A time limit for one call or several. When it passes, `signal` aborts; work that ignores the signal goes on unheard. */
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
