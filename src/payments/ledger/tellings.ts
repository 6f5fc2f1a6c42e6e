import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../database/database.js';
import { toLedgerPayment, toLedgerSubscription } from './event-payloads.js';
import type { LedgerChange } from './ledger-change.js';
import type { LedgerEvent, LedgerPayment } from './ledger-events.js';
import type { Written } from './ledger-table.js';
import { type OwnedSubscription, SUBSCRIPTIONS } from './ledger-tables.js';
import { OutboxRepository } from './outbox.repository.js';
import { OutboxSweeper } from './outbox-sweeper.js';
import { hasSucceeded, type PaymentState } from './payment.js';
import { rowId } from './row-id.js';

type Tenant = Pick<LedgerChange, 'projectId' | 'mode'>;

/** What other modules are told of a change, in the transaction that makes it. */
@Injectable()
export class Tellings {
  constructor(
    private readonly outbox: OutboxRepository,
    private readonly sweeper: OutboxSweeper,
  ) {}

  /** @param given Stripe's ids of the subscriptions that got another user */
  *add(
    { projectId, mode }: Tenant,
    subscriptions: readonly Written<OwnedSubscription>[],
    given: readonly string[],
    payments: readonly Written<PaymentState>[],
  ): Transaction<void> {
    const tenant = { projectId, mode };
    const events = [
      ...subscriptions.filter(({ stripeId }) => !given.includes(stripeId)).flatMap((written) => ofSubscription(tenant, written)),
      ...payments.flatMap((written) => ofPayment(tenant, written)),
    ];
    for (const stripeId of given) {
      const after = yield* SUBSCRIPTIONS.see(projectId, mode, stripeId);
      if (after) events.push(...ofSubscription(tenant, { id: rowId(projectId, mode, stripeId), stripeId, before: undefined, after }));
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

function ofPayment(tenant: Tenant, { id, stripeId, before, after }: Written<PaymentState>): LedgerEvent[] {
  const payment = toLedgerPayment(id, stripeId, after);
  const known = before && toLedgerPayment(id, stripeId, before);
  const refundedNowCents = payment.refundedAmountCents - (known?.refundedAmountCents ?? 0);
  const events: LedgerEvent[] = [];
  const isRefundUndone = refundedNowCents < 0;
  if (!known || isRefundUndone || !isDeepStrictEqual(unrefunded(known), unrefunded(payment)))
    events.push(['payment.recorded', { ...tenant, payment }]);
  if (refundedNowCents > 0) events.push(['payment.refunded', { ...tenant, payment, refundedNowCents }]);
  return events;
}

/** Without what a refund changes. */
function unrefunded(payment: LedgerPayment): LedgerPayment {
  const { status } = payment;
  return { ...payment, refundedAmountCents: 0, status: hasSucceeded(status) ? 'succeeded' : status };
}
