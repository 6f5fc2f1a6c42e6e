import type Stripe from 'stripe';
import { bill, type Line } from '../invoicing.js';
import type { Params } from '../params.js';
import { badRequest, missing } from '../refusals.js';
import { example, idOf, newId } from '../resources.js';
import { customerFrom } from './customer.routes.js';
import { type Call, list, page, retrieve, route } from '../router.js';
import type { StripeData } from '../stripe-data.js';

const PATH = '/v1/subscriptions';
const ITEMS_PATH = '/v1/subscription_items';
const CHANGEABLE_AFTERWARDS = ['metadata', 'expand'];

export const subscriptionRoutes = [
  {
    ...list('subscription', PATH, 'rak_subscription_read'),
    accepts: [
      'limit',
      'starting_after',
      'ending_before',
      'created',
      'customer',
      'customer_account',
      'price',
      'status',
    ],
    answer: ({ data, params }: Call) => {
      if (!data.deletedCustomers.has(params.text('customer') ?? '')) customerFrom({ data, params });
      return page(data.all('subscription').filter(wantedBy(params)), params, PATH, 'subscription');
    },
  },
  retrieve('subscription', PATH, 'rak_subscription_read'),
  route(
    'GET',
    ITEMS_PATH,
    'rak_subscription_read',
    ['limit', 'starting_after', 'ending_before', 'subscription'],
    ({ data, params }) => {
      const { items } = data.get('subscription', params.required('subscription'), 'subscription');
      return page(items.data, params, ITEMS_PATH, 'subscription_item');
    },
  ),
  route(
    'POST',
    `${PATH}/:id`,
    'rak_subscription_write',
    ['items', 'proration_behavior', 'payment_behavior', 'cancel_at_period_end', 'metadata', 'description'],
    update,
  ),
  route('DELETE', `${PATH}/:id`, 'rak_subscription_write', [], ({ data, id }) => {
    const subscription = data.get('subscription', id);
    if (subscription.status === 'canceled') throw missing('subscription', id, 'id');
    return cancel(data, subscription);
  }),
];

const NO_DETAILS = { comment: null, feedback: null, feedback_option: null };

/** Lists without `status` omit canceled subscriptions. */
function wantedBy(params: Params): (subscription: Stripe.Subscription) => boolean {
  const [price, status] = ['price', 'status'].map((name) => params.text(name));
  const customer = params.text('customer') ?? params.text('customer_account');
  return (one) =>
    (customer === undefined || idOf(one.customer) === customer) &&
    (price === undefined || one.items.data.some((item) => item.price.id === price)) &&
    (status === 'all' || (status === undefined ? one.status !== 'canceled' : one.status === status));
}

function update({ data, params, id }: Call): Stripe.Subscription {
  const subscription = data.get('subscription', id);
  if (
    subscription.status === 'canceled' &&
    params.names().some((name) => !CHANGEABLE_AFTERWARDS.includes(name))
  )
    throw badRequest('A canceled subscription can only update its cancellation_details and metadata.');
  const behavior =
    params.choice('proration_behavior', ['always_invoice', 'create_prorations', 'none']) ??
    'create_prorations';
  const { items, lines, restarted } = changeItems(data, subscription, params.each('items'), behavior);
  if (lines.length > 0 && (restarted || behavior === 'always_invoice'))
    bill(data, subscription, 'subscription_update', lines);
  const atEnd = params.flag('cancel_at_period_end');
  return data.change('customer.subscription.updated', subscription, {
    items: { ...subscription.items, data: items },
    ...(restarted && { billing_cycle_anchor: data.site.now() }),
    metadata: params.metadata(subscription.metadata),
    ...(params.has('description') && { description: params.nullable('description') }),
    ...(atEnd !== undefined && endOf(subscription, items, atEnd ? data.site.now() : null)),
  });
}

/** The effect of setting or unsetting `cancel_at_period_end`. */
function endOf(
  { cancellation_details: details }: Stripe.Subscription,
  items: Stripe.SubscriptionItem[],
  asked: number | null,
) {
  return {
    cancel_at_period_end: asked !== null,
    cancel_at: asked && Math.max(...items.map((item) => item.current_period_end)),
    canceled_at: asked,
    cancellation_details: {
      ...NO_DETAILS,
      ...details,
      reason: asked === null ? null : ('cancellation_requested' as const),
    },
  };
}

interface Changed {
  items: Stripe.SubscriptionItem[];
  lines: Line[];
  /** Starts a new period for another interval, billed at once. */
  restarted: boolean;
}

