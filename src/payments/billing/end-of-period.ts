import type Stripe from 'stripe';
import { StripeObject } from '../ledger/stripe-object.js';
import { periodOf } from '../ledger/subscription-items.js';

/** When what is paid for ends, in Stripe's seconds. */
export function endOfPeriod(subscription: Stripe.Subscription): number | null {
  const object = StripeObject.from(subscription);
  const end = object && periodOf(object).end;
  return end ? end.getTime() / 1_000 : null;
}
