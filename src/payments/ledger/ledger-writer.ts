import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { Database, query, exec, sql, zip, type Steps } from '../../database/database.js';
import { type Decision, StaleRead, type StoredVersion } from './decision.js';
import { decideDispute, type DisputeState, mergeDispute } from './dispute.js';
import type { ForeignObject } from './foreign-object.js';
import { ForeignObjectsRepository } from './foreign-objects.repository.js';
import type { LedgerChange } from './ledger-change.js';
import { isNews, type Written } from './ledger-table.js';
import { CONFIRM_SUBSCRIPTION, DISPUTES, type OwnedSubscription, PAYMENTS, SUBSCRIPTIONS } from './ledger-tables.js';
import { decidePayment, decideRefund, type LinkedUser, mergePayment, type PaymentState } from './payment.js';
import { rowId } from './row-id.js';
import { StatisticsRepository } from './statistics.repository.js';
import { decideSubscription, mergeSubscription } from './subscription.js';
import { LedgerEventRecorder } from './tellings.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { UserLinksRepository } from './user-links.repository.js';

/** $1 project, $2 mode, $3 a dispute, or the payment that is disputed. */
const DISPUTES_OF = sql<{ dispute_id: string }>(
  'SELECT dispute_id FROM stripe_disputes WHERE project_id = $1 AND mode = $2 AND (dispute_id = $3 OR payment_intent_id = $3) ORDER BY 1',
  'find_stripe_disputes_of',
);

