import { Command, CommanderError } from 'commander';
import { VERSION } from '../common/version.js';
import { addAuditCommands } from './audit.commands.js';
import { addDevelopersCommands } from './developers.command.js';
import { EXIT_CODES } from './exit-codes.js';
import { addKeysCommands } from './keys.commands.js';
import { addMigrateCommand } from './migrate.command.js';
import { addReconcileCommand } from './reconcile.command.js';

/** One for each group of commands, which has a file of its own. */
const GROUPS: readonly ((program: Command) => void)[] = [
  addMigrateCommand,
  addKeysCommands,
  addAuditCommands,
  addDevelopersCommands,
  addReconcileCommand,
];

/** Reads the arguments and runs the command that they name. @returns the exit code */
export async function runCommandLine(args: string[]): Promise<number> {
  process.exitCode = EXIT_CODES.done;
  try {
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said what is wrong; it ends with 0 only where help or the version was asked for.
    return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.wrongUsage;
  }
  return Number(process.exitCode);
}

function createProgram(): Command {
  const program = new Command('tillkeeper')
    .description(
      'Looks after a Tillkeeper installation. It reads the same settings as the server: the environment, and .env in this folder.',
    )
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)');
  for (const addTo of GROUPS) addTo(program);
  program.addHelpText(
    'after',
    `
Exit codes: ${EXIT_CODES.done} done, ${EXIT_CODES.failed} failed or found something, ${EXIT_CODES.wrongUsage} wrong usage, ${EXIT_CODES.interrupted} interrupted.`,
  );
  for (const command of leavesOf(program)) command.option('--json', 'print one JSON document, also when the command fails');
  return program;
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}
