import fc from 'fast-check';
import type Stripe from 'stripe';
import { Database } from '../../../src/database/database.js';
import { LedgerService } from '../../../src/payments/ledger/ledger.service.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { LedgerHarness } from '../../harness/ledger/ledger-harness.js';
import { LIFECYCLE_LENGTH, simulateLifecycle, expectedStates } from '../../harness/ledger/ledger-life.js';
import { down, type Fault } from '../../harness/stripe/faults.js';
import { asOldGeneration } from '../../harness/stripe/old-generation.js';
import { present } from '../../harness/stripe/present.js';
import { idOf, type StripeEvent } from '../../harness/stripe/resources.js';
import { pay, refund } from '../../harness/stripe/routes/payment.routes.js';
import { subscribe } from '../../harness/stripe/routes/subscription.routes.js';
import type { StripeData } from '../../harness/stripe/stripe-data.js';

const RUNS = Number(process.env['LEDGER_RUNS'] ?? 6);
const START = 1_700_000_000;

let app: AppWithStripe;
let harness: LedgerHarness;
let data: StripeData;

beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());
beforeEach(async () => {
  app.stripe.heal();
  at(START);
  harness = await LedgerHarness.open(app);
  data = harness.account.test;
});

/** Stripe's clock, which differs from ours. */
function at(seconds: number): void {
  app.stripe.now = () => seconds;
}

function bought(): Stripe.Subscription {
  const [price] = data.all('price').filter(({ lookup_key }) => lookup_key === 'monthly');
  if (!price) throw new Error('There is no monthly price.');
  return subscribe(data, {
    customer: data.create('customer', {}).id,
    items: [{ price, quantity: 1 }],
    metadata: {},
    trialDays: 0,
  });
}

const update = (subscription: Stripe.Subscription, fields: Partial<Stripe.Subscription>): StripeEvent => {
  data.change('customer.subscription.updated', subscription, fields);
  const [event] = harness.events().slice(-1);
  if (!event) throw new Error('Nothing has changed.');
  return event;
};

it('gives equal rows for any order, generation, timing and repetition of the events', async () => {
  const delivery = fc.record({
    rank: fc.double({ noNaN: true }),
    isOld: fc.boolean(),
    isTwice: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(0, 0, 1, 100), { minLength: 12, maxLength: 12 }),
      fc.array(delivery, { minLength: 40, maxLength: 40 }),
      fc.constantFrom(0, 1, 1_000),
      fc.integer({ min: 2, max: LIFECYCLE_LENGTH }),
      async (gaps, deliveries, delay, length) => {
        at(START);
        const life = await LedgerHarness.open(app);
        let now = START;
        simulateLifecycle(life.account.test, (step) => at((now += gaps[step] ?? 0)), length);
        at(now + delay);
        const events = life.events().flatMap((event, index) => {
          const { rank = 0, isOld, isTwice } = deliveries[index] ?? {};
          const told = isOld ? asOldGeneration(life.account.test, event) : event;
          return [{ rank, told }, ...(isTwice ? [{ rank: -rank, told }] : [])];
        });
        await life.applyAll(events.sort((one, other) => one.rank - other.rank).map(({ told }) => told));
        expect(await life.states()).toEqual(expectedStates(life.projectId, life.account.test));
        expect(await life.statistics()).toEqual(await life.recount());
        expect(await life.series()).toEqual(await life.recountSeries());
      },
    ),
    { numRuns: RUNS },
  );
});

it('gives equal rows when all events arrive at once', async () => {
  const lives = await Promise.all([1, 2, 3].map(() => LedgerHarness.open(app, harness.account)));
  simulateLifecycle(data);
  simulateLifecycle(data);
  at(START + 1_000);
  const waiting = lives.flatMap((life) =>
    [...life.events(), ...life.events()].map((event) => () => life.apply(event)),
  );
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await next();
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  for (const life of lives) {
    expect(await life.states()).toEqual(expectedStates(life.projectId, data));
    expect(await life.statistics()).toEqual(await life.recount());
    expect(await life.series()).toEqual(await life.recountSeries());
  }
});

