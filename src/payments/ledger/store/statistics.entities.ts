import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

const COUNT_PK = { primaryKeyConstraintName: 'ledger_counts_pk' };

/**
 * Number of subscriptions or payments with one status: the sum over all slots. Updated by the transactions
 * that write the rows.
 */
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

  /** Splits a busy row, so that transactions of one tenant seldom wait for each other. */
  @PrimaryColumn({ type: 'smallint', ...COUNT_PK })
  slot: number;

  @Column({ type: 'bigint' })
  total: number;
}

const REVENUE_PK = { primaryKeyConstraintName: 'ledger_revenue_pk' };

/**
 * Revenue of successful payments in one currency: the sum over all slots. Updated by the transactions that
 * write the rows.
 */
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

  /** Successful payments, including refunded ones. */
  @Column({ type: 'bigint' })
  payments: number;

  @Column({ name: 'gross_cents', type: 'bigint' })
  grossCents: number;

  /** Part of the gross sum that was paid outside of Stripe. */
  @Column({ name: 'out_of_band_cents', type: 'bigint', default: 0 })
  outOfBandCents: number;

  /** Gross less refunds and lost disputes. */
  @Column({ name: 'net_cents', type: 'bigint' })
  netCents: number;
}

const DAY_PK = { primaryKeyConstraintName: 'ledger_days_pk' };

/**
 * Revenue of one day (UTC) in one currency: the sum over all slots. A payment counts on the day of its creation, a
 * refund on the day of the refund, and a dispute on the day on which it was opened.
 */
@Entity('ledger_days')
export class LedgerDayEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...DAY_PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...DAY_PK })
  mode: StripeMode;

  /** As in `2026-11-21`. */
  @PrimaryColumn({ type: 'varchar', length: 10, ...DAY_PK })
  day: string;

  @PrimaryColumn({ type: 'varchar', length: 8, ...DAY_PK })
  currency: string;

  @PrimaryColumn({ type: 'smallint', ...DAY_PK })
  slot: number;

  /** Successful payments, including refunded ones. */
  @Column({ type: 'bigint' })
  payments: number;

  @Column({ name: 'gross_cents', type: 'bigint' })
  grossCents: number;

  @Column({ name: 'refunded_cents', type: 'bigint' })
  refundedCents: number;

  /** Disputes, independent of their end. */
  @Column({ type: 'bigint' })
  disputes: number;

  @Column({ name: 'disputed_cents', type: 'bigint' })
  disputedCents: number;

  /** Gross less refunds and lost disputes. */
  @Column({ name: 'net_cents', type: 'bigint' })
  netCents: number;
}

/** What a day has in one currency, in the order of the statement that adds it. */
export const DAY_AMOUNTS = [
  'payments',
  'grossCents',
  'refundedCents',
  'disputes',
  'disputedCents',
  'netCents',
] as const;
export type DayRevenue = Pick<LedgerDayEntity, (typeof DAY_AMOUNTS)[number]>;

export const NO_DAY_REVENUE: DayRevenue = {
  payments: 0,
  grossCents: 0,
  refundedCents: 0,
  disputes: 0,
  disputedCents: 0,
  netCents: 0,
};

export function addRevenueOfDay(one: DayRevenue, other: DayRevenue, sign: 1 | -1 = 1): DayRevenue {
  const sum = { ...one };
  for (const amount of DAY_AMOUNTS) sum[amount] += sign * other[amount];
  return sum;
}

const ACTIVE_DAY_PK = { primaryKeyConstraintName: 'ledger_active_days_pk' };

/** By how many the active subscriptions became more or fewer on a day (UTC): the sum over all slots. */
@Entity('ledger_active_days')
export class LedgerActiveDayEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...ACTIVE_DAY_PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...ACTIVE_DAY_PK })
  mode: StripeMode;

  @PrimaryColumn({ type: 'varchar', length: 10, ...ACTIVE_DAY_PK })
  day: string;

  @PrimaryColumn({ type: 'smallint', ...ACTIVE_DAY_PK })
  slot: number;

  @Column({ type: 'bigint' })
  change: number;
}

/** Sums of one currency. */
export type Revenue = Pick<LedgerRevenueEntity, 'payments' | 'grossCents' | 'outOfBandCents' | 'netCents'>;
