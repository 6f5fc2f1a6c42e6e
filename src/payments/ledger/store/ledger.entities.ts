import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import type { EndUserId, ProjectId } from '../../../common/ids.js';
import { ProjectEntity } from '../../../projects/project.entity.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import type { PaymentSource } from '../merge/payment.js';

const PAYMENT_PK = { primaryKeyConstraintName: 'stripe_payments_pk' };

/** A payment or an attempt to pay, as Stripe last reported it. */
@Entity('stripe_payments')
@Unique('stripe_payments_id_unique', ['id'])
@Index('stripe_payments_by_project', ['projectId', 'mode', 'createdAt', 'id'])
@Index('stripe_payments_by_status', ['projectId', 'mode', 'status', 'createdAt', 'id'])
@Index('stripe_payments_by_user', ['projectId', 'mode', 'userId', 'createdAt', 'id'])
@Index('stripe_payments_by_customer', ['projectId', 'mode', 'customerId', 'createdAt', 'id'])
@Index('stripe_payments_by_subscription', ['projectId', 'mode', 'subscriptionId', 'createdAt', 'id'], {
  where: 'subscription_id IS NOT NULL',
})
@Index('stripe_payments_by_update', ['projectId', 'mode', 'updatedAt', 'id'])
export class StripePaymentEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PAYMENT_PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PAYMENT_PK })
  mode: StripeMode;

  /** Stripe's id: `pi_…`, or the invoice's or charge's id without a PaymentIntent. */
  @PrimaryColumn({ name: 'payment_intent_id', type: 'varchar', length: 255, ...PAYMENT_PK })
  paymentIntentId: string;

  /** Our id, derived from the primary key by `rowId`. */
  @Column('uuid')
  id: string;

  @Column('uuid', { name: 'user_id', nullable: true })
  userId: EndUserId | null;

  /** Source of the user (`USER_RANKS`). The highest rank wins. */
  @Column({ name: 'user_rank', type: 'smallint' })
  userRank: number;

  @Column({ name: 'customer_id', type: 'varchar', length: 255, nullable: true })
  customerId: string | null;

  /** Our id of the paid subscription. */
  @Column('uuid', { name: 'subscription_id', nullable: true })
  subscriptionId: string | null;

  /** The PaymentIntent's status, or `partially_refunded` or `refunded`. */
  @Column({ type: 'varchar', length: 32 })
  status: string;

  /** Minor units, like all amounts. */
  @Column({ name: 'amount_cents', type: 'bigint' })
  amountCents: number;

  @Column({ type: 'varchar', length: 8 })
  currency: string;

  /** Who collected the money. */
  @Column({ type: 'varchar', length: 16, default: 'stripe' })
  source: PaymentSource;

  @Column({ name: 'refunded_amount_cents', type: 'bigint' })
  refundedAmountCents: number;

  /** Time of the event or response behind `refundedAmountCents`; `null` until a charge was read. */
  @Column({ name: 'refunded_as_of', type: Date, precision: 3, nullable: true })
  refundedAsOf: Date | null;

  /** JSON of `RefundStep[]`: how the refunded amount changed. */
  @Column({ name: 'refund_steps', type: 'text', default: '[]' })
  refundSteps: string;

  @Column({ type: 'varchar', length: 1000, nullable: true })
  description: string | null;

  /** Creation time at Stripe. */
  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** Kind of object behind amount, currency and time (`SOURCE_RANKS`). */
  @Column({ name: 'source_rank', type: 'smallint' })
  sourceRank: number;

  /** Time of the event or response behind the status. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  /** Incremented by every write. */
  @Column({ type: 'integer' })
  revision: number;

  /** Time of the last write, also of another row that clients see as part of this one; by the database's clock. */
  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_payments_project_fk' })
  project: ProjectEntity;
}

const SUBSCRIPTION_PK = { primaryKeyConstraintName: 'stripe_subscriptions_pk' };

