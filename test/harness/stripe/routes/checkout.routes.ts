import type Stripe from 'stripe';
import type { Params } from '../params.js';
import { badRequest } from '../refusals.js';
import { idOf, newId } from '../resources.js';
import { type Call, list, retrieve, route } from '../router.js';
import type { StripeData } from '../stripe-data.js';
import { addPrice } from './catalog.routes.js';
import { customerFrom } from './customer.routes.js';
import { pay } from './payment.routes.js';
import { subscribe } from './subscription.routes.js';

const PATH = '/v1/checkout/sessions';
const PARAMETERS = [
  ...[
    'mode',
    'success_url',
    'cancel_url',
    'line_items',
    'customer',
    'customer_account',
    'customer_email',
    'customer_creation',
    'client_reference_id',
    'metadata',
  ],
  ...['subscription_data', 'payment_intent_data', 'allow_promotion_codes', 'expires_at'],
];

/** The inputs of a session for its subscription or payment. */
const orders = new WeakMap<
  Stripe.Checkout.Session,
  { metadata: Record<string, string>; trialDays: number }
>();

export const checkoutRoutes = [
  route('POST', PATH, 'rak_checkout_session_write', PARAMETERS, create),
  list('checkout.session', PATH, 'rak_checkout_session_read', {
    customer: ({ customer }) => customer && idOf(customer),
    payment_intent: (session) => session.payment_intent && idOf(session.payment_intent),
    status: ({ status }) => status,
    subscription: ({ subscription }) => subscription && idOf(subscription),
  }),
  retrieve('checkout.session', PATH, 'rak_checkout_session_read'),
  route('POST', `${PATH}/:id/expire`, 'rak_checkout_session_write', [], ({ data, id }) => {
    const session = data.get('checkout.session', id);
    if (session.status !== 'open')
      throw badRequest(
        `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
      );
    Object.assign(session, { status: 'expired', url: null });
    data.record('checkout.session.expired', session);
    return session;
  }),
];

function create({ data, params }: Call): Stripe.Checkout.Session {
  params.required('mode');
  const mode = params.choice('mode', ['payment', 'subscription']) ?? 'payment';
  params.required('success_url');
  const email = params.text('customer_email');
  if (email !== undefined && params.has('customer'))
    throw badRequest('You may only specify one of these parameters: customer, customer_email.', 'customer');
  const customer = customerFrom({ data, params });
  const items = params.each('line_items').map((item) => lineItem(data, item, mode));
  if (!items.length)
    throw badRequest(
      `The \`line_items\` parameter is required in ${mode} mode.`,
      'line_items',
      'parameter_missing',
    );
  if (mode === 'subscription' && !items.some(({ price }) => price?.recurring))
    throw badRequest(
      'You must provide at least one recurring price in `subscription` mode when using prices.',
      'mode',
    );
  const total = items.reduce((sum, { amount_total: amount }) => sum + amount, 0);
  const session = data.create('checkout.session', {
    allow_promotion_codes: params.flag('allow_promotion_codes') ?? null,
    amount_subtotal: total,
    amount_total: total,
    cancel_url: params.url('cancel_url') ?? null,
    client_reference_id: params.nullable('client_reference_id'),
    currency: items[0]?.currency ?? null,
    customer: customer?.id ?? null,
    customer_creation:
      mode === 'payment'
        ? (params.choice('customer_creation', ['always', 'if_required']) ?? 'if_required')
        : null,
    customer_email: email ?? null,
    expires_at: params.integer('expires_at') ?? data.site.now() + 86_400,
    metadata: params.metadata(),
    mode,
    success_url: params.url('success_url') ?? null,
  });
  session.line_items = {
    object: 'list',
    data: items,
    has_more: false,
    url: `${PATH}/${session.id}/line_items`,
  };
  session.url = `${data.site.url}/pay/${session.id}`;
  const forSubscription = params.at('subscription_data');
  const order = mode === 'subscription' ? forSubscription : params.at('payment_intent_data');
  orders.set(session, {
    metadata: order.metadata(),
    trialDays: forSubscription.integer('trial_period_days', 1) ?? 0,
  });
  return session;
}

function lineItem(data: StripeData, params: Params, mode: 'payment' | 'subscription'): Stripe.LineItem {
  const price = params.has('price_data')
    ? inlinePrice(data, params.at('price_data'))
    : data.get('price', params.required('price'), params.fullName('price'));
  const quantity = params.integer('quantity', 1);
  const isMetered = price.recurring?.usage_type === 'metered';
  if (isMetered && quantity !== undefined) {
    const why = `Quantity should not be specified where usage_type is \`metered\`. Remove \`quantity\` from \`${params.within}\``;
    throw badRequest(why, params.fullName('quantity'));
  }
  if (!isMetered && quantity === undefined)
    throw badRequest(`Quantity is required. Add \`quantity\` to \`${params.within}\``);
  if (!price.active)
    throw badRequest(
      'The price specified is inactive. This field only accepts active prices.',
      params.fullName('price'),
    );
  if (mode === 'payment' && price.recurring)
    throw badRequest(
      'You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.',
      'mode',
    );
  const amount = (price.unit_amount ?? 0) * (quantity ?? 0);
  const amounts = {
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    adjustable_quantity: null,
  };
  const description = data.get('product', idOf(price.product)).name;
  return {
    id: newId('item'),
    object: 'item',
    ...amounts,
    currency: price.currency,
    description,
    metadata: null,
    price,
    quantity: quantity ?? null,
  };
}

function inlinePrice(data: StripeData, params: Params): Stripe.Price {
  const product = params.has('product')
    ? data.get('product', params.required('product'), params.fullName('product'))
    : data.create('product', { name: params.at('product_data').required('name') });
  const fields = {
    product: product.id,
    currency: params.required('currency'),
    unit_amount: params.integer('unit_amount', 0) ?? 0,
  };
  return addPrice(data, fields, params.at('recurring').choice('interval', ['day', 'week', 'month', 'year']));
}

/** Completes a session as paid. */
export function complete(data: StripeData, session: Stripe.Checkout.Session): Stripe.Checkout.Session {
  if (session.status !== 'open') throw new Error(`The session is ${session.status}`);
  const { metadata, trialDays } = orders.get(session) ?? { metadata: {}, trialDays: 0 };
  const buyer = session.customer ? data.get('customer', idOf(session.customer)) : newCustomer(data, session);
  const customer_details = {
    ...{
      address: null,
      business_name: null,
      individual_name: null,
      phone: null,
      tax_exempt: 'none' as const,
      tax_ids: [],
    },
    email: buyer?.email ?? session.customer_email ?? 'buyer@example.com',
    name: buyer?.name ?? null,
  };
  const done = { status: 'complete' as const, url: null, customer: buyer?.id ?? null, customer_details };
  if (buyer && session.mode === 'subscription') {
    const items =
      session.line_items?.data.flatMap(({ price, quantity }) =>
        price?.recurring ? [{ price, quantity: quantity ?? 1 }] : [],
      ) ?? [];
    const subscription = subscribe(data, { customer: buyer.id, items, metadata, trialDays });
    const { id, latest_invoice: invoice } = subscription;
    Object.assign(session, done, {
      subscription: id,
      invoice,
      payment_status: trialDays ? 'no_payment_required' : 'paid',
    });
  } else {
    const intent = pay(data, {
      amount: session.amount_total ?? 0,
      currency: session.currency ?? 'usd',
      customer: done.customer,
      metadata,
    });
    Object.assign(session, done, { payment_intent: intent.id, payment_status: 'paid' });
  }
  data.record('checkout.session.completed', session);
  return session;
}

function newCustomer(
  data: StripeData,
  { mode, customer_creation: creation, customer_email: email }: Stripe.Checkout.Session,
) {
  if (mode === 'payment' && creation !== 'always') return null;
  const customer = data.create('customer', { email: email ?? 'buyer@example.com' });
  data.record('customer.created', customer);
  return customer;
}
