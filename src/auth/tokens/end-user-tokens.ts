import { Injectable } from '@nestjs/common';
import jsonwebtoken from 'jsonwebtoken';
import { DomainError } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { Keyring } from '../../vault/keys/keyring.js';
import { invalidToken } from '../auth.errors.js';
import { callerFrom } from './verify-token.js';
import type { TokenHeader } from './verify-token.js';
import type { TokenRules } from './verify-token.js';

/** Explicit typing (RFC 8725, section 3.11): `typ` selects the rules that verify the token. */
const TYP = 'end-user+jwt';
const ISSUER = 'urn:tillkeeper:end-users';
const TYPE = 'end_user';
const ALGORITHM = 'HS256';

/**
 * Access tokens for end users, for developers without an authorization server.
 * A data key of the keyring signs them. All processes share the key, and it signs nothing else.
 */
@Injectable()
export class EndUserTokens {
  constructor(private readonly keyring: Keyring) {}

  /** @param lifetime in seconds */
  issue(projectId: ProjectId, subject: string, lifetime: number): string {
    const { id, key } = this.keyring.signingKey();
    const claims = { type: TYPE, project_id: projectId };
    return jsonwebtoken.sign(claims, key, {
      algorithm: ALGORITHM,
      header: { alg: ALGORITHM, typ: TYP, kid: id },
      issuer: ISSUER,
      subject,
      expiresIn: lifetime,
    });
  }

  /**
   * @returns the rules for an end user's token, or `undefined` for other types
   * @throws DomainError if the token can't be valid
   */
  async rulesFor({ typ, kid }: TokenHeader): Promise<TokenRules | undefined> {
    if (typ !== TYP) return undefined;
    if (!this.keyring.isLoaded)
      throw new DomainError('not_migrated', 'The service is still starting.', { retryAfterSeconds: 5 });
    const key = kid && (await this.keyring.verificationKey(kid));
    if (!key) throw invalidToken('The access token is signed with an unknown key.');
    return {
      keys: [key],
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      callerOf: (claims) => {
        const caller = callerFrom(claims, { type: TYPE });
        if (caller.kind !== 'end_user') throw invalidToken('The access token names no project.');
        return caller;
      },
    };
  }
}
