import type { Command } from 'commander';
import type { Report } from '../output.js';
import { OPERATOR, type Runner, type Session } from '../session.js';
import { DEFAULT_GRACE_SECONDS, graceProblem } from '../../auth/opaque-keys/opaque-key.dto.js';
import { accountId, orFail, wholeNumber } from '../arguments.js';
import { accountWith, keyReport, openServiceAccounts } from './accounts.js';

export function addTo(accounts: Command, run: Runner): void {
  accounts
    .command('rotate')
    .argument('<id>', 'of the service account', accountId)
    .description('Makes a new key, and prints it. The former keys stay valid for a grace period.')
    .option(
      '--grace-seconds <number>',
      'for how long; 0 ends them at once',
      wholeNumber(graceProblem),
      DEFAULT_GRACE_SECONDS,
    )
    .action(run(rotate));
}

async function rotate(
  session: Session,
  id: string,
  { graceSeconds }: { graceSeconds: number },
): Promise<Report> {
  const accounts = await openServiceAccounts(session);
  const { projectId, name } = await accountWith(accounts, id);
  const rotation = { graceMs: graceSeconds * 1_000 };
  return keyReport(
    `Made a new key for ${name}.`,
    await orFail(accounts.rotate(projectId, id, rotation, OPERATOR)),
  );
}
