import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { EndUserId, ProjectId } from '../../../common/ids.js';
import { StripeConfigEntity } from '../../stripe-config/stripe-config.entities.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

/** The one Stripe customer of an end user, for each mode and Stripe account. */
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

  /**
   * `cus_…`, or `acct_…` for an account that is a customer. `null` if Stripe failed to create the customer of
   * this generation, and replays that failure for its idempotency key.
   */
  @Column({ name: 'customer_id', type: 'varchar', length: 255, nullable: true })
  customerId: string | null;

  /**
   * Counts the customers created for this user. Stripe deleted, or failed to create, all but the last. 0:
   * existed before this service.
   */
  @Column({ type: 'integer' })
  generation: number;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_customers_config_fk' })
  config: StripeConfigEntity;
}
