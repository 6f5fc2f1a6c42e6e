import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { endUserOf } from './caller.js';
import type { EndUser } from './end-user.js';

/** Injects the calling `EndUser` into a handler of a route marked `@ForEndUsers()` that has the `EndUserGuard`. */
export const CurrentEndUser = createParamDecorator((_: unknown, context: ExecutionContext): EndUser => {
  const endUser = endUserOf(context.switchToHttp().getRequest<FastifyRequest>());
  if (!endUser) throw new Error('This route has no EndUserGuard.');
  return endUser;
});
