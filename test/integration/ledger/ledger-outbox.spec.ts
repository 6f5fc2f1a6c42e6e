import { randomUUID } from 'node:crypto';
import type { ProjectId } from '../../../src/common/ids.js';
import { Database } from '../../../src/database/database.js';
import { LedgerService } from '../../../src/payments/ledger/ledger.service.js';
import { EventLog } from '../../../src/payments/events/event-log.js';
import {
  type Delivery,
  DURABLE_EVENTS,
  type DurableEvent,
  type DurableEventMap,
  type DurableEventName,
  PaymentsEvents,
} from '../../../src/payments/payments-events.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { LedgerHarness } from '../../harness/ledger/ledger-harness.js';
import { simulateLifecycle } from '../../harness/ledger/ledger-life.js';
import { dispute, failToRenew, payLate } from '../../harness/stripe/life.js';
import { StripeServer } from '../../harness/stripe/stripe-server.js';
import { idOf } from '../../harness/stripe/resources.js';
import { pay, refund } from '../../harness/stripe/routes/payment.routes.js';
import { cancel, subscribe } from '../../harness/stripe/routes/subscription.routes.js';
import { createTestDatabase } from '../../harness/database/test-database.js';

let app: AppWithStripe;
let harness: LedgerHarness;

beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());
beforeEach(async () => {
  app.stripe.now = () => Math.floor(Date.now() / 1_000);
  harness = await LedgerHarness.open(app);
});

type Received<Name extends DurableEventName> = DurableEventMap[Name] & Delivery;

/** Collects the events of one project that a listener receives. */
function listen<Name extends DurableEventName>(name: Name, projectId: string, to = app): Received<Name>[] {
  const received: Received<Name>[] = [];
  const add = (event: DurableEventMap[Name], delivery: Delivery) => received.push({ ...event, ...delivery });
  to.app
    .get(PaymentsEvents)
    .on(name, (event, delivery) => void (event.projectId === projectId && add(event, delivery)));
  return received;
}

/** Names and statuses of the project's events, sorted: they are delivered in any order. */
function listenToAll(projectId: string): string[] {
  const received: string[] = [];
  for (const name of DURABLE_EVENTS)
    app.app.get(PaymentsEvents).on(name, (event) => {
      const object =
        'subscription' in event
          ? event.subscription
          : 'dispute' in event
            ? event.dispute
            : 'payment' in event
              ? event.payment
              : undefined;
      if (object && event.projectId === projectId) received.push(`${name} ${object.status}`);
      received.sort();
    });
  return received;
}

const delivered = () => eventually(async () => expect(await harness.outbox()).toEqual([]));

/**
 * Makes Stripe's events a minute apart: within one second the ledger asks Stripe instead of reading them in
 * turn.
 */
function spread(): void {
  let now = 1_700_000_000;
  app.stripe.now = () => (now += 60);
}

function subscribed() {
  const { test: data } = harness.account;
  const [price] = data.all('price').filter(({ lookup_key }) => lookup_key === 'monthly');
  if (!price) throw new Error('There is no monthly price.');
  return subscribe(data, {
    customer: data.create('customer', {}).id,
    items: [{ price, quantity: 1 }],
    metadata: {},
    trialDays: 0,
  });
}

function unheard(projectId: ProjectId): DurableEvent {
  const subscription = {
    ...({} as DurableEventMap['subscription.created']['subscription']),
    id: randomUUID(),
  };
  return ['subscription.created', { projectId, mode: 'test', subscription }];
}

it('sends events of subscriptions and payments, and removes each once it is delivered', async () => {
  const created = listen('subscription.created', harness.projectId);
  const updated = listen('subscription.updated', harness.projectId);
  const ended = listen('subscription.ended', harness.projectId);
  const succeeded = listen('payment.succeeded', harness.projectId);
  const failed = listen('payment.failed', harness.projectId);
  const refunded = listen('payment.refunded', harness.projectId);
  simulateLifecycle(harness.account.test);
  await harness.applyAll();
  await delivered();

  const [subscription] = await harness.subscriptions();
  // For the first invoice the ledger asks Stripe, where the subscription has already ended. The checkout
  // names the user later.
  expect([created.length, ended.length]).toEqual([1, 1]);
  expect(updated).toEqual([
    expect.objectContaining({
      mode: 'test',
      attempt: 1,
      subscription: expect.objectContaining({
        id: subscription?.['id'],
        subscriptionId: subscription?.['subscription_id'],
        userId: subscription?.['user_id'],
        planName: 'Monthly',
        createdAt: subscription?.['created_at'],
      }),
    }),
  ]);
  const payments = await harness.payments();
  expect(new Set(succeeded.map(({ payment }) => payment.id))).toEqual(new Set(payments.map(({ id }) => id)));
  expect(
    new Map(refunded.map(({ refundedNowCents, payment }) => [refundedNowCents, payment.status])),
  ).toEqual(
    new Map([
      [500, 'partially_refunded'],
      [1_500, 'refunded'],
    ]),
  );
  const ids = [...created, ...updated, ...ended, ...succeeded, ...failed, ...refunded].map(
    ({ eventId }) => eventId,
  );
  expect(new Set(ids).size).toBe(ids.length);
});

