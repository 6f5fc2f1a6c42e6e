import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../common/errors.js';
import { insufficientScope } from './auth.errors.js';

export const ACCESS = 'auth:access';
export const UNLIMITED = 'auth:unlimited';

/** Whom a route is for. Every route says it; one that doesn't is treated as for developers. */
export type Access = 'developer' | 'end_user' | 'public';

/** Opens a route to everybody, with or without an access token. */
export const Public = () => SetMetadata(ACCESS, 'public' satisfies Access);

/** Opens a route to every developer. A route of one project has `@RequiresPermission()` instead. */
export const ForDevelopers = () => SetMetadata(ACCESS, 'developer' satisfies Access);

/** Gives a route to end users (tokens with a `project_id`), and to nobody else. */
export const ForEndUsers = () => SetMetadata(ACCESS, 'end_user' satisfies Access);

/** Takes a route out of the rate limit. */
export const Unlimited = () => SetMetadata(UNLIMITED, true);

/** Denies by default: only a developer passes, unless the route is marked for somebody else. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): true {
    const access =
      this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [
        context.getHandler(),
        context.getClass(),
      ]) ?? 'developer';
    if (access === 'public') return true;
    const { identity } = context.switchToHttp().getRequest<FastifyRequest>();
    if (identity instanceof DomainError) throw identity;
    if (identity.kind === access) return true;
    if (access === 'end_user')
      throw insufficientScope(
        'This operation is for the end users of a project, whose access token has a project_id.',
      );
    if (identity.kind === 'unscoped')
      throw insufficientScope('The access token lacks the scope of developers.', identity.missingScope);
    throw insufficientScope('This operation is for the developer of a project, not for its end users.');
  }
}
