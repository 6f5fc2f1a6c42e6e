import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import jsonwebtoken from 'jsonwebtoken';
import { Settings } from '../../config/settings.js';

/** Access tokens for developers, where this service signs them itself (HS256). */
@Injectable()
export class DeveloperTokens {
  constructor(private readonly settings: Settings) {}

  /** Whether there is a secret to sign with; with `AUTH_JWKS_URI` another server signs. */
  get canIssue(): boolean {
    return this.settings.accessTokens.kind === 'hs256';
  }

  /**
   * A token that this configuration accepts. @param lifetime in seconds. @param sessionId the session that it
   * ends with
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
