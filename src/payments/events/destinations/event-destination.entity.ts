import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { ProjectEntity } from '../../../projects/project.entity.js';
import { DataKeyEntity } from '../../../vault/keys/data-key.entity.js';
import type { SealedText } from '../../../vault/seal/seal.js';
import type { DisabledReason } from '../../payments-events.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

/** A URL that receives events. */
@Entity('event_destinations')
@Index('event_destinations_by_project', ['projectId', 'createdAt', 'id'])
@Index('event_destinations_by_key', ['keyId'])
@Index('event_destinations_by_due', ['nextDueAt'], { where: 'next_due_at IS NOT NULL AND enabled' })
@Index('event_destinations_failing', ['failingSince'], { where: 'failing_since IS NOT NULL AND enabled' })
export class EventDestinationEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'event_destinations_pk' })
  id: string;

  /** `null` for a destination of the operator, which gets the events of all projects. */
  @Column('uuid', { name: 'project_id', nullable: true })
  projectId: ProjectId | null;

  /** Incremented by every change of the destination, but not by deliveries. */
  @Column({ type: 'integer' })
  version: number;

  @Column({ type: 'varchar', length: 2048 })
  url: string;

  @Column({ type: 'varchar', length: 500, nullable: true })
  description: string | null;

  /** Types with a space before and after each, as the fan-out compares them; `null` for all. */
  @Column({ name: 'event_types', type: 'varchar', length: 2048, nullable: true })
  eventTypes: string | null;

  /** `null` for both modes. */
  @Column({ type: 'varchar', length: 4, nullable: true })
  mode: StripeMode | null;

  /** Names of the custom headers, separated by spaces. Their values are sealed. */
  @Column({ name: 'header_names', type: 'varchar', length: 2048 })
  headerNames: string;

  /** Secrets and custom headers. */
  @Column({ type: 'text' })
  sealed: SealedText;

  @Column({ name: 'key_id', type: 'varchar', length: 16 })
  keyId: string;

  /** The end of the overlap after a rotation. */
  @Column({ name: 'former_valid_until', type: Date, precision: 3, nullable: true })
  formerValidUntil: Date | null;

  @Column({ type: Boolean })
  enabled: boolean;

  /** Why this service disabled it. */
  @Column({ name: 'disabled_reason', type: 'varchar', length: 16, nullable: true })
  disabledReason: DisabledReason | null;

  /** When the first attempt since the last success failed. */
  @Column({ name: 'failing_since', type: Date, precision: 3, nullable: true })
  failingSince: Date | null;

  @Column({ name: 'last_failure_at', type: Date, precision: 3, nullable: true })
  lastFailureAt: Date | null;

  /** Warnings sent since `failingSince`. */
  @Column({ type: 'smallint' })
  warnings: number;

  /** The earliest time at which a delivery can be due; `null` if none is pending. */
  @Column({ name: 'next_due_at', type: Date, precision: 3, nullable: true })
  nextDueAt: Date | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt: Date;

  @ManyToOne(() => ProjectEntity, { nullable: true })
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'event_destinations_project_fk' })
  project: ProjectEntity | null;

  @ManyToOne(() => DataKeyEntity)
  @JoinColumn({ name: 'key_id', foreignKeyConstraintName: 'event_destinations_key_fk' })
  dataKey: DataKeyEntity;
}
