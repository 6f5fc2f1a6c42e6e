/** Stripe's, of a subscription (docs.stripe.com/api/subscriptions/object). */
export const SUBSCRIPTION_STATUSES = [
  'active',
  'trialing',
  'past_due',
  'canceled',
  'incomplete',
  'incomplete_expired',
  'unpaid',
  'paused',
] as const;

/** Those in which a customer gets what the subscription is for. */
export const ACTIVE_STATUSES: readonly string[] = ['active', 'trialing'];

/** Stripe's, of a PaymentIntent (docs.stripe.com/api/payment_intents/object), and what a refund makes of them. */
export const PAYMENT_STATUSES = [
  'succeeded',
  'partially_refunded',
  'refunded',
  'processing',
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'requires_capture',
  'canceled',
] as const;
