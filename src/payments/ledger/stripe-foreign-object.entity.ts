import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import { ProjectEntity } from '../../projects/project.entity.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

const PK = { primaryKeyConstraintName: 'stripe_foreign_objects_pk' };

/** An object at Stripe that belongs to another project on the same account: what comes of it later, a dispute for instance, does too. */
@Entity('stripe_foreign_objects')
export class StripeForeignObjectEntity {
  /** The project that it does not belong to. */
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** Stripe's: of a subscription, invoice, PaymentIntent or charge. */
  @PrimaryColumn({ name: 'object_id', type: 'varchar', length: 255, ...PK })
  objectId: string;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_foreign_objects_project_fk' })
  project: ProjectEntity;
}
