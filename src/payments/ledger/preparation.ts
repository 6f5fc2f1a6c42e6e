import { Injectable } from '@nestjs/common';
import { Deadline } from '../../common/deadline.js';
import { DomainError } from '../../common/errors.js';
import { Database } from '../../database/database.js';
import { stripeUnavailable } from '../stripe-api/stripe-failure.js';
import { customerIdsOf } from './customer-ids.js';
import { furtherOn, type Known, later, type Told } from './decision.js';
import { decideDispute, DISPUTE_STAGES, type DisputeFact, readDispute } from './dispute.js';
import { assertReadable, claimsIn, ForeignObject, foreignWith, type Observed } from './foreign-object.js';
import { ForeignObjectsRepository } from './foreign-objects.repository.js';
import type { LedgerChange } from './ledger-change.js';
import { DISPUTES, type OwnedSubscription, PAYMENTS, SUBSCRIPTIONS } from './ledger-tables.js';
import { decidePayment, decideRefund, hasSucceeded, PAYMENT_STAGES, type PaymentFact } from './payment.js';
import { attemptsOf, intentsOf, invoicePayments, readInvoicePayments, unexplainedCents } from './read-invoice.js';
import { type Reading, readObject } from './read-object.js';
import { readCharge, readPaymentIntent } from './read-payments.js';
import { StripeObject } from './stripe-object.js';
import { type Answer, notThisAccounts, StripeQuestions, type Tenant } from './stripe-questions.js';
import { decideSubscription, isFurtherOn, isOver, MAX_STATUS_LENGTH, type SubscriptionFact } from './subscription.js';
import { Unreadable } from './unreadable.js';

/** Less than Stripe waits for the answer to a webhook. */
const BUDGET_MS = 8_000;

/** An event or an answer of Stripe, and what it says by itself. */
interface Source {
  readonly object: StripeObject;
  readonly reading: Reading;
  readonly told: Told;
  /** Of the event. */
  readonly type?: string | undefined;
}

/** To whom an object belongs, as far as its metadata says. */
interface Ownership {
  readonly isOurs: boolean;
  /** What names no other project. */
  readonly observed: Observed[];
}

/** A tenant whose event is being completed, and what was seen to be not foreign for it. */
interface Asking extends Tenant {
  readonly observed: Observed[];
}

/** Makes a change of what an event tells, asking Stripe for what it does not. */
@Injectable()
export class Preparation {
  constructor(
    private readonly database: Database,
    private readonly questions: StripeQuestions,
    private readonly foreign: ForeignObjectsRepository,
  ) {}

  async prepare(tenant: Tenant, source: unknown, told: Told, type?: string): Promise<LedgerChange> {
    const object = StripeObject.from(source);
    if (!object) throw new Unreadable('object');
    const reading = readObject(tenant.projectId, object, told, type);
    assertReadable(object);
    const tooLate = () => stripeUnavailable('Stripe did not answer in time; try again shortly.', undefined);
    try {
      const complete = (signal: AbortSignal) => this.#completeOurs({ ...tenant, signal }, { object, reading, told, type });
      return await Deadline.within(BUDGET_MS, complete, tooLate);
    } catch (error) {
      // What Stripe is asked may be answered better another time.
      throw error instanceof Unreadable ? stripeUnavailable('Stripe gave an answer that makes no sense; try again shortly.', error) : error;
    }
  }

  /**
   * The nearest `metadata.project_id` that is a project of this installation decides.
   * @throws ForeignObject when it is another one
   */
  async assertOurs({ projectId, mode }: Tenant, object: StripeObject | undefined, asOf: Date): Promise<Ownership> {
    const observed: Observed[] = [];
    for (const claim of object ? claimsIn(object, asOf) : []) {
      const { projectId: named, isCopy, objectId } = claim;
      if (named === projectId && !isCopy) return { isOurs: true, observed: [...observed, claim] };
      const isForeign = named !== undefined && named !== projectId && (await this.foreign.isProject(named));
      // A subscription that is here told of itself that it is not foreign: a copy of its metadata may be older than that.
      if (isForeign && !(isCopy && (await SUBSCRIPTIONS.find(this.database, projectId, mode, objectId))))
        throw new ForeignObject(claim, object ? foreignWith(object) : [], object ? customerIdsOf(object) : []);
      if (!isForeign) observed.push(claim);
    }
    return { isOurs: false, observed };
  }

