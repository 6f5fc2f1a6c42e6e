import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { endUserOf } from '../auth/caller.js';
import { projectNotFound, ProjectsService } from './projects.service.js';

/** Lets an end user through whose project exists. Goes with `@ForEndUsers()`, which turns everybody else away before. */
@Injectable()
export class EndUserGuard implements CanActivate {
  constructor(private readonly projects: ProjectsService) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const endUser = endUserOf(context.switchToHttp().getRequest<FastifyRequest>());
    if (!endUser) throw projectNotFound();
    await this.projects.get(endUser.projectId);
    return true;
  }
}
