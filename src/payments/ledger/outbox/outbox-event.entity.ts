import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import type { DurableEventName } from '../../payments-events.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

/** A durable event that a listener has yet to receive. */
@Entity('ledger_outbox')
@Index('ledger_outbox_by_due', ['name', 'dueAt'])
export class OutboxEventEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'ledger_outbox_pk' })
  id: string;

  @Column('uuid', { name: 'project_id' })
  projectId: ProjectId;

  @Column({ type: 'varchar', length: 4 })
  mode: StripeMode;

  @Column({ type: 'varchar', length: 32 })
  name: DurableEventName;

  /** JSON. */
  @Column({ type: 'text' })
  payload: string;

  /** Deliveries started so far. */
  @Column({ type: 'integer' })
  attempts: number;

  /** Earliest time of the next delivery: the end of the current lease, or of the backoff after a failure. */
  @Column({ name: 'due_at', type: Date, precision: 3 })
  dueAt: Date;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;
}

/** An event that is due for delivery. */
export type DueEvent = Pick<OutboxEventEntity, 'id' | 'payload' | 'attempts'>;
