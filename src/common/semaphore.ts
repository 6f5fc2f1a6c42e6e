/** Limits how much work runs at once, and how much more may wait in a queue. */
export class Semaphore {
  #running = 0;
  readonly #queue: (() => void)[] = [];
  readonly #limits: { readonly concurrency: number; readonly queued: number; readonly tooBusy: () => Error };

  /** @param limits `tooBusy` makes the error of work that finds the queue full */
  constructor(limits: { concurrency: number; queued: number; tooBusy: () => Error }) {
    this.#limits = limits;
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#acquire();
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #acquire(): Promise<void> {
    const { concurrency, queued, tooBusy } = this.#limits;
    if (this.#running < concurrency) {
      this.#running += 1;
      return;
    }
    if (this.#queue.length >= queued) throw tooBusy();
    await new Promise<void>((resolve) => this.#queue.push(resolve));
  }

  /** Passes the place on to the next in the queue. */
  #release(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
