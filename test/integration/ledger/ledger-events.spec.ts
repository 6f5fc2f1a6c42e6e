import { readFileSync } from 'node:fs';
import type Stripe from 'stripe';
import { endUserId } from '../../../src/auth/caller.js';
import { ForeignObject } from '../../../src/payments/ledger/read/foreign-object.js';
import { Unreadable } from '../../../src/payments/ledger/read/stripe-object.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { LedgerHarness } from '../../harness/ledger/ledger-harness.js';
import { configPath } from '../../harness/test-app.js';
import { dispute, failToRenew, payLate, renew, renewWithoutIntent } from '../../harness/stripe/life.js';
import { down, slow } from '../../harness/stripe/faults.js';
import { asOldGeneration } from '../../harness/stripe/old-generation.js';
import { idOf, type StripeEvent } from '../../harness/stripe/resources.js';
import { addPrice } from '../../harness/stripe/routes/catalog.routes.js';
import { pay, refund } from '../../harness/stripe/routes/payment.routes.js';
import { cancel, subscribe } from '../../harness/stripe/routes/subscription.routes.js';
import type { StripeData } from '../../harness/stripe/stripe-data.js';

const USER = '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11';

let app: AppWithStripe;
let harness: LedgerHarness;
let data: StripeData;

beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());
beforeEach(async () => {
  harness = await LedgerHarness.open(app);
  data = harness.account.test;
});
afterEach(async () => {
  app.stripe.heal();
  expect(await harness.statistics()).toEqual(await harness.recount());
});

function fixture(name: string): StripeEvent {
  return JSON.parse(
    readFileSync(new URL(`../../fixtures/stripe/webhook-events/${name}.json`, import.meta.url), 'utf8'),
  ) as StripeEvent;
}

function monthly(): Stripe.Price {
  const [price] = data.all('price').filter(({ lookup_key }) => lookup_key === 'monthly');
  if (!price) throw new Error('There is no monthly price.');
  return price;
}

function newSubscription({
  price = monthly(),
  metadata = {},
  trialDays = 0,
  quantity = 1,
} = {}): Stripe.Subscription {
  const customer = data.create('customer', {}).id;
  return subscribe(data, { customer, items: [{ price, quantity }], metadata, trialDays });
}

/** Copy of the event as it was created. */
function event(type: string, objectId?: string): StripeEvent {
  const found = harness
    .events()
    .findLast(
      (one) => one.type === type && (!objectId || (one.data.object as { id: string }).id === objectId),
    );
  if (!found) throw new Error(`There is no event ${type}.`);
  return found;
}

const seconds = (value: number) => new Date(value * 1_000).toISOString();

describe('recorded events of older API versions', () => {
  it('create subscriptions', async () => {
    await harness.apply(fixture('customer.subscription.created'));
    const [created] = await harness.subscriptions();
    const object = fixture('customer.subscription.created').data.object as Stripe.Subscription & {
      current_period_end: number;
    };
    expect(created).toMatchObject({
      subscription_id: object.id,
      status: 'active',
      quantity: 1,
      customer_id: object.customer,
      user_id: null,
    });
    expect(created?.['current_period_end']).toBe(seconds(object.current_period_end));
    expect(created?.['created_at']).toBe(seconds(object.created));
    await harness.apply(fixture('customer.subscription.deleted'));
    expect(await harness.subscriptions()).toMatchObject([{ status: 'canceled' }]);
  });

  it('create payments', async () => {
    await harness.apply(fixture('payment_intent.succeeded'));
    await harness.apply(fixture('charge.refunded'));
    await harness.apply(fixture('checkout.session.completed.payment_mode'));
    expect(await harness.payments()).toMatchObject([
      // A charge without a PaymentIntent.
      { payment_intent_id: 'ch_000000000000000000000000', status: 'refunded' },
      { payment_intent_id: 'pi_00000000000000', status: 'succeeded', customer_id: 'cus_00000000000000' },
      { payment_intent_id: 'pi_000000000000000000000000', status: 'succeeded', currency: 'usd' },
    ]);
    expect((await harness.payments()).map(({ amount_cents: amount }) => amount)).toEqual([
      100, 25_000, 2_000,
    ]);
  });

  it.each(['invoice.paid', 'invoice.payment_succeeded'])(
    'create one payment for %s, which names its PaymentIntent',
    async (name) => {
      app.stripe.requests.length = 0;
      await harness.apply(fixture(name));
      await harness.apply(fixture('invoice.paid'));
      expect(await harness.payments()).toMatchObject([
        { payment_intent_id: 'pi_000000000000000000000000', status: 'succeeded' },
      ]);
      expect(app.stripe.requests).toEqual([]);
    },
  );

  it.each([
    ['payment_intent.payment_failed', 'requires_payment_method'],
    ['payment_intent.canceled', 'canceled'],
  ])('%s creates a payment without revenue: %s', async (name, status) => {
    await harness.apply(fixture(name));
    expect(await harness.payments()).toMatchObject([{ status }]);
    expect(await harness.statistics()).toEqual({ [`test payment ${status}`]: 1 });
  });

  it('record disputes, including old ones without an id', async () => {
    for (const id of ['ch_00000000000000', 'ch_000000000000000000000000'])
      data.create('charge', { id, payment_intent: null });
    for (const name of ['created', 'funds_withdrawn', 'updated', 'funds_reinstated', 'closed'])
      await harness.apply(fixture(`charge.dispute.${name}`));
    expect(await harness.disputes()).toMatchObject([
      { dispute_id: 'ch_00000000000000', status: 'won', charge_id: 'ch_00000000000000' },
      { dispute_id: 'dp_00000000000000', status: 'needs_response' },
      { dispute_id: 'dp_000000000000000000000000', status: 'warning_needs_response', reason: 'fraudulent' },
    ]);
    const [, second] = await harness.disputes();
    expect(second?.['funds_withdrawn_at']).toBe(seconds(fixture('charge.dispute.funds_withdrawn').created));
    expect(second?.['funds_reinstated_at']).toBe(seconds(fixture('charge.dispute.funds_reinstated').created));
  });

  it.each([
    'checkout.session.completed.setup_mode',
    'customer.subscription.trial_will_end',
    'product.updated',
    'customer.deleted',
  ])('%s changes nothing', async (name) => {
    await harness.apply(fixture(name));
    expect(await harness.payments()).toEqual([]);
  });
});

