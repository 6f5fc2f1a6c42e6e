import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { DataKeyEntity } from '../../../vault/keys/data-key.entity.js';
import type { SealedText } from '../../../vault/seal/seal.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import type { Outcome } from './event-reader.js';

/**
 * An event from Stripe and its outcome. Inserting the row, or updating that of a failed event, claims the
 * event, which is applied in the same transaction. There is no foreign key to the project, because every
 * delivery of a tenant would lock the project's row.
 */
@Entity('webhook_events')
@Index('webhook_events_newest', ['projectId', 'mode', 'receivedAt', 'id'])
@Index('webhook_events_failed', ['projectId', 'mode', 'failedAt'], { where: 'failed_at IS NOT NULL' })
@Index('webhook_events_of_subscription', ['projectId', 'subscriptionId'], {
  where: 'subscription_id IS NOT NULL',
})
@Index('webhook_events_of_payment', ['projectId', 'paymentIntentId'], {
  where: 'payment_intent_id IS NOT NULL',
})
@Index('webhook_events_waiting', ['receivedAt'], { where: `outcome IN ('failed', 'open', 'unreadable')` })
@Index('webhook_events_by_key', ['keyId', 'receivedAt'])
export class WebhookEventEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'webhook_events_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'webhook_events_pk' })
  mode: StripeMode;

  /** Stripe's id, `evt_…`. */
  @PrimaryColumn({ type: 'varchar', length: 255, primaryKeyConstraintName: 'webhook_events_pk' })
  id: string;

  @Column({ type: 'varchar', length: 255 })
  type: string;

  @Column({ name: 'api_version', type: 'varchar', length: 64, nullable: true })
  apiVersion: string | null;

  /** When it happened at Stripe. */
  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** When it first arrived. */
  @Column({ name: 'received_at', type: Date, precision: 3 })
  receivedAt: Date;

  /** When its outcome was decided. */
  @Column({ name: 'processed_at', type: Date, precision: 3 })
  processedAt: Date;

  @Column({ type: 'varchar', length: 16 })
  outcome: Outcome;

  /** Reason of the outcome, never Stripe's own text; `null` for `applied`. */
  @Column({ type: 'varchar', length: 500, nullable: true })
  reason: string | null;

  /** Time of the last failure. It stays if the event is applied later. */
  @Column({ name: 'failed_at', type: Date, precision: 3, nullable: true })
  failedAt: Date | null;

  /** Reason of the last failure. */
  @Column({ type: 'varchar', length: 500, nullable: true })
  failure: string | null;

  /** Number of deliveries after the event was applied or ignored. */
  @Column({ type: 'integer' })
  duplicates: number;

  /** The sealed payload; `null` after the retention. */
  @Column({ type: 'text', nullable: true })
  sealed: SealedText | null;

  @Column({ name: 'key_id', type: 'varchar', length: 16, nullable: true })
  keyId: string | null;

  /** Whether Stripe delivered it. Otherwise reconcile read it from Stripe's list. */
  @Column({ name: 'is_delivered', type: Boolean })
  isDelivered: boolean;

  /** Stripe's id of the subscription that the event is about. */
  @Column({ name: 'subscription_id', type: 'varchar', length: 255, nullable: true })
  subscriptionId: string | null;

  /** Stripe's id of the payment that the event is about, as in `stripe_payments`. */
  @Column({ name: 'payment_intent_id', type: 'varchar', length: 255, nullable: true })
  paymentIntentId: string | null;

  @ManyToOne(() => DataKeyEntity)
  @JoinColumn({ name: 'key_id', foreignKeyConstraintName: 'webhook_events_key_fk' })
  dataKey: DataKeyEntity | null;
}
