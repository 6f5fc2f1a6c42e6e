import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { EndUserId, ProjectId } from '../../../common/ids.js';
import { ProjectEntity } from '../../../projects/project.entity.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

const LINK_PK = { primaryKeyConstraintName: 'stripe_user_links_pk' };

/** The end user of a customer or subscription. A link may be stored before the objects that it applies to. */
@Entity('stripe_user_links')
export class StripeUserLinkEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...LINK_PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...LINK_PK })
  mode: StripeMode;

  /** Stripe's id: `cus_…`, `acct_…` or `sub_…` */
  @PrimaryColumn({ name: 'object_id', type: 'varchar', length: 255, ...LINK_PK })
  objectId: string;

  @Column('uuid', { name: 'user_id' })
  userId: EndUserId;

  /** Time of the event or response that named the user. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_user_links_project_fk' })
  project: ProjectEntity;
}

const FOREIGN_PK = { primaryKeyConstraintName: 'stripe_foreign_objects_pk' };

/**
 * A Stripe object whose metadata names another project on the same account, or that inherits from such an
 * object. The mark lets later objects inherit, for instance a dispute.
 */
@Entity('stripe_foreign_objects')
export class StripeForeignObjectEntity {
  /** The project that received the object and doesn't own it. */
  @PrimaryColumn('uuid', { name: 'project_id', ...FOREIGN_PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...FOREIGN_PK })
  mode: StripeMode;

  /** Stripe's id of a subscription, invoice, PaymentIntent or charge. */
  @PrimaryColumn({ name: 'object_id', type: 'varchar', length: 255, ...FOREIGN_PK })
  objectId: string;

  /** The object whose metadata decides: this object, or its ancestor. */
  @Column({ name: 'named_by', type: 'varchar', length: 255 })
  namedBy: string;

  /** Whether the object's own metadata names another project. */
  @Column({ name: 'is_foreign', type: Boolean })
  isForeign: boolean;

  /** Time at which the object's own metadata was read; 1970 if the mark is only inherited. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_foreign_objects_project_fk' })
  project: ProjectEntity;
}