describe.each(['new', 'old'] as const)('events of the %s generation', (generation) => {
  const inGeneration = (one: StripeEvent) => (generation === 'new' ? one : asOldGeneration(data, one));
  const applyAll = (...events: StripeEvent[]) => harness.applyAll(events.map(inGeneration));

  it('follow a subscription from purchase over renewal, failed and late payment to cancellation', async () => {
    const subscription = newSubscription({ quantity: 2, metadata: { user_id: USER } });
    const first = idOf(subscription.latest_invoice);
    const second = renew(data, subscription).id;
    const third = failToRenew(data, subscription);
    const [item] = subscription.items.data;
    await applyAll(...harness.events());
    const [row] = await harness.subscriptions();
    expect(row).toMatchObject({
      subscription_id: subscription.id,
      mode: 'test',
      user_id: USER,
      customer_id: subscription.customer,
      status: 'past_due',
      price_id: monthly().id,
      plan_name: 'Monthly',
      quantity: 2,
      current_period_start: seconds(item?.current_period_start ?? 0),
      current_period_end: seconds(item?.current_period_end ?? 0),
      cancel_at: null,
      cancelled_at: null,
      created_at: seconds(subscription.created),
    });
    const intentOf = (invoice: string) =>
      idOf(data.all('invoice_payment').find((one) => one.invoice === invoice)?.payment.payment_intent);
    const payments = await harness.payments();
    expect(payments).toHaveLength(3);
    for (const invoice of [first, second]) {
      expect(payments).toContainEqual(
        expect.objectContaining({
          payment_intent_id: intentOf(invoice),
          status: 'succeeded',
          amount_cents: 4_000,
          currency: 'usd',
          refunded_amount_cents: 0,
          subscription_id: row?.['id'],
          user_id: USER,
          customer_id: subscription.customer,
        }),
      );
    }
    expect(payments).toContainEqual(
      expect.objectContaining({
        payment_intent_id: intentOf(third.id),
        status: 'requires_payment_method',
        subscription_id: row?.['id'],
      }),
    );
    expect(await harness.statistics()).toMatchObject({
      'test usd payments': 2,
      'test usd gross_cents': 8_000,
      'test subscription past_due': 1,
    });

    payLate(data, subscription, third);
    cancel(data, subscription);
    await applyAll(...harness.events());
    expect(await harness.subscriptions()).toMatchObject([
      { status: 'canceled', cancelled_at: seconds(subscription.canceled_at ?? 0) },
    ]);
    expect(await harness.payments()).toMatchObject(
      Array(3).fill({ status: 'succeeded', subscription_id: row?.['id'] }),
    );
    expect(await harness.statistics()).toEqual({
      'test subscription canceled': 1,
      'test payment succeeded': 3,
      'test usd payments': 3,
      'test usd gross_cents': 12_000,
      'test usd net_cents': 12_000,
    });
  });

  it('create one payment for an invoice from either of its two events', async () => {
    const subscription = newSubscription();
    for (const type of ['invoice.payment_succeeded', 'invoice.paid', 'invoice.paid'])
      await applyAll(event(type));
    expect(await harness.payments()).toMatchObject([
      { payment_intent_id: expect.stringMatching(/^pi_/), status: 'succeeded', amount_cents: 2_000 },
    ]);
    // Stripe was asked for the subscription, so it is stored before its own events.
    expect(await harness.subscriptions()).toMatchObject([
      { subscription_id: subscription.id, status: 'active' },
    ]);
  });

  it('create no payment for an invoice with a total of 0', async () => {
    newSubscription({ trialDays: 14 });
    await applyAll(...harness.events());
    expect(await harness.subscriptions()).toMatchObject([{ status: 'trialing' }]);
    expect(await harness.payments()).toEqual([]);
  });

  it.each([2_000, 500, 0])(
    'create a payment under the id of an invoice paid in cash, with amount_paid %i',
    async (amountPaid) => {
      const subscription = newSubscription({ trialDays: 14 });
      const invoice = renewWithoutIntent(data, subscription, amountPaid);
      await applyAll(...harness.events());
      const [row] = await harness.subscriptions();
      expect(await harness.payments()).toMatchObject([
        {
          payment_intent_id: invoice.id,
          status: 'succeeded',
          source: 'out_of_band',
          amount_cents: 2_000,
          subscription_id: row?.['id'],
          description: '1 × Monthly',
        },
      ]);
      expect(await harness.statistics()).toMatchObject({
        'test usd gross_cents': 2_000,
        'test usd out_of_band_cents': 2_000,
      });
    },
  );

  it('count credit once, when it is paid for', async () => {
    const subscription = newSubscription({ trialDays: 14 });
    pay(data, { amount: 10_000, currency: 'usd', customer: subscription.customer, metadata: {} });
    for (const startingBalance of [-8_000, -6_000, -4_000, -2_000]) {
      const invoice = renewWithoutIntent(data, subscription, 0);
      const balances = {
        amount_due: 0,
        starting_balance: startingBalance,
        ending_balance: startingBalance + 2_000,
      };
      const events = harness.events().filter((one) => (one.data.object as { id: string }).id === invoice.id);
      for (const one of events) Object.assign(one.data.object as Stripe.Invoice, balances);
    }
    await applyAll(...harness.events());
    expect(await harness.payments()).toMatchObject([{ amount_cents: 10_000, source: 'stripe' }]);
    expect(await harness.statistics()).toMatchObject({
      'test usd gross_cents': 10_000,
      'test usd payments': 1,
    });
  });

  it.each<
    [what: string, fields: Partial<Stripe.Invoice>, cash: number | undefined, outOfBand: number | undefined]
  >([
    [
      'half by credit',
      { amount_due: 1_200, amount_paid: 1_200, starting_balance: -800, ending_balance: 0 },
      1_200,
      undefined,
    ],
    [
      'together with a debit balance',
      { amount_due: 2_030, amount_paid: 2_030, starting_balance: 30, ending_balance: 0 },
      2_030,
      undefined,
    ],
    [
      'only by a debit balance',
      { total: 0, amount_due: 500, amount_paid: 500, starting_balance: 500, ending_balance: 0 },
      500,
      undefined,
    ],
    [
      'by credit and in cash',
      { amount_due: 1_200, amount_paid: 0, starting_balance: -800, ending_balance: 0 },
      undefined,
      1_200,
    ],
    [
      'by credit, by card and in cash',
      { amount_due: 1_200, amount_paid: 700, starting_balance: -800, ending_balance: 0 },
      700,
      500,
    ],
    [
      'after a credit note',
      { amount_due: 1_500, amount_paid: 1_500, pre_payment_credit_notes_amount: 500 },
      1_500,
      undefined,
    ],
    [
      'by a credit note',
      { amount_due: 0, amount_paid: 0, pre_payment_credit_notes_amount: 2_000 },
      undefined,
      undefined,
    ],
    ['and credited later', { amount_paid: 2_000, post_payment_credit_notes_amount: 2_000 }, 2_000, undefined],
    [
      'with the next invoice',
      { total: 30, amount_due: 0, amount_paid: 0, ending_balance: 30 },
      undefined,
      undefined,
    ],
    [
      'by granting credit',
      { total: -700, amount_due: 0, amount_paid: 0, ending_balance: -700 },
      undefined,
      undefined,
    ],
    [
      'by granting credit against a debit balance',
      { total: -700, amount_due: 0, amount_paid: 0, starting_balance: 500, ending_balance: -200 },
      undefined,
      undefined,
    ],
    [
      'by credit, in versions without balances',
      { amount_due: 0, amount_paid: 0, starting_balance: -2_000, ending_balance: null },
      undefined,
      undefined,
    ],
    ['too much', { amount_paid: 2_500, amount_overpaid: 500 }, 2_500, undefined],
  ])('count only the money of an invoice that was paid %s', async (_what, fields, cash, outOfBand) => {
    const subscription = newSubscription({ trialDays: 14 });
    const invoice = renewWithoutIntent(data, subscription, 0);
    const intent =
      cash === undefined
        ? undefined
        : pay(data, { amount: cash, currency: 'usd', customer: null, metadata: {} }).id;
    if (intent !== undefined) {
      const payment = { type: 'payment_intent', payment_intent: intent };
      data.create('invoice_payment', { amount_paid: cash, invoice: invoice.id, payment, status: 'paid' });
    }
    const balances = { starting_balance: 0, ending_balance: 0, ...fields };
    for (const type of ['invoice.payment_succeeded', 'invoice.paid']) {
      const paid = event(type);
      await applyAll({ ...paid, data: { object: { ...(paid.data.object as Stripe.Invoice), ...balances } } });
    }
    const rows = [
      ...(outOfBand === undefined
        ? []
        : [{ payment_intent_id: invoice.id, amount_cents: outOfBand, source: 'out_of_band' }]),
      ...(cash === undefined ? [] : [{ payment_intent_id: intent, amount_cents: cash, source: 'stripe' }]),
    ];
    expect(await harness.payments()).toMatchObject(rows);
  });

  it.each([
    ['keep', 'as planned', 0],
    ['drop', 'earlier', 3_600],
  ])('%s the planned end of a subscription that ended %s', async (_what, _when, later) => {
    const subscription = newSubscription();
    cancel(data, subscription);
    const ended = subscription.ended_at ?? 0;
    const [deleted] = harness.events().filter(({ type }) => type === 'customer.subscription.deleted');
    Object.assign(deleted?.data.object ?? {}, {
      cancel_at: ended + later,
      cancel_at_period_end: true,
      canceled_at: ended - 60,
    });
    await applyAll(...(deleted ? [deleted] : []));
    const cancelAt = later === 0 ? seconds(ended) : null;
    expect(await harness.subscriptions()).toMatchObject([
      { status: 'canceled', cancel_at: cancelAt, cancelled_at: seconds(ended - 60) },
    ]);
  });

  it('set past_due from the failed invoice alone', async () => {
    const subscription = newSubscription();
    await applyAll(event('customer.subscription.created'));
    failToRenew(data, subscription);
    await applyAll(event('invoice.payment_failed'));
    const [row] = await harness.subscriptions();
    expect(row).toMatchObject({ status: 'past_due' });
    expect(await harness.payments()).toMatchObject([
      { status: 'requires_payment_method', subscription_id: row?.['id'] },
    ]);
  });

  it('link a failed payment whose PaymentIntent was cancelled before the failed invoice arrived', async () => {
    const subscription = newSubscription();
    const invoice = failToRenew(data, subscription);
    const [payment] = data.all('invoice_payment').filter((one) => one.invoice === invoice.id);
    const intent = data.get('payment_intent', idOf(payment?.payment.payment_intent));
    Object.assign(payment ?? {}, { status: 'canceled' });
    data.change('payment_intent.canceled', intent, { status: 'canceled' });
    await applyAll(event('payment_intent.canceled'));
    // An old payload contains everything for the link.
    if (generation === 'old') data.delete('payment_intent', intent.id);
    await applyAll(event('invoice.payment_failed'));
    expect(await harness.payments()).toMatchObject([
      { status: 'canceled', subscription_id: (await harness.subscriptions())[0]?.['id'] },
    ]);
  });

  it('link the failed payment that the invoice names and Stripe no longer has', async () => {
    const subscription = newSubscription();
    const invoice = failToRenew(data, subscription);
    const [payment] = data.all('invoice_payment').filter((one) => one.invoice === invoice.id);
    await applyAll(event('payment_intent.payment_failed'));
    const failed = event('invoice.payment_failed');
    const payments = { object: 'list', data: payment ? [structuredClone(payment)] : [], has_more: false };
    const named = { ...failed, data: { object: { ...(failed.data.object as Stripe.Invoice), payments } } };
    const delivered = generation === 'new' ? named : asOldGeneration(data, failed);
    data.delete('payment_intent', idOf(payment?.payment.payment_intent));
    data.delete('invoice_payment', payment?.id ?? '');
    await harness.apply(delivered);
    expect(await harness.payments()).toMatchObject([
      { status: 'requires_payment_method', subscription_id: (await harness.subscriptions())[0]?.['id'] },
    ]);
  });

  it('end a deleted subscription whose object has another status', async () => {
    const subscription = newSubscription();
    data.record('customer.subscription.deleted', subscription);
    await applyAll(event('customer.subscription.deleted'));
    expect(await harness.subscriptions()).toMatchObject([{ status: 'canceled' }]);
  });

  it('follow a pause and its end', async () => {
    const subscription = newSubscription();
    for (const [type, status] of [
      ['paused', 'paused'],
      ['resumed', 'active'],
    ] as const) {
      data.change(`customer.subscription.${type}`, subscription, { status });
      await applyAll(...harness.events());
      expect(await harness.subscriptions()).toMatchObject([{ status }]);
    }
  });
});

