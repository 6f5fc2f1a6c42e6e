import type { Command } from 'commander';
import type { Report } from '../output.js';
import { OPERATOR, type Runner, type Session } from '../session.js';
import { accountId, orFail } from '../arguments.js';
import { accountWith, openServiceAccounts } from './accounts.js';

export function addTo(accounts: Command, run: Runner): void {
  accounts
    .command('revoke')
    .argument('<id>', 'of the service account', accountId)
    .description('Deletes a service account. Its keys are refused by every server within two seconds.')
    .action(run(revoke));
}

async function revoke(session: Session, id: string): Promise<Report> {
  const accounts = await openServiceAccounts(session);
  const { projectId, name } = await accountWith(accounts, id);
  await orFail(accounts.revoke(projectId, id, OPERATOR));
  return { text: `Revoked ${name}.`, json: { id, name } };
}
