import { DomainError } from '../common/errors.js';

/** Lets so much work through at once, so much more wait in line, and turns the rest away. */
export class Turnstile {
  #running = 0;
  readonly #line: (() => void)[] = [];

  constructor(
    private readonly atOnce: number,
    private readonly inLine: number,
  ) {}

  /** @throws DomainError `too_busy` when the line is full */
  async pass<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < this.atOnce) {
      this.#running += 1;
      return;
    }
    if (this.#line.length >= this.inLine) {
      throw new DomainError('too_busy', 'Too many people are logging in at the moment; try again shortly.', { retryAfterSeconds: 1 });
    }
    await new Promise<void>((resolve) => this.#line.push(resolve));
  }

  /** Whoever is next takes over the place. */
  #leave(): void {
    const next = this.#line.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
