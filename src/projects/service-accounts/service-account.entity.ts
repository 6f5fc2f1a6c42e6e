import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ServiceAccount } from '../../auth/caller.js';
import type { ProjectId } from '../../common/ids.js';
import { ProjectEntity } from '../project.entity.js';

/** A machine that calls this service. Its keys are in `opaque_keys`. */
@Entity('service_accounts')
@Index('service_accounts_by_project', ['projectId', 'createdAt', 'id'])
export class ServiceAccountEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'service_accounts_pk' })
  id: string;

  /** `null` for an operator's account. */
  @Column('uuid', { name: 'project_id', nullable: true })
  projectId: ProjectId | null;

  @Column({ type: 'varchar', length: 255 })
  name: string;

  @Column({ type: 'varchar', length: 16 })
  role: ServiceAccount['role'];

  /** `null` for the general limit. */
  @Column({ name: 'requests_per_minute', type: 'integer', nullable: true })
  requestsPerMinute: number | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => ProjectEntity, { nullable: true })
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'service_accounts_project_fk' })
  project: ProjectEntity | null;
}
