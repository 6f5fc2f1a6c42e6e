import type { EndUserId, ProjectId } from '../../../common/ids.js';
import { customerIdOf, required, type StripeObject, userIn } from './stripe-object.js';
import type { Observation } from '../merge/observation.js';
import { type PaymentFact, SOURCE_RANKS } from '../merge/payment.js';
import { currencyOf, descriptionOf } from './read-payments.js';
import { MAX_STATUS_LENGTH } from '../merge/subscription.js';

/** One payment of an invoice. */
interface InvoicePart {
  /** PaymentIntent, or a charge without one. Absent if Stripe didn't collect the money. */
  readonly paymentIntentId?: string;
  readonly amountCents: number;
}

export interface InvoiceReading {
  readonly invoiceId: string;
  readonly customerId: string | null;
  /** Empty if nothing was paid. */
  readonly currency: string;
  readonly subscriptionId: string | undefined;
  readonly userId: EndUserId | undefined;
  readonly isPaid: boolean;
  /** Money paid, without credit; `undefined` if nothing was paid. */
  readonly paidCents: number | undefined;
  /** `undefined` if the payload lists no payments, or not all of them. */
  readonly parts: readonly InvoicePart[] | undefined;
}

export function readInvoice(projectId: ProjectId, object: StripeObject): InvoiceReading {
  // On 2025-03-31 Stripe moved the subscription into `parent`. Its metadata moved twice.
  const parent = object.object('parent')?.object('subscription_details');
  const metadata = (parent ?? object.object('subscription_details'))?.object('metadata');
  const isPaid = isPaidOff(object);
  const paidCents = isPaid ? paidOf(object) : undefined;
  return {
    invoiceId: required(object.id('id'), 'id'),
    customerId: customerIdOf(object),
    currency: paidCents === undefined ? '' : currencyOf(object),
    subscriptionId: subscriptionOfInvoice(object),
    userId: userIn(projectId, metadata) ?? userIn(projectId, object.object('metadata')),
    isPaid,
    paidCents,
    parts: paidCents === undefined ? [] : partsOf(object, paidCents),
  };
}

/** @returns Stripe's id */
export function subscriptionOfInvoice(object: StripeObject): string | undefined {
  const parent = object.object('parent')?.object('subscription_details');
  return parent?.id('subscription') ?? object.id('subscription');
}

function isPaidOff(object: StripeObject): boolean {
  const status = object.text('status', MAX_STATUS_LENGTH);
  // The oldest invoices have no status.
  return object.flag('paid') ?? required(status, 'status') === 'paid';
}

/**
 * Money paid for an invoice. Credit doesn't count, since it was paid earlier or was a gift. A debit balance
 * counts with the invoice that collects it. `amount_paid` may omit payments outside of Stripe, so the amount
 * due counts if it is larger.
 */
function paidOf(object: StripeObject): number | undefined {
  const due = dueOf(object);
  // An overpayment becomes credit and is part of the payment, so it needs no payment of its own.
  const paid = (object.amount('amount_paid') ?? due) - (object.amount('amount_overpaid') ?? 0);
  return Math.max(due, paid) > 0 ? Math.max(due, paid) : undefined;
}

function dueOf(object: StripeObject): number {
  const total =
    required(object.integer('total'), 'total') - (object.amount('pre_payment_credit_notes_amount') ?? 0);
  const [before, after] = [object.integer('starting_balance'), object.integer('ending_balance')];
  // A negative balance is credit. Without an ending balance, only the amount due shows how much credit was
  // used.
  if (before !== undefined && after !== undefined) return total - (after - before);
  return object.integer('amount_due') ?? total + (before ?? 0);
}

function partsOf(object: StripeObject, paidCents: number): InvoicePart[] | undefined {
  const listed = object.items('payments');
  const parts = readInvoicePayments(listed);
  const paymentIntentId = object.id('payment_intent') ?? object.id('charge');
  const isOutOfBand = object.flag('paid_out_of_band') === true;
  if (parts.length > 0 && !object.isCut('payments') && unexplainedCents(object, listed) === 0) return parts;
  const isOldGeneration = object.has('payment_intent') || object.has('charge');
  if (!isOldGeneration) return undefined;
  const amountCents = object.amount('amount_paid') ?? paidCents;
  const isPaidByStripe = paymentIntentId !== undefined && !isOutOfBand && amountCents > 0;
  return isPaidByStripe ? [{ paymentIntentId, amountCents }] : [];
}

