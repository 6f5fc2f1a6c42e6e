import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeConfigEntity } from '../stripe-config/stripe-config.entity.js';

/** Whoever makes or removes a mode's webhook endpoint holds this meanwhile, so that no other process does. */
@Entity('stripe_webhook_endpoint_leases')
export class StripeWebhookEndpointLeaseEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_webhook_endpoint_leases_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'stripe_webhook_endpoint_leases_pk' })
  mode: StripeMode;

  /** Made up for each lease. */
  @Column({ type: 'varchar', length: 36 })
  holder: string;

  /** From then on somebody else may take it: its holder has died. */
  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_webhook_endpoint_leases_config_fk' })
  config: StripeConfigEntity;
}
