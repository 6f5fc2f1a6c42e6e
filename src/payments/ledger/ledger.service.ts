import { Injectable } from '@nestjs/common';
import { Database, type Steps } from '../../database/database.js';
import type { AnswerTime } from '../stripe/stripe-connector.js';
import type { ProjectMode } from '../project-mode.js';
import { ForeignObject } from './read/foreign-object.js';
import type { LedgerChange, StripeEvent } from './merge/ledger-change.js';
import { SubscriptionsTable } from './store/ledger-tables.js';
import { LedgerWriter } from './store/ledger-writer.js';
import { retryIfStale } from './merge/observation.js';
import { EventEnricher } from './lookup/event-enricher.js';
import { StripeObject, Unreadable } from './read/stripe-object.js';
import { goneSubscription, isUnchanged, isEnded } from './merge/subscription.js';

/** Keeps subscriptions and payments as Stripe last said. */
@Injectable()
export class LedgerService {
  constructor(
    private readonly database: Database,
    private readonly subscriptions: SubscriptionsTable,
    private readonly enricher: EventEnricher,
    private readonly writer: LedgerWriter,
  ) {}

  /**
   * Reads the event, and asks Stripe, under a deadline, for what its payload lacks. Holds no connection to the database meanwhile.
   * @throws Unreadable when the event lacks what it has to tell, or has it in an unknown form
   * @throws ForeignObject when it is about an object of another project
   * @throws DomainError when Stripe has to be asked and can't be: `stripe_unavailable`, `stripe_key_refused`, `stripe_permission_missing`,
   * `stripe_refused`, `project_not_found`, `config_not_found`, `config_deleted`, `mode_not_configured`; `database_unavailable`
   */
  prepare({ projectId, mode, type, created, object }: StripeEvent): Promise<LedgerChange> {
    return this.enricher.prepare({ projectId, mode }, object, { asOf: created }, type);
  }

  /**
   * Writes what is still newer, with its statistics and what other modules are to be told: part of the caller's transaction.
   * @throws ForeignObject; StaleRead when it has to be prepared again: see `retryIfStale`
   */
  *apply(change: LedgerChange): Steps<void> {
    yield* this.writer.write(change);
  }

  /**
   * What Stripe answered to a call of ours: a customer, subscription, invoice, checkout session, PaymentIntent, charge or dispute.
   * A subscription that is here as Stripe says is not written again, and an answer that can't be read changes nothing.
   * @returns whether the ledger changed by it
   * @throws as `prepare`
   */
  record(tenant: ProjectMode, object: unknown, { from, until }: AnswerTime): Promise<boolean> {
    return retryIfStale(async () => {
      const change = await this.enricher.prepare(tenant, object, { asOf: from, until, isAnswer: true });
      if (await this.#isKnown(change)) return false;
      return this.database.transaction(() => this.writer.write(change));
    }).catch((error: unknown) => {
      if (error instanceof Unreadable) return false;
      if (error instanceof ForeignObject) return this.recordForeign(tenant, error);
      throw error;
    });
  }

  /**
   * That objects belong to another project: what was written of them goes, and what comes of them later is not written.
   * @returns whether the ledger changed by it
   */
  recordForeign(tenant: ProjectMode, objects: ForeignObject): Promise<boolean> {
    return this.database.transaction(() => this.writer.removeForeign(tenant, objects));
  }

  /** Whether an object of Stripe's belongs to another project; then nothing of it stays here. */
  async isForeign(tenant: ProjectMode, object: unknown, { until }: AnswerTime): Promise<boolean> {
    try {
      await this.enricher.assertOurs(tenant, StripeObject.from(object), until);
      return false;
    } catch (error) {
      // What can't be read proves nothing.
      if (error instanceof Unreadable) return false;
      if (!(error instanceof ForeignObject)) throw error;
      await this.recordForeign(tenant, error);
      return true;
    }
  }

  /**
   * That Stripe no longer has a subscription. Only for whoever knows that it was of the account which the key belongs to: another account's
   * Stripe never had.
   * @returns whether the ledger changed by it
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

  async #isKnown(change: LedgerChange): Promise<boolean> {
    const { party, subscription } = change;
    if (!subscription) return false;
    const stored = await this.subscriptions.find(change, subscription.subscriptionId);
    const isUserKnown = party.userId === undefined || party.userId === stored?.userId;
    if (stored === undefined || !isUserKnown || !isUnchanged(stored, subscription)) return false;
    await this.database.transaction(() =>
      this.subscriptions.confirm(change, subscription.subscriptionId, true),
    );
    return true;
  }
}
