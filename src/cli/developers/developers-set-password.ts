import type { Command } from 'commander';
import type { Report } from '../output.js';
import { OPERATOR, type Runner, type Session } from '../session.js';
import {
  emailOf,
  noAccount,
  openAccounts,
  PASSWORD_STDIN,
  type PasswordOptions,
  passwordOf,
  reportOf,
} from './developer-accounts.js';

export function addTo(developers: Command, run: Runner): void {
  developers
    .command('set-password <email>')
    .option(...PASSWORD_STDIN)
    .description(
      'Sets a new password, and ends all sessions with their access tokens. Reactivates a revoked account.',
    )
    .action(run(setPassword));
}

async function setPassword(
  session: Session,
  given: string,
  { passwordStdin }: PasswordOptions,
): Promise<Report> {
  const email = emailOf(given);
  const password = await passwordOf(passwordStdin);
  const { accounts } = await openAccounts(session);
  if (!(await accounts.setPassword({ email, password: password.secret }, OPERATOR))) throw noAccount();
  return reportOf(`Set a new password for ${email}.`, { email }, password);
}
