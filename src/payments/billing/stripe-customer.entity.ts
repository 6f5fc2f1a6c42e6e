import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId, EndUserId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeConfigEntity } from '../stripe-config/stripe-config.entity.js';

/** The one Stripe customer that a project's user is in one mode of one Stripe account. */
@Entity('stripe_customers')
export class StripeCustomerEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_customers_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'stripe_customers_pk' })
  mode: StripeMode;

  /** Keyed hash of the Stripe account's id. */
  @PrimaryColumn({ type: 'varchar', length: 32, primaryKeyConstraintName: 'stripe_customers_pk' })
  account: string;

  @PrimaryColumn('uuid', { name: 'user_id', primaryKeyConstraintName: 'stripe_customers_pk' })
  userId: EndUserId;

  /** `null` when Stripe failed to make the one of this generation, and says so again to whoever asks with its key. */
  @Column({ name: 'customer_id', type: 'varchar', length: 255, nullable: true })
  customerId: string | null;

  /** How many customers this user has been: the one before is no longer at Stripe, or never was. */
  @Column({ type: 'integer' })
  generation: number;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_customers_config_fk' })
  config: StripeConfigEntity;
}
