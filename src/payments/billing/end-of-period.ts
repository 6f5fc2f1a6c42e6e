import type Stripe from 'stripe';

/** When what is paid for ends, in Stripe's seconds: items may have periods of their own. */
export function endOfPeriod({ items }: Stripe.Subscription): number | null {
  return items.data.length > 0 ? Math.max(...items.data.map((item) => item.current_period_end)) : null;
}
