import type { Command } from 'commander';
import { type Report, table } from '../output.js';
import type { Runner, Session } from '../session.js';
import { openAccounts } from './developer-accounts.js';

export function addTo(developers: Command, run: Runner): void {
  developers.command('list').description('Lists all accounts, oldest first.').action(run(list));
}

async function list(session: Session): Promise<Report> {
  const accounts = await (await openAccounts(session)).accounts.list();
  const json = accounts.map(({ id, email, fullName, createdAt, isRevoked }) => ({
    id,
    email,
    full_name: fullName,
    created_at: createdAt,
    is_revoked: isRevoked,
  }));
  const rows = json.map(({ id, email, full_name, created_at, is_revoked }) => [
    id,
    email,
    created_at,
    is_revoked ? 'revoked' : 'active',
    full_name ?? '',
  ]);
  const text =
    rows.length === 0
      ? 'There are no accounts.'
      : table([['ID', 'ADDRESS', 'CREATED', 'STATE', 'NAME'], ...rows]);
  return { text, json: { developers: json } };
}