describe('a subscription', () => {
  it('sends created, updated and ended, one for each event of Stripe', async () => {
    spread();
    const received = listenToAll(harness.projectId);
    const { test: data } = harness.account;
    const subscription = subscribed();
    data.change('customer.subscription.updated', subscription, { cancel_at: data.site.now() + 1_000 });
    cancel(data, subscription);
    const ofIt = harness.events().filter(({ type }) => type.startsWith('customer.subscription.'));
    for (let times = 0; times < 2; times += 1) await harness.applyAll(ofIt);
    await delivered();
    expect(received).toEqual([
      'subscription.created active',
      'subscription.ended canceled',
      'subscription.updated active',
    ]);
  });

  it('sends created and ended when it is first seen ended, and nothing for its older events', async () => {
    const received = listenToAll(harness.projectId);
    cancel(harness.account.test, subscribed());
    const ofIt = harness.events().filter(({ type }) => type.startsWith('customer.subscription.'));
    await harness.applyAll(ofIt.toReversed());
    await delivered();
    expect(received).toEqual(['subscription.created canceled', 'subscription.ended canceled']);
  });

  it('sends updated when its user becomes known, even after the end', async () => {
    const received = listenToAll(harness.projectId);
    const { test: data } = harness.account;
    const subscription = subscribed();
    cancel(data, subscription);
    await harness.applyAll(harness.events().filter(({ type }) => type.startsWith('customer.subscription.')));
    await delivered();
    received.length = 0;
    const fields = {
      mode: 'subscription',
      status: 'complete',
      payment_status: 'paid',
      client_reference_id: 'user-1',
    } as const;
    const session = data.create('checkout.session', {
      ...fields,
      subscription: subscription.id,
      customer: idOf(subscription.customer),
    });
    data.record('checkout.session.completed', session);
    for (let times = 0; times < 2; times += 1) await harness.applyAll(harness.events().slice(-1));
    await delivered();
    expect(received).toEqual(['subscription.updated canceled']);
  });
});

