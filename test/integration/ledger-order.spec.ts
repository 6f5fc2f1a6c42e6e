import fc from 'fast-check';
import type Stripe from 'stripe';
import { Database } from '../../src/database/database.js';
import { LedgerService } from '../../src/payments/ledger/ledger.service.js';
import { type AppWithStripe, startAppWithStripe } from '../support/app-with-stripe.js';
import { Books } from '../support/ledger.js';
import { LIFE_LENGTH, liveThrough, modelOf } from '../support/ledger-life.js';
import { down, type Fault } from '../support/stripe/faults.js';
import { asOldGeneration } from '../support/stripe/old-generation.js';
import { present } from '../support/stripe/present.js';
import { idOf, type StripeEvent } from '../support/stripe/resources.js';
import { pay, refund } from '../support/stripe/routes/payment.routes.js';
import { subscribe } from '../support/stripe/routes/subscription.routes.js';
import type { StripeData } from '../support/stripe/stripe-data.js';

const RUNS = Number(process.env['LEDGER_RUNS'] ?? 6);
const START = 1_700_000_000;

let app: AppWithStripe;
let books: Books;
let data: StripeData;

beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());
beforeEach(async () => {
  app.stripe.heal();
  at(START);
  books = await Books.open(app);
  data = books.account.test;
});

/** Stripe's clock, which is not ours. */
function at(seconds: number): void {
  app.stripe.now = () => seconds;
}

function bought(): Stripe.Subscription {
  const [price] = data.all('price').filter(({ lookup_key }) => lookup_key === 'monthly');
  if (!price) throw new Error('There is no monthly price.');
  return subscribe(data, { customer: data.create('customer', {}).id, items: [{ price, quantity: 1 }], metadata: {}, trialDays: 0 });
}

const update = (subscription: Stripe.Subscription, fields: Partial<Stripe.Subscription>): StripeEvent => {
  data.change('customer.subscription.updated', subscription, fields);
  const [event] = books.events().slice(-1);
  if (!event) throw new Error('Nothing has changed.');
  return event;
};

it('ends the same, in whatever order, generation and second the events of a life come, and how often', async () => {
  const delivery = fc.record({ rank: fc.double({ noNaN: true }), isOld: fc.boolean(), isTwice: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(0, 0, 1, 100), { minLength: 12, maxLength: 12 }),
      fc.array(delivery, { minLength: 40, maxLength: 40 }),
      fc.constantFrom(0, 1, 1_000),
      fc.integer({ min: 2, max: LIFE_LENGTH }),
      async (gaps, deliveries, delay, length) => {
        at(START);
        const life = await Books.open(app);
        let now = START;
        liveThrough(life.account.test, (step) => at((now += gaps[step] ?? 0)), length);
        at(now + delay);
        const events = life.events().flatMap((event, index) => {
          const { rank = 0, isOld, isTwice } = deliveries[index] ?? {};
          const told = isOld ? asOldGeneration(life.account.test, event) : event;
          return [{ rank, told }, ...(isTwice ? [{ rank: -rank, told }] : [])];
        });
        await life.hearAll(events.sort((one, other) => one.rank - other.rank).map(({ told }) => told));
        expect(await life.states()).toEqual(modelOf(life.projectId, life.account.test));
        expect(await life.kept()).toEqual(await life.counted());
      },
    ),
    { numRuns: RUNS },
  );
});

it('ends the same when all come at once', async () => {
  const lives = await Promise.all([1, 2, 3].map(() => Books.open(app, books.account)));
  liveThrough(data);
  liveThrough(data);
  at(START + 1_000);
  const waiting = lives.flatMap((life) => [...life.events(), ...life.events()].map((event) => () => life.hear(event)));
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await next();
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  for (const life of lives) {
    expect(await life.states()).toEqual(modelOf(life.projectId, data));
    expect(await life.kept()).toEqual(await life.counted());
  }
});

