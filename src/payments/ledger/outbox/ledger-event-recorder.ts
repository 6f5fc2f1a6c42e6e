import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { Steps } from '../../../database/database.js';
import type {
  DurableEvent,
  LedgerDispute,
  LedgerPayment,
  LedgerSubscription,
} from '../../payments-events.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { DisputeState } from '../merge/dispute.js';
import { hasFailed, hasSucceeded, type PaymentState } from '../merge/payment.js';
import { isEnded, type OwnedSubscription, pauseOf } from '../merge/subscription.js';
import { PaymentsTable, rowId, SubscriptionsTable, type Written } from '../store/ledger-tables.js';
import type { Reassigned } from '../store/user-links.repository.js';
import { OutboxSweeper } from './outbox-sweeper.js';
import { OutboxRepository } from './outbox.repository.js';

function toLedgerSubscription(
  id: string,
  subscriptionId: string,
  state: OwnedSubscription,
): LedgerSubscription {
  return {
    id,
    subscriptionId,
    userId: state.userId,
    customerId: state.customerId,
    status: state.status,
    priceId: state.priceId,
    planName: state.planName,
    quantity: state.quantity,
    currentPeriodStart: state.currentPeriodStart?.toISOString() ?? null,
    currentPeriodEnd: state.currentPeriodEnd?.toISOString() ?? null,
    cancelAt: state.cancelAt?.toISOString() ?? null,
    cancelledAt: state.cancelledAt?.toISOString() ?? null,
    pause: pauseOf(state.status, {
      behavior: state.pauseBehavior,
      resumesAt: state.pauseResumesAt?.toISOString() ?? null,
      reason: state.pauseReason,
    }),
    createdAt: state.createdAt.toISOString(),
  };
}

function toLedgerPayment(id: string, paymentIntentId: string, state: PaymentState): LedgerPayment {
  return {
    id,
    paymentIntentId,
    userId: state.userId,
    customerId: state.customerId,
    subscriptionId: state.subscriptionId,
    status: state.status,
    amountCents: state.amountCents,
    currency: state.currency,
    source: state.source,
    refundedAmountCents: state.refundedAmountCents,
    description: state.description,
    createdAt: state.createdAt.toISOString(),
  };
}

function toLedgerDispute(id: string, disputeId: string, state: DisputeState): LedgerDispute {
  return {
    id,
    disputeId,
    paymentIntentId: state.paymentIntentId,
    status: state.status,
    reason: state.reason,
    amountCents: state.amountCents,
    currency: state.currency,
    createdAt: state.createdAt.toISOString(),
  };
}

/** Rows written by one transaction. */
export interface WrittenRows {
  readonly subscriptions: readonly Written<OwnedSubscription>[];
  readonly payments: readonly Written<PaymentState>[];
  readonly disputes: readonly Written<DisputeState>[];
  /** Stripe's ids of the rows whose user changed, written otherwise or not. */
  readonly reassigned: Reassigned;
}

/** Adds the events of a change to the outbox, in the transaction that makes the change. */
@Injectable()
export class LedgerEventRecorder {
  constructor(
    private readonly outbox: OutboxRepository,
    private readonly sweeper: OutboxSweeper,
    private readonly subscriptions: SubscriptionsTable,
    private readonly payments: PaymentsTable,
  ) {}

  *record(
    { projectId, mode }: ProjectMode,
    { subscriptions, payments, disputes, reassigned }: WrittenRows,
  ): Steps<void> {
    const tenant = { projectId, mode };
    const events = [
      ...subscriptions.flatMap((written) =>
        subscriptionEvents(tenant, written, reassigned.subscriptions.includes(written.stripeId)),
      ),
      ...payments.flatMap((written) =>
        paymentEvents(tenant, written, reassigned.payments.includes(written.stripeId)),
      ),
    ];
    for (const stripeId of missingIn(subscriptions, reassigned.subscriptions)) {
      const row = yield* this.subscriptions.read(tenant, stripeId);
      if (row)
        events.push(
          ...subscriptionEvents(
            tenant,
            { id: rowId(tenant, stripeId), stripeId, before: row, after: row },
            true,
          ),
        );
    }
    for (const stripeId of missingIn(payments, reassigned.payments)) {
      const row = yield* this.payments.read(tenant, stripeId);
      if (row)
        events.push(
          ...paymentEvents(tenant, { id: rowId(tenant, stripeId), stripeId, before: row, after: row }, true),
        );
    }
    for (const written of disputes) events.push(...(yield* this.#disputeEvents(tenant, written)));
    const now = new Date();
    for (const event of events) yield* this.outbox.add(event, now);
    if (events.length > 0) this.sweeper.wake();
  }

  *#disputeEvents(
    tenant: ProjectMode,
    { id, stripeId, before, after }: Written<DisputeState>,
  ): Steps<DurableEvent[]> {
    const { status, paymentIntentId } = after;
    if (before?.status === status) return [];
    const row = paymentIntentId === null ? undefined : yield* this.payments.read(tenant, paymentIntentId);
    const payment =
      row && paymentIntentId !== null
        ? toLedgerPayment(rowId(tenant, paymentIntentId), paymentIntentId, row)
        : null;
    return [['payment.disputed', { ...tenant, dispute: toLedgerDispute(id, stripeId, after), payment }]];
  }
}

function missingIn(written: readonly { readonly stripeId: string }[], ids: readonly string[]): string[] {
  return ids.filter((id) => written.every(({ stripeId }) => stripeId !== id));
}

function subscriptionEvents(
  tenant: ProjectMode,
  { id, stripeId, before, after }: Written<OwnedSubscription>,
  isReassigned: boolean,
): DurableEvent[] {
  const subscription = toLedgerSubscription(id, stripeId, after);
  const hasEnded = isEnded(after.status) && !(before && isEnded(before.status));
  const isUpdated =
    isReassigned || (before && !isDeepStrictEqual(toLedgerSubscription(id, stripeId, before), subscription));
  const event = { ...tenant, subscription };
  if (before && !hasEnded) return isUpdated ? [['subscription.updated', event]] : [];
  return [
    ...(before ? [] : [['subscription.created', event] as const]),
    ...(hasEnded ? [['subscription.ended', event] as const] : []),
  ];
}

function paymentEvents(
  tenant: ProjectMode,
  { id, stripeId, before, after }: Written<PaymentState>,
  isReassigned: boolean,
): DurableEvent[] {
  const payment = toLedgerPayment(id, stripeId, after);
  const stored = before && toLedgerPayment(id, stripeId, before);
  const refundedNowCents = payment.refundedAmountCents - (stored?.refundedAmountCents ?? 0);
  const isRefundUndone = refundedNowCents < 0;
  const isChanged =
    !stored || isReassigned || isRefundUndone || !isDeepStrictEqual(compared(stored), compared(payment));
  const events: DurableEvent[] = [];
  if (isChanged && hasSucceeded(after.status)) events.push(['payment.succeeded', { ...tenant, payment }]);
  if (isChanged && hasFailed(after.status)) events.push(['payment.failed', { ...tenant, payment }]);
  if (refundedNowCents > 0) events.push(['payment.refunded', { ...tenant, payment, refundedNowCents }]);
  return events;
}

/** Leaves out the refund and the time. A PaymentIntent only has a more exact time than its session. */
function compared(payment: LedgerPayment): LedgerPayment {
  const { status } = payment;
  return {
    ...payment,
    createdAt: '',
    refundedAmountCents: 0,
    status: hasSucceeded(status) ? 'succeeded' : status,
  };
}