describe('a pause', () => {
  const noPayment = { trial_settings: { end_behavior: { missing_payment_method: 'pause' } } };
  const requested = {
    status_details: {
      paused: { type: 'subscription', subscription: { type: 'pause_requested' }, transitioned_at: 1 },
    },
  };
  const resumes = { pause_collection: { behavior: 'void', resumes_at: 1_800_000_000 } };
  const endless = { pause_collection: { behavior: 'keep_as_draft', resumes_at: null } };

  it.each<[what: string, fields: object, pause: object | null]>([
    ['none', { pause_collection: null, ...noPayment }, null],
    [
      'of the collection, with an end',
      resumes,
      { behavior: 'void', resumes_at: seconds(1_800_000_000), reason: null },
    ],
    ['of the collection', endless, { behavior: 'keep_as_draft', resumes_at: null, reason: null }],
    [
      'of the subscription, with a reason',
      { status: 'paused', ...requested },
      { behavior: null, resumes_at: null, reason: 'pause_requested' },
    ],
    [
      'of the subscription, after a trial',
      { status: 'paused', ...noPayment },
      { behavior: null, resumes_at: null, reason: 'trial_end_without_payment_method' },
    ],
    [
      'of the subscription, without a reason',
      { status: 'paused' },
      { behavior: null, resumes_at: null, reason: null },
    ],
    [
      'of both',
      { status: 'paused', ...requested, ...endless },
      { behavior: 'keep_as_draft', resumes_at: null, reason: 'pause_requested' },
    ],
  ])('%s is shown with the subscription', async (_what, fields, pause) => {
    const subscription = newSubscription();
    await harness.apply(event('customer.subscription.created'));
    Object.assign(subscription, fields);
    data.record('customer.subscription.updated', subscription);
    await harness.apply({ ...event('customer.subscription.updated'), created: app.stripe.now() + 1 });
    const path = `/api/v1/payments/stripe/projects/${harness.projectId}/subscriptions`;
    expect((await app.send('get', path).expect(200)).body).toMatchObject({
      subscriptions: [{ subscription_id: subscription.id, pause }],
    });
    // A change of the pause alone is applied.
    const changes = (await harness.outbox()).map(
      (row) =>
        (JSON.parse(String(row['data'])) as { subscription: { pause: object | null } }).subscription.pause,
    );
    expect(changes).toHaveLength(pause ? 2 : 1);
    Object.assign(subscription, { status: 'active', pause_collection: null });
    data.record('customer.subscription.resumed', subscription);
    await harness.apply({ ...event('customer.subscription.resumed'), created: app.stripe.now() + 2 });
    expect((await app.send('get', path).expect(200)).body).toMatchObject({
      subscriptions: [{ pause: null }],
    });
  });
});

describe('an invoice of the new generation', () => {
  it('that lists its payments causes no request about them', async () => {
    newSubscription();
    const paid = event('invoice.paid');
    const invoice = data.get('invoice', (paid.data.object as Stripe.Invoice).id);
    app.stripe.requests.length = 0;
    await harness.apply({
      ...paid,
      data: { object: { ...(paid.data.object as Stripe.Invoice), payments: invoice.payments } },
    });
    expect(await harness.payments()).toMatchObject([
      { payment_intent_id: expect.stringMatching(/^pi_/), amount_cents: 2_000 },
    ]);
    expect(app.stripe.requests.map(({ path }) => path)).toEqual([
      `/v1/subscriptions/${idOf(invoice.parent?.subscription_details?.subscription)}`,
    ]);
  });

  it('that was paid in parts creates a payment for each part and for the rest', async () => {
    const invoice = renewWithoutIntent(data, newSubscription({ trialDays: 14 }), 2_000);
    for (const amount of [500, 700]) {
      const intent = pay(data, { amount, currency: 'usd', customer: invoice.customer, metadata: {} });
      data.create('invoice_payment', {
        amount_paid: amount,
        invoice: invoice.id,
        payment: { type: 'payment_intent', payment_intent: intent.id },
        status: 'paid',
      });
    }
    data.create('invoice_payment', {
      amount_paid: null,
      invoice: invoice.id,
      payment: { type: 'payment_intent', payment_intent: 'pi_open' },
      status: 'open',
    });
    await harness.apply(event('invoice.paid'));
    expect((await harness.payments()).map(({ amount_cents: amount }) => amount).sort()).toEqual([
      500, 700, 800,
    ]);
    await harness.applyAll();
    expect((await harness.payments()).map(({ amount_cents: amount }) => amount).sort()).toEqual([
      500, 700, 800,
    ]);
  });

  it('counts payment records of another processor as paid outside of Stripe', async () => {
    const invoice = renewWithoutIntent(data, newSubscription({ trialDays: 14 }), 2_300);
    const { id: intent } = pay(data, {
      amount: 500,
      currency: 'usd',
      customer: invoice.customer,
      metadata: {},
    });
    for (const [amount, payment] of [
      [500, { type: 'payment_intent', payment_intent: intent }],
      [800, { type: 'payment_record', payment_record: 'pr_1' }],
      [1_000, { type: 'payment_record', payment_record: 'pr_2' }],
    ] as const)
      data.create('invoice_payment', { amount_paid: amount, invoice: invoice.id, payment, status: 'paid' });
    const paid = event('invoice.paid');
    // The overpayment of 300 becomes credit, but it is money.
    await harness.apply({
      ...paid,
      data: { object: { ...(paid.data.object as Stripe.Invoice), amount_overpaid: 300 } },
    });
    expect(await harness.payments()).toMatchObject([
      { payment_intent_id: invoice.id, amount_cents: 1_800, source: 'out_of_band' },
      { payment_intent_id: intent, amount_cents: 500, source: 'stripe' },
    ]);
  });

  it('that lists one PaymentIntent twice creates one payment', async () => {
    const invoice = renewWithoutIntent(data, newSubscription({ trialDays: 14 }), 2_000);
    const { id: intent } = pay(data, {
      amount: 2_000,
      currency: 'usd',
      customer: invoice.customer,
      metadata: {},
    });
    for (const amount of [500, 1_500])
      data.create('invoice_payment', {
        amount_paid: amount,
        invoice: invoice.id,
        payment: { type: 'payment_intent', payment_intent: intent },
        status: 'paid',
      });
    await harness.apply(event('invoice.paid'));
    expect(await harness.payments()).toMatchObject([{ payment_intent_id: intent, amount_cents: 2_000 }]);
  });
});

