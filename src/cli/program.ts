import { Command, CommanderError } from 'commander';
import { VERSION } from '../common/version.js';
import { EXIT_CODES } from './output.js';

/** Adds a group of commands to the program; each has a file of its own. */
type AddGroup = (program: Command) => void;

/** By the first word of the command. What a group stands on takes longer to load than many a command takes. */
const GROUPS = new Map<string, () => Promise<AddGroup>>([
  ['migrate', async () => (await import('./migrate.command.js')).addMigrateCommand],
  ['keys', async () => (await import('./keys.commands.js')).addKeysCommands],
  ['audit', async () => (await import('./audit.commands.js')).addAuditCommands],
  ['developers', async () => (await import('./developers.command.js')).addDevelopersCommands],
  ['doctor', async () => (await import('./doctor/doctor.js')).addDoctorCommand],
  ['backup', async () => (await import('./backup.command.js')).addBackupCommand],
  ['reconcile', async () => (await import('./reconcile.command.js')).addReconcileCommand],
]);

/** Reads the arguments and runs the command that they name. @returns the exit code */
export async function runCommandLine(given: string[]): Promise<number> {
  process.exitCode = EXIT_CODES.done;
  const args = withHelpAsOption(given);
  const isJson = args.includes('--json');
  try {
    await (await createProgram(args, isJson)).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // It ends with 0 only where help or the version was asked for. Otherwise Commander has told people what is wrong.
    if (error.exitCode === 0) return EXIT_CODES.done;
    if (isJson) process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`);
    return EXIT_CODES.wrongUsage;
  }
  return Number(process.exitCode);
}

/** `help keys retire` as `keys retire --help`: Commander's own goes no deeper than a group. */
function withHelpAsOption(args: string[]): string[] {
  const [first, group = ''] = args;
  return first === 'help' && GROUPS.has(group) ? [...args.slice(1), '--help'] : args;
}

function messageOf({ code, message }: CommanderError): string {
  return code === 'commander.help'
    ? 'Name a command: --help tells what there is.'
    : message.replace(/^error: /, '');
}

/** With the group that is meant, or with all where that isn't clear. */
async function createProgram([first = '']: string[], isJson: boolean): Promise<Command> {
  const program = new Command('tillkeeper')
    .description(
      'Looks after a Tillkeeper installation. It reads the same settings as the server: the environment, and .env in this folder.',
    )
    .version(VERSION)
    .exitOverride()
    .configureOutput(isJson ? { writeErr: () => undefined } : {})
    .showHelpAfterError('(add --help for what there is)');
  const meant = GROUPS.get(first);
  for (const load of meant ? [meant] : GROUPS.values()) {
    const addTo = await load();
    addTo(program);
  }
  program.addHelpText(
    'after',
    `
Exit codes: ${EXIT_CODES.done} done, ${EXIT_CODES.failed} failed or found something, ${EXIT_CODES.wrongUsage} wrong usage, ${EXIT_CODES.interrupted} interrupted.`,
  );
  for (const command of leavesOf(program))
    command.option('--json', 'print one JSON document, also when the command fails');
  return program;
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}
