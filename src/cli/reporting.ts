import type { Command } from 'commander';
import { throwIfInterrupted } from '../common/event-loop.js';
import { explainFailure } from '../bootstrap/start-failure.js';
import { CommandFailed } from './command-failed.js';
import { EXIT_CODES } from './exit-codes.js';
import { interruption } from './interruption.js';
import { Session } from './session.js';

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
export function reporting<Args extends unknown[]>(work: (session: Session, ...args: Args) => Promise<Report>) {
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
      const message = isInterrupted ? 'Interrupted. What was done stays done; run the command again to go on.' : messageOf(error);
      if (isJson) process.stdout.write(`${JSON.stringify({ error: message })}\n`);
      else process.stderr.write(`${message}\n`);
      process.exitCode = isInterrupted ? EXIT_CODES.interrupted : EXIT_CODES.failed;
    }
  };
}

function messageOf(error: unknown): string {
  return error instanceof CommandFailed ? error.message : explainFailure(error);
}
