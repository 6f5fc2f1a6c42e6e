import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { ModuleRef, Reflector } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { developerOf, endUserOf } from '../auth/caller.js';
import { ForDevelopers } from '../auth/route-access.js';
import { DomainError, ValidationFailed } from '../common/errors.js';
import { type OwnerId, parseProjectId, type ProjectId } from '../common/ids.js';
import type { Project } from './project.entity.js';
import { projectNotFound, ProjectsService } from './projects.service.js';

/** Value attached by `ProjectOwnerGuard`: the `Project`, or the result of the route's reader. */
export const CurrentProject = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { project } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!project) throw new Error('This route has no @RequiresPermission().');
  return project;
});

type OwnedProject = Pick<Project, 'id' | 'ownerId'>;

/** Permissions that a route can require, each with its rule. */
const PERMISSIONS = {
  owner: {
    isGranted: (developer: OwnerId, { ownerId }: OwnedProject) => ownerId === developer,
    refusal: () => new DomainError('not_the_owner', 'This project belongs to somebody else.'),
  },
};
export type Permission = keyof typeof PERMISSIONS;

/** Reads a live project and the handler's data in one query. */
export interface ProjectReader {
  findWithOwner(id: ProjectId): Promise<OwnedProject | undefined>;
}

interface Requirement {
  readonly permission: Permission;
  readonly reader?: Type<ProjectReader>;
}

export const REQUIREMENT = 'projects:requirement';

/**
 * Declares the permission that a method or controller with `{project_id}` requires.
 * @param reader reads the value for `@CurrentProject()`; by default the `Project`
 */
export const RequiresPermission = (permission: Permission, reader?: Type<ProjectReader>) =>
  applyDecorators(
    ForDevelopers(),
    SetMetadata(REQUIREMENT, { permission, reader } satisfies Requirement),
    UseGuards(ProjectOwnerGuard),
  );

declare module 'fastify' {
  interface FastifyRequest {
    /** The project of the path. Set by `ProjectOwnerGuard`. */
    project?: OwnedProject;
  }
}

/** Declares `request.project` before the first request, so that all requests have one hidden class. */
export function decorateWithProject(fastify: FastifyInstance): void {
  fastify.decorateRequest('project', undefined);
}

/** Checks the route's permission and attaches the project. Refuses with 422, 404 or 403, in this order. */
@Injectable()
export class ProjectOwnerGuard implements CanActivate {
  constructor(
    private readonly projects: ProjectsService,
    private readonly reflector: Reflector,
    private readonly modules: ModuleRef,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest<{ Params: { project_id: string } }>>();
    const { permission, reader } = this.#requirementOf(context);
    const id = readProjectId(request.params.project_id);
    const project = reader
      ? await this.modules.get(reader, { strict: false }).findWithOwner(id)
      : await this.projects.get(id);
    if (!project) throw projectNotFound();
    const { isGranted, refusal } = PERMISSIONS[permission];
    if (!isGranted(developerOf(request), project)) throw refusal();
    request.project = project;
    return true;
  }

  #requirementOf(context: ExecutionContext): Requirement {
    const targets = [context.getHandler(), context.getClass()];
    const requirement = this.reflector.getAllAndOverride<Requirement | undefined>(REQUIREMENT, targets);
    if (!requirement)
      throw new Error('A route with ProjectOwnerGuard declares its permission with @RequiresPermission().');
    return requirement;
  }
}

export function readProjectId(text: string): ProjectId {
  const id = parseProjectId(text);
  if (!id)
    throw new ValidationFailed([
      { loc: ['path', 'project_id'], msg: 'must be a UUID', type: 'uuid_parsing' },
    ]);
  return id;
}

/** Checks that the end user's project exists. Requires `@ForEndUsers()`, which refuses other callers. */
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
