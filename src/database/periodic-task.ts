/** Ensures that only one process runs a task. */
export interface Lease {
  /** Must be shorter than the lease's duration. */
  readonly renewEveryMs: number;
  /** Acquires or renews the lease. @returns whether this process holds it */
  acquire(): Promise<boolean>;
  release(): Promise<void>;
}

export interface PeriodicTaskOptions {
  /** The `task` label of its metric. */
  readonly name: string;
  /** Milliseconds from the end of a run to the next. */
  readonly intervalMs: number;
  /** Milliseconds from `start` to the first run. Default: `intervalMs`. */
  readonly firstAfterMs?: number;
  /** @returns `false` if work remains, which is no success */
  readonly work: (signal: AbortSignal) => Promise<unknown>;
  readonly onFailure?: (error: unknown) => void;
  readonly lease?: Lease;
  /** Leaves the work to other processes: `start` and `wake` do nothing. */
  readonly isOff?: boolean;
}

/** Runs work at intervals until stopped. Runs never overlap. */
export class PeriodicTask {
  readonly #options: PeriodicTaskOptions;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Infinity;
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #lastSuccess = 0;
  #mayHaveLease = false;

  constructor(options: PeriodicTaskOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Milliseconds since the epoch; 0 before the first success. */
  get lastSuccess(): number {
    return this.#lastSuccess;
  }

  /** Whether it runs, ran, or is about to. Without mail, for example, nothing starts the task that sends it. */
  get isInUse(): boolean {
    return this.#running !== undefined || this.#dueAt < Infinity || this.#lastSuccess > 0;
  }

  start(): void {
    const { intervalMs, firstAfterMs = intervalMs } = this.#options;
    this.wake(firstAfterMs);
  }

  /** Brings the next run forward. During a run, schedules another one after it. */
  wake(afterMs: number): void {
    const dueAt = performance.now() + afterMs;
    if (this.#options.isOff || this.#stopping.signal.aborted || dueAt >= this.#dueAt) return;
    this.#dueAt = dueAt;
    clearTimeout(this.#timer);
    if (!this.#running) this.#timer = setTimeout(() => void this.run(), afterMs).unref();
  }

  /** Runs now, or joins the current run. Never rejects. */
  run(): Promise<void> {
    if (!this.#running && !this.#stopping.signal.aborted) {
      clearTimeout(this.#timer);
      this.#dueAt = Infinity;
      this.#running = this.#attempt().finally(() => this.#reschedule());
    }
    return this.#running ?? Promise.resolve();
  }

  /** Aborts the current run and waits for its end. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #attempt(): Promise<void> {
    const { work, lease, onFailure } = this.#options;
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, lost.signal]);
    let renewing: NodeJS.Timeout | undefined;
    try {
      if (lease) {
        this.#mayHaveLease = true;
        if (!(await lease.acquire())) return;
        const renew = async () => (await lease.acquire().catch(() => false)) || lost.abort();
        renewing = setInterval(() => void renew(), lease.renewEveryMs).unref();
      }
      const result = await work(signal);
      if (result !== false && !signal.aborted) this.#lastSuccess = Date.now();
    } catch (error) {
      onFailure?.(error);
    } finally {
      clearInterval(renewing);
    }
  }

  #reschedule(): void {
    const afterMs = Math.min(this.#dueAt - performance.now(), this.#options.intervalMs);
    this.#running = undefined;
    this.#dueAt = Infinity;
    this.wake(Math.max(afterMs, 0));
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
    // Skips the release if the task never ran: an unreachable database would delay the exit.
    if (this.#mayHaveLease) await this.#options.lease?.release().catch(() => undefined);
  }
}
