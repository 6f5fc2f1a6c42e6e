import { Injectable } from '@nestjs/common';
import { stripeUnavailable } from '../../stripe/stripe.errors.js';
import { laterStage, type Observation } from '../merge/observation.js';
import {
  decidePayment,
  decideRefund,
  hasSucceeded,
  PAYMENT_STAGES,
  type PaymentFact,
  type PaymentState,
} from '../merge/payment.js';
import { intentsOf, invoicePayments, readInvoicePayments, unexplainedCents } from '../read/read-invoice.js';
import type { Reading } from '../read/read-object.js';
import { readCharge, readPaymentIntent } from '../read/read-payments.js';
import { PaymentsTable } from '../store/ledger-tables.js';
import { type Enrichment, ObjectOwnership } from './object-ownership.js';
import { missingAtStripe, observedInResponse, StripeLookups } from './stripe-lookups.js';

/** Completes the payments of an event: their current state at Stripe, and how an invoice was paid. */
@Injectable()
export class PaymentEnricher {
  constructor(
    private readonly payments: PaymentsTable,
    private readonly lookups: StripeLookups,
    private readonly ownership: ObjectOwnership,
  ) {}

  /** Asks Stripe if the stored state and the event conflict. */
  async complete(tenant: Enrichment, fact: PaymentFact): Promise<PaymentFact> {
    if (hasSucceeded(fact.status) && !fact.refundedAsOf) return fact;
    const stored = await this.payments.find(tenant, fact.paymentIntentId);
    if (!stored) return fact;
    if (decideRefund(stored, fact) === 'refetch') return this.#refund(tenant, fact, stored);
    if (decidePayment(stored, fact) !== 'refetch') return fact;
    const { revision: seenRevision } = stored;
    const response = await this.#intent(tenant, fact.paymentIntentId);
    if (response)
      return readPaymentIntent(
        tenant.projectId,
        response.object,
        observedInResponse(response, fact, seenRevision),
      );
    return { ...fact, seenRevision, status: laterStage(PAYMENT_STAGES, fact.status, stored.status) };
  }

  /** Current refund of a charge. */
  async charge(
    tenant: Enrichment,
    { chargeId, paymentIntentId }: NonNullable<Reading['chargeToFetch']>,
    observed: Observation,
  ): Promise<PaymentFact | undefined> {
    const response = await this.ownership.checked(
      tenant,
      this.lookups.charge(tenant, chargeId, paymentIntentId),
    );
    if (response === undefined) throw missingAtStripe('charge');
    const fact =
      response &&
      readCharge(tenant.projectId, response.object, {
        asOf: response.time?.from ?? observed.asOf,
        until: response.time?.until,
      });
    return fact ? this.complete(tenant, fact) : undefined;
  }

  /** PaymentIntents of an unpaid invoice, linked to its subscription, which they don't name themselves. */
  async attempts(
    tenant: Enrichment,
    { invoiceId, subscriptionId, paymentIntentIds }: NonNullable<Reading['attemptToFetch']>,
    observed: Observation,
  ): Promise<PaymentFact[]> {
    const ids =
      paymentIntentIds.length > 0
        ? paymentIntentIds
        : intentsOf(await this.lookups.invoicePayments(tenant, invoiceId));
    const facts = ids.map(async (id) => {
      const stored = await this.payments.find(tenant, id);
      const response = await this.#intent(tenant, id);
      if (response) {
        const current = observedInResponse(response, observed, stored?.revision ?? 0);
        return { ...readPaymentIntent(tenant.projectId, response.object, current), subscriptionId };
      }
      // Stripe no longer has the PaymentIntent: the stored state stays, and gets the subscription.
      if (!stored) throw missingAtStripe('PaymentIntent');
      return { ...stored, userId: undefined, paymentIntentId: id, subscriptionId };
    });
    return Promise.all(facts);
  }

  /** Payments of a paid invoice whose payload doesn't list them. */
  async ofInvoice(
    tenant: Enrichment,
    { object, invoice }: NonNullable<Reading['invoiceToFetch']>,
    observed: Observation,
  ): Promise<PaymentFact[]> {
    const payments = await this.lookups.invoicePayments(tenant, invoice.invoiceId);
    const unexplained = unexplainedCents(object, payments);
    if (unexplained > 0 && (await this.lookups.paidOffStripe(tenant, invoice.invoiceId)) < unexplained)
      throw stripeUnavailable(
        'Stripe counts the invoice as paid, and does not list yet by what; try again shortly.',
        undefined,
      );
    return invoicePayments(object, invoice, readInvoicePayments(payments), observed);
  }

  async isStored(tenant: Enrichment, paymentIntentId: string): Promise<boolean> {
    return (await this.payments.find(tenant, paymentIntentId)) !== undefined;
  }

  async #refund(
    tenant: Enrichment,
    fact: PaymentFact,
    { revision: seenRevision, refundedAmountCents }: PaymentState & { readonly revision: number },
  ): Promise<PaymentFact> {
    const response = await this.ownership.checked(
      tenant,
      this.lookups.charge(tenant, fact.chargeId, fact.paymentIntentId),
    );
    const current =
      response &&
      readCharge(tenant.projectId, response.object, observedInResponse(response, fact, seenRevision));
    // If Stripe has no charge, the larger refund wins, independent of arrival order.
    const larger = Math.max(fact.refundedAmountCents, refundedAmountCents);
    return current ?? { ...fact, seenRevision, refundedAmountCents: larger };
  }

  #intent(tenant: Enrichment, id: string) {
    return this.ownership.checked(tenant, this.lookups.paymentIntent(tenant, id));
  }
}
