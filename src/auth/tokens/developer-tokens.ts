import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import jsonwebtoken from 'jsonwebtoken';
import { Settings } from '../../config/settings.js';

/** Issues access tokens for developers (HS256), unless another authorization server does. */
@Injectable()
export class DeveloperTokens {
  constructor(private readonly settings: Settings) {}

  /** Whether this service signs tokens. With `AUTH_JWKS_URI` another server does. */
  get canIssue(): boolean {
    return this.settings.accessTokens.kind === 'hs256';
  }

  /**
   * Issues a token that this configuration accepts.
   * @param lifetime in seconds
   * @param sessionId the session whose end revokes the token
   */
  issue(subject: string, lifetime: number, sessionId?: string): string {
    const { accessTokens, developerScope: scope } = this.settings;
    if (accessTokens.kind !== 'hs256')
      throw new Error('Developers have tokens of another authorization server.');
    const { secrets, issuer, audience } = accessTokens;
    const [secret] = secrets;
    if (!secret) throw new Error('There is no secret to sign with.');
    const claims = {
      type: 'access',
      ...(scope === undefined ? {} : { scope }),
      ...(sessionId === undefined ? {} : { sid: sessionId }),
    };
    return jsonwebtoken.sign(claims, secret.reveal(), {
      algorithm: 'HS256',
      jwtid: randomUUID(),
      subject,
      expiresIn: lifetime,
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    });
  }
}
