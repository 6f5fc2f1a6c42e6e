import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

const COUNT_PK = { primaryKeyConstraintName: 'ledger_counts_pk' };

/** How many subscriptions and payments there are of each status, kept by the transactions that write them. The slots are to be added up. */
@Entity('ledger_counts')
export class LedgerCountEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...COUNT_PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...COUNT_PK })
  mode: StripeMode;

  @PrimaryColumn({ type: 'varchar', length: 16, ...COUNT_PK })
  kind: 'subscription' | 'payment';

  @PrimaryColumn({ type: 'varchar', length: 32, ...COUNT_PK })
  status: string;

  /** A tenant's busiest row is several, so that its transactions seldom wait for each other. */
  @PrimaryColumn({ type: 'smallint', ...COUNT_PK })
  slot: number;

  @Column({ type: 'bigint' })
  total: number;
}

const REVENUE_PK = { primaryKeyConstraintName: 'ledger_revenue_pk' };

/** What successful payments brought in, by currency, kept by the transactions that write them. The slots are to be added up. */
@Entity('ledger_revenue')
export class LedgerRevenueEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...REVENUE_PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...REVENUE_PK })
  mode: StripeMode;

  @PrimaryColumn({ type: 'varchar', length: 8, ...REVENUE_PK })
  currency: string;

  @PrimaryColumn({ type: 'smallint', ...REVENUE_PK })
  slot: number;

  /** Payments that succeeded, refunded ones among them. */
  @Column({ type: 'bigint' })
  payments: number;

  @Column({ name: 'gross_cents', type: 'bigint' })
  grossCents: number;

  /** The part of the gross sum that was paid outside of Stripe. */
  @Column({ name: 'out_of_band_cents', type: 'bigint', default: 0 })
  outOfBandCents: number;

  /** Without what was refunded, and what was lost in disputes. */
  @Column({ name: 'net_cents', type: 'bigint' })
  netCents: number;
}
