import Stripe from 'stripe';
import { list, retrieve } from '../router.js';
import { idOf } from '../resources.js';
import type { StripeData } from '../stripe-data.js';

export const catalogRoutes = [
  list('product', '/v1/products', 'rak_product_read', { active: ({ active }) => active }),
  retrieve('product', '/v1/products', 'rak_product_read'),
  list('price', '/v1/prices', 'rak_plan_read', {
    active: ({ active }) => active,
    currency: ({ currency }) => currency,
    product: ({ product }) => idOf(product),
    type: ({ type }) => type,
  }),
  retrieve('price', '/v1/prices', 'rak_plan_read'),
];

export function seedCatalog(data: StripeData): void {
  const product = data.create('product', { name: 'Pro', description: 'Everything in the plan' });
  addPrice(data, { product: product.id, nickname: 'Setup', lookup_key: 'setup', unit_amount: 5000 });
  addPrice(
    data,
    { product: product.id, nickname: 'Yearly', lookup_key: 'yearly', unit_amount: 20_000 },
    'year',
  );
  const monthly = addPrice(
    data,
    { product: product.id, nickname: 'Monthly', lookup_key: 'monthly', unit_amount: 2000 },
    'month',
  );
  product.default_price = monthly.id;
}

/** A price in dollars, one-time or recurring. */
export function addPrice(
  data: StripeData,
  fields: Partial<Stripe.Price> & { unit_amount: number },
  interval?: Stripe.Price.Recurring.Interval,
): Stripe.Price {
  const recurring = interval
    ? { interval, interval_count: 1, meter: null, usage_type: 'licensed' as const, trial_period_days: null }
    : null;
  const unit_amount_decimal = Stripe.Decimal.from(fields.unit_amount);
  return data.create('price', {
    type: interval ? 'recurring' : 'one_time',
    recurring,
    unit_amount_decimal,
    ...fields,
  });
}