  async #completeOurs(tenant: Tenant, source: Source): Promise<LedgerChange> {
    const { object, told } = source;
    try {
      const answer = await this.#answerOnOwner(tenant, source);
      if (answer) return await this.#completeOurs(tenant, answer);
      const { isOurs, observed } = await this.#owner(tenant, object, told.until ?? told.asOf);
      const change = await this.#complete({ ...tenant, observed }, source);
      return { ...change, isOurs, observed };
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
  async #answerOnOwner(tenant: Tenant, { object, reading: { subscription: fact }, told }: Source): Promise<Source | undefined> {
    if (!fact || told.isAnswer) return undefined;
    const { projectId, mode } = tenant;
    const [known, isForeignSince, isForeign] = await Promise.all([
      SUBSCRIPTIONS.find(this.database, projectId, mode, fact.subscriptionId),
      this.foreign.isForeignSince(projectId, mode, { objectId: fact.subscriptionId, asOf: told.asOf }),
      this.assertOurs(tenant, object, told.asOf).then(() => false, isForeignObject),
    ]);
    if (isForeign ? !known || known.asOf < told.asOf : !isForeignSince) return undefined;
    const answer = await this.questions.subscription(tenant, fact.subscriptionId);
    if (!answer) return undefined;
    const toldByAnswer = { ...answered(answer, told, known?.revision ?? 0), until: answer.time?.until };
    return { object: answer.object, reading: readObject(projectId, answer.object, toldByAnswer), told: toldByAnswer };
  }

