import { Injectable } from '@nestjs/common';
import { Database, type Steps } from '../../database/database.js';
import type { AnswerTime } from '../stripe/stripe-connector.js';
import type { ProjectMode } from '../stripe/stripe-mode.js';
import { ForeignObject } from './read/foreign-object.js';
import type { LedgerChange, StripeEvent } from './merge/ledger-change.js';
import { SubscriptionsTable } from './store/ledger-tables.js';
import { LedgerWriter } from './store/ledger-writer.js';
import { retryIfStale } from './merge/observation.js';
import { EventEnricher } from './lookup/event-enricher.js';
import { ObjectOwnership } from './lookup/object-ownership.js';
import { StripeObject, Unreadable } from './read/stripe-object.js';
import { goneSubscription, isUnchanged, isEnded } from './merge/subscription.js';

const TRIAL_ENDING = 'customer.subscription.trial_will_end';

/** Entry point of the ledger: `prepare` reads and completes an event, `apply` stores it. */
@Injectable()
export class LedgerService {
  constructor(
    private readonly database: Database,
    private readonly subscriptions: SubscriptionsTable,
    private readonly enricher: EventEnricher,
    private readonly ownership: ObjectOwnership,
    private readonly writer: LedgerWriter,
  ) {}

  /**
   * Reads the event and asks Stripe, under a deadline, for values that the payload lacks. Holds no database
   * connection meanwhile.
   * @throws Unreadable when a required field is missing or has an unknown form
   * @throws ForeignObject when the object belongs to another project
   * @throws DomainError when Stripe can't be asked: `stripe_unavailable`, `stripe_key_refused`,
   * `stripe_permission_missing`, `stripe_refused`, `project_not_found`, `config_not_found`, `config_deleted`,
   * `mode_not_configured`; `database_unavailable`
   */
  async prepare(event: StripeEvent): Promise<LedgerChange> {
    const { projectId, mode, type, created, object, isRepeated = false } = event;
    const change = await this.enricher.prepare({ projectId, mode }, object, { asOf: created, type });
    return { ...change, isTrialEnding: type === TRIAL_ENDING && !isRepeated };
  }

  /**
   * Writes the states that are still newer, their statistics and the outbox, in the caller's transaction.
   * @throws ForeignObject; StaleRead when the change must be prepared again: see `retryIfStale`
   */
  *apply(change: LedgerChange): Steps<void> {
    yield* this.writer.write(change);
  }

  /**
   * Applies a response of Stripe: a customer, subscription, invoice, checkout session, PaymentIntent, charge
   * or dispute. An unchanged subscription is only confirmed. An unreadable response changes nothing.
   * @returns whether the ledger changed
   * @throws as `prepare`
   */
  record(tenant: ProjectMode, object: unknown, { from, until }: AnswerTime): Promise<boolean> {
    return retryIfStale(async () => {
      const change = await this.enricher.prepare(tenant, object, { asOf: from, until, isResponse: true });
      if (await this.#isUnchanged(change)) return false;
      return this.database.transaction(() => this.writer.write(change));
    }).catch((error: unknown) => {
      if (error instanceof Unreadable) return false;
      if (error instanceof ForeignObject) return this.recordForeign(tenant, error);
      throw error;
    });
  }

  /**
   * Removes the rows of objects that belong to another project, and marks the objects, so that later events
   * skip them.
   * @returns whether the ledger changed
   */
  recordForeign(tenant: ProjectMode, objects: ForeignObject): Promise<boolean> {
    return this.database.transaction(() => this.writer.removeForeign(tenant, objects));
  }

  /** Whether a Stripe object belongs to another project. If so, its rows are removed. */
  async isForeign(tenant: ProjectMode, object: unknown, { until }: AnswerTime): Promise<boolean> {
    try {
      await this.ownership.assertOurs(tenant, StripeObject.from(object), until);
      return false;
    } catch (error) {
      // An unreadable object proves nothing.
      if (error instanceof Unreadable) return false;
      if (!(error instanceof ForeignObject)) throw error;
      await this.recordForeign(tenant, error);
      return true;
    }
  }

  /**
   * Cancels a subscription that Stripe no longer has. The caller must know that the subscription belongs to
   * the account of the stored key, since Stripe answers 404 for another account's subscription too.
   * @returns whether the ledger changed
   * @throws DomainError `database_unavailable`
   */
  recordGone({ projectId, mode }: ProjectMode, subscriptionId: string, asOf: Date): Promise<boolean> {
    return retryIfStale(async () => {
      const stored = await this.subscriptions.find({ projectId, mode }, subscriptionId);
      if (!stored || isEnded(stored.status)) return false;
      const party = {
        customerIds: stored.customerId === null ? [] : [stored.customerId],
        subscriptionId,
        asOf,
      };
      const subscription = goneSubscription(stored, subscriptionId, asOf);
      return this.database.transaction(() =>
        this.writer.write({ projectId, mode, party, subscription, payments: [] }),
      );
    });
  }

  /**
   * Compares a subscription with its row, and confirms the row if they are equal. The subscription of an invoice may
   * be unchanged, but the invoice brings payments.
   */
  async #isUnchanged(change: LedgerChange): Promise<boolean> {
    const { party, subscription, payments, withdrawnPaymentId } = change;
    if (!subscription || payments.length > 0 || withdrawnPaymentId) return false;
    const stored = await this.subscriptions.find(change, subscription.subscriptionId);
    const isUserKnown = party.userId === undefined || party.userId === stored?.userId;
    if (stored === undefined || !isUserKnown || !isUnchanged(stored, subscription)) return false;
    await this.database.transaction(() =>
      this.subscriptions.confirm(change, subscription.subscriptionId, true),
    );
    return true;
  }
}
