import type { ProjectId } from '../../../common/ids.js';
import { customerIdOf, required, type StripeObject, Unreadable, userIn } from './stripe-object.js';
import type { Observation } from '../merge/observation.js';
import { type PaymentFact, SOURCE_RANKS } from '../merge/payment.js';
import { MAX_STATUS_LENGTH } from '../merge/subscription.js';

const MAX_CURRENCY_LENGTH = 8;
const MAX_DESCRIPTION_LENGTH = 1_000;

/** Until 2019-02-11 Stripe called the payment method a source. */
const FORMER_STATUSES: Partial<Record<string, string>> = {
  requires_source: 'requires_payment_method',
  requires_source_action: 'requires_action',
};

export function currencyOf(object: StripeObject): string {
  return required(object.text('currency', MAX_CURRENCY_LENGTH), 'currency').toLowerCase();
}

export function descriptionOf(object: StripeObject): string | null {
  return object.text('description', MAX_DESCRIPTION_LENGTH) ?? null;
}

export function readPaymentIntent(
  projectId: ProjectId,
  object: StripeObject,
  observed: Observation,
): PaymentFact {
  const status = required(object.text('status', MAX_STATUS_LENGTH), 'status');
  const amount = required(object.amount('amount'), 'amount');
  return {
    ...observed,
    paymentIntentId: required(object.id('id'), 'id'),
    userId: userIn(projectId, object.object('metadata')),
    customerId: customerIdOf(object),
    status: FORMER_STATUSES[status] ?? status,
    // Less than the authorized amount may have been captured.
    amountCents: (status === 'succeeded' ? object.amount('amount_received') : undefined) ?? amount,
    currency: currencyOf(object),
    source: 'stripe',
    refundedAmountCents: 0,
    refundedAsOf: null,
    description: descriptionOf(object),
    createdAt: object.time('created') ?? observed.asOf,
    sourceRank: SOURCE_RANKS.intent,
  };
}

/**
 * Reads a charge and its refund. Stripe also counts an authorization that was never captured as refunded.
 * @returns `undefined` if uncaptured
 */
export function readCharge(
  projectId: ProjectId,
  object: StripeObject,
  observed: Observation,
): PaymentFact | undefined {
  const chargeId = required(object.id('id'), 'id');
  const amount = required(object.amount('amount'), 'amount');
  if (object.flag('captured') === false) return undefined;
  const taken = object.amount('amount_captured') ?? amount;
  const refunded = required(object.amount('amount_refunded'), 'amount_refunded');
  if (refunded > amount) throw new Unreadable('amount_refunded');
  return {
    ...observed,
    paymentIntentId: object.id('payment_intent') ?? chargeId,
    chargeId,
    userId: userIn(projectId, object.object('metadata')),
    customerId: customerIdOf(object),
    status: 'succeeded',
    amountCents: taken,
    currency: currencyOf(object),
    source: 'stripe',
    refundedAmountCents: Math.max(refunded - (amount - taken), 0),
    refundedAsOf: observed.asOf,
    description: descriptionOf(object),
    createdAt: object.time('created') ?? observed.asOf,
    sourceRank: SOURCE_RANKS.charge,
  };
}

/**
 * Reads a completed session in payment mode.
 * @param type of the event, which alone shows that a slow payment method failed
 */
export function readSessionPayment(
  projectId: ProjectId,
  object: StripeObject,
  observed: Observation,
  type?: string,
): PaymentFact | undefined {
  const paymentIntentId = object.id('payment_intent');
  const amount = object.amount('amount_total') ?? 0;
  const mode = required(object.text('mode', MAX_STATUS_LENGTH), 'mode');
  const status = sessionStatus(
    required(object.text('payment_status', MAX_STATUS_LENGTH), 'payment_status'),
    type,
  );
  const isComplete = (object.text('status', MAX_STATUS_LENGTH) ?? 'complete') === 'complete';
  if (mode !== 'payment' || !paymentIntentId || amount === 0 || !isComplete) return undefined;
  return {
    ...observed,
    paymentIntentId,
    userId: sessionUser(projectId, object),
    customerId: customerIdOf(object),
    status,
    amountCents: amount,
    currency: currencyOf(object),
    source: 'stripe',
    refundedAmountCents: 0,
    refundedAsOf: null,
    description: null,
    createdAt: object.time('created') ?? observed.asOf,
    sourceRank: SOURCE_RANKS.session,
  };
}

function sessionStatus(paymentStatus: string, type: string | undefined): string {
  if (type === 'checkout.session.async_payment_failed') return 'requires_payment_method';
  return paymentStatus === 'paid' ? 'succeeded' : 'processing';
}

/** User set by the creator of the session. */
export function sessionUser(projectId: ProjectId, object: StripeObject) {
  return userIn(projectId, object, 'client_reference_id') ?? userIn(projectId, object.object('metadata'));
}
