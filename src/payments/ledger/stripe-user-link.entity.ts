import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { EndUserId, ProjectId } from '../../common/ids.js';
import { ProjectEntity } from '../../projects/project.entity.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

const PK = { primaryKeyConstraintName: 'stripe_user_links_pk' };

/** Which end user a customer or subscription belongs to, learned before or after what belongs to it. */
@Entity('stripe_user_links')
export class StripeUserLinkEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** Stripe's: `cus_…` or `sub_…` */
  @PrimaryColumn({ name: 'object_id', type: 'varchar', length: 255, ...PK })
  objectId: string;

  @Column('uuid', { name: 'user_id' })
  userId: EndUserId;

  /** The time of the event or answer of Stripe that told. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_user_links_project_fk' })
  project: ProjectEntity;
}
