import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { developerOf } from '../auth/caller.js';
import { DomainError, ValidationFailed } from '../common/errors.js';
import { parseProjectId, type ProjectId } from '../common/ids.js';
import type { Project } from './project.js';
import { projectNotFound, ProjectsService } from './projects.service.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The project of the path, once `ProjectOwnerGuard` let its owner through. */
    project?: Project;
  }
}

/** Lets only the owner of the path's `{project_id}` through: 422, 404, 403 in that order, and attaches the project. */
@Injectable()
export class ProjectOwnerGuard implements CanActivate {
  constructor(private readonly projects: ProjectsService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest<{ Params: { project_id: string } }>>();
    const project = await this.projects.get(readProjectId(request.params.project_id));
    assertOwner(project, request);
    request.project = project;
    return true;
  }
}

export function readProjectId(text: string): ProjectId {
  const id = parseProjectId(text);
  if (!id) throw new ValidationFailed([{ loc: ['path', 'project_id'], msg: 'must be a UUID', type: 'uuid_parsing' }]);
  return id;
}

/** @throws DomainError `project_not_found`, `not_the_owner` */
export function assertOwner(project: Pick<Project, 'ownerId'> | undefined, request: FastifyRequest): asserts project {
  if (!project) throw projectNotFound();
  if (project.ownerId !== developerOf(request)) throw new DomainError('not_the_owner', 'This project belongs to somebody else.');
}
