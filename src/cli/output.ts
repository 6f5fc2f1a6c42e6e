import { Presets, SingleBar } from 'cli-progress';

/** Exit codes, documented in docs/operating.md. */
export const EXIT_CODES = {
  done: 0,
  /** The command failed, or found a problem. */
  failed: 1,
  wrongUsage: 2,
  /** Interrupted by a signal. Shells use 128 plus the number of SIGINT. */
  interrupted: 130,
} as const;

/** A failure whose message is printed unchanged. */
export class CommandFailed extends Error {
  override readonly name: string = 'CommandFailed';
}

/** Options that can't be used together, or a value that commander doesn't check. */
export class WrongUsage extends CommandFailed {
  override readonly name = 'WrongUsage';
}

/** Output of a command on the standard output. */
export interface Report {
  /** For people. */
  readonly text: string;
  /** For programs, with `--json`. */
  readonly json: unknown;
  /** The command found a problem: it exits with 1. */
  readonly isBad?: boolean;
  /** Whether the standard output has the result itself, so that the report goes to the standard error. */
  readonly isBesideOutput?: boolean;
}

/** Aligns columns by their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A progress bar on the standard error. */
export class Progress {
  readonly #bar: SingleBar | undefined;

  constructor(what: string, total: number, isShown: boolean) {
    if (!isShown) return;
    const format = `${what} {bar} {percentage}% | {value}/{total} | {eta_formatted} left`;
    this.#bar = new SingleBar(
      { format, hideCursor: true, stream: process.stderr, gracefulExit: false },
      Presets.shades_classic,
    );
    this.#bar.start(total, 0);
  }

  add(count: number): void {
    this.#bar?.increment(count);
  }

  stop(): void {
    this.#bar?.stop();
  }
}