describe('a payment', () => {
  it.each(['the session first', 'the session last'])(
    'sends succeeded once for one purchase: %s',
    async (order) => {
      const received = listenToAll(harness.projectId);
      const { test: data } = harness.account;
      const { id, created } = pay(data, {
        amount: 500,
        currency: 'usd',
        customer: null,
        metadata: { user_id: 'user-1' },
      });
      const session = {
        mode: 'payment',
        status: 'complete',
        payment_status: 'paid',
        amount_total: 500,
        currency: 'usd',
      } as const;
      // The user pays a while after the session was created.
      const fields = {
        ...session,
        payment_intent: id,
        customer: null,
        client_reference_id: 'user-1',
        created: created - 40,
      };
      data.record('checkout.session.completed', data.create('checkout.session', fields));
      await harness.applyAll(order === 'the session last' ? harness.events() : harness.events().reverse());
      await delivered();
      expect(received).toEqual(['payment.succeeded succeeded']);
      expect(await harness.payments()).toMatchObject([
        { created_at: new Date(created * 1_000).toISOString() },
      ]);
    },
  );

  it('sends succeeded again once its user becomes known', async () => {
    const succeeded = listen('payment.succeeded', harness.projectId);
    const { test: data } = harness.account;
    const customer = data.create('customer', {}).id;
    const { id } = pay(data, { amount: 500, currency: 'usd', customer, metadata: {} });
    await harness.applyAll();
    const session = { mode: 'setup', status: 'complete', customer, client_reference_id: 'user-1' } as const;
    for (let times = 0; times < 2; times += 1)
      data.record('checkout.session.completed', data.create('checkout.session', session));
    await harness.applyAll();
    await delivered();
    const [row] = await harness.payments();
    expect(row).toMatchObject({ payment_intent_id: id, user_id: expect.any(String) });
    // They are delivered in any order.
    expect(succeeded).toHaveLength(2);
    expect(new Set(succeeded.map(({ payment }) => payment.userId))).toEqual(
      new Set([null, row?.['user_id']]),
    );
  });

  it('sends failed for a declined card and for a cancellation, and succeeded when it is paid late', async () => {
    const received = listenToAll(harness.projectId);
    const { test: data } = harness.account;
    const subscription = subscribed();
    const invoice = failToRenew(data, subscription);
    const failed = harness.events().filter(({ type }) => type === 'payment_intent.payment_failed');
    for (let times = 0; times < 2; times += 1) await harness.applyAll(failed);
    const [declined] = data
      .all('payment_intent')
      .filter(({ status }) => status === 'requires_payment_method');
    if (!declined) throw new Error('No payment failed.');
    const other = { amount: 100, currency: 'usd', customer: null, metadata: {}, status: 'canceled' } as const;
    data.record('payment_intent.canceled', data.create('payment_intent', other));
    await harness.applyAll(harness.events().slice(-1));
    payLate(data, subscription, invoice);
    await harness.applyAll(
      harness
        .events()
        .filter(({ type }) => type === 'payment_intent.succeeded')
        .slice(-1),
    );
    await delivered();
    expect(received).toEqual([
      'payment.failed canceled',
      'payment.failed requires_payment_method',
      'payment.succeeded succeeded',
    ]);
  });

  it('sends succeeded and refunded when it is first seen refunded', async () => {
    const received = listenToAll(harness.projectId);
    const refunded = listen('payment.refunded', harness.projectId);
    const { test: data } = harness.account;
    const intent = pay(data, { amount: 500, currency: 'usd', customer: null, metadata: {} });
    refund(data, data.get('charge', idOf(intent.latest_charge)), { amount: 200 });
    await harness.applyAll(harness.events().toReversed());
    await delivered();
    expect(received).toEqual(['payment.refunded partially_refunded', 'payment.succeeded partially_refunded']);
    expect(refunded).toMatchObject([{ refundedNowCents: 200, payment: { refundedAmountCents: 200 } }]);
  });

  it('sends succeeded again when a refund fails', async () => {
    const succeeded = listen('payment.succeeded', harness.projectId);
    const { test: data } = harness.account;
    const intent = pay(data, { amount: 500, currency: 'usd', customer: null, metadata: {} });
    const charge = data.get('charge', idOf(intent.latest_charge));
    const made = refund(data, charge, { amount: 200 });
    await harness.applyAll();
    await delivered();
    succeeded.length = 0;
    Object.assign(charge, { amount_refunded: 0, refunded: false });
    data.change('refund.failed', made, { status: 'failed' });
    await harness.applyAll(harness.events().slice(-1));
    await delivered();
    expect(succeeded).toMatchObject([{ payment: { status: 'succeeded', refundedAmountCents: 0 } }]);
  });

  it('sends disputed when a dispute is opened and when its status changes', async () => {
    spread();
    const disputed = listen('payment.disputed', harness.projectId);
    const { test: data } = harness.account;
    const intent = pay(data, {
      amount: 500,
      currency: 'usd',
      customer: null,
      metadata: { user_id: 'user-1' },
    });
    const made = dispute(data, data.get('charge', idOf(intent.latest_charge)));
    data.change('charge.dispute.updated', made, { status: 'under_review' });
    data.change('charge.dispute.closed', made, { status: 'lost' });
    for (let times = 0; times < 2; times += 1) await harness.applyAll();
    await delivered();
    const [payment] = await harness.payments();
    expect(disputed.map((event) => event.dispute.status).sort()).toEqual([
      'lost',
      'needs_response',
      'under_review',
    ]);
    for (const event of disputed)
      expect(event).toMatchObject({
        dispute: { disputeId: made.id, paymentIntentId: intent.id, amountCents: 500, reason: 'fraudulent' },
        payment: { id: payment?.['id'], userId: payment?.['user_id'] },
      });
  });

  it('sends disputed without the payment when the dispute comes first, and only succeeded after it', async () => {
    const received = listenToAll(harness.projectId);
    const disputed = listen('payment.disputed', harness.projectId);
    const { test: data } = harness.account;
    const intent = pay(data, { amount: 500, currency: 'usd', customer: null, metadata: {} });
    dispute(data, data.get('charge', idOf(intent.latest_charge)));
    await harness.applyAll(harness.events().toReversed());
    await delivered();
    expect(disputed).toMatchObject([{ payment: null, dispute: { paymentIntentId: intent.id } }]);
    expect(received).toEqual(['payment.disputed needs_response', 'payment.succeeded succeeded']);
  });
});

