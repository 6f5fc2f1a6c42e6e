import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** What `ProjectOwnerGuard` attached: the `Project`, or what the reader of `@RequiresPermission()` found. */
export const CurrentProject = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { project } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!project) throw new Error('This route has no @RequiresPermission().');
  return project;
});
