import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../common/errors.js';
import { networkOf } from './network-of.js';
import { tooManyRequests } from './refusals.js';
import { UNLIMITED } from './route-access.decorators.js';

/** One limit for all routes together: a caller who was counted on one route doesn't start afresh on the next. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
    return this.reflector.getAllAndOverride<boolean | undefined>(UNLIMITED, [context.getHandler(), context.getClass()]) ?? false;
  }

  /** By verified subject, else by address. The words in front keep subjects, tenants and addresses from sharing a count. */
  protected override async getTracker({ identity, ip }: FastifyRequest): Promise<string> {
    if (identity instanceof DomainError) return `address ${networkOf(ip)}`;
    return identity.kind === 'end_user' ? `end user ${identity.projectId} ${identity.sub}` : `developer ${identity.sub}`;
  }

  protected override generateKey(_context: ExecutionContext, tracker: string): string {
    return tracker;
  }

  protected override async throwThrottlingException(
    _context: ExecutionContext,
    { timeToBlockExpire }: ThrottlerLimitDetail,
  ): Promise<never> {
    throw tooManyRequests(timeToBlockExpire);
  }
}