it('sends nothing for a replay, nor for a change that was rolled back', async () => {
  const [ledger, database] = [app.app.get(LedgerService), app.app.get(Database)];
  const succeeded = listen('payment.succeeded', harness.projectId);
  for (const amount of [100, 200])
    pay(harness.account.test, { amount, currency: 'usd', customer: null, metadata: {} });
  const [rolledBack, ...kept] = harness.events();
  if (!rolledBack) throw new Error('There is no event.');
  const change = await ledger.prepare(harness.received(rolledBack));
  const failing = database.transaction(function* () {
    yield* ledger.apply(change);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  await harness.applyAll(kept);
  await harness.applyAll(kept);
  await eventually(async () => expect(succeeded).toHaveLength(1));
  await eventually(async () => expect(await harness.outbox()).toEqual([]));
  expect(succeeded.map(({ payment }) => payment.amountCents)).toEqual([200]);
});

it('retries an event whose listener throws, and delivers others meanwhile', async () => {
  const attempts: number[] = [];
  const intent = pay(harness.account.test, { amount: 100, currency: 'usd', customer: null, metadata: {} });
  app.app.get(PaymentsEvents).on('payment.succeeded', async ({ payment }, { attempt }) => {
    if (payment.paymentIntentId !== intent.id) return;
    attempts.push(attempt);
    if (attempts.length < 3) throw new Error(`sk_test_${'a'.repeat(24)}`);
  });
  const succeeded = listen('payment.succeeded', harness.projectId);
  refund(harness.account.test, harness.account.test.get('charge', idOf(intent.latest_charge)), {
    amount: 10,
  });
  pay(harness.account.test, { amount: 200, currency: 'usd', customer: null, metadata: {} });
  const refunded = listen('payment.refunded', harness.projectId);
  await harness.applyAll();
  await eventually(async () => expect(refunded).toHaveLength(1));
  await eventually(async () => expect(await harness.outbox()).toEqual([]));
  expect(attempts).toEqual([1, 2, 3]);
  expect(succeeded.filter(({ payment }) => payment.paymentIntentId !== intent.id)).toHaveLength(1);
  expect(app.log.join('')).not.toContain('sk_test_aaa');
});

it('delivers after a crash, from another process', async () => {
  const [database, stripe] = [await createTestDatabase(), await new StripeServer().start()];
  const first = await startAppWithStripe({ database, stripe });
  const mine = await LedgerHarness.open(first);
  pay(mine.account.test, { amount: 100, currency: 'usd', customer: null, metadata: {} });
  await mine.applyAll();
  await first.app.get(Database).transaction(function* () {
    for (const days of [29, 31])
      yield* first.app
        .get(EventLog)
        .add(unheard(mine.projectId), new Date(Date.now() - days * 24 * 3_600_000));
  });
  await first.close();
  expect(await mine.outbox()).toHaveLength(3);

  const second = await startAppWithStripe({ database, stripe, environment: first.environment });
  const succeeded = listen('payment.succeeded', mine.projectId, second);
  // Events without a listener are left to other processes, for 30 days.
  await eventually(async () => expect(succeeded).toHaveLength(1));
  await eventually(async () =>
    expect(await mine.outbox()).toMatchObject(Array(2).fill({ type: 'subscription.created' })),
  );
  await second.close();
  await stripe.stop();
  await database.drop();
});

it('leases each event to one process, and to another after the lease has ended', async () => {
  const outbox = app.app.get(EventLog);
  const name = 'subscription.created';
  const [now, until] = [new Date(Date.now() + 3_600_000), new Date(Date.now() + 7_200_000)];
  const event = unheard(harness.projectId);
  // Not due for the sweeper of this test's application.
  await app.app.get(Database).transaction(function* () {
    for (let nth = 0; nth < 20; nth += 1) yield* outbox.add(event, now);
  });
  // While the publisher numbers an event, its row is locked, and a lease passes it over.
  await eventually(async () =>
    expect((await harness.rows('events', 'id')).filter(({ seq }) => seq === null)).toEqual([]),
  );
  const leased = await Promise.all([1, 2, 3, 4].map(() => outbox.lease(name, { now, until, limit: 6 })));
  const ids = leased.flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length + (await outbox.lease(name, { now, until, limit: 20 })).length).toBe(20);
  expect(await outbox.lease(name, { now, until, limit: 20 })).toEqual([]);
  const again = await outbox.lease(name, { now: until, until, limit: 20 });
  expect(again.map(({ attempts }) => attempts)).toEqual(Array(20).fill(2));
  await outbox.finish(again, []);
  expect(await harness.outbox()).toEqual([]);
});
