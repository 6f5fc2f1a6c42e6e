import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Project } from './project.js';

/** The project that `ProjectOwnerGuard` attached. */
export const CurrentProject = createParamDecorator((_: unknown, context: ExecutionContext): Project => {
  const { project } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!project) throw new Error('This route has no ProjectOwnerGuard.');
  return project;
});
