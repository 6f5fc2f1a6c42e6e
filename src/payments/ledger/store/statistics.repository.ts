import { Injectable } from '@nestjs/common';
import { exec, type SqlValue, type Statement, type Steps } from '../../../database/database.js';
import type { ProjectMode } from '../../project-mode.js';
import { type DisputeState, lossOf } from '../merge/dispute.js';
import { hasSucceeded, type PaymentState } from '../merge/payment.js';
import type { Written } from './ledger-tables.js';
import { ADD_REVENUE, COUNT } from './ledger-tables.statements.js';
import type { Revenue } from './statistics.entities.js';

const SLOTS = 8;

/** Rows written or deleted by a transaction. */
interface Rows {
  readonly subscriptions: readonly Written<{ readonly status: string }>[];
  readonly payments: readonly Written<PaymentState>[];
  readonly disputes: readonly Written<DisputeState>[];
}

const NO_REVENUE: Revenue = { payments: 0, grossCents: 0, netCents: 0, outOfBandCents: 0 };

/** An addition to one row of the statistics. */
interface Addition {
  readonly statement: Statement<never>;
  readonly key: readonly [string, ...(string | number)[]];
  readonly amounts: readonly number[];
}

/**
 * Updates the statistics in each transaction. Their rows are a tenant's busiest, so they are locked last and
 * always in one order.
 */
@Injectable()
export class StatisticsRepository {
  add(tenant: ProjectMode, rows: Rows): Steps<void> {
    return this.#add(tenant, rows, 1);
  }

  /** Subtracts deleted rows. */
  subtract(tenant: ProjectMode, rows: Rows): Steps<void> {
    return this.#add(tenant, rows, -1);
  }

  *#add(
    { projectId, mode }: ProjectMode,
    { subscriptions, payments, disputes }: Rows,
    sign: 1 | -1,
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
      yield* exec(statement, [
        projectId,
        mode,
        ...key,
        ...amounts.map((amount) => sign * amount),
      ] satisfies SqlValue[]);
  }
}

function countsOf(
  kind: 'subscription' | 'payment',
  { id, before, after, isRemoved = false }: Written<{ status: string }>,
): Addition[] {
  const count = (status: string, more: number): Addition => ({
    statement: COUNT,
    key: [kind, status, slotOf(id)],
    amounts: [more],
  });
  if (before?.status === after.status) return [];
  return [...(before ? [count(before.status, -1)] : []), ...(isRemoved ? [] : [count(after.status, 1)])];
}

function revenueOf({ id, before, after }: Written<PaymentState>): Addition[] {
  const [old, now] = [before ? incomeOf(before) : NO_REVENUE, incomeOf(after)];
  if (!before || before.currency === after.currency)
    return [addRevenue(id, after.currency, difference(now, old))];
  return [addRevenue(id, before.currency, difference(NO_REVENUE, old)), addRevenue(id, after.currency, now)];
}

function lossesOf({ id, before, after }: Written<DisputeState>): Addition {
  const lostCents = lossOf(after) - (before ? lossOf(before) : 0);
  return addRevenue(id, after.currency, { ...NO_REVENUE, netCents: -lostCents });
}

function addRevenue(
  id: string,
  currency: string,
  { payments, grossCents, outOfBandCents, netCents }: Revenue,
): Addition {
  return {
    statement: ADD_REVENUE,
    key: [currency, slotOf(id)],
    amounts: [payments, grossCents, outOfBandCents, netCents],
  };
}

function difference(now: Revenue, before: Revenue): Revenue {
  return {
    payments: now.payments - before.payments,
    grossCents: now.grossCents - before.grossCents,
    netCents: now.netCents - before.netCents,
    outOfBandCents: now.outOfBandCents - before.outOfBandCents,
  };
}

/** Revenue of one payment; zero unless it succeeded. */
function incomeOf({ status, amountCents, refundedAmountCents, source }: PaymentState): Revenue {
  if (!hasSucceeded(status)) return NO_REVENUE;
  return {
    payments: 1,
    grossCents: amountCents,
    netCents: Math.max(amountCents - refundedAmountCents, 0),
    outOfBandCents: source === 'out_of_band' ? amountCents : 0,
  };
}

/** Slot of a row. It stays the same, so counts in a slot never become negative. */
function slotOf(id: string): number {
  return Number.parseInt(id.slice(-1), 16) % SLOTS;
}