/** Reads the paid `invoice_payment` objects of an invoice. @throws Unreadable */
export function readInvoicePayments(payments: readonly StripeObject[]): InvoicePart[] {
  return payments.flatMap((invoicePayment) => {
    const payment = required(invoicePayment.object('payment'), 'payment');
    const paymentIntentId = payment.id('payment_intent') ?? payment.id('charge');
    if (paymentIntentId === undefined) required(payment.id('payment_record'), 'payment');
    if (statusOf(invoicePayment) !== 'paid') return [];
    const amountCents =
      invoicePayment.amount('amount_paid') ??
      required(invoicePayment.amount('amount_requested'), 'amount_paid');
    return [{ paymentIntentId, amountCents }];
  });
}

/**
 * Part of `amount_paid` that no `invoice_payment` object covers, while one of them is open or none is paid:
 * Stripe may list it later. 0 if the invoice was paid outside of Stripe according to its payload.
 */
export function unexplainedCents(object: StripeObject, payments: readonly StripeObject[]): number {
  if (object.flag('paid_out_of_band') === true) return 0;
  const parts = readInvoicePayments(payments);
  const isSettled = parts.length > 0 && payments.every((payment) => statusOf(payment) !== 'open');
  const listedCents = parts.reduce((sum, { amountCents }) => sum + amountCents, 0);
  return isSettled ? 0 : Math.max((object.amount('amount_paid') ?? 0) - listedCents, 0);
}

function statusOf(invoicePayment: StripeObject): string {
  return required(invoicePayment.text('status', MAX_STATUS_LENGTH), 'status');
}

/** PaymentIntents of an invoice's `invoice_payment` objects: paid, open or cancelled. */
export function intentsOf(payments: readonly StripeObject[]): string[] {
  return [...new Set(payments.flatMap((payment) => payment.object('payment')?.id('payment_intent') ?? []))];
}

/** PaymentIntents in the payload of an invoice. Empty if the list may be incomplete. */
export function attemptsOf(object: StripeObject): string[] {
  const paymentIntentId = object.id('payment_intent');
  if (paymentIntentId !== undefined) return [paymentIntentId];
  return object.isCut('payments') ? [] : intentsOf(object.items('payments'));
}

/**
 * Payments of an invoice: one for each PaymentIntent, and one under the invoice's id for money paid outside
 * of Stripe.
 */
export function invoicePayments(
  object: StripeObject,
  { invoiceId, customerId, currency, subscriptionId, paidCents = 0 }: InvoiceReading,
  parts: readonly InvoicePart[],
  observed: Observation,
): PaymentFact[] {
  const times = object.object('status_transitions');
  const created = object.time('created') ?? object.time('date') ?? observed.asOf;
  const common = {
    ...observed,
    customerId,
    subscriptionId,
    status: 'succeeded',
    currency,
    refundedAmountCents: 0,
    refundedAsOf: null,
    sourceRank: SOURCE_RANKS.invoice,
  };
  const byIntent = new Map<string, number>();
  let recordedCents = 0;
  for (const { paymentIntentId: id, amountCents } of parts)
    if (id === undefined) recordedCents += amountCents;
    else byIntent.set(id, amountCents + (byIntent.get(id) ?? 0));
  const createdAt = times?.time('finalized_at') ?? created;
  const intents = [...byIntent].map(([paymentIntentId, amountCents]) => ({
    ...common,
    paymentIntentId,
    amountCents,
    source: 'stripe' as const,
    description: null,
    createdAt,
  }));
  const collectedCents = intents.reduce((sum, { amountCents }) => sum + amountCents, 0);
  const amountCents = Math.max(paidCents - collectedCents, recordedCents);
  if (amountCents <= 0) return intents;
  const description = descriptionOf(object) ?? descriptionOfFirstLine(object);
  const paidAt = times?.time('paid_at') ?? created;
  return [
    ...intents,
    {
      ...common,
      paymentIntentId: invoiceId,
      amountCents,
      source: 'out_of_band',
      description,
      createdAt: paidAt,
    },
  ];
}

function descriptionOfFirstLine(object: StripeObject): string | null {
  const [line] = object.items('lines');
  return line ? descriptionOf(line) : null;
}
