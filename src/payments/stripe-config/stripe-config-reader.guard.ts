import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { assertOwner, readProjectId } from '../../projects/project-owner.guard.js';
import type { StripeConfig } from './stripe-config.js';
import { StripeConfigRepository } from './stripe-config.repository.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What `StripeConfigReaderGuard` read; `undefined` when the project never had a configuration. */
    stripeConfig?: StripeConfig;
  }
}

/** What `ProjectOwnerGuard` checks and the configuration that is asked for, in one query instead of two. */
@Injectable()
export class StripeConfigReaderGuard implements CanActivate {
  constructor(private readonly configs: StripeConfigRepository) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest<{ Params: { project_id: string } }>>();
    const found = await this.configs.findWithOwner(readProjectId(request.params.project_id));
    assertOwner(found, request);
    request.stripeConfig = found.config;
    return true;
  }
}
