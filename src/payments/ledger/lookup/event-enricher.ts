import { Injectable } from '@nestjs/common';
import { Deadline } from '../../../common/deadline.js';
import { DomainError } from '../../../common/errors.js';
import type { ProjectMode } from '../../project-mode.js';
import { stripeUnavailable } from '../../stripe/stripe.errors.js';
import { customerIdsOf, StripeObject, Unreadable } from '../read/stripe-object.js';
import { laterStage, type StoredVersion, later, type Observation } from '../merge/observation.js';
import { decideDispute, DISPUTE_STAGES, type DisputeFact, readDispute } from '../merge/dispute.js';
import {
  assertReadable,
  claimsIn,
  ForeignObject,
  foreignWith,
  type MetadataSource,
} from '../read/foreign-object.js';
import { ForeignObjectsRepository } from '../store/foreign-objects.repository.js';
import type { LedgerChange } from '../merge/ledger-change.js';
import { DisputesTable, PaymentsTable, SubscriptionsTable } from '../store/ledger-tables.js';
import {
  decidePayment,
  decideRefund,
  hasSucceeded,
  PAYMENT_STAGES,
  type PaymentFact,
} from '../merge/payment.js';
import {
  attemptsOf,
  intentsOf,
  invoicePayments,
  readInvoicePayments,
  unexplainedCents,
} from '../read/read-invoice.js';
import { type Reading, readObject } from '../read/read-object.js';
import { readCharge, readPaymentIntent } from '../read/read-payments.js';
import { type Answer, notThisAccounts, StripeLookups, type Tenant } from './stripe-lookups.js';
import {
  type OwnedSubscription,
  decideSubscription,
  isLaterStage,
  isEnded,
  MAX_STATUS_LENGTH,
  type SubscriptionFact,
} from '../merge/subscription.js';

/** Less than Stripe waits for the answer to a webhook. */
const BUDGET_MS = 8_000;

/** An event or an answer of Stripe, and what it says by itself. */
interface Source {
  readonly object: StripeObject;
  readonly reading: Reading;
  readonly observed: Observation;
  /** Of the event. */
  readonly type?: string | undefined;
}

/** To whom an object belongs, as far as its metadata says. */
interface Ownership {
  readonly isOurs: boolean;
  /** What names no other project. */
  readonly unclaimed: MetadataSource[];
}

/** A tenant whose event is being completed, and what was seen to be not foreign for it. */
interface Enrichment extends Tenant {
  readonly unclaimed: MetadataSource[];
}

/** Makes a change of what an event tells, asking Stripe for what it does not. */
@Injectable()
export class EventEnricher {
  constructor(
    private readonly subscriptions: SubscriptionsTable,
    private readonly payments: PaymentsTable,
    private readonly disputes: DisputesTable,
    private readonly lookups: StripeLookups,
    private readonly foreign: ForeignObjectsRepository,
  ) {}

