import type { Command } from 'commander';
import type { Report } from '../output.js';
import { OPERATOR, type Runner, type Session } from '../session.js';
import { emailOf, noAccount, openAccounts, reportOf } from './developer-accounts.js';

export function addTo(developers: Command, run: Runner): void {
  developers
    .command('revoke <email>')
    .description(
      'Ends all sessions of a developer, with their access tokens, within two seconds, and refuses new logins.',
    )
    .action(run(revoke));
}

async function revoke(session: Session, given: string): Promise<Report> {
  const email = emailOf(given);
  const { accounts } = await openAccounts(session);
  if (!(await accounts.revoke(email, OPERATOR))) throw noAccount();
  return reportOf(`Revoked the account of ${email}.`, { email });
}
