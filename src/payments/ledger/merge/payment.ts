import type { EndUserId } from '../../../common/ids.js';
import {
  decide,
  type Decision,
  later,
  type Observation,
  type StateOf,
  type StoredVersion,
} from './observation.js';
import type { StripePaymentEntity } from '../store/ledger.entities.js';

/** What tells of a payment. The higher one decides on its amount, currency and time; where they are equal, the newer. */
export const SOURCE_RANKS = { session: 1, invoice: 2, charge: 3, intent: 4 } as const;

/** Who collected the money. `out_of_band`: somebody was paid outside of Stripe, and Stripe was only told. */
export const PAYMENT_SOURCES = ['stripe', 'out_of_band'] as const;
export type PaymentSource = (typeof PAYMENT_SOURCES)[number];

/** How it is known whose payment it is; the higher one stays. What it says itself has the rank of its source on top. */
export const USER_RANKS = { none: 0, customer: 1, subscription: 2, own: 3 } as const;

/** What Stripe says of a payment, and who paid. */
export type PaymentState = StateOf<StripePaymentEntity, 'paymentIntentId'>;

/** A payment as an event or an answer of Stripe tells it. */
export interface PaymentFact
  extends Observation, Omit<PaymentState, 'userId' | 'userRank' | 'subscriptionId'> {
  readonly paymentIntentId: string;
  readonly userId?: EndUserId;
  /** Stripe's id. */
  readonly subscriptionId?: string;
  /** Stripe's id, where a charge tells. */
  readonly chargeId?: string;
}

/** Through which a payment goes until it succeeds or is cancelled: that it failed is told after that it takes days. */
export const PAYMENT_STAGES = [
  'requires_confirmation',
  'requires_action',
  'processing',
  'requires_capture',
  'requires_payment_method',
];

const SUCCEEDED = 2;
const RANKS = new Map([
  ['canceled', 1],
  ['succeeded', SUCCEEDED],
  ['partially_refunded', SUCCEEDED],
  ['refunded', SUCCEEDED],
]);
const rankOf = (status = ''): number => RANKS.get(status) ?? 0;

/** Whether money was taken, be it refunded or not. */
export function hasSucceeded(status: string): boolean {
  return rankOf(status) === SUCCEEDED;
}

/** Whether an attempt to pay failed, or the payment was cancelled. No row is written for one that nobody has tried yet. */
export function hasFailed(status: string): boolean {
  return status === 'requires_payment_method' || status === 'canceled';
}

/** On the status: the rest is merged whatever the times say. */
export function decidePayment(
  stored: (PaymentState & StoredVersion) | undefined,
  observed: PaymentFact,
): Decision {
  const rank = { stored: rankOf(stored?.status), observed: rankOf(observed.status) };
  const isSame = stored?.status === observed.status || rank.observed > 0;
  const decision = decide(stored, observed, { rank, isSame });
  if (decision !== 'refetch' || !stored || stored.sourceRank === observed.sourceRank) return decision;
  return observed.sourceRank > stored.sourceRank ? 'apply' : 'skip';
}

/** On what was refunded, which grows, and shrinks where a refund fails. */
export function decideRefund(
  stored: (PaymentState & StoredVersion) | undefined,
  observed: PaymentFact,
): Decision {
  if (!observed.refundedAsOf) return 'skip';
  const before = stored?.refundedAsOf ? { asOf: stored.refundedAsOf, revision: stored.revision } : undefined;
  const isSame = stored?.refundedAmountCents === observed.refundedAmountCents;
  return decide(
    before,
    { ...observed, asOf: observed.refundedAsOf },
    { rank: { stored: 0, observed: 0 }, isSame },
  );
}

/** Whose payment it is, as far as its subscription or customer tell. */
export type LinkedUser = Pick<PaymentState, 'userId' | 'userRank'>;

/** @returns the payment as it is to be written: after all its events the same, in whatever order they came */
export function mergePayment(
  stored: (PaymentState & StoredVersion) | undefined,
  observed: PaymentFact,
  subscriptionId: string | null,
  linked: LinkedUser,
): PaymentState {
  const user = observed.userId
    ? { userId: observed.userId, userRank: USER_RANKS.own + observed.sourceRank }
    : linked;
  const before = stored ?? { ...observed, ...user, subscriptionId };
  const isNewer = decidePayment(stored, observed) === 'apply';
  // Less is left to have been paid outside of Stripe as Stripe lists more payments, whatever the times of the events.
  const isLess = observed.source === 'out_of_band' && observed.amountCents < before.amountCents;
  const isBetter =
    observed.sourceRank === before.sourceRank ? isNewer || isLess : observed.sourceRank > before.sourceRank;
  const refund = decideRefund(stored, observed) === 'apply' ? observed : before;
  const [better, other] = isBetter ? [observed, before] : [before, observed];
  const { userId, userRank } =
    user.userRank > before.userRank || (user.userRank === before.userRank && isNewer) ? user : before;
  return withRefund({
    userId,
    userRank,
    customerId: better.customerId ?? other.customerId,
    subscriptionId: before.subscriptionId ?? subscriptionId,
    status: isNewer ? observed.status : before.status,
    amountCents: better.amountCents,
    currency: better.currency,
    source: better.source,
    refundedAmountCents: refund.refundedAmountCents,
    refundedAsOf: refund.refundedAsOf,
    description: better.description ?? other.description,
    createdAt: better.createdAt,
    sourceRank: better.sourceRank,
    asOf: isNewer ? later(observed.asOf, before.asOf) : before.asOf,
  });
}

function withRefund(payment: PaymentState): PaymentState {
  const { status, amountCents: amount, refundedAmountCents: refunded } = payment;
  if (!hasSucceeded(status)) return payment;
  if (refunded === 0) return { ...payment, status: 'succeeded' };
  return { ...payment, status: refunded < amount ? 'partially_refunded' : 'refunded' };
}
