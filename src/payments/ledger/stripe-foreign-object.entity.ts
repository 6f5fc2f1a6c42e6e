import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import { ProjectEntity } from '../../projects/project.entity.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

const PK = { primaryKeyConstraintName: 'stripe_foreign_objects_pk' };

/**
 * An object at Stripe whose metadata names another project on the same account, or that inherits from such a one. What comes of it later,
 * a dispute for instance, inherits as well.
 */
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

  /** The object whose metadata decides: this one, or one that this one inherits from. */
  @Column({ name: 'named_by', type: 'varchar', length: 255 })
  namedBy: string;

  /** Whether its own metadata names another project. */
  @Column({ name: 'is_foreign', type: Boolean })
  isForeign: boolean;

  /** When its own metadata said so; 1970 where only another object's counts. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_foreign_objects_project_fk' })
  project: ProjectEntity;
}
