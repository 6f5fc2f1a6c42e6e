import { Injectable } from '@nestjs/common';
import { type Steps, zip } from '../../../database/database.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { type Decision, StaleRead, type StoredVersion } from '../merge/observation.js';
import { decideDispute, type DisputeState, mergeDispute } from '../merge/dispute.js';
import type { ForeignObject } from '../read/foreign-object.js';
import { ForeignObjectsRepository } from './foreign-objects.repository.js';
import type { LedgerChange } from '../merge/ledger-change.js';
import {
  DisputesTable,
  isChanged,
  PaymentsTable,
  rowId,
  SubscriptionsTable,
  type Written,
} from './ledger-tables.js';
import {
  decidePayment,
  decideRefund,
  type LinkedUser,
  mergePayment,
  type PaymentState,
} from '../merge/payment.js';
import { StatisticsRepository } from './statistics.repository.js';
import { decideSubscription, mergeSubscription, type OwnedSubscription } from '../merge/subscription.js';
import { LedgerEventRecorder } from './ledger-event-recorder.js';
import { UserLinksRepository } from './user-links.repository.js';

/** Locked rows of a change before the write. */
interface StoredRows {
  readonly subscription: (OwnedSubscription & StoredVersion) | undefined;
  /** By Stripe's id. */
  readonly payments: ReadonlyMap<string, PaymentState & StoredVersion>;
  readonly dispute: (DisputeState & StoredVersion) | undefined;
}

/**
 * Writes a change with its statistics and events. Locks are taken in one order, which rules out deadlocks:
 * customer, subscription, payments by id, dispute, statistics.
 */
@Injectable()
export class LedgerWriter {
  constructor(
    private readonly subscriptions: SubscriptionsTable,
    private readonly payments: PaymentsTable,
    private readonly disputes: DisputesTable,
    private readonly links: UserLinksRepository,
    private readonly statistics: StatisticsRepository,
    private readonly events: LedgerEventRecorder,
    private readonly foreign: ForeignObjectsRepository,
  ) {}

  /** @returns whether anything changed @throws StaleRead, ForeignObject */
  *write(change: LedgerChange): Steps<boolean> {
    const { party } = change;
    yield* this.links.lock(change, party);
    const linking = zip(this.links.link(change, party), this.foreign.check(change));
    const locking = this.#lock(change);
    // Linking a user updates rows, so these must be read afterwards. Otherwise both steps share round trips.
    const [[{ user, reassigned }], stored] = party.userId
      ? [yield* linking, yield* locking]
      : yield* zip(linking, locking);
    const subscriptions = yield* this.#writeSubscription(change, stored, user);
    const payments = [
      ...(yield* this.#writePayments(change, stored, user)),
      ...(yield* this.#withdrawPayment(change, stored)),
    ];
    const disputes = yield* this.#writeDispute(change, stored);
    yield* this.statistics.add(change, { subscriptions, payments, disputes });
    yield* this.events.record(change, { subscriptions, payments, disputes, reassigned });
    return (
      [...reassigned.subscriptions, ...reassigned.payments].length > 0 ||
      [...subscriptions, ...payments, ...disputes].some(isChanged)
    );
  }

  /**
   * Deletes the rows of another project's objects, and marks the objects as foreign.
   * @returns whether any row was deleted
   */
  *removeForeign(tenant: ProjectMode, object: ForeignObject): Steps<boolean> {
    const { namedBy, inheriting, customerIds } = object;
    const ids = [...new Set([namedBy.objectId, ...inheriting])].sort();
    // A concurrent write for the customer either commits first and is deleted here, or sees the marks.
    yield* this.links.lock(tenant, { customerIds, asOf: new Date() });
    // A stored subscription was not foreign at the time of its state.
    const stored = yield* this.subscriptions.lock(tenant, namedBy.objectId);
    if (stored && stored.asOf > namedBy.asOf) return false;
    if (!(yield* this.foreign.mark(tenant, object))) return false;
    const subscriptions: Written<OwnedSubscription>[] = [];
    const payments: Written<PaymentState>[] = [];
    const disputes: Written<DisputeState>[] = [];
    for (const id of ids) subscriptions.push(...(yield* this.subscriptions.remove(tenant, id)));
    for (const id of ids) payments.push(...(yield* this.payments.remove(tenant, id)));
    for (const id of ids)
      for (const disputeId of yield* this.disputes.idsOf(tenant, id))
        disputes.push(...(yield* this.disputes.remove(tenant, disputeId)));
    yield* this.statistics.subtract(tenant, { subscriptions, payments, disputes });
    return subscriptions.length + payments.length + disputes.length > 0;
  }

  *#lock(change: LedgerChange): Steps<StoredRows> {
    const { subscription, payments, withdrawnPaymentId, dispute } = change;
    const storedSubscription =
      subscription && (yield* this.subscriptions.lock(change, subscription.subscriptionId));
    const storedPayments = new Map<string, PaymentState & StoredVersion>();
    const ids = [
      ...payments.map(({ paymentIntentId }) => paymentIntentId),
      ...(withdrawnPaymentId === undefined ? [] : [withdrawnPaymentId]),
      ...(dispute?.paymentIntentId ? [dispute.paymentIntentId] : []),
    ];
    for (const id of [...new Set(ids)].sort()) {
      const stored = yield* this.payments.lock(change, id);
      if (stored) storedPayments.set(id, stored);
    }
    const storedDispute = dispute && (yield* this.disputes.lock(change, dispute.disputeId));
    return { subscription: storedSubscription, payments: storedPayments, dispute: storedDispute };
  }

  *#writeSubscription(
    change: LedgerChange,
    { subscription: stored }: StoredRows,
    { userId }: LinkedUser,
  ): Steps<Written<OwnedSubscription>[]> {
    const { subscription: fact } = change;
    if (!fact) return [];
    assertNotStale(decideSubscription(stored, fact));
    const after = { ...mergeSubscription(stored, fact), userId: userId ?? stored?.userId ?? null };
    const written = yield* this.subscriptions.write(change, fact.subscriptionId, { before: stored, after });
    yield* this.subscriptions.confirm(change, fact.subscriptionId, fact.isResponse === true);
    if (!stored) yield* this.payments.touchOfSubscription(change, written.id);
    return [written];
  }

