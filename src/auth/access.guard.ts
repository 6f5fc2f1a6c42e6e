import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../common/errors.js';
import { insufficientScope } from './refusals.js';
import { ACCESS, type Access } from './route-access.decorators.js';

/** Denies by default: only a developer passes, unless the route is marked for somebody else. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): true {
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [context.getHandler(), context.getClass()]) ?? 'developer';
    if (access === 'public') return true;
    const { identity } = context.switchToHttp().getRequest<FastifyRequest>();
    if (identity instanceof DomainError) throw identity;
    if (identity.kind === access) return true;
    if (access === 'end_user')
      throw insufficientScope('This operation is for the end users of a project, whose access token has a project_id.');
    if (identity.kind === 'unscoped') throw insufficientScope('The access token lacks the scope of developers.', identity.missingScope);
    throw insufficientScope('This operation is for the developer of a project, not for its end users.');
  }
}
