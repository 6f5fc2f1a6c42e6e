import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { EventType } from '../event-types.js';

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

const PK = { primaryKeyConstraintName: 'event_deliveries_pk' };

/**
 * The delivery of an event to a destination. PostgreSQL has a partition for each day, so that old days are
 * dropped at once.
 */
@Entity('event_deliveries')
@Index('event_deliveries_by_due', ['destinationId', 'dueAt'], { where: 'due_at IS NOT NULL' })
@Index('event_deliveries_failed', ['destinationId', 'eventId'], { where: "state = 'failed'" })
export class EventDeliveryEntity {
  @PrimaryColumn('uuid', { name: 'destination_id', ...PK })
  destinationId: string;

  @PrimaryColumn('uuid', { name: 'event_id', ...PK })
  eventId: string;

  /** The day in UTC on which the delivery was made, `2026-11-21`. */
  @PrimaryColumn({ type: 'varchar', length: 10, ...PK })
  day: string;

  @Column({ type: 'varchar', length: 32 })
  type: EventType;

  @Column({ type: 'varchar', length: 16 })
  state: DeliveryState;

  /** Attempts with an outcome. */
  @Column({ type: 'integer' })
  attempts: number;

  /** While it is pending: the next attempt, or the end of the lease of the current one. */
  @Column({ name: 'due_at', type: Date, precision: 3, nullable: true })
  dueAt: Date | null;

  /** The last attempts as JSON. */
  @Column({ type: 'text' })
  log: string;

  /** The beginning of the last answer. */
  @Column({ type: 'text', nullable: true })
  response: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;
}
