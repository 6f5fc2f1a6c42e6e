import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../database/database.js';
import { toLedgerPayment, toLedgerSubscription } from './event-payloads.js';
import type { LedgerChange } from './ledger-change.js';
import type { LedgerEvent, LedgerPayment } from './ledger-events.js';
import type { Written } from './ledger-table.js';
import { type OwnedSubscription, PAYMENTS, SUBSCRIPTIONS } from './ledger-tables.js';
import { OutboxRepository } from './outbox.repository.js';
import { OutboxSweeper } from './outbox-sweeper.js';
import { hasSucceeded, type PaymentState } from './payment.js';
import { rowId } from './row-id.js';
import type { Given } from './user-links.repository.js';

type Tenant = Pick<LedgerChange, 'projectId' | 'mode'>;

/** What other modules are told of a change, in the transaction that makes it. */
@Injectable()
export class Tellings {
  constructor(
    private readonly outbox: OutboxRepository,
    private readonly sweeper: OutboxSweeper,
  ) {}

  /** @param given the rows that got another user, be they among the written ones or not */
  *add(
    { projectId, mode }: Tenant,
    subscriptions: readonly Written<OwnedSubscription>[],
    given: Given,
    payments: readonly Written<PaymentState>[],
  ): Transaction<void> {
    const tenant = { projectId, mode };
    const events = [
      ...subscriptions
        .filter(({ stripeId }) => !given.subscriptions.includes(stripeId))
        .flatMap((written) => ofSubscription(tenant, written)),
      ...payments.flatMap((written) => ofPayment(tenant, written, given.payments.includes(written.stripeId))),
    ];
    for (const stripeId of given.subscriptions) {
      const after = yield* SUBSCRIPTIONS.see(projectId, mode, stripeId);
      if (after) events.push(...ofSubscription(tenant, { id: rowId(projectId, mode, stripeId), stripeId, before: undefined, after }));
    }
    for (const stripeId of given.payments.filter((id) => payments.every((written) => written.stripeId !== id))) {
      const after = yield* PAYMENTS.see(projectId, mode, stripeId);
      if (after) events.push(...ofPayment(tenant, { id: rowId(projectId, mode, stripeId), stripeId, before: after, after }, true));
    }
    const now = new Date();
    for (const event of events) yield* this.outbox.add(event, now);
    if (events.length > 0) this.sweeper.wake();
  }
}

function ofSubscription(tenant: Tenant, { id, stripeId, before, after }: Written<OwnedSubscription>): LedgerEvent[] {
  const subscription = toLedgerSubscription(id, stripeId, after);
  const isSame = before && isDeepStrictEqual(toLedgerSubscription(id, stripeId, before), subscription);
  return isSame ? [] : [['subscription.changed', { ...tenant, subscription }]];
}

/** @param isGiven whether it got another user before it was written */
function ofPayment(tenant: Tenant, { id, stripeId, before, after }: Written<PaymentState>, isGiven: boolean): LedgerEvent[] {
  const payment = toLedgerPayment(id, stripeId, after);
  const known = before && toLedgerPayment(id, stripeId, before);
  const refundedNowCents = payment.refundedAmountCents - (known?.refundedAmountCents ?? 0);
  const events: LedgerEvent[] = [];
  const isRefundUndone = refundedNowCents < 0;
  if (!known || isGiven || isRefundUndone || !isDeepStrictEqual(compared(known), compared(payment)))
    events.push(['payment.recorded', { ...tenant, payment }]);
  if (refundedNowCents > 0) events.push(['payment.refunded', { ...tenant, payment, refundedNowCents }]);
  return events;
}

/** Without what a refund changes, and without the time: a PaymentIntent has a better one than its session, which is no news. */
function compared(payment: LedgerPayment): LedgerPayment {
  const { status } = payment;
  return { ...payment, createdAt: '', refundedAmountCents: 0, status: hasSucceeded(status) ? 'succeeded' : status };
}
