import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { ProjectEntity } from '../../projects/project.entity.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

const PK = { primaryKeyConstraintName: 'stripe_disputes_pk' };

/** A dispute as Stripe last said. A fact beside the payment, which it does not change; what is lost is no revenue. */
@Entity('stripe_disputes')
@Unique('stripe_disputes_id_unique', ['id'])
@Index('stripe_disputes_by_payment', ['projectId', 'mode', 'paymentIntentId'])
export class StripeDisputeEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** Stripe's: `dp_…`; the charge's where an old event has none. */
  @PrimaryColumn({ name: 'dispute_id', type: 'varchar', length: 255, ...PK })
  disputeId: string;

  /** Ours, made of the primary key. */
  @Column('uuid')
  id: string;

  /** The project's. */
  @Column({ name: 'owner_id', type: 'varchar', length: 255 })
  ownerId: OwnerId;

  @Column({ name: 'charge_id', type: 'varchar', length: 255, nullable: true })
  chargeId: string | null;

  /** The payment's: of the charge where there is no PaymentIntent. */
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

  /** When Stripe made it. */
  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** The time of the event or answer of Stripe that the status was last written from. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  /** Raised by every write, and by nothing else. */
  @Column({ type: 'integer' })
  revision: number;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_disputes_project_fk' })
  project: ProjectEntity;
}
