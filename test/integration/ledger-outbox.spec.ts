import { randomUUID } from 'node:crypto';
import type { ProjectId } from '../../src/common/ids.js';
import { Database } from '../../src/database/database.js';
import { type LedgerEvent, type LedgerEventMap, LedgerEvents, type Telling } from '../../src/payments/ledger/ledger-events.js';
import { LedgerService } from '../../src/payments/ledger/ledger.service.js';
import { OutboxRepository } from '../../src/payments/ledger/outbox.repository.js';
import { type AppWithStripe, startAppWithStripe } from '../support/app-with-stripe.js';
import { eventually } from '../support/eventually.js';
import { Books } from '../support/ledger.js';
import { liveThrough } from '../support/ledger-life.js';
import { StripeServer } from '../support/stripe/stripe-server.js';
import { idOf } from '../support/stripe/resources.js';
import { pay, refund } from '../support/stripe/routes/payment.routes.js';
import { createTestDatabase } from '../support/test-database.js';

let app: AppWithStripe;
let books: Books;

beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());
beforeEach(async () => {
  books = await Books.open(app);
});

/** What a listener hears of one project. */
function listen<Name extends keyof LedgerEventMap>(name: Name, projectId: string, to = app): (LedgerEventMap[Name] & Telling)[] {
  const heard: (LedgerEventMap[Name] & Telling)[] = [];
  to.app.get(LedgerEvents).on(name, (event, telling) => void (event.projectId === projectId && heard.push({ ...event, ...telling })));
  return heard;
}

function unheard(projectId: ProjectId): LedgerEvent {
  const subscription = { ...({} as LedgerEventMap['subscription.changed']['subscription']), id: randomUUID() };
  return ['subscription.changed', { projectId, mode: 'test', subscription }];
}

