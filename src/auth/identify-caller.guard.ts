import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../common/errors.js';
import { missingToken } from './refusals.js';

/**
 * Finds out who is calling and refuses nobody: whether the caller may is AccessGuard's decision, and the rate limit stands between
 * the two because it counts failed attempts as well.
 */
@Injectable()
export class IdentifyCallerGuard extends AuthGuard('jwt') {
  override async canActivate(context: ExecutionContext): Promise<true> {
    try {
      await super.canActivate(context);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      context.switchToHttp().getRequest<FastifyRequest>().identity = error;
    }
    return true;
  }

  override getAuthenticateOptions() {
    return { property: 'identity' satisfies keyof FastifyRequest };
  }

  /** @param info why the strategy failed; passport-jwt puts a plain Error there when no token was sent */
  override handleRequest<T>(error: Error | null, caller: T, info: unknown): T {
    if (caller) return caller;
    throw error ?? (info instanceof DomainError ? info : missingToken());
  }
}
