import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../common/errors.js';
import { insufficientScope } from './auth.errors.js';

export const ACCESS = 'auth:access';
export const UNLIMITED = 'auth:unlimited';

/** The audience of a route. A route without one is for developers. */
export type Access = 'developer' | 'end_user' | 'public';

/** Opens a route to everybody; a token is optional. */
export const Public = () => SetMetadata(ACCESS, 'public' satisfies Access);

/** Opens a route to every developer. Routes of one project use `@RequiresPermission()` instead. */
export const ForDevelopers = () => SetMetadata(ACCESS, 'developer' satisfies Access);

/** Restricts a route to end users, whose tokens have a `project_id`. */
export const ForEndUsers = () => SetMetadata(ACCESS, 'end_user' satisfies Access);

/** Exempts a route from the rate limit. */
export const Unlimited = () => SetMetadata(UNLIMITED, true);

/** Denies by default: a route without a mark is open to developers only. */
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
