import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

const PK = { primaryKeyConstraintName: 'ledger_revenue_pk' };

/** What successful payments brought in, by currency, kept by the transactions that write them. The slots are to be added up. */
@Entity('ledger_revenue')
export class LedgerRevenueEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  @PrimaryColumn({ type: 'varchar', length: 8, ...PK })
  currency: string;

  @PrimaryColumn({ type: 'smallint', ...PK })
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