describe('an invoice that is paid before Stripe lists its payments', () => {
  const notYet = {
    code: 'stripe_unavailable',
    message: expect.stringMatching(/does not list yet by what/) as string,
  };
  const listed = (invoice: string, intent: string, status: 'open' | 'paid', amount: number) =>
    data.create('invoice_payment', {
      amount_paid: status === 'paid' ? amount : null,
      amount_requested: amount,
      invoice,
      payment: { type: 'payment_intent', payment_intent: intent },
      status,
    });
  /** @param outside `amount_paid_off_stripe` in the response of Stripe */
  const paidInvoice = (outside: number) => {
    const invoice = renewWithoutIntent(data, newSubscription({ trialDays: 14 }), 2_000);
    invoice.amount_paid_off_stripe = outside;
    const intent = pay(data, { amount: 2_000, currency: 'usd', customer: invoice.customer, metadata: {} });
    return { invoice, intent };
  };

  it.each(['empty', 'open'])(
    'leaves its event open and is counted once, when the list is first %s',
    async (list) => {
      const { invoice, intent } = paidInvoice(0);
      const payment = list === 'open' ? listed(invoice.id, intent.id, 'open', 2_000) : undefined;
      await expect(harness.apply(event('invoice.paid'))).rejects.toMatchObject(notYet);
      await harness.apply(event('payment_intent.succeeded'));
      expect(await harness.statistics()).toMatchObject({ 'test usd gross_cents': 2_000 });
      if (payment) Object.assign(payment, { status: 'paid', amount_paid: 2_000 });
      else listed(invoice.id, intent.id, 'paid', 2_000);
      for (const type of ['invoice.paid', 'invoice.payment_succeeded']) await harness.apply(event(type));
      expect(await harness.payments()).toMatchObject([
        { payment_intent_id: intent.id, source: 'stripe', amount_cents: 2_000 },
      ]);
    },
  );

  it('is fetched again if its event lists an open payment', async () => {
    const { invoice, intent } = paidInvoice(0);
    const open = structuredClone(listed(invoice.id, intent.id, 'paid', 2_000));
    Object.assign(open, { status: 'open', amount_paid: null });
    const paid = event('invoice.paid');
    const payments = { object: 'list', data: [open], has_more: false };
    await harness.apply({ ...paid, data: { object: { ...(paid.data.object as Stripe.Invoice), payments } } });
    expect(await harness.payments()).toMatchObject([{ payment_intent_id: intent.id, source: 'stripe' }]);
  });

  it.each([
    [2_000, []],
    [500, [{ source: 'out_of_band', amount_cents: 1_500 }]],
  ])('reduces the out-of-band payment when Stripe lists a payment of %i', async (amount, rest) => {
    const { invoice, intent } = paidInvoice(2_000);
    await harness.apply(event('invoice.paid'));
    expect(await harness.payments()).toMatchObject([
      { payment_intent_id: invoice.id, source: 'out_of_band', amount_cents: 2_000 },
    ]);
    listed(invoice.id, intent.id, 'paid', amount);
    await harness.apply(event('invoice.payment_succeeded'));
    expect(await harness.payments()).toMatchObject([
      ...rest,
      { payment_intent_id: intent.id, source: 'stripe', amount_cents: amount },
    ]);
    expect(await harness.statistics()).toMatchObject({
      'test usd gross_cents': 2_000,
      'test usd payments': 1 + rest.length,
    });
    const sent = (await harness.outbox()).map(({ type: name, data }) => ({
      name,
      ...(JSON.parse(String(data)) as object),
    }));
    const partly = { name: 'payment.succeeded', payment: { status: 'succeeded', amount_cents: 1_500 } };
    const whole = { name: 'payment.failed', payment: { status: 'canceled', amount_cents: 2_000 } };
    const { name, payment } = rest.length > 0 ? partly : whole;
    expect(sent).toContainEqual(
      expect.objectContaining({
        name,
        payment: expect.objectContaining({ payment_intent_id: invoice.id, ...payment }) as unknown,
      }),
    );
  });

  it('uses amount_requested of a payment record without amount_paid', async () => {
    const { invoice } = paidInvoice(0);
    const payment = { type: 'payment_record', payment_record: 'pr_1' } as const;
    data.create('invoice_payment', {
      amount_paid: null,
      amount_requested: 2_000,
      invoice: invoice.id,
      payment,
      status: 'paid',
    });
    await harness.apply(event('invoice.paid'));
    expect(await harness.payments()).toMatchObject([
      { payment_intent_id: invoice.id, source: 'out_of_band', amount_cents: 2_000 },
    ]);
  });
});

describe('a subscription of several items', () => {
  const HOUR = 3_600;
  type Item = Stripe.SubscriptionItem;

  /** Items: a plan with a period, one whose period ends later, and a metered one without a period. */
  function itemsOf({ items }: Stripe.Subscription): { plan: Item; later: Item; metered: Item } {
    const [plan] = items.data;
    if (!plan) throw new Error('There is no item.');
    const recurring = {
      interval: 'month',
      interval_count: 1,
      meter: null,
      usage_type: 'metered',
      trial_period_days: null,
    } as const;
    return {
      plan,
      later: {
        ...plan,
        id: 'si_later',
        current_period_start: plan.current_period_start + HOUR,
        current_period_end: plan.current_period_end + HOUR,
      },
      metered: {
        ...plan,
        id: 'si_metered',
        price: { ...plan.price, id: 'price_metered', nickname: 'Use', recurring },
        quantity: undefined,
      },
    };
  }

  it.each([
    ['ends last', 'the plan, later, metered'],
    ['ends first', 'later, the plan, metered'],
    ['is metered', 'metered, the plan, later'],
  ])(
    'has the earliest end and the plan that is not metered, even if the first item %s',
    async (_what, order) => {
      const subscription = newSubscription({ quantity: 3 });
      const { plan, later, metered } = itemsOf(subscription);
      const unended = {
        ...metered,
        current_period_start: undefined,
        current_period_end: undefined,
      } as unknown as Item;
      const data3 = order
        .split(', ')
        .map((name) => ({ 'the plan': plan, later, metered: unended })[name] ?? plan);
      const fields = { items: { ...subscription.items, data: data3 }, cancel_at_period_end: true };
      data.change('customer.subscription.updated', subscription, fields);
      await harness.apply(event('customer.subscription.updated'));
      expect(await harness.subscriptions()).toMatchObject([
        {
          price_id: monthly().id,
          plan_name: 'Monthly',
          quantity: 3,
          current_period_start: seconds(plan.current_period_start),
          current_period_end: seconds(plan.current_period_end),
          cancel_at: seconds(plan.current_period_end),
        },
      ]);
    },
  );

  it('that are all metered has the first as its plan', async () => {
    const subscription = newSubscription();
    const { metered } = itemsOf(subscription);
    const second = { ...metered, id: 'si_second', price: { ...metered.price, nickname: 'Other use' } };
    data.change('customer.subscription.updated', subscription, {
      items: { ...subscription.items, data: [metered, second] },
    });
    await harness.apply(event('customer.subscription.updated'));
    expect(await harness.subscriptions()).toMatchObject([{ plan_name: 'Use', quantity: 1 }]);
  });

  it('before 2025 has its own period, and the plan of its items', async () => {
    const subscription = newSubscription();
    const { plan, metered } = itemsOf(subscription);
    data.change('customer.subscription.updated', subscription, {
      items: { ...subscription.items, data: [metered, plan] },
    });
    const delivered = asOldGeneration(data, event('customer.subscription.updated'));
    // A subscription from before Stripe had prices.
    const object = delivered.data.object as Stripe.Subscription;
    object.items.data = object.items.data.map((item) => ({ ...item, price: undefined }) as unknown as Item);
    Object.assign(object.items.data[0]?.plan ?? {}, { usage_type: 'metered', id: 'plan_metered' });
    await harness.apply(delivered);
    expect(await harness.subscriptions()).toMatchObject([
      { price_id: plan.plan.id, current_period_end: seconds(plan.current_period_end) },
    ]);
  });
});

