import { Injectable } from '@nestjs/common';
import type { Caller } from '../../auth/caller.js';
import { Database } from '../../database/database.js';
import { FIND_ROLE } from './members.statements.js';
import type { Role } from '../permissions/permissions.js';
import type { Project } from '../project.entity.js';

type OwnedProject = Pick<Project, 'id' | 'ownerId'>;

/** Knows the role of a caller in a project. */
@Injectable()
export class ProjectRoles {
  constructor(private readonly database: Database) {}

  /**
   * Asks the database only about people who neither own the project nor are operators.
   * @returns `undefined` without a role
   */
  async roleOf(caller: Caller, project: OwnedProject): Promise<Role | undefined> {
    const role = roleOfNonMember(caller, project);
    if (role || caller.kind !== 'developer') return role;
    const [member] = await this.database.query(FIND_ROLE, [project.id, caller.sub]);
    return member?.role;
  }
}

/** The role of a caller who needs no membership: an owner, a service account, an operator. */
export function roleOfNonMember(caller: Caller, { id, ownerId }: OwnedProject): Role | undefined {
  if (caller.kind === 'service_account')
    return caller.projectId === null || caller.projectId === id ? caller.role : undefined;
  if (caller.kind !== 'developer') return undefined;
  if (caller.sub === ownerId) return 'owner';
  return caller.isOperator ? 'admin' : undefined;
}
