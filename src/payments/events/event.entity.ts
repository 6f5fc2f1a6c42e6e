import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe/stripe-mode.js';
import type { EventType } from './event-types.js';

/** An event, for listeners of this process, for destinations, and for consumers that pull. */
@Entity('events')
@Index('events_by_due', ['type', 'dueAt'], { where: 'due_at IS NOT NULL' })
@Index('events_by_seq', ['seq', 'id'])
@Index('events_by_project', ['projectId', 'seq'], { where: 'seq IS NOT NULL' })
export class EventEntity {
  /** A UUID of version 7, which begins with the time. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'events_pk' })
  id: string;

  /** `null` for an event of the installation. */
  @Column('uuid', { name: 'project_id', nullable: true })
  projectId: ProjectId | null;

  /** `null` for an event that concerns both modes. */
  @Column({ type: 'varchar', length: 4, nullable: true })
  mode: StripeMode | null;

  @Column({ type: 'varchar', length: 32 })
  type: EventType;

  /** JSON. */
  @Column({ type: 'text' })
  data: string;

  /** Deliveries to listeners that were started. */
  @Column({ type: 'integer' })
  attempts: number;

  /**
   * Earliest time of the next delivery to listeners: the end of the current lease, or of the backoff after a
   * failure. `null` after the delivery.
   */
  @Column({ name: 'due_at', type: Date, precision: 3, nullable: true })
  dueAt: Date | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** The place in the order of publishing, in which consumers pull. `null` before, 0 for tests of a destination. */
  @Column({ type: 'bigint', nullable: true })
  seq: number | null;
}
