import { Command, CommanderError } from 'commander';
import { VERSION } from '../config/settings.js';
import { EXIT_CODES } from './output.js';
import { type Runner, runnerFor } from './session.js';

/** A command's file, which adds the command to the program or to its group. */
type Load = () => Promise<{ addTo(parent: Command, run: Runner): void }>;

interface Group {
  readonly description: string;
  readonly commands: readonly Load[];
}

/** Commands by first word. Only the named entry is loaded, because some load all modules of the server. */
const INDEX: Readonly<Record<string, Load | Group>> = {
  migrate: () => import('./migrate.js'),
  keys: {
    description: 'Shows the keys of the vault, and rotates them while servers run.',
    commands: [
      () => import('./keys/keys-status.js'),
      () => import('./keys/keys-verify.js'),
      () => import('./keys/keys-rotate-master.js'),
      () => import('./keys/keys-rotate-data.js'),
      () => import('./keys/keys-retire.js'),
    ],
  },
  audit: {
    description: 'Checks, anchors and prunes the history: who did what, when and from where.',
    commands: [
      () => import('./audit/audit-verify.js'),
      () => import('./audit/audit-anchor.js'),
      () => import('./audit/audit-prune.js'),
    ],
  },
  developers: {
    description: 'Built-in accounts of developers (AUTH_BUILTIN).',
    commands: [
      () => import('./developers/developers-list.js'),
      () => import('./developers/developers-add.js'),
      () => import('./developers/developers-set-password.js'),
      () => import('./developers/developers-reset.js'),
      () => import('./developers/developers-revoke.js'),
    ],
  },
  'service-accounts': {
    description: 'Keys for machines, with a role in one project or, of the operator, in all.',
    commands: [
      () => import('./service-accounts/service-accounts-create.js'),
      () => import('./service-accounts/service-accounts-list.js'),
      () => import('./service-accounts/service-accounts-rotate.js'),
      () => import('./service-accounts/service-accounts-revoke.js'),
    ],
  },
  endpoints: {
    description: 'Webhook endpoints at Stripe that were made here.',
    commands: [() => import('./stripe/endpoints-move.js')],
  },
  projects: {
    description: 'Projects of all owners.',
    commands: [
      () => import('./projects/projects-list.js'),
      () => import('./projects/projects-show.js'),
      () => import('./projects/projects-transfer.js'),
      () => import('./projects/projects-delete.js'),
    ],
  },
  status: () => import('./projects/status.js'),
  import: () => import('./import/import.js'),
  export: () => import('./export.js'),
  doctor: () => import('./doctor/doctor.js'),
  backup: () => import('./backup.js'),
  reconcile: () => import('./stripe/reconcile.js'),
};

/** Runs the named command. @param signal aborted when the user interrupts @returns the exit code */
export async function runCommandLine(given: string[], signal: AbortSignal): Promise<number> {
  process.exitCode = EXIT_CODES.done;
  const args = withHelpAsOption(given);
  const isJson = args.includes('--json');
  try {
    const program = createProgram(isJson);
    await addCommands(program, args[0] ?? '', runnerFor(signal));
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed the problem. Its code is 0 only for help and the version.
    if (error.exitCode === 0) return EXIT_CODES.done;
    if (isJson) process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`);
    return EXIT_CODES.wrongUsage;
  }
  return Number(process.exitCode);
}

/** Turns `help keys retire` into `keys retire --help`: commander's own `help` ends at the group. */
function withHelpAsOption(args: string[]): string[] {
  const [first, group = ''] = args;
  return first === 'help' && Object.hasOwn(INDEX, group) ? [...args.slice(1), '--help'] : args;
}

function messageOf({ code, message }: CommanderError): string {
  return code === 'commander.help' ? 'Name a command: --help lists them.' : message.replace(/^error: /, '');
}

function createProgram(isJson: boolean): Command {
  return new Command('tillkeeper')
    .description(
      'Maintains a Tillkeeper installation. Reads the settings of the server: the environment, and .env in this folder.',
    )
    .version(VERSION)
    .exitOverride()
    .configureOutput(isJson ? { writeErr: () => undefined } : {})
    .showHelpAfterError('(add --help for help)')
    .addHelpText(
      'after',
      `
Exit codes: ${EXIT_CODES.done} done, ${EXIT_CODES.failed} failed or found something, ${EXIT_CODES.wrongUsage} wrong usage, ${EXIT_CODES.interrupted} interrupted, ${EXIT_CODES.closedPipe} nobody reads the output any more.`,
    );
}

/** Adds the named entry of the index, or all of them for the help and for an unknown word. */
async function addCommands(program: Command, named: string, run: Runner): Promise<void> {
  for (const [name, entry] of Object.entries(INDEX)) {
    if (name !== named && Object.hasOwn(INDEX, named)) continue;
    if (typeof entry === 'function') (await entry()).addTo(program, run);
    else {
      const group = program.command(name).description(entry.description);
      for (const load of entry.commands) (await load()).addTo(group, run);
    }
  }
  for (const command of leavesOf(program))
    command.option('--json', 'print one JSON document, also when the command fails');
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}
