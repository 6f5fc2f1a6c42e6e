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

/**
 * Objects that describe a payment. Amount, currency and time come from the highest rank; of equal ranks, from
 * the newer object.
 */
export const SOURCE_RANKS = { session: 1, invoice: 2, charge: 3, intent: 4 } as const;

/** Who collected the money. `out_of_band`: paid outside of Stripe, and only recorded there. */
export const PAYMENT_SOURCES = ['stripe', 'out_of_band'] as const;
export type PaymentSource = (typeof PAYMENT_SOURCES)[number];

/**
 * Sources of a payment's user. The highest rank wins. To `own`, the payment's metadata, the rank of the
 * object is added.
 */
export const USER_RANKS = { none: 0, customer: 1, subscription: 2, own: 3 } as const;

/** State of a payment, and its user. */
export type PaymentState = StateOf<StripePaymentEntity, 'paymentIntentId'>;

/** A payment as observed in an event or a response of Stripe. */
export interface PaymentFact
  extends Observation, Omit<PaymentState, 'userId' | 'userRank' | 'subscriptionId' | 'refundSteps'> {
  readonly paymentIntentId: string;
  readonly userId?: EndUserId;
  /** Stripe's id, unlike in the state. */
  readonly subscriptionId?: string;
  /** Stripe's id, if a charge was observed. */
  readonly chargeId?: string;
}

/** Open statuses in the order of the life cycle. A slow payment method can fail days after `processing`. */
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

/** Whether money was collected, refunded or not. */
export function hasSucceeded(status: string): boolean {
  return rankOf(status) === SUCCEEDED;
}

/** Whether an attempt failed or the payment was cancelled. A payment without an attempt has no row. */
export function hasFailed(status: string): boolean {
  return status === 'requires_payment_method' || status === 'canceled';
}

/** Decides on the status only. The other fields are merged without timestamps. */
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

/** Decides on the refunded amount. It grows, and shrinks when a refund fails. */
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

/** User of a payment by its subscription or customer. */
export type LinkedUser = Pick<PaymentState, 'userId' | 'userRank'>;

/**
 * Merges an observation into the stored payment. The result of all events doesn't depend on their order.
 * @returns the state to write
 */
export function mergePayment(
  stored: (PaymentState & StoredVersion) | undefined,
  observed: PaymentFact,
  subscriptionId: string | null,
  linked: LinkedUser,
): PaymentState {
  const user = observed.userId
    ? { userId: observed.userId, userRank: USER_RANKS.own + observed.sourceRank }
    : linked;
  const before = stored ?? { ...observed, ...user, subscriptionId, refundSteps: '[]' };
  const isNewer = decidePayment(stored, observed) === 'apply';
  // The out-of-band part only shrinks, as Stripe lists more payments of its own. Timestamps don't matter.
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
    refundSteps: JSON.stringify(mergeRefundSteps(refundStepsOf(before), observed, refund)),
    description: better.description ?? other.description,
    createdAt: better.createdAt,
    sourceRank: better.sourceRank,
    asOf: isNewer ? later(observed.asOf, before.asOf) : before.asOf,
  });
}

/** A refunded amount in total, and the earliest time at which it was observed (RFC 3339, UTC). */
export type RefundStep = readonly [asOf: string, totalCents: number];

/** Oldest first; the last one is the current amount. Empty without a refund. */
export function refundStepsOf({ refundSteps }: Pick<PaymentState, 'refundSteps'>): RefundStep[] {
  return JSON.parse(refundSteps) as RefundStep[];
}

type Refunded = Pick<PaymentState, 'refundedAmountCents' | 'refundedAsOf'>;

/** Adds an observation, which may be older than the current amount. */
function mergeRefundSteps(
  stored: readonly RefundStep[],
  observed: Refunded,
  current: Refunded,
): RefundStep[] {
  const stepOf = ({ refundedAmountCents, refundedAsOf }: Refunded): RefundStep[] =>
    refundedAsOf ? [[refundedAsOf.toISOString(), refundedAmountCents]] : [];
  const inOrder = [...stored, ...stepOf(observed)].sort(
    ([time, total], [otherTime, otherTotal]) => time.localeCompare(otherTime) || total - otherTotal,
  );
  return [...inOrder, ...stepOf(current)].reduce<RefundStep[]>((steps, step) => {
    const total = steps.at(-1)?.[1] ?? 0;
    return step[1] === total ? steps : [...steps, step];
  }, []);
}

function withRefund(payment: PaymentState): PaymentState {
  const { status, amountCents: amount, refundedAmountCents: refunded } = payment;
  if (!hasSucceeded(status)) return payment;
  if (refunded === 0) return { ...payment, status: 'succeeded' };
  return { ...payment, status: refunded < amount ? 'partially_refunded' : 'refunded' };
}
