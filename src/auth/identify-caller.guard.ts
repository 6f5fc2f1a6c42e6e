import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../common/errors.js';
import { bearerToken } from './tokens/jwt.strategy.js';
import type { Caller } from './caller.js';
import { EndedSessions } from './tokens/ended-sessions.js';
import { JwtStrategy } from './tokens/jwt.strategy.js';
import { RecentTokens, type Verified } from './tokens/recent-tokens.js';
import { VerifiedEmails } from './tokens/verified-emails.js';
import { hasPrefixOf } from './opaque-keys/opaque-key.js';
import { ServiceAccountCallers } from './service-account-callers.js';
import { missingToken } from './auth.errors.js';

/** A passport strategy bound to one request. */
interface Attempt {
  success: (verified: Verified) => void;
  /** @param info the reason; a plain Error from passport-jwt if no token was sent */
  fail: (info: unknown) => void;
  error: (error: unknown) => void;
  authenticate(request: FastifyRequest): void;
}

/**
 * Identifies the caller and refuses nobody: the rate limit must count failed attempts before AccessGuard
 * decides.
 */
@Injectable()
export class IdentifyCallerGuard implements CanActivate {
  readonly #recent = new RecentTokens();

  constructor(
    private readonly strategy: JwtStrategy,
    private readonly endedSessions: EndedSessions,
    private readonly serviceAccounts: ServiceAccountCallers,
    private readonly emails: VerifiedEmails,
  ) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    try {
      const caller = await this.#identify(request);
      await this.endedSessions.assertGoesOn(caller);
      request.identity = caller;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      request.identity = error;
    }
    return true;
  }

  async #identify(request: FastifyRequest): Promise<Caller> {
    const token = bearerToken(request);
    if (token !== null && hasPrefixOf('service_account', token))
      return this.serviceAccounts.identify(token, request.ip);
    const known = token && this.#recent.find(token);
    if (known) return known;
    const verified = await this.#verify(request);
    if (token) this.#recent.keep(token, verified);
    this.emails.note(verified.caller);
    return verified.caller;
  }

  /** Avoids passport's middleware, which retains each request until a major garbage collection. */
  #verify(request: FastifyRequest): Promise<Verified> {
    return new Promise((success, error) => {
      const fail = (info: unknown) => error(info instanceof DomainError ? info : missingToken());
      const attempt = Object.assign(Object.create(this.strategy) as Attempt, { success, fail, error });
      attempt.authenticate(request);
    });
  }
}
