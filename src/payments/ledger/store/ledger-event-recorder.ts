import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { Steps } from '../../../database/database.js';
import { EventLog } from '../../events/event-log.js';
import type {
  DurableEvent,
  LedgerDispute,
  LedgerPayment,
  LedgerSubscription,
} from '../../payments-events.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { LedgerChange } from '../merge/ledger-change.js';
import { type DisputeState, isClosed } from '../merge/dispute.js';
import { hasFailed, hasSucceeded, type PaymentState } from '../merge/payment.js';
import { isEnded, type OwnedSubscription, pauseOf } from '../merge/subscription.js';
import { isChanged, PaymentsTable, rowId, SubscriptionsTable, type Written } from './ledger-tables.js';
import type { Reassigned } from './user-links.repository.js';

/** What all states of a row have in common. */
interface RowIdentity {
  readonly id: string;
  readonly stripeId: string;
  readonly version: number;
}

/** The row's identity, with its revision after the write. */
function identityOf<State>(written: Written<State & object>): RowIdentity {
  const { id, stripeId, before } = written;
  return { id, stripeId, version: (before?.revision ?? 0) + Number(isChanged(written)) };
}

function toLedgerSubscription(
  { id, version, stripeId: subscriptionId }: RowIdentity,
  state: OwnedSubscription,
): LedgerSubscription {
  return {
    id,
    version,
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

function toLedgerPayment(
  { id, version, stripeId: paymentIntentId }: RowIdentity,
  state: PaymentState,
): LedgerPayment {
  return {
    id,
    version,
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

function toLedgerDispute(
  { id, version, stripeId: disputeId }: RowIdentity,
  state: DisputeState,
): LedgerDispute {
  return {
    id,
    version,
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

/** Stores the events of a change, in the transaction that makes the change. */
@Injectable()
export class LedgerEventRecorder {
  constructor(
    private readonly log: EventLog,
    private readonly subscriptions: SubscriptionsTable,
    private readonly payments: PaymentsTable,
  ) {}

  *record(
    { projectId, mode, isTrialEnding = false }: Pick<LedgerChange, 'projectId' | 'mode' | 'isTrialEnding'>,
    { subscriptions, payments, disputes, reassigned }: WrittenRows,
  ): Steps<void> {
    const tenant = { projectId, mode };
    const events = [
      ...subscriptions.flatMap((written) =>
        subscriptionEvents(tenant, written, reassigned.subscriptions.includes(written.stripeId)),
      ),
      ...(isTrialEnding ? subscriptions.flatMap((written) => trialEndingEvents(tenant, written)) : []),
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
    for (const event of events) yield* this.log.add(event, now);
  }

  *#disputeEvents(tenant: ProjectMode, written: Written<DisputeState>): Steps<DurableEvent[]> {
    const { before, after } = written;
    const { status, paymentIntentId } = after;
    if (before?.status === status) return [];
    const row = paymentIntentId === null ? undefined : yield* this.payments.read(tenant, paymentIntentId);
    const payment =
      row && paymentIntentId !== null
        ? toLedgerPayment(
            { id: rowId(tenant, paymentIntentId), stripeId: paymentIntentId, version: row.revision },
            row,
          )
        : null;
    const event = { ...tenant, dispute: toLedgerDispute(identityOf(written), after), payment };
    return [
      ['payment.disputed', event],
      ...(isClosed(status) ? [['payment.dispute_closed', event] as const] : []),
    ];
  }
}

function missingIn(written: readonly { readonly stripeId: string }[], ids: readonly string[]): string[] {
  return ids.filter((id) => written.every(({ stripeId }) => stripeId !== id));
}

function subscriptionEvents(
  tenant: ProjectMode,
  written: Written<OwnedSubscription>,
  isReassigned: boolean,
): DurableEvent[] {
  const { before, after } = written;
  const identity = identityOf(written);
  const subscription = toLedgerSubscription(identity, after);
  const hasEnded = isEnded(after.status) && !(before && isEnded(before.status));
  const isUpdated =
    isReassigned || (before && !isDeepStrictEqual(toLedgerSubscription(identity, before), subscription));
  const event = { ...tenant, subscription };
  if (before && !hasEnded) return isUpdated ? [['subscription.updated', event]] : [];
  return [
    ...(before ? [] : [['subscription.created', event] as const]),
    ...(hasEnded ? [['subscription.ended', event] as const] : []),
  ];
}

/** An announcement that arrives after the end of the trial is dropped. */
function trialEndingEvents(tenant: ProjectMode, written: Written<OwnedSubscription>): DurableEvent[] {
  const { after } = written;
  const subscription = toLedgerSubscription(identityOf(written), after);
  return after.status === 'trialing' ? [['subscription.trial_ending', { ...tenant, subscription }]] : [];
}

function paymentEvents(
  tenant: ProjectMode,
  written: Written<PaymentState>,
  isReassigned: boolean,
): DurableEvent[] {
  const { before, after } = written;
  const identity = identityOf(written);
  const payment = toLedgerPayment(identity, after);
  const stored = before && toLedgerPayment(identity, before);
  const refundedNowCents = payment.refundedAmountCents - (stored?.refundedAmountCents ?? 0);
  const isRefundUndone = refundedNowCents < 0;
  const isUpdated =
    !stored || isReassigned || isRefundUndone || !isDeepStrictEqual(compared(stored), compared(payment));
  const events: DurableEvent[] = [];
  if (isUpdated && hasSucceeded(after.status)) events.push(['payment.succeeded', { ...tenant, payment }]);
  if (isUpdated && hasFailed(after.status)) events.push(['payment.failed', { ...tenant, payment }]);
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
