import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { OwnerId } from '../common/ids.js';
import { developerOf } from './caller.js';

/** Injects the calling developer's `OwnerId` into a handler of a route for developers. */
export const CurrentDeveloper = createParamDecorator((_: unknown, context: ExecutionContext): OwnerId =>
  developerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
