import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { OwnerId, ProjectId } from '../common/ids.js';
import type { Role } from './permissions.js';

/** A live project. Times are RFC 3339 in UTC with milliseconds. */
export interface Project {
  readonly id: ProjectId;
  readonly ownerId: OwnerId;
  readonly name: string;
  readonly description: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A project, with the role that somebody has in it. */
export interface ProjectWithRole extends Project {
  readonly role: Role;
}

/** Fields of an update. Absent or `null` leaves a field unchanged. */
export interface ProjectChanges {
  readonly name?: string | null;
  readonly description?: string | null;
}

@Entity('projects')
@Index('projects_by_owner', ['ownerId', 'createdAt', 'id'])
export class ProjectEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'projects_pk' })
  id: ProjectId;

  @Column({ name: 'owner_id', type: 'varchar', length: 255 })
  ownerId: OwnerId;

  @Column({ type: 'varchar', length: 255 })
  name: string;

  @Column({ type: 'varchar', length: 1000, nullable: true })
  description: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt: Date;

  /** Set when the project was deleted. Never reset. */
  @Column({ name: 'deleted_at', type: Date, precision: 3, nullable: true })
  deletedAt: Date | null;
}
