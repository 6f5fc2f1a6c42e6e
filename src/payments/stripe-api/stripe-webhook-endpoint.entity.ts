import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeConfigEntity } from '../stripe-config/stripe-config.entity.js';

/** A webhook endpoint that we made at Stripe. */
@Entity('stripe_webhook_endpoints')
export class StripeWebhookEndpointEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_webhook_endpoints_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'stripe_webhook_endpoints_pk' })
  mode: StripeMode;

  @Column({ name: 'endpoint_id', type: 'varchar', length: 255 })
  endpointId: string;

  /** Of the signing secret that Stripe gave for it, to tell whether the stored one is still that one. */
  @Column({ name: 'secret_fingerprint', type: 'varchar', length: 32 })
  secretFingerprint: string;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_webhook_endpoints_config_fk' })
  config: StripeConfigEntity;
}