  /** Any line of an invoice may say to which project it belongs, also one that its event lacks. @throws ForeignObject */
  async #owner(tenant: Tenant, object: StripeObject, asOf: Date): Promise<Ownership> {
    const told = await this.assertOurs(tenant, object, asOf);
    const whole = told.isOurs ? object : await this.questions.withAllLines(tenant, object);
    return whole === object ? told : this.assertOurs(tenant, whole, asOf);
  }

  /** The PaymentIntents of an invoice: by themselves they don't say to which project they belong. */
  async #intentsOf(tenant: Tenant, object: StripeObject): Promise<string[]> {
    const id = object.id('id');
    if (object.text('object', MAX_STATUS_LENGTH) !== 'invoice' || id === undefined) return [];
    const listed = attemptsOf(object);
    if (listed.length > 0) return listed;
    try {
      return intentsOf(await this.questions.invoicePayments(tenant, id));
    } catch (error) {
      // With a key that can't see them there is nothing to learn; while Stripe is away, the event stays open.
      if (error instanceof DomainError && error.code !== 'stripe_unavailable') return [];
      throw error;
    }
  }

  async #complete(tenant: Asking, { object, reading: first, told, type }: Source): Promise<LedgerChange> {
    const whole = await this.questions.withAllItems(tenant, object);
    const reading = whole === object ? first : readObject(tenant.projectId, whole, told, type);
    const { invoiceToAsk, attemptToAsk, chargeToAsk, paidInvoiceId } = reading;
    const [current, asked, attempts, charge, dispute, ...payments] = await Promise.all([
      this.#subscription(tenant, reading, told),
      invoiceToAsk && this.#invoicePayments(tenant, invoiceToAsk, told),
      attemptToAsk && this.#attempts(tenant, attemptToAsk, told),
      chargeToAsk && this.#charge(tenant, chargeToAsk, told),
      reading.dispute && this.#dispute(tenant, reading.dispute),
      ...reading.payments.map((payment) => this.#payment(tenant, payment)),
    ]);
    const { subscription } = current;
    const isPaidOutside = [...payments, ...(asked ?? [])].some(({ paymentIntentId }) => paymentIntentId === paidInvoiceId);
    const party = reading.party.userId ? reading.party : current.party;
    return {
      projectId: tenant.projectId,
      mode: tenant.mode,
      party: { ...party, customerIds: party.customerIds.length === 0 && charge?.customerId ? [charge.customerId] : party.customerIds },
      subscription,
      payments: [...payments, ...(asked ?? []), ...(attempts ?? []), ...(charge ? [charge] : [])],
      withdrawnPaymentId: isPaidOutside ? undefined : paidInvoiceId,
      dispute,
    };
  }

  async #subscription(tenant: Asking, reading: Reading, told: Told): Promise<Pick<Reading, 'party' | 'subscription'>> {
    const { subscription: fact, subscriptionToAsk } = reading;
    const id = fact?.subscriptionId ?? subscriptionToAsk;
    if (id === undefined) return reading;
    const known = await SUBSCRIPTIONS.find(this.database, tenant.projectId, tenant.mode, id);
    const seen = known?.revision ?? 0;
    const isAsked = isToBeAsked(known, fact, told);
    const answer = isAsked ? await this.#ours(tenant, this.questions.subscription(tenant, id)) : undefined;
    if (isAsked && !answer && known) {
      if (!fact) throw notThisAccounts('subscription');
      return { party: reading.party, ...(isFurtherOn(fact, known) && { subscription: { ...fact, seen } }) };
    }
    const { party, subscription } = answer ? readObject(tenant.projectId, answer.object, answered(answer, told, seen)) : reading;
    if (!subscription?.productId || decideSubscription(known, subscription) === 'keep') return { party, subscription };
    const planName = await this.questions.productName(tenant, subscription.productId);
    return { party, subscription: { ...subscription, planName } };
  }

  async #payment(tenant: Asking, fact: PaymentFact): Promise<PaymentFact> {
    if (hasSucceeded(fact.status) && !fact.refundedAsOf) return fact;
    const known = await PAYMENTS.find(this.database, tenant.projectId, tenant.mode, fact.paymentIntentId);
    const seen = known?.revision ?? 0;
    if (known && decideRefund(known, fact) === 'ask') {
      const answer = await this.#ours(tenant, this.questions.charge(tenant, fact.chargeId, fact.paymentIntentId));
      const current = answer && readCharge(tenant.projectId, answer.object, answered(answer, fact, seen));
      // Without an answer the larger refund stands, whichever comes first.
      return current ?? { ...fact, seen, refundedAmountCents: Math.max(fact.refundedAmountCents, known.refundedAmountCents) };
    }
    if (!known || decidePayment(known, fact) !== 'ask') return fact;
    const answer = await this.#ours(tenant, this.questions.paymentIntent(tenant, fact.paymentIntentId));
    if (answer) return readPaymentIntent(tenant.projectId, answer.object, answered(answer, fact, seen));
    return { ...fact, seen, status: furtherOn(PAYMENT_STAGES, fact.status, known.status) };
  }

  /** What of a charge is refunded now. */
  async #charge(
    tenant: Asking,
    { chargeId, paymentIntentId }: NonNullable<Reading['chargeToAsk']>,
    told: Told,
  ): Promise<PaymentFact | undefined> {
    const answer = await this.#ours(tenant, this.questions.charge(tenant, chargeId, paymentIntentId));
    if (answer === undefined) throw notThisAccounts('charge');
    const fact = answer && readCharge(tenant.projectId, answer.object, { asOf: answer.time?.from ?? told.asOf, until: answer.time?.until });
    return fact ? this.#payment(tenant, fact) : undefined;
  }

  /** What became of the PaymentIntents of an invoice that was not paid: by themselves they don't tell what they are for. */
  async #attempts(tenant: Asking, attempt: NonNullable<Reading['attemptToAsk']>, told: Told): Promise<PaymentFact[]> {
    const { invoiceId, subscriptionId, paymentIntentIds } = attempt;
    const ids = paymentIntentIds.length > 0 ? paymentIntentIds : intentsOf(await this.questions.invoicePayments(tenant, invoiceId));
    const facts = ids.map(async (id) => {
      const known = await PAYMENTS.find(this.database, tenant.projectId, tenant.mode, id);
      const answer = await this.#ours(tenant, this.questions.paymentIntent(tenant, id));
      if (answer)
        return [{ ...readPaymentIntent(tenant.projectId, answer.object, answered(answer, told, known?.revision ?? 0)), subscriptionId }];
      // Stripe has it no longer: what is known of it stays, and is of that subscription.
      if (!known) throw notThisAccounts('PaymentIntent');
      return [{ ...known, userId: undefined, paymentIntentId: id, subscriptionId }];
    });
    return (await Promise.all(facts)).flat();
  }

  async #invoicePayments(tenant: Asking, { object, invoice }: NonNullable<Reading['invoiceToAsk']>, told: Told): Promise<PaymentFact[]> {
    const payments = await this.questions.invoicePayments(tenant, invoice.invoiceId);
    const unexplained = unexplainedCents(object, payments);
    if (unexplained > 0 && (await this.questions.paidOffStripe(tenant, invoice.invoiceId)) < unexplained)
      throw stripeUnavailable('Stripe counts the invoice as paid, and does not list yet by what; try again shortly.', undefined);
    return invoicePayments(object, invoice, readInvoicePayments(payments), told);
  }

  async #dispute(tenant: Asking, fact: DisputeFact): Promise<DisputeFact> {
    const known = await DISPUTES.find(this.database, tenant.projectId, tenant.mode, fact.disputeId);
    const paymentIntentId = await this.#disputed(tenant, fact, known);
    if (!known || decideDispute(known, fact) !== 'ask') return { ...fact, paymentIntentId };
    const seen = known.revision;
    const answer = await this.questions.dispute(tenant, fact.disputeId);
    const current = answer
      ? readDispute(answer.object, answered(answer, fact, seen))
      : { ...fact, seen, status: furtherOn(DISPUTE_STAGES, fact.status, known.status) };
    // That money went or came back, only the event tells.
    const { fundsWithdrawnAt, fundsReinstatedAt } = fact;
    return { ...current, paymentIntentId, fundsWithdrawnAt, fundsReinstatedAt };
  }

  async #isKnown({ projectId, mode }: Tenant, paymentIntentId: string): Promise<boolean> {
    return (await PAYMENTS.find(this.database, projectId, mode, paymentIntentId)) !== undefined;
  }

  /** An answer of Stripe about an object that belongs to no other project. @throws ForeignObject */
  async #ours<Found extends Answer | null | undefined>(tenant: Asking, asked: Promise<Found>): Promise<Found> {
    const answer = await asked;
    if (!answer) return answer;
    const { observed } = await this.assertOurs(tenant, answer.object, answer.time?.until ?? new Date());
    tenant.observed.push(...observed);
    return answer;
  }

  /** The payment that is disputed: Stripe is asked where only the charge is named, and where the payment is not here. */
  async #disputed(
    tenant: Asking,
    { chargeId, paymentIntentId }: DisputeFact,
    known: { readonly paymentIntentId: string | null } | undefined,
  ): Promise<string | null> {
    if (known && known.paymentIntentId !== chargeId) return known.paymentIntentId;
    const isNamed = chargeId === null || paymentIntentId !== chargeId;
    if (isNamed && (paymentIntentId === null || (await this.#isKnown(tenant, paymentIntentId)))) return paymentIntentId;
    try {
      const answer = await this.#ours(tenant, this.questions.charge(tenant, chargeId ?? undefined, paymentIntentId ?? undefined));
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
function isToBeAsked(known: (OwnedSubscription & Known) | undefined, fact: SubscriptionFact | undefined, { asOf }: Told): boolean {
  if (fact) return decideSubscription(known, fact) === 'ask';
  return !known || (known.asOf <= asOf && !isOver(known.status));
}

/** Stripe was asked after it told. */
function answered({ time }: Answer, { asOf }: Told, seen: number): Told {
  return { asOf: time ? later(time.from, asOf) : asOf, seen, isAnswer: true };
}
