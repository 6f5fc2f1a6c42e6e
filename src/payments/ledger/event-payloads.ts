import type { LedgerDispute, LedgerPayment, LedgerSubscription } from '../payments-events.js';
import type { DisputeState } from './dispute.js';
import type { PaymentState } from './payment.js';
import { type OwnedSubscription, pauseOf } from './subscription.js';

export function toLedgerSubscription(id: string, subscriptionId: string, state: OwnedSubscription): LedgerSubscription {
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

export function toLedgerPayment(id: string, paymentIntentId: string, state: PaymentState): LedgerPayment {
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

export function toLedgerDispute(id: string, disputeId: string, state: DisputeState): LedgerDispute {
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
