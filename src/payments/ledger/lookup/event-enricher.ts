import { Injectable } from '@nestjs/common';
import { Deadline } from '../../../common/deadline.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { stripeUnavailable } from '../../stripe/stripe.errors.js';
import type { LedgerChange } from '../merge/ledger-change.js';
import type { Observation } from '../merge/observation.js';
import { assertReadable, ForeignObject } from '../read/foreign-object.js';
import { readObject } from '../read/read-object.js';
import { StripeObject, Unreadable } from '../read/stripe-object.js';
import { DisputeEnricher } from './dispute-enricher.js';
import { type Enrichment, ObjectOwnership, type Source } from './object-ownership.js';
import { PaymentEnricher } from './payment-enricher.js';
import { StripeLookups, type Tenant } from './stripe-lookups.js';
import { SubscriptionEnricher } from './subscription-enricher.js';

/** Shorter than Stripe's timeout for a webhook delivery. */
const BUDGET_MS = 8_000;

/**
 * Turns an event, or a response of Stripe, into a change of the ledger: reads the object, then asks Stripe
 * for missing values. The result is ready for `LedgerWriter`.
 */
@Injectable()
export class EventEnricher {
  constructor(
    private readonly subscriptions: SubscriptionEnricher,
    private readonly payments: PaymentEnricher,
    private readonly disputes: DisputeEnricher,
    private readonly ownership: ObjectOwnership,
    private readonly lookups: StripeLookups,
  ) {}

  async prepare(
    tenant: ProjectMode,
    source: unknown,
    { type, ...observed }: Observation & { readonly type?: string },
  ): Promise<LedgerChange> {
    const object = StripeObject.from(source);
    if (!object) throw new Unreadable('object');
    const reading = readObject(tenant.projectId, object, observed, type);
    assertReadable(object);
    const tooLate = () => stripeUnavailable('Stripe did not answer in time; try again shortly.', undefined);
    try {
      const complete = (signal: AbortSignal) =>
        this.#completeOurs({ ...tenant, signal }, { object, reading, observed, type });
      return await Deadline.within(BUDGET_MS, complete, tooLate);
    } catch (error) {
      // The event itself is readable, so an unreadable response is worth a retry.
      throw error instanceof Unreadable
        ? stripeUnavailable('Stripe gave an answer that makes no sense; try again shortly.', error)
        : error;
    }
  }

  /** @throws ForeignObject */
  async #completeOurs(tenant: Tenant, source: Source): Promise<LedgerChange> {
    const { object, observed } = source;
    try {
      const current = await this.ownership.refetchIfContradicted(tenant, source);
      if (current) return await this.#completeOurs(tenant, current);
      const asOf = observed.until ?? observed.asOf;
      const { isOurs, unclaimed } = await this.ownership.assertWholeOurs(tenant, object, asOf);
      const change = await this.#complete({ ...tenant, unclaimed }, source);
      return { ...change, isOurs, unclaimed };
    } catch (error) {
      throw error instanceof ForeignObject
        ? await this.ownership.withInheriting(tenant, error, object)
        : error;
    }
  }

  async #complete(
    tenant: Enrichment,
    { object, reading: first, observed, type }: Source,
  ): Promise<LedgerChange> {
    const whole = await this.lookups.withAllItems(tenant, object);
    const reading = whole === object ? first : readObject(tenant.projectId, whole, observed, type);
    const { invoiceToFetch, attemptToFetch, chargeToFetch, paidInvoiceId } = reading;
    const [current, fetched, attempts, charge, dispute, ...listed] = await Promise.all([
      this.subscriptions.complete(tenant, reading, observed),
      invoiceToFetch && this.payments.ofInvoice(tenant, invoiceToFetch, observed),
      attemptToFetch && this.payments.attempts(tenant, attemptToFetch, observed),
      chargeToFetch && this.payments.charge(tenant, chargeToFetch, observed),
      reading.dispute && this.disputes.complete(tenant, reading.dispute),
      ...reading.payments.map((payment) => this.payments.complete(tenant, payment)),
    ]);
    const { subscription } = current;
    const paid = [...listed, ...(fetched ?? [])];
    const isPaidOutside = paid.some(({ paymentIntentId }) => paymentIntentId === paidInvoiceId);
    const party = reading.party.userId ? reading.party : current.party;
    const customerIds =
      party.customerIds.length === 0 && charge?.customerId ? [charge.customerId] : party.customerIds;
    return {
      projectId: tenant.projectId,
      mode: tenant.mode,
      party: { ...party, customerIds },
      subscription,
      payments: [...paid, ...(attempts ?? []), ...(charge ? [charge] : [])],
      withdrawnPaymentId: isPaidOutside ? undefined : paidInvoiceId,
      dispute,
    };
  }
}
