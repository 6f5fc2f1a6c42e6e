import type Stripe from 'stripe';
import { invoiceFor, markPaid } from './invoicing.js';
import { idOf } from './resources.js';
import { pay } from './routes/payment.routes.js';
import type { StripeData } from './stripe-data.js';

const MONTH = 30 * 86_400;

/** Ends the period, and pays for the next one. */
export function renew(data: StripeData, subscription: Stripe.Subscription): Stripe.Invoice {
  const invoice = nextInvoice(data, subscription);
  const { amount_due: amount, currency, customer } = invoice;
  settle(data, invoice, pay(data, { amount, currency, customer, metadata: {} }));
  return invoice;
}

/** Ends the period with a declined card: the invoice stays open, and the subscription is past due. */
export function failToRenew(data: StripeData, subscription: Stripe.Subscription): Stripe.Invoice {
  const invoice = nextInvoice(data, subscription);
  const { amount_due: amount, currency, customer } = invoice;
  const intent = data.create('payment_intent', {
    amount,
    amount_received: 0,
    currency,
    customer,
    metadata: {},
    status: 'requires_payment_method',
  });
  connect(data, invoice, intent);
  Object.assign(invoice, { attempted: true, attempt_count: 1 });
  data.record('payment_intent.payment_failed', intent);
  data.record('invoice.payment_failed', invoice);
  data.change('customer.subscription.updated', subscription, { status: 'past_due' });
  return invoice;
}

/** Pays the open invoice with another card. */
export function payLate(data: StripeData, subscription: Stripe.Subscription, invoice: Stripe.Invoice): void {
  const [payment] = data.all('invoice_payment').filter((one) => one.invoice === invoice.id);
  const intent = data.get('payment_intent', idOf(payment?.payment.payment_intent));
  Object.assign(intent, { status: 'succeeded', amount_received: intent.amount });
  data.record('payment_intent.succeeded', intent);
  Object.assign(payment ?? {}, { status: 'paid', amount_paid: intent.amount });
  markPaid(data, invoice);
  for (const type of ['paid', 'payment_succeeded']) data.record(`invoice.${type}`, invoice);
  data.change('customer.subscription.updated', subscription, { status: 'active' });
}

/**
 * Ends the period without charging a card: the invoice was paid in cash or from credit.
 * @param paidCents the part that Stripe counts, including Stripe's own payments, which a test adds
 */
export function renewWithoutIntent(
  data: StripeData,
  subscription: Stripe.Subscription,
  paidCents: number,
): Stripe.Invoice {
  const invoice = nextInvoice(data, subscription);
  Object.assign(markPaid(data, invoice), { amount_paid: paidCents, amount_paid_off_stripe: paidCents });
  for (const type of ['paid', 'payment_succeeded']) data.record(`invoice.${type}`, invoice);
  return invoice;
}

/** Opens a dispute by the cardholder's bank. */
export function dispute(data: StripeData, charge: Stripe.Charge): Stripe.Dispute {
  const { id, amount, currency, payment_intent } = charge;
  const made = data.create('dispute', {
    amount,
    charge: id,
    currency,
    payment_intent,
    reason: 'fraudulent',
    status: 'needs_response',
  });
  data.record('charge.dispute.created', made);
  data.record('charge.dispute.funds_withdrawn', made);
  return made;
}

function nextInvoice(data: StripeData, subscription: Stripe.Subscription): Stripe.Invoice {
  const { items } = subscription;
  const next = items.data.map((item) => ({
    ...item,
    current_period_start: item.current_period_end,
    current_period_end: item.current_period_end + MONTH,
  }));
  const lines = next.map((item) => ({
    item,
    price: item.price,
    amount: (item.price.unit_amount ?? 0) * (item.quantity ?? 1),
    proration: false,
  }));
  data.change('customer.subscription.updated', subscription, { items: { ...items, data: next } });
  return invoiceFor(data, subscription, 'subscription_cycle', lines);
}

function settle(data: StripeData, invoice: Stripe.Invoice, intent: Stripe.PaymentIntent): void {
  connect(data, markPaid(data, invoice), intent);
  for (const type of ['paid', 'payment_succeeded']) data.record(`invoice.${type}`, invoice);
}

function connect(data: StripeData, invoice: Stripe.Invoice, intent: Stripe.PaymentIntent): void {
  const isPaid = intent.status === 'succeeded';
  const payment = data.create('invoice_payment', {
    amount_paid: isPaid ? intent.amount : null,
    amount_requested: intent.amount,
    currency: intent.currency,
    invoice: invoice.id,
    payment: { type: 'payment_intent', payment_intent: intent.id },
    status: isPaid ? 'paid' : 'open',
  });
  invoice.payments?.data.push(payment);
}
