import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import type { GivenRole } from '../permissions/permissions.js';
import { ProjectEntity } from '../project.entity.js';

/** A member of a project besides its owner, who is in `projects.owner_id` and has no row here. */
@Entity('project_members')
@Index('project_members_by_subject', ['subject', 'projectId'])
export class ProjectMemberEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'project_members_pk' })
  projectId: ProjectId;

  /** The `sub` of the member's access tokens. */
  @PrimaryColumn({ type: 'varchar', length: 255, primaryKeyConstraintName: 'project_members_pk' })
  subject: OwnerId;

  @Column({ type: 'varchar', length: 16 })
  role: GivenRole;

  /** When the member joined. A change of the role keeps it. */
  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'project_members_project_fk' })
  project: ProjectEntity;
}