describe('two events of one second', () => {
  it.each(['in order', 'backwards'])('end as Stripe says, %s', async (order) => {
    const subscription = bought();
    await books.hearAll();
    at(START + 10);
    const events = [update(subscription, { cancel_at: START + 100 }), update(subscription, { cancel_at: null })];
    app.stripe.requests.length = 0;
    await books.hearAll(order === 'in order' ? events : events.reverse());
    expect(await books.subscriptions()).toMatchObject([{ cancel_at: null }]);
    expect(app.stripe.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([`GET /v1/subscriptions/${subscription.id}`]);
  });

  it('end the same where Stripe has no answer, whichever comes first', async () => {
    const subscription = bought();
    const [created] = books.events().filter(({ type }) => type === 'customer.subscription.created');
    const events = [
      ...(created ? [created] : []),
      update(subscription, { status: 'past_due' }),
      update(subscription, { cancel_at: START + 100 }),
    ];
    data.delete('subscription', subscription.id);
    const books2 = await Books.open(app, books.account);
    await books.hearAll(events);
    await books2.hearAll(events.reverse());
    const { subscriptions } = await books.states();
    expect(subscriptions).toMatchObject([{ status: 'past_due' }]);
    expect((await books2.states()).subscriptions).toEqual(subscriptions);
  });

  it('that tell of two refunds end with the larger where Stripe has no answer', async () => {
    const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
    const charge = data.get('charge', idOf(intent.latest_charge));
    for (const amount of [1_000, 500]) refund(data, charge, { amount });
    data.delete('charge', charge.id);
    const refunds = books.events().filter(({ type }) => type === 'charge.refunded');
    for (const order of [refunds, refunds.toReversed()]) {
      const other = await Books.open(app, books.account);
      await other.hearAll(order);
      expect(await other.payments()).toMatchObject([{ refunded_amount_cents: 1_500 }]);
    }
  });

  it('need no question when both tell the same, or the subscription is over', async () => {
    const subscription = bought();
    const [created] = books.events().filter(({ type }) => type === 'customer.subscription.created');
    const deleted = update(subscription, { status: 'canceled' });
    app.stripe.requests.length = 0;
    await books.hearAll([created, created, deleted, created].filter((event) => event !== undefined));
    expect(await books.subscriptions()).toMatchObject([{ status: 'canceled' }]);
    expect(app.stripe.requests).toEqual([]);
  });

  it('are left open while Stripe can not be asked', async () => {
    const subscription = bought();
    await books.hearAll();
    const event = update(subscription, { status: 'past_due' });
    app.stripe.fail(down(), { times: 2 });
    await expect(books.hear(event)).rejects.toMatchObject({ code: 'stripe_unavailable' });
    expect(await books.subscriptions()).toMatchObject([{ status: 'active' }]);
    await books.hear(event);
    expect(await books.subscriptions()).toMatchObject([{ status: 'past_due' }]);
  });

  it('are asked about again when another was written meanwhile', async () => {
    const [ledger, database] = [app.app.get(LedgerService), app.app.get(Database)];
    const subscription = bought();
    const [created] = books.events().filter(({ type }) => type === 'customer.subscription.created');
    if (!created) throw new Error('It was not made.');
    const change = await ledger.prepare(books.received(created));
    await books.hear(update(subscription, { status: 'past_due' }));
    await expect(database.transaction(() => ledger.apply(change))).rejects.toMatchObject({ name: 'StaleRead' });
    await books.hear(created);
    expect(await books.subscriptions()).toMatchObject([{ status: 'past_due' }]);
  });
});

describe('an answer that was long on its way', () => {
  /** Answered when asked, sent once `arrive` is called. */
  function late(on: RegExp): { asked: Promise<void>; arrive: () => void } {
    let arrive = () => {};
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const asked = new Promise<void>((resolve) => {
      const hold: Fault = async ({ perform, send }) => {
        const answer = await perform();
        resolve();
        await arrived;
        send({ ...answer, headers: { ...answer.headers, date: new Date(app.stripe.now() * 1_000).toUTCString() } });
      };
      app.stripe.fail(hold, { on });
    });
    return { asked, arrive: () => arrive() };
  }

  it.each([0, 1, 60])('does not take the place of what was told meanwhile, of %i seconds later', async (later) => {
    const subscription = bought();
    await books.hearAll();
    const stale = update(subscription, { status: 'past_due' });
    const answer = late(/subscriptions/);
    const hearing = books.hear(stale);
    await answer.asked;
    at(START + later);
    await books.hear(update(subscription, { status: 'active', cancel_at: START + 1_000 }));
    answer.arrive();
    await hearing;
    expect(await books.subscriptions()).toMatchObject([{ status: 'active', cancel_at: new Date((START + 1_000) * 1_000).toISOString() }]);
  });

  it('does not take the place of a refund that was told meanwhile', async () => {
    const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
    const charge = data.get('charge', idOf(intent.latest_charge));
    for (const amount of [1_000, 500]) refund(data, charge, { amount });
    const [first, second] = books.events().filter(({ type }) => type === 'charge.refunded');
    if (!first || !second) throw new Error('Nothing was refunded.');
    await books.hear(first);
    const answer = late(/charges/);
    const hearing = books.hear(second);
    await answer.asked;
    at(START + 1);
    refund(data, charge, { amount: 3_500 });
    await books.hearAll(books.events().slice(-1));
    answer.arrive();
    await hearing;
    expect(await books.payments()).toMatchObject([{ status: 'refunded', refunded_amount_cents: 5_000 }]);
  });

  it('is no later than when it was asked for', async () => {
    const began = Date.now();
    app.stripe.now = () => START + Math.ceil((Date.now() - began) / 1_000);
    const subscription = bought();
    const invoicePaid = books.events().find(({ type }) => type === 'invoice.paid');
    if (!invoicePaid) throw new Error('There is no invoice.');
    const answer = late(/subscriptions/);
    const hearing = books.hear(invoicePaid);
    await answer.asked;
    const told = { ...update(subscription, { status: 'past_due' }), created: START + 2 };
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    answer.arrive();
    await hearing;
    await books.hear(told);
    expect(await books.subscriptions()).toMatchObject([{ status: 'past_due' }]);
  });
});

it("takes an answer's time from Stripe's clock, not from ours", async () => {
  const subscription = bought();
  await books.hearAll();
  const event = update(subscription, { status: 'past_due' });
  await books.hear(event);
  expect(await books.subscriptions()).toMatchObject([{ status: 'past_due', as_of: new Date(START * 1_000).toISOString() }]);
  at(START + 1);
  await books.hear(update(subscription, { status: 'active' }));
  expect(await books.subscriptions()).toMatchObject([{ status: 'active' }]);
});

it('brings no subscription back that was deleted', async () => {
  const subscription = bought();
  const deleted = update(subscription, { status: 'canceled', canceled_at: START });
  at(START + 1_000);
  const late = update(subscription, { status: 'active' });
  await books.hearAll([deleted, late]);
  expect(await books.subscriptions()).toMatchObject([{ status: 'canceled' }]);
});

it('takes what Stripe answered to a call of ours, and its older events no more', async () => {
  const ledger = app.app.get(LedgerService);
  const subscription = bought();
  at(START + 10);
  const update10 = update(subscription, { status: 'past_due' });
  at(START + 20);
  Object.assign(subscription, { status: 'active', cancel_at: START + 100 });
  const now = () => ({ from: new Date(app.stripe.now() * 1_000), until: new Date(app.stripe.now() * 1_000) });
  const record = () => ledger.record({ projectId: books.projectId, mode: 'test' }, present(subscription), now());
  expect(await record()).toBe(true);
  expect(await record()).toBe(false);
  await books.hear(update10);
  expect(await books.subscriptions()).toMatchObject([{ status: 'active', cancel_at: new Date((START + 100) * 1_000).toISOString() }]);
});

it('keeps what is of test mode apart from what is of live mode, and one project from another', async () => {
  const other = await Books.open(app, books.account);
  liveThrough(data);
  await books.hearAll();
  const before = await books.states();
  // The same ids in the other mode, and in another project of the same account.
  for (const event of books
    .events()
    .filter(({ type }) => type === 'payment_intent.succeeded' || type === 'customer.subscription.created')) {
    await books.hear(event, 'live');
    await other.hear(event);
  }
  const [live, test] = [await books.states('live'), await books.states()];
  expect(test).toEqual(before);
  expect(live.subscriptions).toHaveLength(1);
  const ids = [
    ...(await books.subscriptions()),
    ...(await books.payments()),
    ...(await other.subscriptions()),
    ...(await other.payments()),
  ];
  expect(new Set(ids.map(({ id }) => id)).size).toBe(ids.length);
  expect(await books.kept()).toEqual(await books.counted());
});
