import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

/** Something that other modules are still to be told. */
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
  name: string;

  /** JSON. */
  @Column({ type: 'text' })
  payload: string;

  @Column({ type: 'integer' })
  attempts: number;

  /** Nobody takes it before: later than now while somebody tells it, and after somebody failed to. */
  @Column({ name: 'due_at', type: Date, precision: 3 })
  dueAt: Date;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;
}
