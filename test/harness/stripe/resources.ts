import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type Stripe from 'stripe';

/** Any event: Stripe's own type is a union by `type`. */
export type StripeEvent = Omit<Stripe.EventBase, 'type' | 'data'> & {
  type: string;
  data: { object: unknown; previous_attributes?: Record<string, unknown> };
};

/** Stored objects by the value of `object`. */
export interface Resources {
  customer: Stripe.Customer;
  product: Stripe.Product;
  price: Stripe.Price;
  'checkout.session': Stripe.Checkout.Session;
  'billing_portal.session': Stripe.BillingPortal.Session;
  'billing_portal.configuration': Stripe.BillingPortal.Configuration;
  subscription: Stripe.Subscription;
  invoice: Stripe.Invoice;
  invoice_payment: Stripe.InvoicePayment;
  payment_intent: Stripe.PaymentIntent;
  charge: Stripe.Charge;
  refund: Stripe.Refund;
  dispute: Stripe.Dispute;
  webhook_endpoint: Stripe.WebhookEndpoint;
  event: StripeEvent;
}
export type Kind = keyof Resources;

type Examples = Resources & {
  account: Stripe.Account;
  balance: Stripe.Balance;
  subscription_item: Stripe.SubscriptionItem;
};

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../fixtures/stripe/${name}`, import.meta.url), 'utf8')) as T;
}

const EXAMPLES: Examples = {
  ...fixture<Omit<Examples, 'dispute'>>('latest.json'),
  // Which has none.
  dispute: fixture<{ data: { object: Stripe.Dispute } }>('webhook-events/charge.dispute.created.json').data
    .object,
};

/** Fields of the examples that their API version no longer has. */
const DROPPED: Partial<Record<keyof Examples, string[]>> = {
  invoice: ['subscription', 'paid'],
  charge: ['refunds', 'invoice'],
};

/** Optional fields. The examples fill them, but a new object has none of them. */
const NOT_YET: { [K in keyof Examples]?: Partial<Examples[K]> } = {
  customer: { address: null, currency: null, discount: null, shipping: null },
  product: { default_price: null, description: null, package_dimensions: null },
  price: { custom_unit_amount: null, transform_quantity: null },
  'checkout.session': {
    after_expiration: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    currency_conversion: null,
    customer_details: null,
    invoice_creation: null,
    managed_payments: null,
    payment_intent: null,
    payment_method_configuration_details: null,
    permissions: null,
    shipping_address_collection: null,
    shipping_cost: null,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    wallet_options: null,
  },
  'billing_portal.session': { flow: null },
  subscription: {
    billing_cycle_anchor_config: null,
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    ended_at: null,
    managed_payments: null,
    next_pending_invoice_item_invoice: null,
    pause_collection: null,
    pending_invoice_item_interval: null,
    pending_update: null,
    transfer_data: null,
    trial_end: null,
    trial_start: null,
  },
  subscription_item: { billing_thresholds: null },
  invoice: {
    amount_overpaid: 0,
    customer_address: null,
    customer_shipping: null,
    due_date: null,
    from_invoice: null,
    last_finalization_error: null,
    next_payment_attempt: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    webhooks_delivered_at: null,
  },
  payment_intent: {
    canceled_at: null,
    last_payment_error: null,
    managed_payments: null,
    next_action: null,
    payment_method_configuration_details: null,
    processing: null,
    shipping: null,
    transfer_data: null,
  },
  charge: { description: null, shipping: null, source: null, transfer_data: null },
};

/** A new object with the fields of the published example. */
export function example<K extends keyof Examples>(kind: K): Examples[K] {
  const object = { ...structuredClone(EXAMPLES[kind]), ...NOT_YET[kind] };
  for (const field of DROPPED[kind] ?? []) Reflect.deleteProperty(object, field);
  return object;
}

/** The prefix of an id, and the length of the rest. */
const ID_FORMS = {
  customer: ['cus_', 14],
  product: ['prod_', 14],
  price: ['price_1', 23],
  'checkout.session': ['cs_', 58],
  'billing_portal.session': ['bps_1', 23],
  'billing_portal.configuration': ['bpc_1', 23],
  subscription: ['sub_1', 23],
  subscription_item: ['si_', 14],
  invoice: ['in_1', 23],
  invoice_payment: ['inpay_1', 23],
  payment_intent: ['pi_3', 23],
  payment_method: ['pm_1', 23],
  balance_transaction: ['txn_3', 23],
  charge: ['ch_3', 23],
  refund: ['re_3', 23],
  dispute: ['dp_1', 23],
  webhook_endpoint: ['we_1', 23],
  webhook_secret: ['whsec_', 32],
  event: ['evt_1', 23],
  request: ['req_', 14],
  line_item: ['il_1', 23],
  item: ['li_1', 23],
} as const;

export function newId(kind: keyof typeof ID_FORMS): string {
  const [prefix, length] = ID_FORMS[kind];
  return prefix + Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The id of a reference, expanded or not. */
export function idOf(reference: string | { id: string } | null | undefined): string {
  if (!reference) throw new Error('idOf: nothing is referred to');
  return typeof reference === 'string' ? reference : reference.id;
}