describe('a list that Stripe cuts off', () => {
  const FAR = 90 * 86_400;

  /** The last item is the plan and ends first. */
  function subscriptionOfMany(count: number): Stripe.Subscription {
    const subscription = newSubscription();
    const [plan] = subscription.items.data;
    if (!plan) throw new Error('There is no item.');
    const recurring = {
      interval: 'month',
      interval_count: 1,
      meter: null,
      usage_type: 'metered',
      trial_period_days: null,
    } as const;
    const metered = Array.from({ length: count - 1 }, (_, nth) => ({
      ...plan,
      id: `si_${nth}`,
      price: { ...plan.price, id: `price_${nth}`, nickname: 'Use', recurring },
      plan: { ...plan.plan, id: `price_${nth}`, usage_type: 'metered' as const },
      quantity: undefined,
      current_period_start: plan.current_period_start + FAR,
      current_period_end: plan.current_period_end + FAR,
    }));
    data.change('customer.subscription.updated', subscription, {
      items: { ...subscription.items, data: [...metered, plan] },
    });
    return subscription;
  }

  it.each(['in the event', 'and has to be asked for'])(
    'is read completely: 130 payments of an invoice, %s',
    async (where) => {
      const invoice = renewWithoutIntent(data, newSubscription({ trialDays: 14 }), 13_000);
      const payments = Array.from({ length: 130 }, () => {
        const intent = pay(data, { amount: 100, currency: 'usd', customer: invoice.customer, metadata: {} });
        const payment = { type: 'payment_intent', payment_intent: intent.id };
        return data.create('invoice_payment', {
          amount_paid: 100,
          invoice: invoice.id,
          payment,
          status: 'paid',
        });
      });
      const paid = event('invoice.paid');
      const embedded = {
        payments: { object: 'list', data: structuredClone(payments.slice(0, 10)), has_more: true },
      };
      const amounts = { total: 13_000, amount_due: 13_000, ...(where === 'in the event' && embedded) };
      await harness.apply({
        ...paid,
        data: { object: { ...(paid.data.object as Stripe.Invoice), ...amounts } },
      });
      expect(await harness.statistics()).toMatchObject({
        'test usd gross_cents': 13_000,
        'test usd payments': 130,
      });
      await harness.applyAll(harness.events().filter(({ type }) => type === 'payment_intent.succeeded'));
      expect(await harness.statistics()).toMatchObject({
        'test usd gross_cents': 13_000,
        'test usd payments': 130,
      });
    },
  );

  it.each([
    ['its event', 12],
    ['an answer of Stripe', 102],
  ])('is read completely: the items of a subscription in %s', async (how, count) => {
    const subscription = subscriptionOfMany(count);
    const plan = subscription.items.data.at(-1);
    const delivered = event(how === 'its event' ? 'customer.subscription.updated' : 'invoice.paid');
    await harness.apply(delivered);
    expect(await harness.subscriptions()).toMatchObject([
      {
        price_id: monthly().id,
        plan_name: 'Monthly',
        current_period_end: seconds(plan?.current_period_end ?? 0),
      },
    ]);
  });

  it('is read completely: the lines of an invoice whose fifteenth names another project', async () => {
    const other = await LedgerHarness.open(app);
    const subscription = newSubscription();
    const invoice = renew(data, subscription);
    const [line] = invoice.lines.data;
    if (!line) throw new Error('There is no line.');
    const named = (nth: number): Stripe.Metadata => (nth === 15 ? { project_id: other.projectId } : {});
    const lines = Array.from({ length: 120 }, (_, nth) => ({
      ...line,
      id: `il_${nth}`,
      metadata: named(nth),
    }));
    const inPart = (has_more: boolean) => {
      const paid = event('invoice.paid', invoice.id);
      return {
        ...paid,
        data: {
          object: {
            ...(paid.data.object as Stripe.Invoice),
            lines: { ...invoice.lines, data: lines.slice(0, 10), has_more },
          },
        },
      };
    };
    invoice.lines.data = lines;
    app.stripe.fail(down(), { on: /lines/, times: 2 });
    await expect(harness.apply(inPart(true))).rejects.toMatchObject({ code: 'stripe_unavailable' });
    await expect(harness.apply(inPart(true))).rejects.toBeInstanceOf(ForeignObject);
    expect(await harness.payments()).toEqual([]);
    await harness.apply(inPart(false));
    expect(await harness.payments()).toHaveLength(1);
  });

  it('leaves the event open and changes nothing if a page fails', async () => {
    subscriptionOfMany(102);
    for (const type of ['customer.subscription.updated', 'invoice.paid']) {
      app.stripe.fail(slow(0), { on: /subscription_items/ });
      app.stripe.fail(down(), { on: /subscription_items/, times: 2 });
      await expect(harness.apply(event(type))).rejects.toMatchObject({ code: 'stripe_unavailable' });
    }
    expect(await harness.subscriptions()).toEqual([]);
    expect(await harness.payments()).toEqual([]);
    app.stripe.heal();
    await harness.apply(event('customer.subscription.updated'));
    expect(await harness.subscriptions()).toMatchObject([{ plan_name: 'Monthly' }]);
  });
});

it.each([
  ['new', 'invoice first'],
  ['new', 'refund first'],
  ['old', 'invoice first'],
  ['old', 'refund first'],
])(
  'an invoice of the %s generation, paid by a charge without a PaymentIntent, gives one payment: %s',
  async (generation, order) => {
    const subscription = newSubscription({ trialDays: 14 });
    const invoice = renewWithoutIntent(data, subscription, 2_000);
    const charge = data.create('charge', {
      amount: 2_000,
      amount_captured: 2_000,
      captured: true,
      currency: 'usd',
      payment_intent: null,
    });
    data.create('invoice_payment', {
      amount_paid: 2_000,
      invoice: invoice.id,
      payment: { type: 'charge', charge: charge.id },
      status: 'paid',
    });
    refund(data, charge, { amount: 500 });
    const paid = event('invoice.paid');
    const object = {
      ...(paid.data.object as Stripe.Invoice),
      payment_intent: null,
      charge: charge.id,
      subscription: subscription.id,
    };
    const events = [generation === 'new' ? paid : { ...paid, data: { object } }, event('charge.refunded')];
    await harness.applyAll(order === 'invoice first' ? events : events.reverse());
    const [row] = await harness.subscriptions();
    expect(await harness.payments()).toMatchObject([
      {
        payment_intent_id: charge.id,
        status: 'partially_refunded',
        refunded_amount_cents: 500,
        subscription_id: row?.['id'],
      },
    ]);
  },
);

it.each([true, undefined])(
  'an old invoice counts as paid in cash with paid_out_of_band, or without any payment: %s',
  async (isSaid) => {
    const subscription = newSubscription({ trialDays: 14 });
    const invoice = renewWithoutIntent(data, subscription, 1_200);
    const paid = asOldGeneration(data, event('invoice.paid'));
    const intent = { payment_intent: isSaid ? 'pi_not_used' : null, charge: null, paid_out_of_band: isSaid };
    const fields = { amount_due: 1_200, starting_balance: -800, ending_balance: 0 };
    await harness.apply({
      ...paid,
      data: { object: { ...(paid.data.object as Stripe.Invoice), ...fields, ...intent } },
    });
    expect(await harness.payments()).toMatchObject([
      { payment_intent_id: invoice.id, amount_cents: 1_200, source: 'out_of_band' },
    ]);
  },
);

describe.each<[string, (customer: string) => object, string | null]>([
  ['null', () => ({ customer: null }), null],
  ['missing', () => ({ customer: undefined }), null],
  ['expanded', (id) => ({ customer: { id, object: 'customer' } }), 'cus_'],
  ['deleted', (id) => ({ customer: { id, object: 'customer', deleted: true } }), 'cus_'],
  ['an account', () => ({ customer: null, customer_account: 'acct_1C' }), 'acct_1C'],
  [
    'an expanded account',
    () => ({ customer: null, customer_account: { id: 'acct_1C', object: 'v2.core.account' } }),
    'acct_1C',
  ],
  ['both a customer and an account', (customer) => ({ customer, customer_account: 'acct_1C' }), 'cus_'],
])('a customer that is %s', (_form, fields, customerId) => {
  const inForm = (one: StripeEvent): StripeEvent => {
    const object = one.data.object as { customer: string };
    return { ...one, data: { object: { ...object, customer_account: null, ...fields(object.customer) } } };
  };
  const isOfCustomer = customerId === null ? null : (expect.stringMatching(`^${customerId}`) as string);

  it.each(['in order', 'backwards'])(
    'keeps the user of a subscription and its payments: %s',
    async (order) => {
      const subscription = newSubscription({ metadata: { user_id: USER } });
      Object.assign(subscription, fields(idOf(subscription.customer)));
      // The invoice is older than the subscription's metadata.
      const invoice = inForm(event('invoice.paid'));
      const bare = {
        ...(invoice.data.object as Stripe.Invoice),
        parent: { subscription_details: { subscription: subscription.id, metadata: {} } },
      };
      const events = [
        inForm(event('customer.subscription.created')),
        { ...invoice, data: { object: bare } },
        inForm(event('payment_intent.succeeded')),
      ];
      await harness.applyAll(order === 'in order' ? events : events.reverse());
      expect(await harness.subscriptions()).toMatchObject([{ user_id: USER, customer_id: isOfCustomer }]);
      expect(await harness.payments()).toMatchObject([
        { user_id: USER, customer_id: isOfCustomer, amount_cents: 2_000 },
      ]);
    },
  );
});