/** The rows that a change is about, as they are; absent where there is none yet. */
interface StoredRows {
  readonly subscription: (OwnedSubscription & StoredVersion) | undefined;
  /** By Stripe's id. */
  readonly payments: ReadonlyMap<string, PaymentState & StoredVersion>;
  readonly dispute: (DisputeState & StoredVersion) | undefined;
}

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
    private readonly events: LedgerEventRecorder,
    private readonly foreign: ForeignObjectsRepository,
  ) {}

  /** @returns whether anything changed @throws StaleRead, ForeignObject */
  *write(change: LedgerChange): Steps<boolean> {
    const { projectId, mode, party } = change;
    yield* this.links.lock(projectId, mode, party);
    const linking = zip(this.links.link(projectId, mode, party), this.foreign.check(change));
    const locking = this.#lock(change);
    // A user who is learned of is given rows, which have to be seen as they are then.
    const [[{ user, reassigned }], stored] = party.userId ? [yield* linking, yield* locking] : yield* zip(linking, locking);
    const subscriptions = yield* this.#writeSubscription(change, stored, user);
    const payments = [...(yield* this.#writePayments(change, stored, user)), ...(yield* this.#withdrawPayment(change, stored))];
    const disputes = yield* this.#writeDispute(change, stored);
    yield* this.statistics.add(projectId, mode, subscriptions, payments, disputes);
    yield* this.events.record(change, { subscriptions, payments, disputes, reassigned: reassigned });
    return [...reassigned.subscriptions, ...reassigned.payments].length > 0 || [...subscriptions, ...payments, ...disputes].some(isNews);
  }

  /** Takes out what was written of another project's objects, and remembers them. @returns whether anything was there */
  *removeForeign(projectId: ProjectId, mode: StripeMode, object: ForeignObject): Steps<boolean> {
    const { engine } = this.database;
    const { namedBy, inheriting, customerIds } = object;
    const ids = [...new Set([namedBy.objectId, ...inheriting])].sort();
    // A payment that is being written for the customer is there to be removed, or finds the marks.
    yield* this.links.lock(projectId, mode, { customerIds, asOf: new Date() });
    // A subscription that is here was not foreign when it was written.
    const stored = yield* SUBSCRIPTIONS.lock(engine, projectId, mode, namedBy.objectId);
    if (stored && stored.asOf > namedBy.asOf) return false;
    if (!(yield* this.foreign.mark(projectId, mode, object))) return false;
    const [subscriptions, payments, disputes] = [[], [], []] as [
      Written<OwnedSubscription>[],
      Written<PaymentState>[],
      Written<DisputeState>[],
    ];
    for (const id of ids) subscriptions.push(...(yield* SUBSCRIPTIONS.remove(engine, projectId, mode, id)));
    for (const id of ids) payments.push(...(yield* PAYMENTS.remove(engine, projectId, mode, id)));
    for (const id of ids) {
      const found = yield* query(DISPUTES_OF, [projectId, mode, id]);
      for (const { dispute_id: disputeId } of found) disputes.push(...(yield* DISPUTES.remove(engine, projectId, mode, disputeId)));
    }
    yield* this.statistics.add(projectId, mode, subscriptions, payments, disputes, -1);
    return subscriptions.length + payments.length + disputes.length > 0;
  }

  *#lock({ projectId, mode, subscription, payments, withdrawnPaymentId, dispute }: LedgerChange): Steps<StoredRows> {
    const { engine } = this.database;
    const storedSubscription = subscription && (yield* SUBSCRIPTIONS.lock(engine, projectId, mode, subscription.subscriptionId));
    const storedPayments = new Map<string, PaymentState & StoredVersion>();
    const ids = [
      ...payments.map(({ paymentIntentId }) => paymentIntentId),
      ...(withdrawnPaymentId === undefined ? [] : [withdrawnPaymentId]),
    ];
    for (const id of ids.sort()) {
      const stored = yield* PAYMENTS.lock(engine, projectId, mode, id);
      if (stored) storedPayments.set(id, stored);
    }
    const storedDispute = dispute && (yield* DISPUTES.lock(engine, projectId, mode, dispute.disputeId));
    return { subscription: storedSubscription, payments: storedPayments, dispute: storedDispute };
  }

  *#writeSubscription(
    { projectId, mode, subscription: fact }: LedgerChange,
    { subscription: stored }: StoredRows,
    { userId }: LinkedUser,
  ): Steps<Written<OwnedSubscription>[]> {
    if (!fact) return [];
    assertNotStale(decideSubscription(stored, fact));
    const after = { ...mergeSubscription(stored, fact), userId: userId ?? stored?.userId ?? null };
    const written = yield* SUBSCRIPTIONS.write(projectId, mode, fact.subscriptionId, stored, after);
    yield* exec(CONFIRM_SUBSCRIPTION, [projectId, mode, fact.subscriptionId, fact.isAnswer === true]);
    return [written];
  }

  *#writePayments({ projectId, mode, payments }: LedgerChange, rows: StoredRows, user: LinkedUser): Steps<Written<PaymentState>[]> {
    const all: Written<PaymentState>[] = [];
    for (const fact of payments) {
      const stored = rows.payments.get(fact.paymentIntentId);
      assertNotStale(decidePayment(stored, fact));
      assertNotStale(decideRefund(stored, fact));
      const subscriptionId = fact.subscriptionId === undefined ? null : rowId(projectId, mode, fact.subscriptionId);
      all.push(yield* PAYMENTS.write(projectId, mode, fact.paymentIntentId, stored, mergePayment(stored, fact, subscriptionId, user)));
    }
    return all;
  }

  /** Stripe has said since by what else the invoice was paid. Others are told that it came to nothing, and the row goes. */
  *#withdrawPayment({ projectId, mode, withdrawnPaymentId: id }: LedgerChange, { payments }: StoredRows): Steps<Written<PaymentState>[]> {
    const stored = id === undefined ? undefined : payments.get(id);
    if (id === undefined || stored?.source !== 'out_of_band') return [];
    const [removed] = yield* PAYMENTS.remove(this.database.engine, projectId, mode, id);
    return removed ? [{ ...removed, before: stored, after: { ...stored, status: 'canceled' }, isRemoved: true }] : [];
  }

  *#writeDispute({ projectId, mode, dispute: fact }: LedgerChange, { dispute: stored }: StoredRows): Steps<Written<DisputeState>[]> {
    if (!fact) return [];
    assertNotStale(decideDispute(stored, fact));
    return [yield* DISPUTES.write(projectId, mode, fact.disputeId, stored, mergeDispute(stored, fact))];
  }
}

/** Whoever prepared the change saw no need to ask Stripe: the row has been written to since. */
function assertNotStale(decision: Decision): void {
  if (decision === 'refetch') throw new StaleRead();
}
