import type { Command } from 'commander';
import { newEmailProblem } from '../../http/validation/email.js';
import { fullNameProblem } from '../../accounts/account-rules.js';
import { CommandFailed, type Report } from '../output.js';
import { OPERATOR, type Runner, type Session } from '../session.js';
import {
  check,
  emailOf,
  openAccounts,
  PASSWORD_STDIN,
  type PasswordOptions,
  passwordOf,
  reportOf,
} from './developer-accounts.js';

export function addTo(developers: Command, run: Runner): void {
  developers
    .command('add <email>')
    .option(...PASSWORD_STDIN)
    .description('Creates an account, even if registration is closed.')
    .option('--name <name>', 'name of the developer')
    .action(run(add));
}

async function add(
  session: Session,
  given: string,
  { name, passwordStdin }: PasswordOptions & { name?: string },
): Promise<Report> {
  check('address', newEmailProblem, given);
  const email = emailOf(given);
  if (name !== undefined) check('name', fullNameProblem, name);
  const password = await passwordOf(passwordStdin);
  const { accounts } = await openAccounts(session);
  const account = await accounts.add({ email, password: password.secret }, name ?? null, OPERATOR);
  if (!account) throw new CommandFailed('There is an account with this address.');
  return reportOf(`Made an account for ${email}.`, { id: account.id, email }, password);
}
