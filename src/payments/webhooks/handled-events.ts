import type Stripe from 'stripe';

/** The event types that have an effect here. Endpoints subscribe to them, and the receiver applies them. */
export const HANDLED_EVENTS = [
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.async_payment_failed',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'customer.subscription.paused',
  'customer.subscription.resumed',
  'customer.subscription.trial_will_end',
  'invoice.paid',
  'invoice.payment_succeeded',
  'invoice.payment_failed',
  'payment_intent.succeeded',
  'payment_intent.payment_failed',
  'payment_intent.canceled',
  'charge.refunded',
  'charge.refund.updated',
  'refund.updated',
  'refund.failed',
  'charge.dispute.created',
  'charge.dispute.updated',
  'charge.dispute.closed',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.funds_reinstated',
] as const satisfies Stripe.WebhookEndpointCreateParams.EnabledEvent[];

const HANDLED: ReadonlySet<string> = new Set(HANDLED_EVENTS);

export function isHandled(type: string): boolean {
  return HANDLED.has(type);
}

/** Stripe lists events of at most 20 types per request. */
const MAX_LISTED_TYPES = 20;

/** The types in batches, each of which fits into one request for Stripe's list of events. */
export const EVENT_BATCHES: readonly (readonly string[])[] = Array.from(
  { length: Math.ceil(HANDLED_EVENTS.length / MAX_LISTED_TYPES) },
  (_, batch) => HANDLED_EVENTS.slice(batch * MAX_LISTED_TYPES, (batch + 1) * MAX_LISTED_TYPES),
);
