import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { emailProblem, fullNameProblem, newEmailProblem, newPasswordProblem } from '../accounts/email.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { AccountsService } from '../accounts/accounts.service.js';
import { normalizeEmail } from '../accounts/email.js';
import type { ValueCheck } from '../http/fields.js';
import { Secret } from '../common/secret.js';
import { OPERATOR } from './session.js';
import { CommandFailed } from './output.js';
import { type Report, reporting } from './output.js';
import type { Session } from './session.js';

interface PasswordOptions {
  passwordStdin?: true;
}

/** Accounts of the built-in authorization server, for operators; the API has no way to change or revoke one. */
export function addDevelopersCommands(program: Command): void {
  const developers = program
    .command('developers')
    .description('Accounts of developers, where the service keeps them itself (AUTH_BUILTIN).');

  withPassword(developers.command('add <email>'))
    .description('Makes an account, also where registration is closed.')
    .option('--name <name>', 'what to call them')
    .action(
      reporting(
        async (session, given: string, { name, passwordStdin }: PasswordOptions & { name?: string }) => {
          check('address', newEmailProblem, given);
          const email = emailOf(given);
          if (name !== undefined) check('name', fullNameProblem, name);
          const password = await passwordOf(passwordStdin);
          const account = await (
            await accountsOf(session)
          ).add({ email, password: password.secret }, name ?? null, OPERATOR);
          if (!account) throw new CommandFailed('There is an account with this address.');
          return done(`Made an account for ${email}.`, { id: account.id, email }, password);
        },
      ),
    );

  withPassword(developers.command('set-password <email>'))
    .description(
      'Sets a new password and ends all sessions, with their access tokens. A revoked account is given back by it.',
    )
    .action(
      reporting(async (session, given: string, { passwordStdin }: PasswordOptions) => {
        const email = emailOf(given);
        const password = await passwordOf(passwordStdin);
        if (!(await (await accountsOf(session)).setPassword({ email, password: password.secret }, OPERATOR)))
          throw noAccount();
        return done(`Set a new password for ${email}.`, { email }, password);
      }),
    );

  developers
    .command('revoke <email>')
    .description(
      'Lets a developer log in no more and ends all sessions, with their access tokens, within two seconds.',
    )
    .action(
      reporting(async (session, given: string) => {
        const email = emailOf(given);
        if (!(await (await accountsOf(session)).revoke(email, OPERATOR))) throw noAccount();
        return done(`Revoked the account of ${email}.`, { email });
      }),
    );
}

function withPassword(command: Command): Command {
  // Never an argument: those are seen by every user of the machine and kept in the shell's history.
  return command.option(
    '--password-stdin',
    'read the password from the standard input; without this one is made and printed',
  );
}

async function accountsOf(session: Session): Promise<AccountsService> {
  if (!session.settings.authBuiltin) {
    throw new CommandFailed('The built-in authorization server is off here: see AUTH_BUILTIN.');
  }
  return (await session.services([AccountsModule])).get(AccountsService);
}

interface Password {
  readonly secret: Secret;
  readonly isMade: boolean;
}

async function passwordOf(isFromStdin: boolean | undefined): Promise<Password> {
  if (!isFromStdin) return { secret: new Secret(randomBytes(18).toString('base64url')), isMade: true };
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  check('password', newPasswordProblem, password);
  return { secret: new Secret(password), isMade: false };
}

function emailOf(given: string): string {
  check('address', emailProblem, given);
  return normalizeEmail(given) ?? given;
}

/** @throws CommandFailed */
function check(what: string, rule: ValueCheck, value: string): void {
  const problem = rule(value);
  if (problem) throw new CommandFailed(`The ${what} ${problem.msg}.`);
}

function noAccount(): CommandFailed {
  return new CommandFailed('There is no account with this address.');
}

/** A password that was made is shown here, once, and nowhere else. */
function done(sentence: string, json: object, password?: Password): Report {
  if (!password?.isMade) return { text: sentence, json };
  const shown = password.secret.reveal();
  return {
    text: `${sentence}\nThe password, which is not shown again: ${shown}`,
    json: { ...json, password: shown },
  };
}
