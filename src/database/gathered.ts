import { isDatabaseUnavailable } from './database-errors.js';

/** Enough that one is answered while another is on its way to the disk. */
const MAX_UNDER_WAY = 2;
const MAX_TOGETHER = 50;

interface Waiting<Call, Result> {
  readonly call: Call;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs calls of one kind in as few statements as their number asks for: one that comes alone goes at once; those that come while two
 * statements are under way go together in the next. Where several fail together, each is tried alone.
 */
export class Gathered<Call, Result> {
  readonly #waiting: Waiting<Call, Result>[] = [];
  #underWay = 0;

  /** @param runTogether one statement, which does all or nothing. @returns a result for each call, in their order */
  constructor(private readonly runTogether: (calls: Call[]) => Promise<Result[]>) {}

  run(call: Call): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, resolve, reject });
      this.#runNext();
    });
  }

  #runNext(): void {
    if (this.#waiting.length === 0 || this.#underWay === MAX_UNDER_WAY) return;
    this.#underWay += 1;
    void this.#settle(this.#waiting.splice(0, MAX_TOGETHER)).finally(() => {
      this.#underWay -= 1;
      this.#runNext();
    });
  }

  async #settle(together: Waiting<Call, Result>[]): Promise<void> {
    try {
      const results = await this.runTogether(together.map(({ call }) => call));
      for (const [index, { resolve }] of together.entries()) resolve(results[index] as Result);
    } catch (error) {
      if (together.length > 1 && !isDatabaseUnavailable(error)) await Promise.all(together.map((each) => this.#settle([each])));
      else for (const { reject } of together) reject(error);
    }
  }
}
