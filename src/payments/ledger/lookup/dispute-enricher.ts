import { Injectable } from '@nestjs/common';
import { DomainError } from '../../../common/errors.js';
import { decideDispute, DISPUTE_STAGES, type DisputeFact, readDispute } from '../merge/dispute.js';
import { laterStage } from '../merge/observation.js';
import { DisputesTable } from '../store/ledger-tables.js';
import { type Enrichment, ObjectOwnership } from './object-ownership.js';
import { PaymentEnricher } from './payment-enricher.js';
import { missingAtStripe, observedInResponse, StripeLookups } from './stripe-lookups.js';

/** Completes the dispute of an event: its current state at Stripe, and the disputed payment. */
@Injectable()
export class DisputeEnricher {
  constructor(
    private readonly disputes: DisputesTable,
    private readonly payments: PaymentEnricher,
    private readonly lookups: StripeLookups,
    private readonly ownership: ObjectOwnership,
  ) {}

  async complete(tenant: Enrichment, fact: DisputeFact): Promise<DisputeFact> {
    const stored = await this.disputes.find(tenant, fact.disputeId);
    const paymentIntentId = await this.#disputedPayment(tenant, fact, stored);
    if (!stored || decideDispute(stored, fact) !== 'refetch') return { ...fact, paymentIntentId };
    const seenRevision = stored.revision;
    const response = await this.lookups.dispute(tenant, fact.disputeId);
    const current = response
      ? readDispute(response.object, observedInResponse(response, fact, seenRevision))
      : { ...fact, seenRevision, status: laterStage(DISPUTE_STAGES, fact.status, stored.status) };
    // Only the event shows when money was withdrawn or returned.
    const { fundsWithdrawnAt, fundsReinstatedAt } = fact;
    return { ...current, paymentIntentId, fundsWithdrawnAt, fundsReinstatedAt };
  }

  /**
   * Finds the disputed payment. Asks Stripe if the event names only the charge, or the payment isn't stored.
   */
  async #disputedPayment(
    tenant: Enrichment,
    { chargeId, paymentIntentId }: DisputeFact,
    stored: { readonly paymentIntentId: string | null } | undefined,
  ): Promise<string | null> {
    if (stored && stored.paymentIntentId !== chargeId) return stored.paymentIntentId;
    const isNamed = chargeId === null || paymentIntentId !== chargeId;
    if (isNamed && (paymentIntentId === null || (await this.payments.isStored(tenant, paymentIntentId))))
      return paymentIntentId;
    try {
      const response = await this.ownership.checked(
        tenant,
        this.lookups.charge(tenant, chargeId ?? undefined, paymentIntentId ?? undefined),
      );
      if (isNamed) return paymentIntentId;
      // A charge that is stored as a payment has no PaymentIntent.
      if (response === undefined && !(await this.payments.isStored(tenant, chargeId)))
        throw missingAtStripe('charge');
      return response?.object.id('payment_intent') ?? chargeId;
    } catch (error) {
      // The request only checked the payment's project. Without a response it is not proven foreign.
      if (isNamed && error instanceof DomainError) return paymentIntentId;
      throw error;
    }
  }
}