it('tells what became of subscriptions and payments, and forgets it then', async () => {
  const changed = listen('subscription.changed', books.projectId);
  const recorded = listen('payment.recorded', books.projectId);
  const refunded = listen('payment.refunded', books.projectId);
  liveThrough(books.account.test);
  await books.hearAll();
  await eventually(async () => expect(await books.outbox()).toEqual([]));

  const [subscription] = await books.subscriptions();
  // Asked for with the first invoice, and given to its user by the checkout: told in any order.
  expect(changed).toHaveLength(2);
  expect(changed.filter((event) => event.subscription.userId !== null)).toEqual([
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
  const payments = await books.payments();
  expect(new Set(recorded.map(({ payment }) => payment.id))).toEqual(new Set(payments.map(({ id }) => id)));
  expect(new Map(refunded.map(({ refundedNowCents, payment }) => [refundedNowCents, payment.status]))).toEqual(
    new Map([
      [500, 'partially_refunded'],
      [1_500, 'refunded'],
    ]),
  );
  const ids = [...changed, ...recorded, ...refunded].map(({ eventId }) => eventId);
  expect(new Set(ids).size).toBe(ids.length);
});

it.each(['the session first', 'the session last'])('tells of one purchase once, whatever tells of it: %s', async (order) => {
  const recorded = listen('payment.recorded', books.projectId);
  const { test: data } = books.account;
  const { id, created } = pay(data, { amount: 500, currency: 'usd', customer: null, metadata: { user_id: 'user-1' } });
  const session = { mode: 'payment', status: 'complete', payment_status: 'paid', amount_total: 500, currency: 'usd' } as const;
  // The page was open for a while before somebody paid.
  const fields = { ...session, payment_intent: id, customer: null, client_reference_id: 'user-1', created: created - 40 };
  data.record('checkout.session.completed', data.create('checkout.session', fields));
  await books.hearAll(order === 'the session last' ? books.events() : books.events().reverse());
  await eventually(async () => expect(await books.outbox()).toEqual([]));
  expect(recorded).toHaveLength(1);
  expect(await books.payments()).toMatchObject([{ created_at: new Date(created * 1_000).toISOString() }]);
});

it('tells of a payment again once its user becomes known', async () => {
  const recorded = listen('payment.recorded', books.projectId);
  const { test: data } = books.account;
  const customer = data.create('customer', {}).id;
  const { id } = pay(data, { amount: 500, currency: 'usd', customer, metadata: {} });
  await books.hearAll();
  const session = { mode: 'setup', status: 'complete', customer, client_reference_id: 'user-1' } as const;
  for (let times = 0; times < 2; times += 1) data.record('checkout.session.completed', data.create('checkout.session', session));
  await books.hearAll();
  await eventually(async () => expect(await books.outbox()).toEqual([]));
  const [row] = await books.payments();
  expect(row).toMatchObject({ payment_intent_id: id, user_id: expect.any(String) });
  // They are told in any order.
  expect(recorded).toHaveLength(2);
  expect(new Set(recorded.map(({ payment }) => payment.userId))).toEqual(new Set([null, row?.['user_id']]));
});

it('tells nothing of what changes nothing, nor of what was rolled back', async () => {
  const [ledger, database] = [app.app.get(LedgerService), app.app.get(Database)];
  const recorded = listen('payment.recorded', books.projectId);
  for (const amount of [100, 200]) pay(books.account.test, { amount, currency: 'usd', customer: null, metadata: {} });
  const [rolledBack, ...kept] = books.events();
  if (!rolledBack) throw new Error('There is no event.');
  const change = await ledger.prepare(books.received(rolledBack));
  const failing = database.transaction(function* () {
    yield* ledger.apply(change);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  await books.hearAll(kept);
  await books.hearAll(kept);
  await eventually(async () => expect(recorded).toHaveLength(1));
  await eventually(async () => expect(await books.outbox()).toEqual([]));
  expect(recorded.map(({ payment }) => payment.amountCents)).toEqual([200]);
});

it('tells it again when a listener throws, and all the others meanwhile', async () => {
  const attempts: number[] = [];
  const intent = pay(books.account.test, { amount: 100, currency: 'usd', customer: null, metadata: {} });
  app.app.get(LedgerEvents).on('payment.recorded', async ({ payment }, { attempt }) => {
    if (payment.paymentIntentId !== intent.id) return;
    attempts.push(attempt);
    if (attempts.length < 3) throw new Error(`sk_test_${'a'.repeat(24)}`);
  });
  const recorded = listen('payment.recorded', books.projectId);
  refund(books.account.test, books.account.test.get('charge', idOf(intent.latest_charge)), { amount: 10 });
  pay(books.account.test, { amount: 200, currency: 'usd', customer: null, metadata: {} });
  const refunded = listen('payment.refunded', books.projectId);
  await books.hearAll();
  await eventually(async () => expect(refunded).toHaveLength(1));
  await eventually(async () => expect(await books.outbox()).toEqual([]));
  expect(attempts).toEqual([1, 2, 3]);
  expect(recorded.filter(({ payment }) => payment.paymentIntentId !== intent.id)).toHaveLength(1);
  expect(app.log.join('')).not.toContain('sk_test_aaa');
});

it('tells it after a crash, from another process', async () => {
  const [database, stripe] = [await createTestDatabase(), await new StripeServer().start()];
  const first = await startAppWithStripe({ database, stripe });
  const mine = await Books.open(first);
  pay(mine.account.test, { amount: 100, currency: 'usd', customer: null, metadata: {} });
  await mine.hearAll();
  await first.app.get(Database).transaction(function* () {
    for (const days of [29, 31])
      yield* first.app.get(OutboxRepository).add(unheard(mine.projectId), new Date(Date.now() - days * 24 * 3_600_000));
  });
  await first.close();
  expect(await mine.outbox()).toHaveLength(3);

  const second = await startAppWithStripe({ database, stripe, environment: first.environment });
  const recorded = listen('payment.recorded', mine.projectId, second);
  // What it does not listen to, it leaves to others, but not for ever.
  await eventually(async () => expect(await mine.outbox()).toMatchObject([{ name: 'subscription.changed' }]));
  expect(recorded).toHaveLength(1);
  await second.close();
  await stripe.stop();
  await database.drop();
});

it('gives each event to one process at a time, and to another when that one died', async () => {
  const outbox = app.app.get(OutboxRepository);
  const name = 'subscription.changed';
  const [now, leaseUntil] = [new Date(Date.now() + 3_600_000), new Date(Date.now() + 7_200_000)];
  const event = unheard(books.projectId);
  // Not due for the sweeper of this test's application.
  await app.app.get(Database).transaction(function* () {
    for (let nth = 0; nth < 20; nth += 1) yield* outbox.add(event, now);
  });
  const taken = await Promise.all([1, 2, 3, 4].map(() => outbox.take(name, now, leaseUntil, 6)));
  const ids = taken.flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length + (await outbox.take(name, now, leaseUntil, 20)).length).toBe(20);
  expect(await outbox.take(name, now, leaseUntil, 20)).toEqual([]);
  const again = await outbox.take(name, leaseUntil, leaseUntil, 20);
  expect(again.map(({ attempts }) => attempts)).toEqual(Array(20).fill(2));
  await outbox.finish(again, []);
  expect(await books.outbox()).toEqual([]);
});
