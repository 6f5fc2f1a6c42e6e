import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import type { EndUserId, OwnerId, ProjectId } from '../../common/ids.js';
import { ProjectEntity } from '../../projects/project.entity.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import type { PaymentSource } from './payment.js';

const PK = { primaryKeyConstraintName: 'stripe_payments_pk' };

/** A payment as Stripe last said: money that was paid, or that somebody tried to pay. */
@Entity('stripe_payments')
@Unique('stripe_payments_id_unique', ['id'])
@Index('stripe_payments_by_project', ['projectId', 'mode', 'createdAt', 'id'])
@Index('stripe_payments_by_status', ['projectId', 'mode', 'status', 'createdAt', 'id'])
@Index('stripe_payments_by_owner', ['ownerId', 'mode', 'createdAt', 'id'])
@Index('stripe_payments_by_owner_and_status', ['ownerId', 'mode', 'status', 'createdAt', 'id'])
@Index('stripe_payments_by_user', ['projectId', 'mode', 'userId', 'createdAt', 'id'])
@Index('stripe_payments_by_customer', ['projectId', 'mode', 'customerId'])
@Index('stripe_payments_by_subscription', ['projectId', 'mode', 'subscriptionId'], { where: 'subscription_id IS NOT NULL' })
export class StripePaymentEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** Stripe's: `pi_…`; of the invoice or charge where there is no PaymentIntent. */
  @PrimaryColumn({ name: 'payment_intent_id', type: 'varchar', length: 255, ...PK })
  paymentIntentId: string;

  /** Ours, made of the primary key. */
  @Column('uuid')
  id: string;

  /** The project's, so that a list over all projects of an owner is one range of an index. */
  @Column({ name: 'owner_id', type: 'varchar', length: 255 })
  ownerId: OwnerId;

  @Column('uuid', { name: 'user_id', nullable: true })
  userId: EndUserId | null;

  /** How the user is known (`USER_RANKS`): the better knowledge stays. */
  @Column({ name: 'user_rank', type: 'smallint' })
  userRank: number;

  @Column({ name: 'customer_id', type: 'varchar', length: 255, nullable: true })
  customerId: string | null;

  /** Our id of the subscription that it pays for. */
  @Column('uuid', { name: 'subscription_id', nullable: true })
  subscriptionId: string | null;

  /** The PaymentIntent's, and `partially_refunded` or `refunded`. */
  @Column({ type: 'varchar', length: 32 })
  status: string;

  /** Minor units, as are all amounts. */
  @Column({ name: 'amount_cents', type: 'bigint' })
  amountCents: number;

  @Column({ type: 'varchar', length: 8 })
  currency: string;

  /** Who collected the money. */
  @Column({ type: 'varchar', length: 16, default: 'stripe' })
  source: PaymentSource;

  @Column({ name: 'refunded_amount_cents', type: 'bigint' })
  refundedAmountCents: number;

  /** The time of the event or answer of Stripe that this was last written from; `null` until a charge told. */
  @Column({ name: 'refunded_as_of', type: Date, precision: 3, nullable: true })
  refundedAsOf: Date | null;

  @Column({ type: 'varchar', length: 1000, nullable: true })
  description: string | null;

  /** When Stripe made it. */
  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** The best kind of object that told of it (`SOURCE_RANKS`): it decides on amount, currency and time. */
  @Column({ name: 'source_rank', type: 'smallint' })
  sourceRank: number;

  /** The time of the event or answer of Stripe that the status was last written from. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  /** Raised by every write, and by nothing else. */
  @Column({ type: 'integer' })
  revision: number;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_payments_project_fk' })
  project: ProjectEntity;
}
