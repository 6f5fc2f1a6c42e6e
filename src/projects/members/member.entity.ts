import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import type { GivenRole } from '../permissions/permissions.js';
import { MAX_EMAIL_LENGTH } from '../../http/validation/email.js';
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

/** Whether a member gets mails about a project, and where. Without a row the member gets them. */
@Entity('member_notifications')
export class MemberNotificationEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'member_notifications_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 255, primaryKeyConstraintName: 'member_notifications_pk' })
  subject: OwnerId;

  @Column({ type: Boolean })
  enabled: boolean;

  /** `null` for the address that is known otherwise. */
  @Column({ name: 'notify_email', type: 'varchar', length: MAX_EMAIL_LENGTH, nullable: true })
  notifyEmail: string | null;

  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'member_notifications_project_fk' })
  project: ProjectEntity;
}