it('links the user of a customer to objects that name only its account, in either order', async () => {
  const owned = newSubscription({ metadata: { user_id: USER } });
  const owner = { customer: owned.customer, customer_account: 'acct_1C' };
  const bought = event('customer.subscription.created', owned.id);
  const other = newSubscription();
  const intent = pay(data, { amount: 5_000, currency: 'eur', customer: null, metadata: {} });
  const named = (one: StripeEvent, fields: object) => ({
    ...one,
    data: { object: { ...(one.data.object as object), ...fields } },
  });
  const onlyAccount = { customer: null, customer_account: 'acct_1C' };
  const events = [
    named(bought, owner),
    named(event('customer.subscription.created', other.id), onlyAccount),
    named(event('payment_intent.succeeded', intent.id), onlyAccount),
  ];
  for (const order of [events, events.toReversed()]) {
    const project = await LedgerHarness.open(app, harness.account);
    await project.applyAll(order);
    expect((await project.subscriptions()).map((row) => row['user_id'])).toEqual([USER, USER]);
    expect(await project.payments()).toMatchObject([
      { payment_intent_id: intent.id, user_id: USER, customer_id: 'acct_1C' },
    ]);
  }
});

describe('a checkout', () => {
  const session = (fields: Partial<Stripe.Checkout.Session>) =>
    data.create('checkout.session', {
      mode: 'payment',
      status: 'complete',
      payment_status: 'paid',
      amount_total: 5_000,
      currency: 'eur',
      ...fields,
    });
  const record = (type: string, object: object) => {
    data.record(`checkout.session.${type}`, object);
    return event(`checkout.session.${type}`);
  };

  it.each(['session first', 'payment first'])('gives a payment its user: %s', async (order) => {
    const customer = data.create('customer', {}).id;
    const intent = pay(data, { amount: 5_000, currency: 'eur', customer, metadata: {} });
    const events = [
      record('completed', session({ customer, payment_intent: intent.id, client_reference_id: USER })),
      event('payment_intent.succeeded'),
    ];
    await harness.applyAll(order === 'session first' ? events : events.reverse());
    expect(await harness.payments()).toMatchObject([
      {
        payment_intent_id: intent.id,
        user_id: USER,
        status: 'succeeded',
        currency: 'eur',
        amount_cents: 5_000,
      },
    ]);
    expect((await harness.payments())[0]?.['created_at']).toBe(seconds(intent.created));
  });

  it.each([0, 1, -1])(
    'gives its user to a payment without one, when it arrives %i seconds later',
    async (later) => {
      const intent = pay(data, {
        amount: 5_000,
        currency: 'eur',
        customer: null,
        metadata: { user_id: USER },
      });
      const paid = event('payment_intent.succeeded');
      const completed = record(
        'completed',
        session({ payment_intent: intent.id, client_reference_id: 'order-55' }),
      );
      const events = [paid, { ...completed, created: paid.created + later }];
      for (const order of [events, events.toReversed()]) {
        const project = await LedgerHarness.open(app, harness.account);
        await project.applyAll(order);
        expect(await project.payments()).toMatchObject([{ user_id: USER }]);
      }
    },
  );

  it('without a customer gives its payment a user', async () => {
    const intent = pay(data, { amount: 5_000, currency: 'eur', customer: null, metadata: {} });
    await harness.apply(event('payment_intent.succeeded'));
    await harness.apply(
      record('completed', session({ payment_intent: intent.id, client_reference_id: 'auth0|somebody' })),
    );
    expect(await harness.payments()).toMatchObject([
      { user_id: endUserId(harness.projectId, 'auth0|somebody') },
    ]);
  });

  it('with a slow payment method is processing until the money arrives', async () => {
    const open = { payment_intent: 'pi_slow', payment_status: 'unpaid' as const };
    await harness.apply(record('completed', session(open)));
    expect(await harness.payments()).toMatchObject([{ payment_intent_id: 'pi_slow', status: 'processing' }]);
    await harness.apply({ ...record('async_payment_failed', session(open)), created: app.stripe.now() + 60 });
    expect(await harness.payments()).toMatchObject([{ status: 'requires_payment_method' }]);
    await harness.apply(record('async_payment_succeeded', session({ ...open, payment_status: 'paid' })));
    expect(await harness.payments()).toMatchObject([{ status: 'succeeded', amount_cents: 5_000 }]);
  });

  it('that fails in the second of its completion has failed, in either order', async () => {
    const open = { payment_intent: 'pi_slow', payment_status: 'unpaid' as const };
    const events = [record('completed', session(open)), record('async_payment_failed', session(open))].map(
      (one) => ({
        ...one,
        created: 1_700_000_000,
      }),
    );
    for (const order of [events, events.toReversed()]) {
      const project = await LedgerHarness.open(app, harness.account);
      await project.applyAll(order);
      expect(await project.payments()).toMatchObject([{ status: 'requires_payment_method' }]);
    }
  });

  it('with a total of 0 creates no payment', async () => {
    await harness.apply(
      record(
        'completed',
        session({ payment_intent: null, amount_total: 0, payment_status: 'no_payment_required' }),
      ),
    );
    expect(await harness.payments()).toEqual([]);
  });

  it.each(['the checkout first', 'the checkout last'])(
    'gives its user to a subscription and its payments: %s',
    async (order) => {
      const subscription = newSubscription();
      const { id, customer } = subscription;
      const completed = record(
        'completed',
        session({ mode: 'subscription', subscription: id, customer, client_reference_id: USER }),
      );
      const others = harness.events().filter(({ type }) => type !== completed.type);
      await harness.applyAll(
        order === 'the checkout first' ? [completed, ...others] : [...others, completed],
      );
      expect(await harness.subscriptions()).toMatchObject([{ user_id: USER }]);
      expect(await harness.payments()).toMatchObject([
        { user_id: USER, subscription_id: (await harness.subscriptions())[0]?.['id'] },
      ]);
    },
  );

  it('gives its user to later purchases of the customer, unless they name another user', async () => {
    const other = '00000000-0000-0000-0000-000000000000';
    const customer = data.create('customer', {}).id;
    const buy = (metadata: Stripe.Metadata) =>
      pay(data, { amount: 100, currency: 'eur', customer, metadata }).id;
    const [own, later, foreign] = [buy({}), buy({}), buy({ user_id: other })];
    await harness.applyAll();
    // The customer is linked to `other` by the third payment; the session is newer.
    await harness.apply({
      ...record('completed', session({ customer, payment_intent: own, client_reference_id: USER })),
      created: app.stripe.now() + 60,
    });
    const users = Object.fromEntries(
      (await harness.payments()).map((row) => [row['payment_intent_id'], row['user_id']]),
    );
    expect(users).toEqual({ [own]: USER, [later]: USER, [foreign]: other });
  });
});

