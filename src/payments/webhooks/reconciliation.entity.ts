import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

/** Of the reconciliation that is running or ran last: how far it came, so that the next one goes on. */
@Entity('reconciliations')
export class ReconciliationEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'reconciliations_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'reconciliations_pk' })
  mode: StripeMode;

  /** What happened at Stripe before then was seen; `null` before the first that came to its end. */
  @Column({ name: 'known_until', type: Date, precision: 3, nullable: true })
  knownUntil: Date | null;

  /** Where it begins. */
  @Column({ type: Date, precision: 3 })
  since: Date;

  @Column({ name: 'started_at', type: Date, precision: 3 })
  startedAt: Date;

  /** What it is reading; `null` once it came to its end. */
  @Column({ type: 'varchar', length: 16, nullable: true })
  phase: 'events' | 'subscriptions' | 'later events' | null;

  /** Index of the batch of event types that it is reading. */
  @Column({ type: 'smallint' })
  batch: number;

  /** Stripe's id of what it read last. */
  @Column({ type: 'varchar', length: 255, nullable: true })
  cursor: string | null;
}