  *#writePayments(change: LedgerChange, rows: StoredRows, user: LinkedUser): Steps<Written<PaymentState>[]> {
    const all: Written<PaymentState>[] = [];
    for (const fact of change.payments) {
      const stored = rows.payments.get(fact.paymentIntentId);
      assertNotStale(decidePayment(stored, fact));
      assertNotStale(decideRefund(stored, fact));
      const subscriptionId = fact.subscriptionId === undefined ? null : rowId(change, fact.subscriptionId);
      all.push(
        yield* this.payments.write(change, fact.paymentIntentId, {
          before: stored,
          after: mergePayment(stored, fact, subscriptionId, user),
        }),
      );
    }
    return all;
  }

  /**
   * Deletes an `out_of_band` payment after Stripe listed its own payment of the invoice. Listeners receive it
   * as cancelled.
   */
  *#withdrawPayment(change: LedgerChange, { payments }: StoredRows): Steps<Written<PaymentState>[]> {
    const { withdrawnPaymentId: id } = change;
    const stored = id === undefined ? undefined : payments.get(id);
    if (id === undefined || stored?.source !== 'out_of_band') return [];
    const [removed] = yield* this.payments.remove(change, id);
    return removed
      ? [{ ...removed, before: stored, after: { ...stored, status: 'canceled' }, isRemoved: true }]
      : [];
  }

  *#writeDispute(change: LedgerChange, { dispute: stored }: StoredRows): Steps<Written<DisputeState>[]> {
    const { dispute: fact } = change;
    if (!fact) return [];
    assertNotStale(decideDispute(stored, fact));
    const after = mergeDispute(stored, fact);
    const written = yield* this.disputes.write(change, fact.disputeId, { before: stored, after });
    if (isChanged(written) && after.paymentIntentId)
      yield* this.payments.touch(change, after.paymentIntentId);
    return [written];
  }
}

/**
 * The change was prepared without a need to ask Stripe. If there is one now, the row was written meanwhile.
 */
function assertNotStale(decision: Decision): void {
  if (decision === 'refetch') throw new StaleRead();
}
