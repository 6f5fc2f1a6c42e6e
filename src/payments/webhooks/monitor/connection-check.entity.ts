import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import type { EndpointProblem } from '../../payments-events.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

const PK = { primaryKeyConstraintName: 'stripe_connection_checks_pk' };

/** The last periodic check of a stored secret key, and of the webhook endpoint that was made here. */
@Entity('stripe_connection_checks')
@Index('stripe_connection_checks_by_time', ['checkedAt'])
export class StripeConnectionCheckEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** When Stripe last answered, or earlier if it didn't: the next check is a day later. */
  @Column({ name: 'checked_at', type: Date, precision: 3 })
  checkedAt: Date;

  /** `null` while the endpoint works, without one, and if the key may not read it. */
  @Column({ name: 'endpoint_problem', type: 'varchar', length: 16, nullable: true })
  endpointProblem: EndpointProblem | null;

  @Column({ name: 'endpoint_problem_since', type: Date, precision: 3, nullable: true })
  endpointProblemSince: Date | null;
}
