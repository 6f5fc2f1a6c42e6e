import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../database/database.js';
import type { Decision } from './decision.js';
import { decideDispute, mergeDispute } from './dispute.js';
import type { LedgerChange } from './ledger-change.js';
import { isNews, type Written } from './ledger-table.js';
import { DISPUTES, type OwnedSubscription, PAYMENTS, SUBSCRIPTIONS } from './ledger-tables.js';
import { Overtaken } from './overtaken.js';
import { decidePayment, type LinkedUser, mergePayment, type PaymentState } from './payment.js';
import { rowId } from './row-id.js';
import { StatisticsRepository } from './statistics.repository.js';
import { decideSubscription, mergeSubscription } from './subscription.js';
import { Tellings } from './tellings.js';
import { UserLinksRepository } from './user-links.repository.js';

/**
 * Writes changes. Locks are taken in one order, so that transactions wait for each other and never in a circle: the customer, then
 * the subscription, payments by id, the dispute, and last the statistics.
 */
@Injectable()
export class LedgerWriter {
  constructor(
    private readonly database: Database,
    private readonly links: UserLinksRepository,
    private readonly statistics: StatisticsRepository,
    private readonly tellings: Tellings,
  ) {}

  /** @returns whether anything changed @throws Overtaken */
  *write(change: LedgerChange): Transaction<boolean> {
    const { projectId, mode, party } = change;
    yield* this.links.lock(projectId, mode, party);
    const { user, given } = yield* this.links.learn(projectId, mode, party);
    const subscriptions = yield* this.#writeSubscription(change, user);
    const payments = yield* this.#writePayments(change, user);
    const isDisputeNews = yield* this.#writeDispute(change);
    yield* this.statistics.add(projectId, mode, subscriptions, payments);
    yield* this.tellings.add(change, subscriptions, given, payments);
    return isDisputeNews || given.length > 0 || [...subscriptions, ...payments].some(isNews);
  }

  *#writeSubscription({ projectId, mode, subscription }: LedgerChange, { userId }: LinkedUser): Transaction<Written<OwnedSubscription>[]> {
    if (!subscription) return [];
    const written = yield* SUBSCRIPTIONS.write(this.database.engine, projectId, mode, subscription.subscriptionId, (known) => {
      settle(decideSubscription(known, subscription));
      return { ...mergeSubscription(known, subscription), userId: userId ?? known?.userId ?? null };
    });
    return [written];
  }

  *#writePayments({ projectId, mode, payments }: LedgerChange, user: LinkedUser): Transaction<Written<PaymentState>[]> {
    const all: Written<PaymentState>[] = [];
    for (const payment of payments.toSorted((one, other) => (one.paymentIntentId < other.paymentIntentId ? -1 : 1))) {
      const subscriptionId = payment.subscriptionId === undefined ? null : rowId(projectId, mode, payment.subscriptionId);
      const written = yield* PAYMENTS.write(this.database.engine, projectId, mode, payment.paymentIntentId, (known) => {
        settle(decidePayment(known, payment));
        return mergePayment(known, payment, subscriptionId, user);
      });
      all.push(written);
    }
    return all;
  }

  *#writeDispute({ projectId, mode, dispute }: LedgerChange): Transaction<boolean> {
    if (!dispute) return false;
    const written = yield* DISPUTES.write(this.database.engine, projectId, mode, dispute.disputeId, (known) => {
      settle(decideDispute(known, dispute));
      return mergeDispute(known, dispute);
    });
    return isNews(written);
  }
}

/** Whoever prepared the change saw no need to ask Stripe: the row has been written to since. */
function settle(decision: Decision): void {
  if (decision === 'ask') throw new Overtaken();
}
