import { Presets, SingleBar } from 'cli-progress';

/** Exit codes, documented in docs/operating.md. */
export const EXIT_CODES = {
  done: 0,
  /** The command failed, or found a problem. */
  failed: 1,
  wrongUsage: 2,
  /** Interrupted by a signal. Shells use 128 plus the number of SIGINT. */
  interrupted: 130,
  /** The reader of the standard output ended first, as `head` does. Shells use 128 plus the number of SIGPIPE. */
  closedPipe: 141,
} as const;

/** A failure whose message is printed unchanged. */
export class CommandFailed extends Error {
  override readonly name: string = 'CommandFailed';
}

/** Options that can't be used together, or a value that commander doesn't check. */
export class WrongUsage extends CommandFailed {
  override readonly name = 'WrongUsage';
}

/** The standard output takes no more. */
export class OutputFailed extends CommandFailed {
  override readonly name = 'OutputFailed';

  /** @param next step for what is lost with the output */
  constructor(
    readonly code: string,
    readonly next?: string,
  ) {
    super(
      `The standard output can not be written (${code}): check where it leads. What was done stays done.${next === undefined ? '' : ` ${next}`}`,
    );
  }

  /** Whether its reader has ended, and misses nothing. */
  get isQuiet(): boolean {
    return this.code === 'EPIPE' && this.next === undefined;
  }
}

/** Writes all of it before it resolves. @param ifLost what to do then @throws OutputFailed */
export async function print(
  stream: NodeJS.WriteStream,
  text: string | Uint8Array,
  ifLost?: string,
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    throw new OutputFailed(codeOf(error), ifLost);
  }
}

/** The code of an error of Node. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error && 'code' in error ? String(error.code) : 'unknown';
}

/** Output of a command on the standard output. */
export interface Report {
  /** For people. */
  readonly text: string;
  /** For programs, with `--json`. */
  readonly json: unknown;
  /** What to do if the output is lost, for a secret that nothing can show again. */
  readonly ifLost?: string;
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
