import type { StripeObject } from './stripe-object.js';

/** Stripe's ids of an object's customer: `cus_…`, and `acct_…` where the customer is an account. Both stand for one customer. */
export function customerIdsOf(object: StripeObject): string[] {
  return ['customer', 'customer_account'].flatMap((field) => object.id(field) ?? []);
}

/** The id that rows hold: `cus_…`, else `acct_…`. */
export function customerIdOf(object: StripeObject): string | null {
  return customerIdsOf(object)[0] ?? null;
}
