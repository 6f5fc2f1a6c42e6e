import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { exec, sql, type SqlValue, type Statement, type Steps } from '../../database/database.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { type DisputeState, lossOf } from './dispute.js';
import type { Written } from './ledger-table.js';
import { hasSucceeded, type PaymentState } from './payment.js';

/** $1 project, $2 mode, $3 kind, $4 status, $5 slot, $6 how many more. */
const COUNT = sql<never>(
  `INSERT INTO ledger_counts (project_id, mode, kind, status, slot, total) VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT (project_id, mode, kind, status, slot) DO UPDATE SET total = ledger_counts.total + excluded.total`,
  'count_in_ledger',
);

/** $1 project, $2 mode, $3 currency, $4 slot, $5 how many payments more, $6 gross, $7 net, $8 the part of the gross that was paid outside of Stripe. */
const ADD_REVENUE = sql<never>(
  `INSERT INTO ledger_revenue (project_id, mode, currency, slot, payments, gross_cents, net_cents, out_of_band_cents)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
   ON CONFLICT (project_id, mode, currency, slot) DO UPDATE SET payments = ledger_revenue.payments + excluded.payments,
     gross_cents = ledger_revenue.gross_cents + excluded.gross_cents, net_cents = ledger_revenue.net_cents + excluded.net_cents,
     out_of_band_cents = ledger_revenue.out_of_band_cents + excluded.out_of_band_cents`,
  'add_revenue_in_ledger',
);

const SLOTS = 8;

/** What is added to one row of the statistics. */
interface Addition {
  readonly statement: Statement<never>;
  readonly key: readonly [string, ...(string | number)[]];
  readonly amounts: readonly number[];
}

/** Keeps the statistics by what each transaction changes. Their rows are a tenant's busiest: they are locked last, and always in the same order. */
@Injectable()
export class StatisticsRepository {
  /** @param sign -1 takes away what was written before */
  *add(
    projectId: ProjectId,
    mode: StripeMode,
    subscriptions: readonly Written<{ status: string }>[],
    payments: readonly Written<PaymentState>[],
    disputes: readonly Written<DisputeState>[],
    sign: 1 | -1 = 1,
  ): Steps<void> {
    const additions = [
      ...subscriptions.flatMap((written) => countsOf('subscription', written)),
      ...payments.flatMap((written) => [...countsOf('payment', written), ...revenueOf(written)]),
      ...disputes.map(lossesOf),
    ];
    const inOrder = additions
      .filter(({ amounts }) => amounts.some(Boolean))
      .sort((one, other) => (String(one.key) < String(other.key) ? -1 : 1));
    for (const { statement, key, amounts } of inOrder)
      yield* exec(statement, [projectId, mode, ...key, ...amounts.map((amount) => sign * amount)] satisfies SqlValue[]);
  }
}

function countsOf(kind: 'subscription' | 'payment', { id, before, after, isRemoved = false }: Written<{ status: string }>): Addition[] {
  const one = (status: string, more: number): Addition => ({ statement: COUNT, key: [kind, status, slotOf(id)], amounts: [more] });
  if (before?.status === after.status) return [];
  return [...(before ? [one(before.status, -1)] : []), ...(isRemoved ? [] : [one(after.status, 1)])];
}

function revenueOf({ id, before, after }: Written<PaymentState>): Addition[] {
  const one = (currency: string, amounts: number[]): Addition => ({ statement: ADD_REVENUE, key: [currency, slotOf(id)], amounts });
  const [old, now] = [before ? incomeOf(before) : NOTHING, incomeOf(after)];
  if (!before || before.currency === after.currency)
    return [
      one(
        after.currency,
        now.map((amount, index) => amount - (old[index] ?? 0)),
      ),
    ];
  return [
    one(
      before.currency,
      old.map((amount) => -amount),
    ),
    one(after.currency, now),
  ];
}

function lossesOf({ id, before, after }: Written<DisputeState>): Addition {
  const more = lossOf(after) - (before ? lossOf(before) : 0);
  return { statement: ADD_REVENUE, key: [after.currency, slotOf(id)], amounts: [0, 0, -more, 0] };
}

const NOTHING = [0, 0, 0, 0];

/** How many successful payments it is, and what they brought in: gross, net, and outside of Stripe. */
function incomeOf({ status, amountCents, refundedAmountCents, source }: PaymentState): number[] {
  if (!hasSucceeded(status)) return NOTHING;
  return [1, amountCents, Math.max(amountCents - refundedAmountCents, 0), source === 'out_of_band' ? amountCents : 0];
}

/** What one row adds is always in the same slot. */
function slotOf(id: string): number {
  return Number.parseInt(id.slice(-1), 16) % SLOTS;
}
