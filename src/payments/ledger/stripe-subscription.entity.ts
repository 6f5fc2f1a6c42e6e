import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import type { EndUserId, OwnerId, ProjectId } from '../../common/ids.js';
import { ProjectEntity } from '../../projects/project.entity.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

const PK = { primaryKeyConstraintName: 'stripe_subscriptions_pk' };

/** A subscription as Stripe last said. */
@Entity('stripe_subscriptions')
@Unique('stripe_subscriptions_id_unique', ['id'])
@Index('stripe_subscriptions_by_project', ['projectId', 'mode', 'createdAt', 'id'])
@Index('stripe_subscriptions_by_status', ['projectId', 'mode', 'status', 'createdAt', 'id'])
@Index('stripe_subscriptions_by_owner', ['ownerId', 'mode', 'createdAt', 'id'])
@Index('stripe_subscriptions_by_owner_and_status', ['ownerId', 'mode', 'status', 'createdAt', 'id'])
@Index('stripe_subscriptions_by_user', ['projectId', 'mode', 'userId', 'createdAt', 'id'])
@Index('stripe_subscriptions_by_customer', ['projectId', 'mode', 'customerId'])
export class StripeSubscriptionEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** Stripe's: `sub_…` */
  @PrimaryColumn({ name: 'subscription_id', type: 'varchar', length: 255, ...PK })
  subscriptionId: string;

  /** Ours, made of the primary key. */
  @Column('uuid')
  id: string;

  /** The project's, so that a list over all projects of an owner is one range of an index. */
  @Column({ name: 'owner_id', type: 'varchar', length: 255 })
  ownerId: OwnerId;

  @Column('uuid', { name: 'user_id', nullable: true })
  userId: EndUserId | null;

  @Column({ name: 'customer_id', type: 'varchar', length: 255, nullable: true })
  customerId: string | null;

  @Column({ type: 'varchar', length: 32 })
  status: string;

  @Column({ name: 'price_id', type: 'varchar', length: 255, nullable: true })
  priceId: string | null;

  @Column({ name: 'plan_name', type: 'varchar', length: 255, nullable: true })
  planName: string | null;

  @Column({ type: 'integer' })
  quantity: number;

  @Column({ name: 'current_period_start', type: Date, precision: 3, nullable: true })
  currentPeriodStart: Date | null;

  @Column({ name: 'current_period_end', type: Date, precision: 3, nullable: true })
  currentPeriodEnd: Date | null;

  @Column({ name: 'cancel_at', type: Date, precision: 3, nullable: true })
  cancelAt: Date | null;

  @Column({ name: 'cancelled_at', type: Date, precision: 3, nullable: true })
  cancelledAt: Date | null;

  /** What Stripe does with invoices while it collects no payment for them. */
  @Column({ name: 'pause_behavior', type: 'varchar', length: 32, nullable: true })
  pauseBehavior: string | null;

  @Column({ name: 'pause_resumes_at', type: Date, precision: 3, nullable: true })
  pauseResumesAt: Date | null;

  /** Why the status is `paused`. */
  @Column({ name: 'pause_reason', type: 'varchar', length: 64, nullable: true })
  pauseReason: string | null;

  /** When Stripe made it. */
  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** The time of the event or answer of Stripe that this row was last written from. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  /** Fingerprint of the secret key with which Stripe last answered about it, else of the key that was stored when its first event came. */
  @Column({ name: 'confirmed_by', type: 'varchar', length: 32, nullable: true })
  confirmedBy: string | null;

  /** Raised by every write, and by nothing else. */
  @Column({ type: 'integer' })
  revision: number;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_subscriptions_project_fk' })
  project: ProjectEntity;
}
