import type { ProjectId } from '../../../common/ids.js';
import { customerIdsOf, required, StripeObject, Unreadable, userIn } from './stripe-object.js';
import type { Observation } from '../merge/observation.js';
import { type DisputeFact, readDispute } from '../merge/dispute.js';
import type { Party } from '../merge/ledger-change.js';
import type { PaymentFact } from '../merge/payment.js';
import {
  attemptsOf,
  invoicePayments,
  type InvoiceReading,
  readInvoice,
  subscriptionOfInvoice,
} from './read-invoice.js';
import { readCharge, readPaymentIntent, readSessionPayment, sessionUser } from './read-payments.js';
import { readSubscription, type SubscriptionFact } from '../merge/subscription.js';

/** Values of an object, and the missing values that only Stripe has. */
export interface Reading {
  readonly party: Party;
  readonly subscription?: SubscriptionFact;
  /** Subscription that the object only names. */
  readonly subscriptionToFetch?: string;
  readonly payments: readonly PaymentFact[];
  /** Paid invoice whose payments aren't listed. */
  readonly invoiceToFetch?: { readonly object: StripeObject; readonly invoice: InvoiceReading };
  /** Unpaid invoice with its PaymentIntents; none if they aren't listed. */
  readonly attemptToFetch?: {
    readonly invoiceId: string;
    readonly subscriptionId: string | undefined;
    readonly paymentIntentIds: readonly string[];
  };
  /** Paid invoice. A stored `out_of_band` payment of it that is not among `payments` is withdrawn. */
  readonly paidInvoiceId?: string;
  /** Charge of a failed refund. Only the charge has the amount that is still refunded. */
  readonly chargeToFetch?: {
    readonly chargeId: string | undefined;
    readonly paymentIntentId: string | undefined;
  };
  readonly dispute?: DisputeFact;
}

/** Stripe's ids of the subscription and of the payment that an event is about. */
export interface Subject {
  readonly subscriptionId: string | null;
  readonly paymentIntentId: string | null;
}

const MAX_KIND_LENGTH = 64;

/** Kind of object by the prefix of the event type. */
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

/**
 * Reads an object of any API version.
 * @param type of the event, if the object came in one
 * @throws Unreadable
 */
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

/** The subscription and the payment that an object is or names; none if its form is unknown. */
export function subjectOf(source: unknown): Subject {
  try {
    const object = StripeObject.from(source);
    const kind = object?.text('object', MAX_KIND_LENGTH);
    const named = (name: string) => object?.id(name);
    const ownId = (...kinds: string[]) => (kind && kinds.includes(kind) ? named('id') : undefined);
    const charge = kind === 'charge' ? named('id') : named('charge');
    return {
      subscriptionId: ownId('subscription') ?? (object && subscriptionOfInvoice(object)) ?? null,
      paymentIntentId: ownId('payment_intent') ?? named('payment_intent') ?? charge ?? null,
    };
  } catch (error) {
    if (error instanceof Unreadable) return { subscriptionId: null, paymentIntentId: null };
    throw error;
  }
}
