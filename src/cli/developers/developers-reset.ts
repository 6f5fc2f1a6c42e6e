import type { Command } from 'commander';
import type { Report } from '../output.js';
import { CommandFailed } from '../output.js';
import { OPERATOR, type Runner, type Session } from '../session.js';
import { emailOf, openAccounts } from './developer-accounts.js';

export function addTo(developers: Command, run: Runner): void {
  developers
    .command('reset <email>')
    .description('Prints a token that sets a new password. It works once, within 24 hours.')
    .action(run(reset));
}

async function reset(session: Session, given: string): Promise<Report> {
  const email = emailOf(given);
  const { resets } = await openAccounts(session);
  const issued = await resets.issue(email, OPERATOR);
  if (!issued)
    throw new CommandFailed(
      'There is no active account with this address. `tillkeeper developers set-password` restores a revoked one.',
    );
  const expiresAt = issued.expiresAt.toISOString();
  return {
    ifLost: 'The reset token was not shown: run the command again for another one.',
    text: `Made a reset token for ${email}. It works once, until ${expiresAt}, and is not shown again:
${issued.token}
It goes into POST ${session.settings.publicBaseUrl}/api/v1/auth/password-reset, with the new password.`,
    json: { email, token: issued.token, expires_at: expiresAt },
  };
}