describe('a refund', () => {
  it.each(['in order', 'backwards'])('is counted in parts, then completely: %s', async (order) => {
    const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
    const charge = data.get('charge', idOf(intent.latest_charge));
    refund(data, charge, { amount: 1_000 });
    if (order === 'in order') {
      await harness.applyAll();
      expect(await harness.payments()).toMatchObject([
        { status: 'partially_refunded', refunded_amount_cents: 1_000, amount_cents: 5_000 },
      ]);
      expect(await harness.statistics()).toMatchObject({
        'test usd payments': 1,
        'test usd gross_cents': 5_000,
        'test usd net_cents': 4_000,
      });
    }
    refund(data, charge, { amount: 4_000 });
    await harness.applyAll(order === 'in order' ? harness.events() : harness.events().reverse());
    expect(await harness.payments()).toMatchObject([
      { payment_intent_id: intent.id, status: 'refunded', refunded_amount_cents: 5_000, amount_cents: 5_000 },
    ]);
    expect(await harness.statistics()).toEqual({
      'test payment refunded': 1,
      'test usd payments': 1,
      'test usd gross_cents': 5_000,
    });
  });

  it.each(['charge.refund.updated', 'refund.updated', 'refund.failed'])(
    'that fails is undone: %s',
    async (type) => {
      let now = 1_700_000_000;
      app.stripe.now = () => now;
      const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
      const charge = data.get('charge', idOf(intent.latest_charge));
      refund(data, charge, { amount: 1_000 });
      now += 10;
      const made = refund(data, charge, { amount: 500 });
      const refunds = harness.events().filter((one) => one.type === 'charge.refunded');
      now += 10;
      Object.assign(charge, { amount_refunded: 1_000 });
      data.change(type, made, { status: 'failed', ...(type === 'refund.failed' && { charge: null }) });
      await harness.applyAll();
      // A project that starts late has not seen the refund.
      await harness.applyAll(refunds);
      expect(await harness.payments()).toMatchObject([
        { status: 'partially_refunded', refunded_amount_cents: 1_000 },
      ]);
      data.change('charge.refunded', charge, { amount_refunded: 0, refunded: false });
      await harness.apply(event('charge.refunded'));
      expect(await harness.payments()).toMatchObject([{ status: 'succeeded', refunded_amount_cents: 0 }]);
      app.stripe.now = () => Math.floor(Date.now() / 1000);
    },
  );

  it('excludes the part of an authorization that was not captured', async () => {
    const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
    const charge = data.get('charge', idOf(intent.latest_charge));
    data.change('charge.refunded', charge, { amount_captured: 3_000, amount_refunded: 2_000 });
    await harness.apply(event('charge.refunded'));
    expect(await harness.payments()).toMatchObject([
      { status: 'succeeded', amount_cents: 3_000, refunded_amount_cents: 0 },
    ]);
  });

  it('of an uncaptured charge is ignored', async () => {
    const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
    data.change('charge.refunded', data.get('charge', idOf(intent.latest_charge)), {
      captured: false,
      amount_refunded: 5_000,
      refunded: true,
    });
    await harness.apply(event('charge.refunded'));
    expect(await harness.payments()).toEqual([]);
  });
});

it.each(['its PaymentIntent', 'only its charge'])(
  'stores a dispute that names %s without changing the payment',
  async (named) => {
    const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
    const charge = data.get('charge', idOf(intent.latest_charge));
    const made = dispute(data, named === 'its PaymentIntent' ? charge : { ...charge, payment_intent: null });
    data.change('charge.dispute.closed', made, { status: 'lost' });
    await harness.applyAll();
    expect(await harness.disputes()).toMatchObject([
      {
        dispute_id: made.id,
        payment_intent_id: intent.id,
        status: 'lost',
        amount_cents: 5_000,
        funds_withdrawn_at: expect.any(String),
        funds_reinstated_at: null,
      },
    ]);
    expect(await harness.payments()).toMatchObject([{ status: 'succeeded' }]);
    // A lost dispute reduces net revenue.
    expect(await harness.statistics()).toEqual({
      'test payment succeeded': 1,
      'test usd payments': 1,
      'test usd gross_cents': 5_000,
    });
  },
);

it('keeps the later stage of two dispute states of one second if Stripe no longer has the dispute', async () => {
  const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
  const made = dispute(data, data.get('charge', idOf(intent.latest_charge)));
  data.change('charge.dispute.updated', made, { status: 'under_review' });
  data.delete('dispute', made.id);
  const events = [event('charge.dispute.created'), event('charge.dispute.updated')].map((one) => ({
    ...one,
    created: 1_700_000_000,
  }));
  for (const order of [events, events.toReversed()]) {
    const project = await LedgerHarness.open(app, harness.account);
    await project.applyAll(order);
    expect(await project.disputes()).toMatchObject([{ status: 'under_review' }]);
  }
});

describe("a plan's name", () => {
  it("is the product's if the price has none, and is requested once", async () => {
    const [product] = data.all('product');
    const price = addPrice(data, { product: product?.id ?? '', nickname: null, unit_amount: 900 }, 'month');
    newSubscription({ price });
    newSubscription({ price });
    app.stripe.requests.length = 0;
    await harness.applyAll(harness.events().filter(({ type }) => type === 'customer.subscription.created'));
    expect(await harness.subscriptions()).toMatchObject([{ plan_name: 'Pro' }, { plan_name: 'Pro' }]);
    expect(app.stripe.requests.map(({ path }) => path)).toEqual([`/v1/products/${product?.id}`]);
  });

  it('is that of the plan before 2018', async () => {
    newSubscription();
    const created = event('customer.subscription.created');
    const plan = { id: 'gold', object: 'plan', name: 'Gold' };
    const items = { object: 'list', data: [{ id: 'si_1', object: 'subscription_item', plan }] };
    const object = { ...(created.data.object as Stripe.Subscription), items, plan };
    await harness.apply({ ...created, data: { object } });
    expect(await harness.subscriptions()).toMatchObject([{ plan_name: 'Gold', price_id: 'gold' }]);
  });

  it('is null if Stripe does not have the product', async () => {
    newSubscription({
      price: addPrice(data, { product: 'prod_gone', nickname: null, unit_amount: 900 }, 'month'),
    });
    await harness.apply(event('customer.subscription.created'));
    expect(await harness.subscriptions()).toMatchObject([{ plan_name: null, status: 'active' }]);
  });
});

describe('a key of another account', () => {
  it.each<[type: string, fields: object]>([
    ['refund.failed', {}],
    ['refund.failed', { charge: null }],
    ['refund.updated', {}],
    ['charge.refund.updated', { status: 'canceled' }],
  ])('leaves %s open until the charge can be read: %j', async (type, fields) => {
    const project = await LedgerHarness.open(app);
    const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
    const charge = data.get('charge', idOf(intent.latest_charge));
    const made = refund(data, charge, { amount: 1_000 });
    await project.applyAll(harness.events());
    Object.assign(charge, { amount_refunded: 0, refunded: false });
    data.change(type, made, { status: 'failed', ...fields });
    const failed = { ...event(type), created: app.stripe.now() + 10 };
    await expect(project.apply(failed)).rejects.toMatchObject({
      code: 'stripe_key_refused',
      message: expect.stringMatching(/no such charge/),
    });
    expect(await project.payments()).toMatchObject([{ refunded_amount_cents: 1_000 }]);
    await app
      .send('put', configPath(project.projectId))
      .send({ test_secret_key: harness.account.keys.test.secret })
      .expect(200);
    await project.apply(failed);
    expect(await project.payments()).toMatchObject([{ status: 'succeeded', refunded_amount_cents: 0 }]);
  });

  it('leaves a dispute open that names only its charge', async () => {
    const project = await LedgerHarness.open(app);
    const intent = pay(data, { amount: 5_000, currency: 'usd', customer: null, metadata: {} });
    dispute(data, { ...data.get('charge', idOf(intent.latest_charge)), payment_intent: null });
    const created = event('charge.dispute.created');
    await expect(project.apply(created)).rejects.toMatchObject({ code: 'stripe_key_refused' });
    expect(await project.disputes()).toEqual([]);
    await app
      .send('put', configPath(project.projectId))
      .send({ test_secret_key: harness.account.keys.test.secret })
      .expect(200);
    await project.apply(created);
    expect(await project.disputes()).toMatchObject([{ payment_intent_id: intent.id }]);
  });

  it('leaves an invoice open whose failed payment is not stored', async () => {
    const project = await LedgerHarness.open(app);
    failToRenew(data, newSubscription());
    const failed = asOldGeneration(data, event('invoice.payment_failed'));
    await expect(project.apply(failed)).rejects.toMatchObject({ code: 'stripe_key_refused' });
    expect(await project.payments()).toEqual([]);
  });

  it('leaves an invoice without a subscription open whose failed payment is not stored', async () => {
    const project = await LedgerHarness.open(app);
    failToRenew(data, newSubscription());
    const failed = asOldGeneration(data, event('invoice.payment_failed'));
    const delivered = {
      ...failed,
      data: { object: { ...(failed.data.object as object), subscription: null } },
    };
    await expect(project.apply(delivered)).rejects.toMatchObject({
      code: 'stripe_key_refused',
      message: expect.stringMatching(/PaymentIntent/),
    });
    await project.apply(event('payment_intent.payment_failed'));
    await project.apply(delivered);
    expect(await project.payments()).toMatchObject([
      { status: 'requires_payment_method', subscription_id: null },
    ]);
  });

  it.each(['new', 'old'])(
    'leaves an invoice of the %s generation open that needs its subscription',
    async (generation) => {
      const project = await LedgerHarness.open(app);
      const subscription = newSubscription();
      await project.apply(event('customer.subscription.created'));
      failToRenew(data, subscription);
      const failed = event('invoice.payment_failed');
      const delivered = generation === 'new' ? failed : asOldGeneration(data, failed);
      await expect(project.apply(delivered)).rejects.toMatchObject({
        code: 'stripe_key_refused',
        message: expect.stringMatching(/another account/),
      });
      await app
        .send('put', configPath(project.projectId))
        .send({ test_secret_key: harness.account.keys.test.secret })
        .expect(200);
      await project.apply(delivered);
      expect(await project.subscriptions()).toMatchObject([{ status: 'past_due' }]);
      expect(await project.payments()).toMatchObject([{ status: 'requires_payment_method' }]);
    },
  );

  it('does not cache a missing product name', async () => {
    const [product] = data.all('product');
    const subscription = newSubscription({
      price: addPrice(data, { product: product?.id ?? '', nickname: null, unit_amount: 900 }, 'month'),
    });
    const project = await LedgerHarness.open(app);
    await project.apply(event('customer.subscription.created'));
    expect(await project.subscriptions()).toMatchObject([{ plan_name: null }]);
    await app
      .send('put', configPath(project.projectId))
      .send({ test_secret_key: harness.account.keys.test.secret })
      .expect(200);
    data.change('customer.subscription.updated', subscription, { metadata: { note: 'new' } });
    await project.apply({ ...event('customer.subscription.updated'), created: app.stripe.now() + 10 });
    expect(await project.subscriptions()).toMatchObject([{ plan_name: 'Pro' }]);
  });
});

