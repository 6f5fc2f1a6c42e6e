/** Limits the work that runs at once, and the work that waits in the queue. */
export class Semaphore {
  #running = 0;
  readonly #queue: (() => void)[] = [];
  readonly #limits: { readonly concurrency: number; readonly queued: number; readonly tooBusy: () => Error };

  /** @param limits `tooBusy` creates the error for a full queue */
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

  /** Gives the slot to the next in the queue. */
  #release(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
