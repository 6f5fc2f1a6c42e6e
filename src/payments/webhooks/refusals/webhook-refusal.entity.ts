import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import type { RowOf } from '../../../database/columns.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import type { RefusalReason } from './webhook-receiver.errors.js';

/** Counts refused deliveries by reason. A wrong webhook secret shows here. */
@Entity('webhook_refusals')
export class WebhookRefusalEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'webhook_refusals_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'webhook_refusals_pk' })
  mode: StripeMode;

  @PrimaryColumn({ type: 'varchar', length: 32, primaryKeyConstraintName: 'webhook_refusals_pk' })
  reason: RefusalReason;

  @Column({ type: 'bigint' })
  count: number;

  @Column({ name: 'first_at', type: Date, precision: 3 })
  firstAt: Date;

  @Column({ name: 'last_at', type: Date, precision: 3 })
  lastAt: Date;
}

/** The refused deliveries of one project and mode, for one reason. */
export type RefusalCount = RowOf<WebhookRefusalEntity>;
