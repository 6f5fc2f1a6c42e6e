import { Injectable } from '@nestjs/common';
import type { Caller } from '../../auth/caller.js';
import { Database } from '../../database/database.js';
import { FIND_ROLE } from './members.statements.js';
import type { Role } from '../permissions.js';
import type { Project } from '../project.entity.js';

/** Knows the role of a caller in a project. */
@Injectable()
export class ProjectRoles {
  constructor(private readonly database: Database) {}

  /**
   * Asks the database only about people who neither own the project nor are operators.
   * @returns `undefined` without a role
   */
  async roleOf(caller: Caller, { id, ownerId }: Pick<Project, 'id' | 'ownerId'>): Promise<Role | undefined> {
    if (caller.kind === 'service_account')
      return caller.projectId === null || caller.projectId === id ? caller.role : undefined;
    if (caller.kind !== 'developer') return undefined;
    if (caller.sub === ownerId) return 'owner';
    if (caller.isOperator) return 'admin';
    const [member] = await this.database.query(FIND_ROLE, [id, caller.sub]);
    return member?.role;
  }
}
