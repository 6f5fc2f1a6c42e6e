import { Presets, SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { explainFailure } from '../bootstrap/start-failure.js';
import { throwIfInterrupted } from '../common/event-loop.js';
import { interruption, Session } from './session.js';

/** What the command line ends with; docs/operating.md tells operators. */
export const EXIT_CODES = {
  done: 0,
  /** It could not be done, or what it looked for was found. */
  failed: 1,
  wrongUsage: 2,
  /** By a signal, as shells count it: 128 and the number of SIGINT. What was done so far stays done. */
  interrupted: 130,
} as const;

/** The command can't do what it was asked; the message is for the user, as it stands. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/** Lines of columns, as wide as they need to be. */
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

/** How far a long piece of work is: on the standard error, and only on a terminal. */
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

/** What a command prints on the standard output. */
export interface Report {
  /** For people. */
  readonly text: string;
  /** For programs, with `--json`: the same facts. */
  readonly json: unknown;
  /** What the command looks for and should not be there, was: it ends with 1. */
  readonly isBad?: boolean;
}

/**
 * The action of a command: `work` gets a session, then the arguments and options as commander has them, and says what to print.
 */
export function reporting<Args extends unknown[]>(
  work: (session: Session, ...args: Args) => Promise<Report>,
) {
  return async function (this: Command, ...args: Args): Promise<void> {
    // What is written here, a new database above all, is nobody else's business.
    process.umask(0o077);
    const isJson = this.opts<{ json?: true }>().json === true;
    const session = new Session(interruption, !isJson && process.stderr.isTTY);
    try {
      await throwIfInterrupted(interruption);
      const { text, json, isBad = false } = await work(session, ...args).finally(() => session.close());
      process.stdout.write(`${isJson ? JSON.stringify(json, null, 2) : text}\n`);
      process.exitCode = isBad ? EXIT_CODES.failed : EXIT_CODES.done;
    } catch (error) {
      const isInterrupted = interruption.aborted;
      const message = isInterrupted
        ? 'Interrupted. What was done stays done; run the command again to go on.'
        : messageOf(error);
      if (isJson) process.stdout.write(`${JSON.stringify({ error: message })}\n`);
      else process.stderr.write(`${message}\n`);
      process.exitCode = isInterrupted ? EXIT_CODES.interrupted : EXIT_CODES.failed;
    }
  };
}

function messageOf(error: unknown): string {
  return error instanceof CommandFailed ? error.message : explainFailure(error);
}
