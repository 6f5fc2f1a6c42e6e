import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import type { EndpointProblem, SignatureCause } from '../../payments-events.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

const PK = { primaryKeyConstraintName: 'stripe_connection_checks_pk' };

/** What monitoring knows of one mode: the daily check of key and endpoint, signatures, and webhook secrets in use. */
@Entity('stripe_connection_checks')
@Index('stripe_connection_checks_by_due', ['dueAt'])
@Index('stripe_connection_checks_with_problem', ['projectId', 'mode'], {
  where:
    'endpoint_problem IS NOT NULL OR silent_since IS NOT NULL OR signatures_failing_since IS NOT NULL OR former_secret_until IS NOT NULL',
})
export class StripeConnectionCheckEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** When Stripe is asked next. */
  @Column({ name: 'due_at', type: Date, precision: 3 })
  dueAt: Date;

  /** When Stripe last answered. */
  @Column({ name: 'checked_at', type: Date, precision: 3, nullable: true })
  checkedAt: Date | null;

  /** `null` while the endpoint works, without one, and if the key may not read it. */
  @Column({ name: 'endpoint_problem', type: 'varchar', length: 16, nullable: true })
  endpointProblem: EndpointProblem | null;

  @Column({ name: 'endpoint_problem_since', type: Date, precision: 3, nullable: true })
  endpointProblemSince: Date | null;

  /** When events of Stripe were found that never arrived, in a project that usually gets events. */
  @Column({ name: 'silent_since', type: Date, precision: 3, nullable: true })
  silentSince: Date | null;

  /** Deliveries in a row that were refused for their signature. */
  @Column({ name: 'signature_failures', type: 'integer' })
  signatureFailures: number;

  /** The first of them. */
  @Column({ name: 'signature_failures_since', type: Date, precision: 3, nullable: true })
  signatureFailuresSince: Date | null;

  /** The last of them. */
  @Column({ name: 'signature_failed_at', type: Date, precision: 3, nullable: true })
  signatureFailedAt: Date | null;

  @Column({ name: 'signature_cause', type: 'varchar', length: 16, nullable: true })
  signatureCause: SignatureCause | null;

  /** When the event about them was sent. */
  @Column({ name: 'signatures_failing_since', type: Date, precision: 3, nullable: true })
  signaturesFailingSince: Date | null;

  /** When the current webhook secret last verified a delivery. Noted only while a former one is valid too. */
  @Column({ name: 'secret_used_at', type: Date, precision: 3, nullable: true })
  secretUsedAt: Date | null;

  /** When a former webhook secret last verified a delivery that the current one did not. */
  @Column({ name: 'former_secret_used_at', type: Date, precision: 3, nullable: true })
  formerSecretUsedAt: Date | null;

  /** The end of that former secret. */
  @Column({ name: 'former_secret_until', type: Date, precision: 3, nullable: true })
  formerSecretUntil: Date | null;

  /** The end of a former secret that an event was sent about. */
  @Column({ name: 'warned_until', type: Date, precision: 3, nullable: true })
  warnedUntil: Date | null;
}
