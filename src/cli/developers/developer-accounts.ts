import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { AccountsModule } from '../../accounts/accounts.module.js';
import { AccountsService } from '../../accounts/accounts.service.js';
import { PasswordResetsService } from '../../accounts/passwords/password-resets.service.js';
import { emailProblem, normalizeEmail } from '../../http/validation/email.js';
import { newPasswordProblem } from '../../accounts/account-rules.js';
import { Secret } from '../../common/secret.js';
import type { ValueCheck } from '../../http/validation/request.pipe.js';
import { CommandFailed, type Report } from '../output.js';
import type { Session } from '../session.js';

export interface PasswordOptions {
  passwordStdin?: true;
}

/** Option of commander. Arguments would show the password in the shell's history and the process list. */
export const PASSWORD_STDIN = [
  '--password-stdin',
  'read the password from the standard input; without this one is made and printed',
] as const;

interface Password {
  readonly secret: Secret;
  readonly isGenerated: boolean;
}

export async function openAccounts(
  session: Session,
): Promise<{ accounts: AccountsService; resets: PasswordResetsService }> {
  if (!session.settings.authBuiltin) {
    throw new CommandFailed('The built-in authorization server is off here: see AUTH_BUILTIN.');
  }
  const services = await session.open({ imports: [AccountsModule], settings: 'server' });
  return { accounts: services.get(AccountsService), resets: services.get(PasswordResetsService) };
}

export async function passwordOf(isFromStdin: boolean | undefined): Promise<Password> {
  if (!isFromStdin) return { secret: new Secret(randomBytes(18).toString('base64url')), isGenerated: true };
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  check('password', newPasswordProblem, password);
  return { secret: new Secret(password), isGenerated: false };
}

export function emailOf(given: string): string {
  check('address', emailProblem, given);
  return normalizeEmail(given) ?? given;
}

/** @throws CommandFailed */
export function check(what: string, rule: ValueCheck, value: string): void {
  const problem = rule(value);
  if (problem) throw new CommandFailed(`The ${what} ${problem.msg}.`);
}

export function noAccount(): CommandFailed {
  return new CommandFailed('There is no account with this address.');
}

/** Adds a generated password to the report, the only place that ever shows it. */
export function reportOf(sentence: string, json: object, password?: Password): Report {
  if (!password?.isGenerated) return { text: sentence, json };
  const shown = password.secret.reveal();
  return {
    ifLost:
      'The password was not shown: set another one with `tillkeeper developers set-password` and the address.',
    text: `${sentence}\nThe password, which is not shown again: ${shown}`,
    json: { ...json, password: shown },
  };
}
