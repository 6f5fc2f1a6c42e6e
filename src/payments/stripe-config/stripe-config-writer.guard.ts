import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { assertOwner, readProjectId } from '../../projects/project-owner.guard.js';
import type { SeenConfig } from './stripe-config.js';
import { StripeConfigRepository } from './stripe-config.repository.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What `StripeConfigWriterGuard` read. */
    seenConfig?: SeenConfig;
  }
}

/** What `ProjectOwnerGuard` checks and what a write builds on, in one query instead of two. */
@Injectable()
export class StripeConfigWriterGuard implements CanActivate {
  constructor(private readonly configs: StripeConfigRepository) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest<{ Params: { project_id: string } }>>();
    const seen = await this.configs.findSeen(readProjectId(request.params.project_id));
    assertOwner(seen, request);
    request.seenConfig = seen;
    return true;
  }
}

/** What the guard read. */
export const SeenByGuard = createParamDecorator((_: unknown, context: ExecutionContext): SeenConfig => {
  const { seenConfig } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!seenConfig) throw new Error('This route has no StripeConfigWriterGuard.');
  return seenConfig;
});