/** A subscription, as Stripe last reported it. */
@Entity('stripe_subscriptions')
@Unique('stripe_subscriptions_id_unique', ['id'])
@Index('stripe_subscriptions_by_project', ['projectId', 'mode', 'createdAt', 'id'])
@Index('stripe_subscriptions_by_status', ['projectId', 'mode', 'status', 'createdAt', 'id'])
@Index('stripe_subscriptions_by_user', ['projectId', 'mode', 'userId', 'createdAt', 'id'])
@Index('stripe_subscriptions_by_customer', ['projectId', 'mode', 'customerId', 'createdAt', 'id'])
@Index('stripe_subscriptions_by_update', ['projectId', 'mode', 'updatedAt', 'id'])
export class StripeSubscriptionEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...SUBSCRIPTION_PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...SUBSCRIPTION_PK })
  mode: StripeMode;

  /** Stripe's id: `sub_…` */
  @PrimaryColumn({ name: 'subscription_id', type: 'varchar', length: 255, ...SUBSCRIPTION_PK })
  subscriptionId: string;

  /** Our id, derived from the primary key by `rowId`. */
  @Column('uuid')
  id: string;

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

  /** Time at which it ended; `null` until then. */
  @Column({ name: 'ended_at', type: Date, precision: 3, nullable: true })
  endedAt: Date | null;

  /** Treatment of invoices while payment collection is paused. */
  @Column({ name: 'pause_behavior', type: 'varchar', length: 32, nullable: true })
  pauseBehavior: string | null;

  @Column({ name: 'pause_resumes_at', type: Date, precision: 3, nullable: true })
  pauseResumesAt: Date | null;

  /** Reason for the status `paused`. */
  @Column({ name: 'pause_reason', type: 'varchar', length: 64, nullable: true })
  pauseReason: string | null;

  /** Creation time at Stripe. */
  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** Time of the event or response behind the row. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  /**
   * Fingerprint of the secret key that last returned the subscription, or else of the key stored at the first
   * event.
   */
  @Column({ name: 'confirmed_by', type: 'varchar', length: 32, nullable: true })
  confirmedBy: string | null;

  /** Incremented by every write. */
  @Column({ type: 'integer' })
  revision: number;

  /** Time of the last write, also of another row that clients see as part of this one; by the database's clock. */
  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_subscriptions_project_fk' })
  project: ProjectEntity;
}

const DISPUTE_PK = { primaryKeyConstraintName: 'stripe_disputes_pk' };

/**
 * A dispute, as Stripe last reported it. It doesn't change the payment, but a lost dispute reduces net
 * revenue.
 */
@Entity('stripe_disputes')
@Unique('stripe_disputes_id_unique', ['id'])
@Index('stripe_disputes_by_payment', ['projectId', 'mode', 'paymentIntentId'])
export class StripeDisputeEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...DISPUTE_PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...DISPUTE_PK })
  mode: StripeMode;

  /** Stripe's id: `dp_…`, or the charge's id for old events without one. */
  @PrimaryColumn({ name: 'dispute_id', type: 'varchar', length: 255, ...DISPUTE_PK })
  disputeId: string;

  /** Our id, derived from the primary key by `rowId`. */
  @Column('uuid')
  id: string;

  /** Copied from the project. */
  @Column({ name: 'charge_id', type: 'varchar', length: 255, nullable: true })
  chargeId: string | null;

  /** Id of the disputed payment: a PaymentIntent, or else the charge. */
  @Column({ name: 'payment_intent_id', type: 'varchar', length: 255, nullable: true })
  paymentIntentId: string | null;

  @Column({ type: 'varchar', length: 32 })
  status: string;

  @Column({ type: 'varchar', length: 64, nullable: true })
  reason: string | null;

  @Column({ name: 'amount_cents', type: 'bigint' })
  amountCents: number;

  @Column({ type: 'varchar', length: 8 })
  currency: string;

  @Column({ name: 'funds_withdrawn_at', type: Date, precision: 3, nullable: true })
  fundsWithdrawnAt: Date | null;

  @Column({ name: 'funds_reinstated_at', type: Date, precision: 3, nullable: true })
  fundsReinstatedAt: Date | null;

  /** Creation time at Stripe. */
  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** Time of the event or response behind the status. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  /** Incremented by every write. */
  @Column({ type: 'integer' })
  revision: number;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_disputes_project_fk' })
  project: ProjectEntity;
}
