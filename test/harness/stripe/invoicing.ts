import type Stripe from 'stripe';
import { example, idOf, newId } from './resources.js';
import { pay } from './routes/payment.routes.js';
import type { StripeData } from './stripe-data.js';

export interface Line {
  readonly item: Stripe.SubscriptionItem;
  readonly price: Stripe.Price;
  readonly amount: number;
  readonly proration: boolean;
}

type Reason = 'subscription_create' | 'subscription_cycle' | 'subscription_update';

/** Bills a subscription with these lines. The invoice is paid at once, unless its total is 0. */
export function bill(
  data: StripeData,
  subscription: Stripe.Subscription,
  reason: Reason,
  lines: readonly Line[],
): Stripe.Invoice {
  const invoice = invoiceFor(data, subscription, reason, lines);
  const { amount_due: due, payments } = invoice;
  if (due > 0) payments?.data.push(payInvoice(data, markPaid(data, invoice)));
  else markPaid(data, invoice);
  for (const type of ['created', 'finalized', 'paid', 'payment_succeeded'])
    data.record(`invoice.${type}`, invoice);
  return invoice;
}

/** A finalized, unpaid invoice. */
export function invoiceFor(
  data: StripeData,
  subscription: Stripe.Subscription,
  reason: Reason,
  lines: readonly Line[],
): Stripe.Invoice {
  const { id: subscriptionId, currency, customer, metadata } = subscription;
  const total = lines.reduce((sum, { amount }) => sum + amount, 0);
  const due = Math.max(total, 0);
  const now = data.site.now();
  const buyer = data.get('customer', idOf(customer));
  const invoice = data.create('invoice', {
    amount_due: due,
    amount_paid: 0,
    amount_paid_off_stripe: 0,
    amount_remaining: due,
    attempt_count: 0,
    attempted: false,
    billing_reason: reason,
    currency,
    customer,
    customer_email: buyer.email,
    customer_name: buyer.name,
    effective_at: now,
    number: `${buyer.invoice_prefix}-${String(data.all('invoice').length + 1).padStart(4, '0')}`,
    parent: {
      quote_details: null,
      subscription_details: { metadata, subscription: subscriptionId },
      type: 'subscription_details',
    },
    period_end: now,
    period_start: now,
    pre_payment_credit_notes_amount: 0,
    status: 'open',
    status_transitions: { finalized_at: now, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_excluding_tax: total,
  });
  const url = `/v1/invoices/${invoice.id}`;
  invoice.hosted_invoice_url = `${data.site.url}/invoices/${invoice.id}`;
  invoice.lines = {
    object: 'list',
    data: lines.map((line) => lineOf(invoice, subscriptionId, line)),
    has_more: false,
    url: `${url}/lines`,
  };
  invoice.payments = { object: 'list', data: [], has_more: false, url: `${url}/payments` };
  subscription.latest_invoice = invoice.id;
  return invoice;
}

export function markPaid(data: StripeData, invoice: Stripe.Invoice): Stripe.Invoice {
  const { amount_due: due, attempt_count: attempts, status_transitions: transitions } = invoice;
  return Object.assign(invoice, {
    amount_paid: due,
    amount_remaining: 0,
    attempt_count: attempts + (due > 0 ? 1 : 0),
    attempted: true,
    status: 'paid',
    status_transitions: { ...transitions, paid_at: data.site.now() },
  });
}

function payInvoice(
  data: StripeData,
  { id, amount_due: amount, currency, customer }: Stripe.Invoice,
): Stripe.InvoicePayment {
  const intent = pay(data, { amount, currency, customer, metadata: {} });
  const payment = data.create('invoice_payment', {
    amount_paid: amount,
    amount_requested: amount,
    currency,
    invoice: id,
    payment: { type: 'payment_intent', payment_intent: intent.id },
    status: 'paid',
    status_transitions: { canceled_at: null, paid_at: data.site.now() },
  });
  data.record('invoice_payment.paid', payment);
  return payment;
}

function lineOf(
  { id, livemode }: Stripe.Invoice,
  subscription: string,
  { item, price, amount, proration }: Line,
): Stripe.InvoiceLineItem {
  const [line] = example('invoice').lines.data;
  if (!line) throw new Error('The example of an invoice has no line');
  return {
    ...line,
    id: newId('line_item'),
    amount,
    description: `${item.quantity ?? 1} × ${price.nickname ?? price.id}`,
    invoice: id,
    livemode,
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration,
        proration_details: proration ? { credited_items: null } : null,
        subscription,
        subscription_item: item.id,
      },
      type: 'subscription_item_details',
    },
    period: { start: item.current_period_start, end: item.current_period_end },
    pricing: {
      type: 'price_details',
      price_details: { price: price.id, product: idOf(price.product) },
      unit_amount_decimal: price.unit_amount_decimal,
    },
    quantity: item.quantity ?? 1,
    subscription,
    subtotal: amount,
  };
}
