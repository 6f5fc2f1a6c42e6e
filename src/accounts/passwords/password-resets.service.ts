import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { EndedSessions } from '../../auth/tokens/ended-sessions.js';
import { OpaqueKeys } from '../../auth/opaque-keys/opaque-keys.js';
import { type Actor, systemActor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import type { OwnerId } from '../../common/ids.js';
import type { Secret } from '../../common/secret.js';
import { Semaphore } from '../../common/semaphore.js';
import { Settings } from '../../config/settings.js';
import { Mailer } from '../../mail/mailer.js';
import { type Account, AccountsRepository, type IssuedReset } from '../accounts.repository.js';
import { FailedAttempts } from '../attempts/failed-attempts.js';
import { storedForm } from '../../http/validation/email.js';
import { Passwords } from './passwords.js';

const HOUR_MS = 3_600_000;
/** A mailed token is used at once; an operator may have to hand one on first. */
const MAILED_FOR_MS = HOUR_MS;
const HANDED_FOR_MS = 24 * HOUR_MS;

const LOOKUPS = 2;
const MAX_QUEUED = 1_000;

export const RESET_MAILED =
  'If there is an account with this address, a mail with a reset token is on its way to it.';
const NO_MAIL =
  'This service sends no mail: ask its operator for a reset token, which `tillkeeper developers reset` makes.';

/** Sets a password without the former one, for the holder of a reset token. */
@Injectable()
export class PasswordResetsService implements OnApplicationShutdown {
  readonly #logger = new Logger(PasswordResetsService.name);
  readonly #semaphore = new Semaphore({
    concurrency: LOOKUPS,
    queued: MAX_QUEUED,
    tooBusy: () => new Error('Too many requests for password resets wait.'),
  });
  readonly #pending = new Set<Promise<void>>();

  constructor(
    private readonly settings: Settings,
    private readonly accounts: AccountsRepository,
    private readonly passwords: Passwords,
    private readonly attempts: FailedAttempts,
    private readonly keys: OpaqueKeys,
    private readonly ended: EndedSessions,
    private readonly mailer: Mailer,
  ) {}

  /**
   * Mails a reset token, if the address has an account. Works after the answer, so that neither the answer nor
   * its time tells whether it has.
   * @returns a sentence for the caller
   */
  request(email: string, { ip, userAgent, requestId }: Actor): string {
    if (!this.mailer.isOn) return NO_MAIL;
    const actor = { ...systemActor('password reset'), ip, userAgent, requestId };
    const work = this.#semaphore
      .run(() => this.#mail(email, actor))
      .catch(() => this.#logger.warn('A request for a password reset was dropped: too many, or no database.'))
      .finally(() => this.#pending.delete(work));
    this.#pending.add(work);
    return RESET_MAILED;
  }

  /** Issues a token for the operator to hand on. @returns `undefined` unless the address has an active account */
  async issue(email: string, operator: Actor): Promise<IssuedReset | undefined> {
    const account = await this.#withPassword(email);
    return (
      account && this.accounts.issueReset(account.id, { forMs: HANDED_FOR_MS, isMailed: false }, operator)
    );
  }

  /**
   * Sets the password, and ends all sessions and other tokens of the account.
   * @throws DomainError `unauthenticated`, `too_busy`
   */
  async reset(token: string, next: Secret, actorOf: (accountId: OwnerId) => Actor): Promise<void> {
    // Hashes no password for a stranger.
    if ((await this.keys.holderOf('password_reset', token)) === undefined) throw notValid();
    const account = await this.accounts.resetPassword(token, await this.passwords.hash(next), actorOf);
    if (!account) throw notValid();
    this.ended.forget();
    await this.attempts.forget(storedForm(account.email));
  }

  /** Mailer stops after this, since it is imported. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #mail(email: string, actor: Actor): Promise<void> {
    const account = await this.#withPassword(email);
    if (!account) return;
    const options = { forMs: MAILED_FOR_MS, isMailed: true };
    const issued = await this.accounts.issueReset(account.id, options, actor);
    if (issued) this.mailer.post({ to: account.email, ...this.#textOf(issued.token) });
  }

  /** A person who signs in at the identity provider gets no second way in. */
  async #withPassword(email: string): Promise<Account | undefined> {
    const account = await this.accounts.findByEmail(email);
    return account?.passwordHash === '' ? undefined : account;
  }

  #textOf(token: string): { subject: string; text: string } {
    const { publicBaseUrl } = this.settings;
    return {
      subject: 'Reset your password',
      text: `Somebody asked for a new password for your account at ${publicBaseUrl}.

This reset token works once, within an hour:

${token}

It sets a new password of your choice:

curl -X POST ${publicBaseUrl}/api/v1/auth/password-reset \\
  -H 'Content-Type: application/json' \\
  -d '{"token": "${token}", "new_password": "..."}'

If you did not ask, ignore this mail. Your password is unchanged.
`,
    };
  }
}

function notValid(): DomainError {
  return new DomainError(
    'unauthenticated',
    'The reset token is not valid, or no longer: ask for another one.',
    {
      challenge: 'Bearer',
    },
  );
}
