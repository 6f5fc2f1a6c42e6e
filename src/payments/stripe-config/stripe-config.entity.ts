import { Column, Entity, JoinColumn, OneToOne, PrimaryColumn, Unique } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import { ProjectEntity } from '../../projects/project.entity.js';

@Entity('stripe_configs')
@Unique('stripe_configs_id_unique', ['id'])
export class StripeConfigEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_configs_pk' })
  projectId: ProjectId;

  @Column('uuid')
  id: string;

  @Column({ name: 'is_active', type: Boolean })
  isActive: boolean;

  /** Raised by every change of what is shown of it, and by nothing else. */
  @Column({ type: 'integer' })
  version: number;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt: Date;

  @OneToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_configs_project_fk' })
  project: ProjectEntity;
}
