import type Stripe from 'stripe';
import { badRequest } from '../refusals.js';
import { idOf, newId } from '../resources.js';
import { list, page, retrieve, route } from '../router.js';
import type { StripeData } from '../stripe-data.js';

const optionalId = (reference: string | { id: string } | null | undefined) =>
  reference ? idOf(reference) : null;

export const paymentRoutes = [
  list('invoice', '/v1/invoices', 'rak_invoice_read', {
    customer: ({ customer }) => optionalId(customer),
    status: ({ status }) => status,
    subscription: ({ parent }) => optionalId(parent?.subscription_details?.subscription),
  }),
  retrieve('invoice', '/v1/invoices', 'rak_invoice_read'),
  route(
    'GET',
    '/v1/invoices/:id/lines',
    'rak_invoice_read',
    ['limit', 'starting_after', 'ending_before'],
    ({ data, params, id }) => {
      const { lines, created } = data.get('invoice', id);
      const all = page(
        lines.data.map((line) => ({ ...line, created })),
        params,
        `/v1/invoices/${id}/lines`,
        'line_item',
      );
      return { ...all, data: all.data.map((line) => ({ ...line, created: undefined })) };
    },
  ),
  list('invoice_payment', '/v1/invoice_payments', 'rak_invoice_read', {
    invoice: ({ invoice }) => idOf(invoice),
    'payment[payment_intent]': ({ payment }) => optionalId(payment.payment_intent),
    'payment[type]': ({ payment }) => payment.type,
    status: ({ status }) => status,
  }),
  retrieve('invoice_payment', '/v1/invoice_payments', 'rak_invoice_read'),
  list('payment_intent', '/v1/payment_intents', 'rak_payment_intent_read', {
    customer: ({ customer }) => optionalId(customer),
  }),
  retrieve('payment_intent', '/v1/payment_intents', 'rak_payment_intent_read'),
  list('charge', '/v1/charges', 'rak_charge_read', {
    customer: ({ customer }) => optionalId(customer),
    payment_intent: (charge) => optionalId(charge.payment_intent),
  }),
  retrieve('charge', '/v1/charges', 'rak_charge_read'),
  retrieve('dispute', '/v1/disputes', 'rak_dispute_read'),
  list('refund', '/v1/refunds', 'rak_refund_read', { charge: (refund) => optionalId(refund.charge) }),
  retrieve('refund', '/v1/refunds', 'rak_refund_read'),
  route(
    'POST',
    '/v1/refunds',
    'rak_refund_write',
    ['charge', 'payment_intent', 'amount', 'reason', 'metadata'],
    ({ data, params }) => {
      const intent = params.text('payment_intent');
      if (!intent && !params.has('charge'))
        throw badRequest(
          'One of the following params should be provided for this request: payment_intent or charge.',
          undefined,
          'parameter_missing',
        );
      const chargeId = intent
        ? idOf(data.get('payment_intent', intent, 'payment_intent').latest_charge)
        : params.required('charge');
      const charge = data.get('charge', chargeId, 'charge');
      const left = charge.amount - charge.amount_refunded;
      if (left === 0)
        throw badRequest(
          `Charge ${charge.id} has already been refunded.`,
          undefined,
          'charge_already_refunded',
        );
      const amount = params.integer('amount', 1) ?? left;
      if (amount > left)
        throw badRequest(
          `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
          'amount',
        );
      const reason = params.choice('reason', ['duplicate', 'fraudulent', 'requested_by_customer']) ?? null;
      return refund(data, charge, { amount, reason, metadata: params.metadata() });
    },
  ),
];

export function refund(
  data: StripeData,
  charge: Stripe.Charge,
  fields: Partial<Stripe.Refund> & { amount: number },
): Stripe.Refund {
  const made = data.create('refund', {
    ...fields,
    balance_transaction: newId('balance_transaction'),
    charge: charge.id,
    currency: charge.currency,
    payment_intent: charge.payment_intent,
  });
  charge.refunds?.data.unshift(made);
  const refunded = charge.amount_refunded + fields.amount;
  data.record('refund.created', made);
  data.change('charge.refunded', charge, { amount_refunded: refunded, refunded: refunded === charge.amount });
  return made;
}

type Payment = Pick<Stripe.PaymentIntent, 'amount' | 'currency' | 'customer' | 'metadata'>;

/** Collects a payment: a succeeded PaymentIntent and its charge. */
export function pay(data: StripeData, payment: Payment): Stripe.PaymentIntent {
  const { amount, currency, customer } = payment;
  const card = newId('payment_method');
  const intent = data.create('payment_intent', {
    ...payment,
    amount_received: amount,
    payment_method: card,
    status: 'succeeded',
  });
  intent.client_secret = `${intent.id}_secret_${newId('request').slice('req_'.length)}`;
  const charge = data.create('charge', {
    amount,
    amount_captured: amount,
    balance_transaction: newId('balance_transaction'),
    captured: true,
    currency,
    customer,
    metadata: payment.metadata,
    paid: true,
    payment_intent: intent.id,
    payment_method: card,
    receipt_url: `${data.site.url}/receipts/${intent.id}`,
  });
  charge.refunds = { object: 'list', data: [], has_more: false, url: `/v1/charges/${charge.id}/refunds` };
  intent.latest_charge = charge.id;
  data.record('payment_intent.created', intent);
  data.record('charge.succeeded', charge);
  data.record('payment_intent.succeeded', intent);
  return intent;
}
