import { Presets, SingleBar } from 'cli-progress';

/** How far a long piece of work is: on the standard error, and only on a terminal. */
export class Progress {
  readonly #bar: SingleBar | undefined;

  constructor(what: string, total: number, isShown: boolean) {
    if (!isShown) return;
    const format = `${what} {bar} {percentage}% | {value}/{total} | {eta_formatted} left`;
    this.#bar = new SingleBar({ format, hideCursor: true, stream: process.stderr, gracefulExit: false }, Presets.shades_classic);
    this.#bar.start(total, 0);
  }

  add(count: number): void {
    this.#bar?.increment(count);
  }

  stop(): void {
    this.#bar?.stop();
  }
}