/** Each change names an item by its id. A change without an id adds an item. */
function changeItems(
  data: StripeData,
  { id, status, items: { data: current } }: Stripe.Subscription,
  changes: Params[],
  behavior: string,
): Changed {
  const now = data.site.now();
  const changed: Changed = { items: [...current], lines: [], restarted: false };
  for (const change of changes) {
    const itemId = change.text('id');
    const old = current.find((item) => item.id === itemId);
    if (itemId && !old) throw missing('subscription item', itemId, change.fullName('id'));
    const price =
      old && !change.has('price')
        ? old.price
        : recurringPrice(data, change.required('price'), change.fullName('price'));
    if (price.recurring?.usage_type === 'metered' && change.has('quantity')) {
      const why = `Quantity should not be specified where usage_type is \`metered\`. Remove \`quantity\` from \`${change.within}\``;
      throw badRequest(why, change.fullName('quantity'));
    }
    const restarts =
      old !== undefined && status !== 'trialing' && intervalOf(old.price) !== intervalOf(price);
    const item = newItem(id, price, change.integer('quantity', 0) ?? old?.quantity ?? 1, now);
    if (!restarts) Object.assign(item, periodOf(old ?? current[0]));
    if (old) item.id = old.id;
    const isDeleted = change.flag('deleted') === true;
    changed.items = changed.items.filter((other) => other !== old).concat(isDeleted ? [] : item);
    changed.restarted ||= restarts;
    if (status === 'trialing') continue;
    if (old && behavior !== 'none')
      changed.lines.push({ item: old, price: old.price, amount: -rest(old, now), proration: true });
    if (restarts) changed.lines.push({ item, price, amount: cost(item), proration: false });
    else if (!isDeleted && behavior !== 'none')
      changed.lines.push({ item, price, amount: rest(item, now), proration: true });
  }
  return changed;
}

const periodOf = (item?: Stripe.SubscriptionItem) =>
  item && { current_period_start: item.current_period_start, current_period_end: item.current_period_end };

const cost = ({ price, quantity = 1 }: Stripe.SubscriptionItem) => (price.unit_amount ?? 0) * quantity;

/** The price of the rest of the period. */
function rest(item: Stripe.SubscriptionItem, now: number): number {
  const { current_period_start: start, current_period_end: end } = item;
  return Math.round((cost(item) * Math.max(end - now, 0)) / (end - start));
}

const intervalOf = ({ recurring }: Stripe.Price) => `${recurring?.interval_count} ${recurring?.interval}`;

function recurringPrice(data: StripeData, id: string, param: string): Stripe.Price {
  const price = data.get('price', id, param);
  if (!price.active)
    throw badRequest('The price specified is inactive. This field only accepts active prices.', param);
  if (price.recurring) return price;
  throw badRequest(
    'The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.',
    param,
  );
}

function newItem(
  subscription: string,
  price: Stripe.Price,
  quantity: number,
  start: number,
): Stripe.SubscriptionItem {
  const {
    active,
    billing_scheme,
    created,
    currency,
    livemode,
    unit_amount: amount,
    unit_amount_decimal: amount_decimal,
  } = price;
  const base = example('subscription_item');
  const plan = {
    active,
    billing_scheme,
    created,
    currency,
    livemode,
    amount,
    amount_decimal,
    id: price.id,
    product: price.product,
  };
  return {
    ...base,
    id: newId('subscription_item'),
    created: start,
    current_period_end: endOfPeriod(start, price),
    current_period_start: start,
    plan: {
      ...base.plan,
      ...plan,
      interval: price.recurring?.interval ?? 'month',
      interval_count: price.recurring?.interval_count ?? 1,
    },
    price,
    quantity,
    subscription,
  };
}

function endOfPeriod(start: number, { recurring }: Stripe.Price): number {
  const count = recurring?.interval_count ?? 1;
  const end = new Date(start * 1000);
  if (recurring?.interval === 'day') end.setUTCDate(end.getUTCDate() + count);
  else if (recurring?.interval === 'week') end.setUTCDate(end.getUTCDate() + 7 * count);
  else end.setUTCMonth(end.getUTCMonth() + count * (recurring?.interval === 'year' ? 12 : 1));
  return end.getTime() / 1000;
}

interface Subscribing {
  readonly customer: string;
  readonly items: readonly { price: Stripe.Price; quantity: number }[];
  readonly metadata: Record<string, string>;
  readonly trialDays: number;
}

export function subscribe(
  data: StripeData,
  { customer, items, metadata, trialDays }: Subscribing,
): Stripe.Subscription {
  const now = data.site.now();
  const trialEnd = trialDays > 0 ? now + trialDays * 86_400 : null;
  const subscription = data.create('subscription', {
    billing_cycle_anchor: trialEnd ?? now,
    currency: items[0]?.price.currency ?? 'usd',
    customer,
    default_payment_method: newId('payment_method'),
    metadata,
    start_date: now,
    status: trialEnd ? 'trialing' : 'active',
    trial_end: trialEnd,
    trial_start: trialEnd && now,
  });
  subscription.items = {
    object: 'list',
    data: items.map(({ price, quantity }) => {
      const item = newItem(subscription.id, price, quantity, now);
      return trialEnd ? { ...item, current_period_end: trialEnd } : item;
    }),
    has_more: false,
    url: `/v1/subscription_items?subscription=${subscription.id}`,
  };
  const lines = subscription.items.data.map((item) => ({
    item,
    price: item.price,
    amount: trialEnd ? 0 : cost(item),
    proration: false,
  }));
  bill(data, subscription, 'subscription_create', lines);
  data.record('customer.subscription.created', subscription);
  return subscription;
}

export function cancel(data: StripeData, subscription: Stripe.Subscription): Stripe.Subscription {
  const now = data.site.now();
  const cancellation_details = { ...NO_DETAILS, reason: 'cancellation_requested' };
  Object.assign(subscription, {
    status: 'canceled',
    canceled_at: now,
    ended_at: now,
    cancel_at_period_end: false,
    cancellation_details,
  });
  data.record('customer.subscription.deleted', subscription);
  return subscription;
}
