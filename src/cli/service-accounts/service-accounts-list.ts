import type { Command } from 'commander';
import type { ProjectId } from '../../common/ids.js';
import { type Report, table } from '../output.js';
import type { Runner, Session } from '../session.js';
import { projectId } from '../arguments.js';
import { openServiceAccounts, toJson } from './accounts.js';

export function addTo(accounts: Command, run: Runner): void {
  accounts
    .command('list')
    .description('Lists the service accounts of the operator, or of a project.')
    .option('--project <id>', 'those of this project', projectId)
    .action(run(list));
}

async function list(session: Session, { project }: { project?: ProjectId }): Promise<Report> {
  const accounts = await (await openServiceAccounts(session)).list(project ?? null);
  const rows = accounts.map(({ id, name, role, expiresAt, lastUsedAt }) => [
    id,
    role,
    lastUsedAt?.toISOString() ?? 'never',
    expiresAt?.toISOString() ?? 'never',
    name,
  ]);
  return {
    text:
      rows.length === 0 ? 'There are none.' : table([['ID', 'ROLE', 'LAST USED', 'ENDS', 'NAME'], ...rows]),
    json: accounts.map(toJson),
  };
}
