import { hash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { Actor } from '../../common/actor.js';
import type { OwnerId } from '../../common/ids.js';
import type { Account } from '../accounts.repository.js';
import { AccountsRepository } from '../accounts.repository.js';
import { newEmailProblem, normalizeEmail, storedForm } from '../../http/validation/email.js';
import { fullNameProblem } from '../account-rules.js';
import { SessionsService, type Tokens } from '../sessions/sessions.service.js';
import { type Attempt, type Identity, IdentityProvider } from './identity-provider.js';

/** Why nobody is signed in. The console has a sentence for each. */
export type SignInFailure =
  'denied' | 'failed' | 'unavailable' | 'no_email' | 'email_unverified' | 'email_taken' | 'revoked';

export class SignInRefused extends Error {
  constructor(readonly failure: SignInFailure) {
    super(`Nobody was signed in: ${failure}.`);
  }
}

/** Gives each person at the identity provider an account, without a password, and sessions. */
@Injectable()
export class OidcSignInService {
  readonly #logger = new Logger(OidcSignInService.name);

  constructor(
    private readonly provider: IdentityProvider,
    private readonly accounts: AccountsRepository,
    private readonly sessions: SessionsService,
  ) {}

  /** @throws SignInRefused */
  async begin(): Promise<{ url: URL; attempt: Attempt }> {
    try {
      return await this.provider.begin();
    } catch (error) {
      throw this.#refusal(error, 'unavailable');
    }
  }

  /** @throws SignInRefused, DomainError `database_unavailable` */
  async finish(search: string, attempt: Attempt, actorOf: (id: OwnerId) => Actor): Promise<Tokens> {
    const identity = await this.provider.finish(search, attempt).catch((error: unknown) => {
      throw this.#refusal(error, 'failed');
    });
    const account = await this.#accountOf(identity);
    if (account.isRevoked) throw new SignInRefused('revoked');
    return this.sessions.begin(account, actorOf(account.id));
  }

  async #accountOf({ issuer, subject, email, emailVerified, name }: Identity): Promise<Account> {
    const identity = hash('sha256', `${issuer}\n${subject}`, 'base64url');
    const known = await this.accounts.findByIdentity(identity);
    if (known) return known;
    const address = newEmailProblem(email) ? undefined : normalizeEmail(String(email));
    if (address === undefined) throw new SignInRefused('no_email');
    // Some providers send all claims as text.
    if (String(emailVerified) === 'false') throw new SignInRefused('email_unverified');
    // Addresses of accounts with a password are not proved: the account could be a trap for this person.
    if (await this.accounts.findByEmail(address)) throw new SignInRefused('email_taken');
    const fullName = typeof name === 'string' && !fullNameProblem(name) ? name : null;
    const added = await this.accounts.addWithoutPassword(storedForm(address), fullName, identity);
    // Another request of this person may have been faster.
    const account = added ?? (await this.accounts.findByIdentity(identity));
    if (!account) throw new SignInRefused('email_taken');
    return account;
  }

  /** Logs a code of openid-client. Messages of the provider may contain anything. */
  #refusal(error: unknown, otherwise: SignInFailure): SignInRefused {
    const { code, error: reason } = error as { code?: unknown; error?: unknown };
    if (reason === 'access_denied') return new SignInRefused('denied');
    const shown = typeof code === 'string' && /^OAUTH_[A-Z_]+$/.test(code) ? code : 'no answer';
    this.#logger.warn(`A sign-in with the identity provider failed: ${shown}.`);
    return new SignInRefused(otherwise);
  }
}
