import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type Actor, personActor } from '../common/actor.js';

/** Who is calling, for the history. On any route that asks for a token. */
export const CurrentActor = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { identity } = request;
  if (!('sub' in identity)) throw new Error('Only a route that asks for a token can ask who is calling.');
  return personActor(identity.sub, request);
});
