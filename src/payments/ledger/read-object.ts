import type { ProjectId } from '../../common/ids.js';
import type { Told } from './decision.js';
import { type DisputeFact, readDispute } from './dispute.js';
import type { Party } from './ledger-change.js';
import type { PaymentFact } from './payment.js';
import { invoicePayments, type InvoiceReading, readInvoice } from './read-invoice.js';
import { readCharge, readPaymentIntent, readSessionPayment, sessionUser } from './read-payments.js';
import type { StripeObject } from './stripe-object.js';
import { readSubscription, type SubscriptionFact } from './subscription.js';
import { userIn } from './user-in.js';

/** What an object tells by itself, and what Stripe has to be asked for. */
export interface Reading {
  readonly party: Party;
  readonly subscription?: SubscriptionFact;
  /** A subscription that it is about and tells nothing of. */
  readonly subscriptionToAsk?: string;
  readonly payments: readonly PaymentFact[];
  /** An invoice that was paid, and doesn't tell how. */
  readonly invoiceToAsk?: { readonly object: StripeObject; readonly invoice: InvoiceReading };
  readonly dispute?: DisputeFact;
}

const MAX_KIND_LENGTH = 64;

/** Reads an object of any API version. @param type of the event, where it came with one */
export function readObject(projectId: ProjectId, object: StripeObject, told: Told, type?: string): Reading {
  const party = { customerId: object.id('customer'), asOf: told.asOf };
  const ofPayment = (payment: PaymentFact | undefined): Reading => ({
    party: { ...party, userId: payment?.userId },
    payments: payment ? [payment] : [],
  });
  switch (object.text('object', MAX_KIND_LENGTH) ?? '') {
    case 'subscription': {
      const subscription = readSubscription(object, told);
      const userId = userIn(projectId, object.object('metadata'));
      return { party: { ...party, userId, subscriptionId: subscription?.subscriptionId }, subscription, payments: [] };
    }
    case 'checkout.session': {
      const { payments } = ofPayment(readSessionPayment(projectId, object, told, type));
      return { party: { ...party, userId: sessionUser(projectId, object), subscriptionId: object.id('subscription') }, payments };
    }
    case 'invoice': {
      const invoice = readInvoice(projectId, object);
      if (!invoice) return { party, payments: [] };
      const { subscriptionId, userId, parts } = invoice;
      return {
        party: { ...party, userId, subscriptionId },
        subscriptionToAsk: subscriptionId,
        payments: parts ? invoicePayments(object, invoice, parts, told) : [],
        ...(!parts && { invoiceToAsk: { object, invoice } }),
      };
    }
    case 'customer':
      return { party: { ...party, customerId: object.id('id'), userId: userIn(projectId, object.object('metadata')) }, payments: [] };
    case 'payment_intent':
      return ofPayment(readPaymentIntent(projectId, object, told));
    case 'charge':
      return ofPayment(readCharge(projectId, object, told));
    case 'dispute':
      return { party, dispute: readDispute(object, told, type), payments: [] };
    default:
      return { party, payments: [] };
  }
}