  async prepare(
    tenant: ProjectMode,
    source: unknown,
    observed: Observation,
    type?: string,
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
      // What Stripe is asked may be answered better another time.
      throw error instanceof Unreadable
        ? stripeUnavailable('Stripe gave an answer that makes no sense; try again shortly.', error)
        : error;
    }
  }

  /**
   * The nearest `metadata.project_id` that is a project of this installation decides.
   * @throws ForeignObject when it is another one
   */
  async assertOurs(tenant: ProjectMode, object: StripeObject | undefined, asOf: Date): Promise<Ownership> {
    const unclaimed: MetadataSource[] = [];
    for (const claim of object ? claimsIn(object, asOf) : []) {
      const { projectId: named, isCopy, objectId } = claim;
      if (named === tenant.projectId && !isCopy) return { isOurs: true, unclaimed: [...unclaimed, claim] };
      const isForeign =
        named !== undefined && named !== tenant.projectId && (await this.foreign.isProject(named));
      // A subscription that is here told of itself that it is not foreign: a copy of its metadata may be older than that.
      if (isForeign && !(isCopy && (await this.subscriptions.find(tenant, objectId))))
        throw new ForeignObject(
          claim,
          object ? foreignWith(object) : [],
          object ? customerIdsOf(object) : [],
        );
      if (!isForeign) unclaimed.push(claim);
    }
    return { isOurs: false, unclaimed };
  }

  async #completeOurs(tenant: Tenant, source: Source): Promise<LedgerChange> {
    const { object, observed } = source;
    try {
      const answer = await this.#answerOnOwner(tenant, source);
      if (answer) return await this.#completeOurs(tenant, answer);
      const { isOurs, unclaimed } = await this.#owner(tenant, object, observed.until ?? observed.asOf);
      const change = await this.#complete({ ...tenant, unclaimed }, source);
      return { ...change, isOurs, unclaimed };
    } catch (error) {
      if (!(error instanceof ForeignObject)) throw error;
      const ids = [...error.inheriting, ...foreignWith(object), ...(await this.#intentsOf(tenant, object))];
      throw new ForeignObject(error.namedBy, ids, [...error.customerIds, ...customerIdsOf(object)]);
    }
  }

  /**
   * Where an event about a subscription contradicts what is known of the same time or a later one, Stripe is asked to whom it belongs.
   * @returns `undefined` where nothing contradicts, or Stripe has no such subscription
   */
  async #answerOnOwner(
    tenant: Tenant,
    { object, reading: { subscription: fact }, observed }: Source,
  ): Promise<Source | undefined> {
    if (!fact || observed.isAnswer) return undefined;
    const { projectId } = tenant;
    const [stored, isForeignSince, isForeign] = await Promise.all([
      this.subscriptions.find(tenant, fact.subscriptionId),
      this.foreign.isForeignSince(tenant, { objectId: fact.subscriptionId, asOf: observed.asOf }),
      this.assertOurs(tenant, object, observed.asOf).then(() => false, isForeignObject),
    ]);
    if (isForeign ? !stored || stored.asOf < observed.asOf : !isForeignSince) return undefined;
    const answer = await this.lookups.subscription(tenant, fact.subscriptionId);
    if (!answer) return undefined;
    const observedInResponse = {
      ...observedInAnswer(answer, observed, stored?.revision ?? 0),
      until: answer.time?.until,
    };
    return {
      object: answer.object,
      reading: readObject(projectId, answer.object, observedInResponse),
      observed: observedInResponse,
    };
  }

  /** Any line of an invoice may say to which project it belongs, also one that its event lacks. @throws ForeignObject */
  async #owner(tenant: Tenant, object: StripeObject, asOf: Date): Promise<Ownership> {
    const observed = await this.assertOurs(tenant, object, asOf);
    const whole = observed.isOurs ? object : await this.lookups.withAllLines(tenant, object);
    return whole === object ? observed : this.assertOurs(tenant, whole, asOf);
  }

  /** The PaymentIntents of an invoice: by themselves they don't say to which project they belong. */
  async #intentsOf(tenant: Tenant, object: StripeObject): Promise<string[]> {
    const id = object.id('id');
    if (object.text('object', MAX_STATUS_LENGTH) !== 'invoice' || id === undefined) return [];
    const listed = attemptsOf(object);
    if (listed.length > 0) return listed;
    try {
      return intentsOf(await this.lookups.invoicePayments(tenant, id));
    } catch (error) {
      // With a key that can't see them there is nothing to learn; while Stripe is away, the event stays open.
      if (error instanceof DomainError && error.code !== 'stripe_unavailable') return [];
      throw error;
    }
  }

  async #complete(
    tenant: Enrichment,
    { object, reading: first, observed, type }: Source,
  ): Promise<LedgerChange> {
    const whole = await this.lookups.withAllItems(tenant, object);
    const reading = whole === object ? first : readObject(tenant.projectId, whole, observed, type);
    const { invoiceToFetch, attemptToFetch, chargeToFetch, paidInvoiceId } = reading;
    const [current, fetched, attempts, charge, dispute, ...payments] = await Promise.all([
      this.#subscription(tenant, reading, observed),
      invoiceToFetch && this.#invoicePayments(tenant, invoiceToFetch, observed),
      attemptToFetch && this.#attempts(tenant, attemptToFetch, observed),
      chargeToFetch && this.#charge(tenant, chargeToFetch, observed),
      reading.dispute && this.#dispute(tenant, reading.dispute),
      ...reading.payments.map((payment) => this.#payment(tenant, payment)),
    ]);
    const { subscription } = current;
    const isPaidOutside = [...payments, ...(fetched ?? [])].some(
      ({ paymentIntentId }) => paymentIntentId === paidInvoiceId,
    );
    const party = reading.party.userId ? reading.party : current.party;
    return {
      projectId: tenant.projectId,
      mode: tenant.mode,
      party: {
        ...party,
        customerIds:
          party.customerIds.length === 0 && charge?.customerId ? [charge.customerId] : party.customerIds,
      },
      subscription,
      payments: [...payments, ...(fetched ?? []), ...(attempts ?? []), ...(charge ? [charge] : [])],
      withdrawnPaymentId: isPaidOutside ? undefined : paidInvoiceId,
      dispute,
    };
  }

  async #subscription(
    tenant: Enrichment,
    reading: Reading,
    observed: Observation,
  ): Promise<Pick<Reading, 'party' | 'subscription'>> {
    const { subscription: fact, subscriptionToFetch } = reading;
    const id = fact?.subscriptionId ?? subscriptionToFetch;
    if (id === undefined) return reading;
    const stored = await this.subscriptions.find(tenant, id);
    const seenRevision = stored?.revision ?? 0;
    const needsFetch = needsRefetch(stored, fact, observed);
    const answer = needsFetch ? await this.#ours(tenant, this.lookups.subscription(tenant, id)) : undefined;
    if (needsFetch && !answer && stored) {
      if (!fact) throw notThisAccounts('subscription');
      return {
        party: reading.party,
        ...(isLaterStage(fact, stored) && { subscription: { ...fact, seenRevision } }),
      };
    }
    const { party, subscription } = answer
      ? readObject(tenant.projectId, answer.object, observedInAnswer(answer, observed, seenRevision))
      : reading;
    if (!subscription?.productId || decideSubscription(stored, subscription) === 'skip')
      return { party, subscription };
    const planName = await this.lookups.productName(tenant, subscription.productId);
    return { party, subscription: { ...subscription, planName } };
  }

  async #payment(tenant: Enrichment, fact: PaymentFact): Promise<PaymentFact> {
    if (hasSucceeded(fact.status) && !fact.refundedAsOf) return fact;
    const stored = await this.payments.find(tenant, fact.paymentIntentId);
    const seenRevision = stored?.revision ?? 0;
    if (stored && decideRefund(stored, fact) === 'refetch') {
      const answer = await this.#ours(
        tenant,
        this.lookups.charge(tenant, fact.chargeId, fact.paymentIntentId),
      );
      const current =
        answer && readCharge(tenant.projectId, answer.object, observedInAnswer(answer, fact, seenRevision));
      // Without an answer the larger refund stands, whichever comes first.
      return (
        current ?? {
          ...fact,
          seenRevision,
          refundedAmountCents: Math.max(fact.refundedAmountCents, stored.refundedAmountCents),
        }
      );
    }
    if (!stored || decidePayment(stored, fact) !== 'refetch') return fact;
    const answer = await this.#ours(tenant, this.lookups.paymentIntent(tenant, fact.paymentIntentId));
    if (answer)
      return readPaymentIntent(tenant.projectId, answer.object, observedInAnswer(answer, fact, seenRevision));
    return { ...fact, seenRevision, status: laterStage(PAYMENT_STAGES, fact.status, stored.status) };
  }

  /** What of a charge is refunded now. */
  async #charge(
    tenant: Enrichment,
    { chargeId, paymentIntentId }: NonNullable<Reading['chargeToFetch']>,
    observed: Observation,
  ): Promise<PaymentFact | undefined> {
    const answer = await this.#ours(tenant, this.lookups.charge(tenant, chargeId, paymentIntentId));
    if (answer === undefined) throw notThisAccounts('charge');
    const fact =
      answer &&
      readCharge(tenant.projectId, answer.object, {
        asOf: answer.time?.from ?? observed.asOf,
        until: answer.time?.until,
      });
    return fact ? this.#payment(tenant, fact) : undefined;
  }

  /** What became of the PaymentIntents of an invoice that was not paid: by themselves they don't tell what they are for. */
  async #attempts(
    tenant: Enrichment,
    attempt: NonNullable<Reading['attemptToFetch']>,
    observed: Observation,
  ): Promise<PaymentFact[]> {
    const { invoiceId, subscriptionId, paymentIntentIds } = attempt;
    const ids =
      paymentIntentIds.length > 0
        ? paymentIntentIds
        : intentsOf(await this.lookups.invoicePayments(tenant, invoiceId));
    const facts = ids.map(async (id) => {
      const stored = await this.payments.find(tenant, id);
      const answer = await this.#ours(tenant, this.lookups.paymentIntent(tenant, id));
      if (answer)
        return [
          {
            ...readPaymentIntent(
              tenant.projectId,
              answer.object,
              observedInAnswer(answer, observed, stored?.revision ?? 0),
            ),
            subscriptionId,
          },
        ];
      // Stripe has it no longer: what is known of it stays, and is of that subscription.
      if (!stored) throw notThisAccounts('PaymentIntent');
      return [{ ...stored, userId: undefined, paymentIntentId: id, subscriptionId }];
    });
    return (await Promise.all(facts)).flat();
  }

  async #invoicePayments(
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

  async #dispute(tenant: Enrichment, fact: DisputeFact): Promise<DisputeFact> {
    const stored = await this.disputes.find(tenant, fact.disputeId);
    const paymentIntentId = await this.#disputed(tenant, fact, stored);
    if (!stored || decideDispute(stored, fact) !== 'refetch') return { ...fact, paymentIntentId };
    const seenRevision = stored.revision;
    const answer = await this.lookups.dispute(tenant, fact.disputeId);
    const current = answer
      ? readDispute(answer.object, observedInAnswer(answer, fact, seenRevision))
      : { ...fact, seenRevision, status: laterStage(DISPUTE_STAGES, fact.status, stored.status) };
    // That money went or came back, only the event tells.
    const { fundsWithdrawnAt, fundsReinstatedAt } = fact;
    return { ...current, paymentIntentId, fundsWithdrawnAt, fundsReinstatedAt };
  }

  async #isKnown(tenant: Tenant, paymentIntentId: string): Promise<boolean> {
    return (await this.payments.find(tenant, paymentIntentId)) !== undefined;
  }

  /** An answer of Stripe about an object that belongs to no other project. @throws ForeignObject */
  async #ours<Found extends Answer | null | undefined>(
    tenant: Enrichment,
    fetched: Promise<Found>,
  ): Promise<Found> {
    const answer = await fetched;
    if (!answer) return answer;
    const { unclaimed } = await this.assertOurs(tenant, answer.object, answer.time?.until ?? new Date());
    tenant.unclaimed.push(...unclaimed);
    return answer;
  }

  /** The payment that is disputed: Stripe is asked where only the charge is named, and where the payment is not here. */
  async #disputed(
    tenant: Enrichment,
    { chargeId, paymentIntentId }: DisputeFact,
    stored: { readonly paymentIntentId: string | null } | undefined,
  ): Promise<string | null> {
    if (stored && stored.paymentIntentId !== chargeId) return stored.paymentIntentId;
    const isNamed = chargeId === null || paymentIntentId !== chargeId;
    if (isNamed && (paymentIntentId === null || (await this.#isKnown(tenant, paymentIntentId))))
      return paymentIntentId;
    try {
      const answer = await this.#ours(
        tenant,
        this.lookups.charge(tenant, chargeId ?? undefined, paymentIntentId ?? undefined),
      );
      if (isNamed) return paymentIntentId;
      // A charge that is a payment here has no PaymentIntent.
      if (answer === undefined && !(await this.#isKnown(tenant, chargeId))) throw notThisAccounts('charge');
      return answer?.object.id('payment_intent') ?? chargeId;
    } catch (error) {
      // The payment says to which project it belongs; without an answer that is not proven.
      if (isNamed && error instanceof DomainError) return paymentIntentId;
      throw error;
    }
  }
}

function isForeignObject(error: unknown): boolean {
  if (error instanceof ForeignObject) return true;
  throw error;
}

/** An event of a subscription tells it all, unless its second was busy; one of an invoice doesn't tell what became of the subscription. */
function needsRefetch(
  stored: (OwnedSubscription & StoredVersion) | undefined,
  fact: SubscriptionFact | undefined,
  { asOf }: Observation,
): boolean {
  if (fact) return decideSubscription(stored, fact) === 'refetch';
  return !stored || (stored.asOf <= asOf && !isEnded(stored.status));
}

/** Stripe was asked after it told. */
function observedInAnswer({ time }: Answer, { asOf }: Observation, seenRevision: number): Observation {
  return { asOf: time ? later(time.from, asOf) : asOf, seenRevision, isAnswer: true };
}
