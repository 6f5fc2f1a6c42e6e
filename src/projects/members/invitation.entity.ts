import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { GivenRole } from '../permissions/permissions.js';
import { ProjectEntity } from '../project.entity.js';

/** An open invitation. Deleted with its address once it is accepted, withdrawn or expired. */
@Entity('project_invitations')
@Index('project_invitations_by_project', ['projectId', 'createdAt'])
@Index('project_invitations_by_expiry', ['expiresAt'])
export class ProjectInvitationEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'project_invitations_pk' })
  id: string;

  @Column('uuid', { name: 'project_id' })
  projectId: ProjectId;

  /** Shown to the owner, and mailed to. The token alone decides who joins. */
  @Column({ type: 'varchar', length: 254 })
  email: string;

  @Column({ type: 'varchar', length: 16 })
  role: GivenRole;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'project_invitations_project_fk' })
  project: ProjectEntity;
}