describe('two events of one second', () => {
  it.each(['in order', 'backwards'])('end in the state that Stripe returns, %s', async (order) => {
    const subscription = bought();
    await harness.applyAll();
    at(START + 10);
    const events = [
      update(subscription, { cancel_at: START + 100 }),
      update(subscription, { cancel_at: null }),
    ];
    app.stripe.requests.length = 0;
    await harness.applyAll(order === 'in order' ? events : events.reverse());
    expect(await harness.subscriptions()).toMatchObject([{ cancel_at: null }]);
    expect(app.stripe.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /v1/subscriptions/${subscription.id}`,
    ]);
  });

  it('end in one state, in either order, if Stripe does not have the object', async () => {
    const subscription = bought();
    const [created] = harness.events().filter(({ type }) => type === 'customer.subscription.created');
    const events = [
      ...(created ? [created] : []),
      update(subscription, { status: 'past_due' }),
      update(subscription, { cancel_at: START + 100 }),
    ];
    data.delete('subscription', subscription.id);
    const books2 = await LedgerHarness.open(app, harness.account);
    await harness.applyAll(events);
    await books2.applyAll(events.reverse());
    const { subscriptions } = await harness.states();
    expect(subscriptions).toMatchObject([{ status: 'past_due' }]);
    expect((await books2.states()).subscriptions).toEqual(subscriptions);
  });

  it('end with the larger refund if Stripe does not have the charge', async () => {
    const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
    const charge = data.get('charge', idOf(intent.latest_charge));
    for (const amount of [1_000, 500]) refund(data, charge, { amount });
    data.delete('charge', charge.id);
    const refunds = harness.events().filter(({ type }) => type === 'charge.refunded');
    for (const order of [refunds, refunds.toReversed()]) {
      const other = await LedgerHarness.open(app, harness.account);
      await other.applyAll(order);
      expect(await other.payments()).toMatchObject([{ refunded_amount_cents: 1_500 }]);
    }
  });

  it('cause no request if both are equal, or the subscription has ended', async () => {
    const subscription = bought();
    const [created] = harness.events().filter(({ type }) => type === 'customer.subscription.created');
    const deleted = update(subscription, { status: 'canceled' });
    app.stripe.requests.length = 0;
    await harness.applyAll([created, created, deleted, created].filter((event) => event !== undefined));
    expect(await harness.subscriptions()).toMatchObject([{ status: 'canceled' }]);
    expect(app.stripe.requests).toEqual([]);
  });

  it('stay open while Stripe is unavailable', async () => {
    const subscription = bought();
    await harness.applyAll();
    const event = update(subscription, { status: 'past_due' });
    app.stripe.fail(down(), { times: 2 });
    await expect(harness.apply(event)).rejects.toMatchObject({ code: 'stripe_unavailable' });
    expect(await harness.subscriptions()).toMatchObject([{ status: 'active' }]);
    await harness.apply(event);
    expect(await harness.subscriptions()).toMatchObject([{ status: 'past_due' }]);
  });

  it('cause another request if the row was written meanwhile', async () => {
    const [ledger, database] = [app.app.get(LedgerService), app.app.get(Database)];
    const subscription = bought();
    const [created] = harness.events().filter(({ type }) => type === 'customer.subscription.created');
    if (!created) throw new Error('It was not made.');
    const change = await ledger.prepare(harness.received(created));
    await harness.apply(update(subscription, { status: 'past_due' }));
    await expect(database.transaction(() => ledger.apply(change))).rejects.toMatchObject({
      name: 'StaleRead',
    });
    await harness.apply(created);
    expect(await harness.subscriptions()).toMatchObject([{ status: 'past_due' }]);
  });
});

describe('a slow response', () => {
  /** Holds a response back until `arrive` is called. */
  function late(on: RegExp): { asked: Promise<void>; arrive: () => void } {
    let arrive = () => {};
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const asked = new Promise<void>((resolve) => {
      const hold: Fault = async ({ perform, send }) => {
        const answer = await perform();
        resolve();
        await arrived;
        send({
          ...answer,
          headers: { ...answer.headers, date: new Date(app.stripe.now() * 1_000).toUTCString() },
        });
      };
      app.stripe.fail(hold, { on });
    });
    return { asked, arrive: () => arrive() };
  }

  it.each([0, 1, 60])('does not replace a state written meanwhile, of %i seconds later', async (later) => {
    const subscription = bought();
    await harness.applyAll();
    const stale = update(subscription, { status: 'past_due' });
    const answer = late(/subscriptions/);
    const hearing = harness.apply(stale);
    await answer.asked;
    at(START + later);
    await harness.apply(update(subscription, { status: 'active', cancel_at: START + 1_000 }));
    answer.arrive();
    await hearing;
    expect(await harness.subscriptions()).toMatchObject([
      { status: 'active', cancel_at: new Date((START + 1_000) * 1_000).toISOString() },
    ]);
  });

  it('does not replace a refund written meanwhile', async () => {
    const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
    const charge = data.get('charge', idOf(intent.latest_charge));
    for (const amount of [1_000, 500]) refund(data, charge, { amount });
    const [first, second] = harness.events().filter(({ type }) => type === 'charge.refunded');
    if (!first || !second) throw new Error('Nothing was refunded.');
    await harness.apply(first);
    const answer = late(/charges/);
    const hearing = harness.apply(second);
    await answer.asked;
    at(START + 1);
    refund(data, charge, { amount: 3_500 });
    await harness.applyAll(harness.events().slice(-1));
    answer.arrive();
    await hearing;
    expect(await harness.payments()).toMatchObject([{ status: 'refunded', refunded_amount_cents: 5_000 }]);
  });

  it('is as old as its request', async () => {
    const began = Date.now();
    app.stripe.now = () => START + Math.ceil((Date.now() - began) / 1_000);
    const subscription = bought();
    const invoicePaid = harness.events().find(({ type }) => type === 'invoice.paid');
    if (!invoicePaid) throw new Error('There is no invoice.');
    const answer = late(/subscriptions/);
    const hearing = harness.apply(invoicePaid);
    await answer.asked;
    const told = { ...update(subscription, { status: 'past_due' }), created: START + 2 };
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    answer.arrive();
    await hearing;
    await harness.apply(told);
    expect(await harness.subscriptions()).toMatchObject([{ status: 'past_due' }]);
  });
});

it("dates a response by Stripe's clock, not by ours", async () => {
  const subscription = bought();
  await harness.applyAll();
  const event = update(subscription, { status: 'past_due' });
  await harness.apply(event);
  expect(await harness.subscriptions()).toMatchObject([
    { status: 'past_due', as_of: new Date(START * 1_000).toISOString() },
  ]);
  at(START + 1);
  await harness.apply(update(subscription, { status: 'active' }));
  expect(await harness.subscriptions()).toMatchObject([{ status: 'active' }]);
});

it('never reactivates a deleted subscription', async () => {
  const subscription = bought();
  const deleted = update(subscription, { status: 'canceled', canceled_at: START });
  at(START + 1_000);
  const late = update(subscription, { status: 'active' });
  await harness.applyAll([deleted, late]);
  expect(await harness.subscriptions()).toMatchObject([{ status: 'canceled' }]);
});

it('applies the response to a call of ours, and skips older events', async () => {
  const ledger = app.app.get(LedgerService);
  const subscription = bought();
  at(START + 10);
  const update10 = update(subscription, { status: 'past_due' });
  at(START + 20);
  Object.assign(subscription, { status: 'active', cancel_at: START + 100 });
  const now = () => ({ from: new Date(app.stripe.now() * 1_000), until: new Date(app.stripe.now() * 1_000) });
  const record = () =>
    ledger.record({ projectId: harness.projectId, mode: 'test' }, present(subscription), now());
  expect(await record()).toBe(true);
  expect(await record()).toBe(false);
  await harness.apply(update10);
  expect(await harness.subscriptions()).toMatchObject([
    { status: 'active', cancel_at: new Date((START + 100) * 1_000).toISOString() },
  ]);
});

it('separates test mode from live mode, and projects from each other', async () => {
  const other = await LedgerHarness.open(app, harness.account);
  simulateLifecycle(data);
  await harness.applyAll();
  const before = await harness.states();
  // Equal ids in the other mode, and in another project on the account.
  for (const event of harness
    .events()
    .filter(({ type }) => type === 'payment_intent.succeeded' || type === 'customer.subscription.created')) {
    await harness.apply(event, 'live');
    await other.apply(event);
  }
  const [live, test] = [await harness.states('live'), await harness.states()];
  expect(test).toEqual(before);
  expect(live.subscriptions).toHaveLength(1);
  const ids = [
    ...(await harness.subscriptions()),
    ...(await harness.payments()),
    ...(await other.subscriptions()),
    ...(await other.payments()),
  ];
  expect(new Set(ids.map(({ id }) => id)).size).toBe(ids.length);
  expect(await harness.statistics()).toEqual(await harness.recount());
});
