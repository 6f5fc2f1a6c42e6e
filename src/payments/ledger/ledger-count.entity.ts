import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

const PK = { primaryKeyConstraintName: 'ledger_counts_pk' };

/** How many subscriptions and payments there are of each status, kept by the transactions that write them. The slots are to be added up. */
@Entity('ledger_counts')
export class LedgerCountEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  @PrimaryColumn({ type: 'varchar', length: 16, ...PK })
  kind: 'subscription' | 'payment';

  @PrimaryColumn({ type: 'varchar', length: 32, ...PK })
  status: string;

  /** A tenant's busiest row is several, so that its transactions seldom wait for each other. */
  @PrimaryColumn({ type: 'smallint', ...PK })
  slot: number;

  @Column({ type: 'bigint' })
  total: number;
}