describe('a key that Stripe refuses', () => {
  it('leaves events open that need Stripe, and applies complete ones', async () => {
    newSubscription();
    const key = harness.account.keys.test.secret;
    app.stripe.mark(key, 'expired');
    await expect(harness.apply(event('invoice.paid'))).rejects.toMatchObject({ code: 'stripe_key_refused' });
    expect(await harness.payments()).toEqual([]);
    await harness.apply(event('payment_intent.succeeded'));
    await harness.apply(event('customer.subscription.created'));
    expect(await harness.payments()).toMatchObject([{ status: 'succeeded', subscription_id: null }]);

    app.stripe.mark(key, 'active');
    await harness.apply(event('invoice.paid'));
    expect(await harness.payments()).toMatchObject([
      { status: 'succeeded', subscription_id: (await harness.subscriptions())[0]?.['id'] },
    ]);
  });
});

describe('an event in an unknown form', () => {
  const as = (one: StripeEvent, fields: object) => ({
    ...one,
    data: { object: { ...(one.data.object as object), ...fields } },
  });
  const sold = () => {
    const intent = pay(data, { amount: 2_000, currency: 'usd', customer: null, metadata: {} });
    return data.get('charge', idOf(intent.latest_charge));
  };
  const session = () => {
    const paid = {
      mode: 'payment',
      status: 'complete',
      payment_status: 'paid',
      amount_total: 5_000,
      currency: 'eur',
    } as const;
    data.record(
      'checkout.session.completed',
      data.create('checkout.session', { ...paid, payment_intent: 'pi_1' }),
    );
    return event('checkout.session.completed');
  };
  const subscriptionEvent = () => {
    const subscription = newSubscription();
    data.record('customer.subscription.updated', subscription);
    return event('customer.subscription.updated');
  };
  const ofKind = {
    subscription: subscriptionEvent,
    session,
    'old invoice': () => {
      newSubscription();
      return asOldGeneration(data, event('invoice.paid'));
    },
    invoice: () => {
      newSubscription();
      return event('invoice.paid');
    },
    charge: () => {
      refund(data, sold(), { amount: 500 });
      return event('charge.refunded');
    },
    refund: () => {
      data.change('refund.failed', refund(data, sold(), { amount: 500 }), { status: 'failed' });
      return event('refund.failed');
    },
    dispute: () => {
      dispute(data, sold());
      return event('charge.dispute.created');
    },
  };
  const entry = (fields: object) => ({
    object: 'list',
    data: [{ object: 'invoice_payment', status: 'paid', amount_paid: 2_000, ...fields }],
  });
  const plan = { id: 'price_1', object: 'price' };

  it.each<[kind: keyof typeof ofKind, forms: object[]]>([
    ['old invoice', [{ x: 1 }, 5, [1], { id: 5 }, true, ''].map((form) => ({ payment_intent: form }))],
    [
      'old invoice',
      [
        { charge: { x: 1 } },
        { payment_intent: null, charge: 5 },
        { paid_out_of_band: 'no' },
        { paid: 'yes' },
      ],
    ],
    ['old invoice', [{ subscription: { x: 1 } }, { subscription: 5 }, { customer: 5 }, { amount_paid: -1 }]],
    [
      'invoice',
      ['x', [], { object: 'list' }, { data: [null] }, { data: ['inpay_1'] }].map((form) => ({
        payments: form,
      })),
    ],
    [
      'invoice',
      [{}, { payment: null }, { payment: { x: 1 } }].map((fields) => ({ payments: entry(fields) })),
    ],
    [
      'invoice',
      [{ x: 1 }, 5].map((form) => ({
        payments: entry({ payment: { type: 'payment_intent', payment_intent: form } }),
      })),
    ],
    ['invoice', [{ payments: entry({ payment: { payment_intent: 'pi_1' }, status: 5 }) }]],
    [
      'invoice',
      ['x', { subscription_details: 5 }, { subscription_details: { subscription: { x: 1 } } }].map(
        (form) => ({ parent: form }),
      ),
    ],
    [
      'invoice',
      [{ lines: { data: 'x' } }, { lines: { data: [], has_more: 'x' } }, { metadata: { project_id: 5 } }],
    ],
    [
      'subscription',
      [null, undefined, 'x', {}, { data: 'x' }, [], { data: [null] }, { data: ['si_1'] }].map((form) => ({
        items: form,
      })),
    ],
    [
      'subscription',
      [{ id: 'si_1' }, { price: 'price_1' }, { price: {} }].map((item) => ({ items: { data: [item] } })),
    ],
    [
      'subscription',
      [
        { items: { data: [{ price: plan, current_period_end: 'x' }] } },
        { items: { data: [{ price: plan }], has_more: 5 } },
      ],
    ],
    [
      'subscription',
      ['void', true, {}, { behavior: 5 }, { behavior: 'void', resumes_at: 'x' }].map((form) => ({
        pause_collection: form,
      })),
    ],
    [
      'subscription',
      [
        { customer: 5 },
        { customer: { x: 1 } },
        { metadata: { user_id: 5 } },
        { metadata: 'x' },
        { cancel_at: -1 },
      ],
    ],
    [
      'session',
      [
        { mode: undefined },
        { mode: 5 },
        { payment_status: undefined },
        { payment_status: {} },
        { client_reference_id: 5 },
      ],
    ],
    ['session', [{ payment_intent: { x: 1 } }, { subscription: { x: 1 } }, { amount_total: -5_000 }]],
    ['charge', [{ payment_intent: { x: 1 } }, { amount: 400 }, { amount_refunded: -1 }, { captured: 'no' }]],
    ['refund', [{ charge: null, payment_intent: null }, { charge: { x: 1 } }, { status: 5 }]],
    ['dispute', [{ id: undefined }, { charge: null, payment_intent: null }, { charge: 5 }, { amount: -1 }]],
  ])('is unreadable and changes nothing: %s, %j', async (kind, forms) => {
    const one = ofKind[kind]();
    for (const known of kind === 'subscription' ? [event('customer.subscription.created')] : [])
      await harness.apply(known);
    const before = JSON.stringify([await harness.states(), await harness.disputes()]);
    for (const form of forms) {
      const delivered = { ...as(one, form), created: one.created + 10 };
      await expect(harness.apply(delivered).then(() => form)).rejects.toBeInstanceOf(Unreadable);
    }
    expect(JSON.stringify([await harness.states(), await harness.disputes()])).toBe(before);
    await harness.apply(one);
  });

  it('does not include a deleted item, or a list without has_more', async () => {
    const one = subscriptionEvent();
    const { items } = one.data.object as Stripe.Subscription;
    await harness.apply(
      as(one, {
        items: { data: [{ id: 'si_gone', object: 'subscription_item', deleted: true }, ...items.data] },
      }),
    );
    expect(await harness.subscriptions()).toMatchObject([
      { plan_name: 'Monthly', current_period_end: expect.any(String) },
    ]);
  });

  it('replaces NUL in a user id with U+FFFD, which gives a user of its own', async () => {
    const subscription = newSubscription({ metadata: { user_id: 'u\0' } });
    await harness.apply(event('customer.subscription.created', subscription.id));
    expect(await harness.subscriptions()).toMatchObject([
      { user_id: endUserId(harness.projectId, 'u\ufffd') },
    ]);
    expect(endUserId(harness.projectId, 'u\ufffd')).not.toBe(endUserId(harness.projectId, 'u'));
  });
});
