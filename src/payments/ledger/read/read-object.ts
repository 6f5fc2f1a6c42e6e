import type { ProjectId } from '../../../common/ids.js';
import { customerIdsOf, required, type StripeObject, Unreadable, userIn } from './stripe-object.js';
import type { Observation } from '../merge/observation.js';
import { type DisputeFact, readDispute } from '../merge/dispute.js';
import type { Party } from '../merge/ledger-change.js';
import type { PaymentFact } from '../merge/payment.js';
import { attemptsOf, invoicePayments, type InvoiceReading, readInvoice } from './read-invoice.js';
import { readCharge, readPaymentIntent, readSessionPayment, sessionUser } from './read-payments.js';
import { readSubscription, type SubscriptionFact } from '../merge/subscription.js';

/** What an object tells by itself, and what Stripe has to be asked for. */
export interface Reading {
  readonly party: Party;
  readonly subscription?: SubscriptionFact;
  /** A subscription that it is about and tells nothing of. */
  readonly subscriptionToFetch?: string;
  readonly payments: readonly PaymentFact[];
  /** An invoice that was paid, and doesn't tell how. */
  readonly invoiceToFetch?: { readonly object: StripeObject; readonly invoice: InvoiceReading };
  /** An invoice that was not paid, and by which PaymentIntents: none if it doesn't tell. */
  readonly attemptToFetch?: {
    readonly invoiceId: string;
    readonly subscriptionId: string | undefined;
    readonly paymentIntentIds: readonly string[];
  };
  /** An invoice that was paid: what is known of it as paid outside of Stripe, and not among its payments, was not. */
  readonly paidInvoiceId?: string;
  /** A refund came to nothing: what is still refunded, only the charge tells. */
  readonly chargeToFetch?: {
    readonly chargeId: string | undefined;
    readonly paymentIntentId: string | undefined;
  };
  readonly dispute?: DisputeFact;
}

const MAX_KIND_LENGTH = 64;

/** What events are about, by how their types begin. */
const KINDS = [
  ['checkout.session.', 'checkout.session'],
  ['customer.subscription.', 'subscription'],
  ['invoice.', 'invoice'],
  ['payment_intent.', 'payment_intent'],
  ['charge.dispute.', 'dispute'],
  ['charge.refund.', 'refund'],
  ['refund.', 'refund'],
  ['charge.', 'charge'],
] as const;

const UNDONE_REFUNDS: readonly string[] = ['failed', 'canceled'];

/** Reads an object of any API version. @param type of the event, where it came with one @throws Unreadable */
export function readObject(
  projectId: ProjectId,
  object: StripeObject,
  observed: Observation,
  type?: string,
): Reading {
  const party = { customerIds: customerIdsOf(object), asOf: observed.asOf };
  const ofPayment = (payment: PaymentFact | undefined): Reading => ({
    party: { ...party, userId: payment?.userId },
    payments: payment ? [payment] : [],
  });
  const kind = object.text('object', MAX_KIND_LENGTH) ?? '';
  const [, expected = kind] = KINDS.find(([beginning]) => type?.startsWith(beginning)) ?? [];
  if (kind !== expected) throw new Unreadable('object');
  switch (kind) {
    case 'subscription': {
      const subscription = readSubscription(object, observed, type);
      const userId = userIn(projectId, object.object('metadata'));
      return {
        party: { ...party, userId, subscriptionId: subscription.subscriptionId },
        subscription,
        payments: [],
      };
    }
    case 'checkout.session': {
      const { payments } = ofPayment(readSessionPayment(projectId, object, observed, type));
      return {
        party: {
          ...party,
          userId: sessionUser(projectId, object),
          subscriptionId: object.id('subscription'),
        },
        payments,
      };
    }
    case 'invoice': {
      const invoice = readInvoice(projectId, object);
      const { invoiceId, subscriptionId, userId, isPaid, parts } = invoice;
      const isUnpaid = type === 'invoice.payment_failed' && parts?.length === 0;
      return {
        party: { ...party, userId, subscriptionId },
        subscriptionToFetch: subscriptionId,
        payments: parts ? invoicePayments(object, invoice, parts, observed) : [],
        ...(!parts && { invoiceToFetch: { object, invoice } }),
        ...(isPaid && { paidInvoiceId: invoiceId }),
        ...(isUnpaid && {
          attemptToFetch: { invoiceId, subscriptionId, paymentIntentIds: attemptsOf(object) },
        }),
      };
    }
    case 'customer': {
      const customerIds = ['id', 'customer_account'].flatMap((field) => object.id(field) ?? []);
      return {
        party: { ...party, customerIds, userId: userIn(projectId, object.object('metadata')) },
        payments: [],
      };
    }
    case 'payment_intent':
      return ofPayment(readPaymentIntent(projectId, object, observed));
    case 'charge':
      return ofPayment(readCharge(projectId, object, observed));
    case 'refund': {
      const isUndone = UNDONE_REFUNDS.includes(required(object.text('status', MAX_KIND_LENGTH), 'status'));
      const chargeToFetch = { chargeId: object.id('charge'), paymentIntentId: object.id('payment_intent') };
      if (isUndone) required(chargeToFetch.chargeId ?? chargeToFetch.paymentIntentId, 'charge');
      return { party, payments: [], ...(isUndone && { chargeToFetch }) };
    }
    case 'dispute':
      return { party, dispute: readDispute(object, observed, type), payments: [] };
    default:
      return { party, payments: [] };
  }
}
