import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { StripeConfigEntity } from '../../stripe-config/stripe-config.entities.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

/** A webhook endpoint at Stripe that this service created. */
@Entity('stripe_webhook_endpoints')
export class StripeWebhookEndpointEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_webhook_endpoints_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'stripe_webhook_endpoints_pk' })
  mode: StripeMode;

  @Column({ name: 'endpoint_id', type: 'varchar', length: 255 })
  endpointId: string;

  /** Fingerprint of its signing secret, to compare with the stored webhook secret. */
  @Column({ name: 'secret_fingerprint', type: 'varchar', length: 32 })
  secretFingerprint: string;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_webhook_endpoints_config_fk' })
  config: StripeConfigEntity;
}

/**
 * A lease lets one call at a time create, update or remove the webhook endpoint of a mode, across all
 * processes.
 */
@Entity('stripe_webhook_endpoint_leases')
export class StripeWebhookEndpointLeaseEntity {
  @PrimaryColumn('uuid', {
    name: 'project_id',
    primaryKeyConstraintName: 'stripe_webhook_endpoint_leases_pk',
  })
  projectId: ProjectId;

  @PrimaryColumn({
    type: 'varchar',
    length: 4,
    primaryKeyConstraintName: 'stripe_webhook_endpoint_leases_pk',
  })
  mode: StripeMode;

  /** A random id for each lease. */
  @Column({ type: 'varchar', length: 36 })
  holder: string;

  /** From this time on another call may take the lease. */
  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_webhook_endpoint_leases_config_fk' })
  config: StripeConfigEntity;
}
