import { Injectable } from '@nestjs/common';
import { dayOf } from '../../../common/time.js';
import { exec, type SqlValue, type Statement, type Steps } from '../../../database/database.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { type DisputeState, lossOf } from '../merge/dispute.js';
import { hasSucceeded, type PaymentState, refundStepsOf } from '../merge/payment.js';
import { isActive, type OwnedSubscription } from '../merge/subscription.js';
import type { Written } from './ledger-tables.js';
import { ADD_ACTIVE, ADD_DAY, ADD_REVENUE, COUNT } from './ledger-tables.statements.js';
import {
  addRevenueOfDay,
  DAY_AMOUNTS,
  type DayRevenue,
  NO_DAY_REVENUE,
  type Revenue,
} from './statistics.entities.js';

const SLOTS = 8;

/** Rows written or deleted by a transaction. */
interface Rows {
  readonly subscriptions: readonly Written<OwnedSubscription>[];
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
      ...subscriptions.flatMap((written) => [...countsOf('subscription', written), ...activityOf(written)]),
      ...payments.flatMap((written) => [
        ...countsOf('payment', written),
        ...revenueOf(written),
        ...revenueByDay(written, incomeByDay),
      ]),
      ...disputes.flatMap((written) => [lossesOf(written), ...revenueByDay(written, disputeByDay)]),
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

/** Revenue of one row on one day. */
interface Daily {
  readonly day: string;
  readonly currency: string;
  readonly amounts: DayRevenue;
}

/** Adds what the row counts now, and subtracts what it counted before. */
function revenueByDay<State>(
  { id, before, after }: Written<State>,
  dailyOf: (state: State) => Daily[],
): Addition[] {
  const sums = new Map<string, Daily>();
  const counted = (state: State, sign: 1 | -1) => {
    for (const { day, currency, amounts } of dailyOf(state)) {
      const key = `${day} ${currency}`;
      const sum = sums.get(key)?.amounts ?? NO_DAY_REVENUE;
      sums.set(key, { day, currency, amounts: addRevenueOfDay(sum, amounts, sign) });
    }
  };
  if (before) counted(before, -1);
  counted(after, 1);
  return [...sums.values()].map(({ day, currency, amounts }) => ({
    statement: ADD_DAY,
    key: [day, currency, slotOf(id)],
    amounts: DAY_AMOUNTS.map((amount) => amounts[amount]),
  }));
}

/** Income on the day of the payment, less each refund on its own day. */
function incomeByDay(payment: PaymentState): Daily[] {
  const { payments, grossCents } = incomeOf(payment);
  if (payments === 0) return [];
  const { currency, createdAt } = payment;
  const income = { ...NO_DAY_REVENUE, payments, grossCents, netCents: grossCents };
  // Stripe refunds no more than was paid; other reports don't count.
  const steps = refundStepsOf(payment).map(([asOf, total]) => [asOf, Math.min(total, grossCents)] as const);
  const refunds = steps.map(([asOf, total], index) => {
    const refundedCents = total - (steps[index - 1]?.[1] ?? 0);
    const amounts = { ...NO_DAY_REVENUE, refundedCents, netCents: -refundedCents };
    return { day: dayOf(new Date(asOf)), currency, amounts };
  });
  return [{ day: dayOf(createdAt), currency, amounts: income }, ...refunds];
}

/** Dispute and loss on the day on which it was opened, when Stripe withdrew the money. */
function disputeByDay(dispute: DisputeState): Daily[] {
  const { currency, createdAt, amountCents } = dispute;
  const amounts = {
    ...NO_DAY_REVENUE,
    disputes: 1,
    disputedCents: amountCents,
    netCents: -lossOf(dispute),
  };
  return [{ day: dayOf(createdAt), currency, amounts }];
}

/** By how many the active subscriptions change on which day. The sum of all days is their number. */
function activityOf({ id, before, after }: Written<OwnedSubscription>): Addition[] {
  const change = (time: Date, more: number): Addition => ({
    statement: ADD_ACTIVE,
    key: [dayOf(time), slotOf(id)],
    amounts: [more],
  });
  const stoppedAt = after.endedAt ?? after.asOf;
  if (before) {
    const more = Number(isActive(after.status)) - Number(isActive(before.status));
    return more === 0 ? [] : [change(more > 0 ? after.asOf : stoppedAt, more)];
  }
  if (isActive(after.status)) return [change(after.createdAt, 1)];
  // Was active until it ended or fell behind with payment, but not if its first payment never succeeded.
  return after.status.startsWith('incomplete') || dayOf(after.createdAt) === dayOf(stoppedAt)
    ? []
    : [change(after.createdAt, 1), change(stoppedAt, -1)];
}

/** Slot of a row. It stays the same, so counts in a slot never become negative. */
function slotOf(id: string): number {
  return Number.parseInt(id.slice(-1), 16) % SLOTS;
}
