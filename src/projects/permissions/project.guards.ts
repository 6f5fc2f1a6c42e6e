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
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Caller, callerOf, endUserOf } from '../../auth/caller.js';
import { AllowServiceAccounts, ForDevelopers } from '../../auth/route-access.js';
import { DomainError, ValidationFailed } from '../../common/errors.js';
import { parseProjectId, type ProjectId } from '../../common/ids.js';
import {
  accountRolesWith,
  hasPermission,
  type Permission,
  PERMISSIONS,
  type Role,
  rolesWith,
} from './permissions.js';
import type { Project } from '../project.entity.js';
import { ProjectRoles } from '../members/project-roles.js';
import { projectNotFound, ProjectsService } from '../projects.service.js';

/** Value attached by `PermissionGuard`: the `Project`, or the result of the route's reader. */
export const CurrentProject = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { project } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!project) throw new Error('This route has no @RequiresPermission().');
  return project;
});

/** The caller's role in the project. */
export const CurrentRole = createParamDecorator((_: unknown, context: ExecutionContext): Role => {
  const { role } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!role) throw new Error('This route has no @RequiresPermission().');
  return role;
});

type OwnedProject = Pick<Project, 'id' | 'ownerId'>;

/** Reads a live project and the handler's data in one query. */
export interface ProjectReader {
  findWithOwner(id: ProjectId): Promise<OwnedProject | undefined>;
}

interface RequirementOptions {
  /** Reads the value for `@CurrentProject()`; by default the `Project` is read. */
  readonly reader?: Type<ProjectReader>;
  /** Whether every member has the permission over themselves: a path whose `{subject}` is the caller. */
  readonly orSelf?: boolean;
}

interface Requirement extends RequirementOptions {
  readonly permission: Permission;
}

export const REQUIREMENT = 'projects:requirement';

/** Declares the permission that a method or controller with `{project_id}` requires. */
export const RequiresPermission = (permission: Permission, options: RequirementOptions = {}) =>
  applyDecorators(
    ForDevelopers(),
    AllowServiceAccounts(),
    SetMetadata(REQUIREMENT, { permission, ...options } satisfies Requirement),
    UseGuards(PermissionGuard),
    documentPermission(permission, options.orSelf ? { or_self: true } : {}),
  );

/** Declares the permission by which a list or statistics over several projects cover a project. */
export const CoversProjectsWith = (permission: ReadPermission) =>
  applyDecorators(
    ForDevelopers(),
    AllowServiceAccounts(),
    documentPermission(permission, { each_project: true }),
  );

/** The permissions of every role, so that `ReadableProjects` needs to ask for no role. */
type ReadPermission = Extract<Permission, 'project:read' | 'config:read' | 'ledger:read'>;

function documentPermission(name: Permission, more: object) {
  return ApiExtension('x-permission', {
    name,
    roles: rolesWith(name),
    service_accounts: accountRolesWith(name),
    ...more,
  });
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The project of the path. Set by `PermissionGuard`. */
    project?: OwnedProject;
    /** The caller's role in it. Set by `PermissionGuard`. */
    role?: Role;
  }
}

/** Declares the guard's properties before the first request, so that all requests have one hidden class. */
export function decorateWithProject(fastify: FastifyInstance): void {
  fastify.decorateRequest('project', undefined);
  fastify.decorateRequest('role', undefined);
}

/**
 * Checks the route's permission, and attaches the project and the caller's role. Refuses with 422, 404 or 403,
 * in this order.
 */
@Injectable()
export class PermissionGuard implements CanActivate {
  readonly #checks = new WeakMap<ReturnType<ExecutionContext['getHandler']>, Check>();

  constructor(
    private readonly projects: ProjectsService,
    private readonly roles: ProjectRoles,
    private readonly reflector: Reflector,
    private readonly modules: ModuleRef,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest<{ Params: Params }>>();
    const { permission, find, orSelf } = this.#checkFor(context);
    const project = await find(readProjectId(request.params.project_id));
    if (!project) throw projectNotFound();
    const caller = callerOf(request);
    const role = await this.roles.roleOf(caller, project);
    if (!role) throw new DomainError('not_a_member', 'This project belongs to somebody else.');
    const isSelf = orSelf && caller.kind === 'developer' && caller.sub === request.params.subject;
    if (!isSelf && !mayUse(permission, role, caller)) throw permissionLacking(permission, role, caller);
    request.project = project;
    request.role = role;
    return true;
  }

  /** Reads a handler's metadata once, since that takes longer than the check. */
  #checkFor(context: ExecutionContext): Check {
    const handler = context.getHandler();
    const known = this.#checks.get(handler);
    if (known) return known;
    const requirement = this.reflector.getAllAndOverride<Requirement | undefined>(REQUIREMENT, [
      handler,
      context.getClass(),
    ]);
    if (!requirement)
      throw new Error('A route with PermissionGuard declares its permission with @RequiresPermission().');
    const { permission, orSelf = false } = requirement;
    const reader = requirement.reader && this.modules.get(requirement.reader, { strict: false });
    const find = (id: ProjectId) => (reader ? reader.findWithOwner(id) : this.projects.get(id));
    const check = { permission, orSelf, find };
    this.#checks.set(handler, check);
    return check;
  }
}

interface Check {
  readonly permission: Permission;
  readonly orSelf: boolean;
  readonly find: (id: ProjectId) => Promise<OwnedProject | undefined>;
}

interface Params {
  readonly project_id: string;
  readonly subject?: string;
}

function mayUse(permission: Permission, role: Role, caller: Caller): boolean {
  return isOfProject(caller)
    ? accountRolesWith(permission).some((permitted) => permitted === role)
    : hasPermission(role, permission);
}

function isOfProject(caller: Caller): boolean {
  return caller.kind === 'service_account' && caller.projectId !== null;
}

function permissionLacking(permission: Permission, role: Role, caller: Caller): DomainError {
  const { from } = PERMISSIONS[permission];
  const isForPeople = isOfProject(caller) ? accountRolesWith(permission).length === 0 : from === 'owner';
  const sentence =
    caller.kind === 'service_account' && isForPeople
      ? `Service accounts may not do this; it needs a person with the role ${from} in the project.`
      : `This needs the role ${from} in the project; yours is ${role}.`;
  return new DomainError('role_too_low', sentence);
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
