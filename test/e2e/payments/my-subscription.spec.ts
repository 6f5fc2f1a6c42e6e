import type Stripe from 'stripe';
import { endUserId } from '../../../src/auth/caller.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { answerLost, answers, down, type Fault } from '../../harness/stripe/faults.js';
import { addPrice } from '../../harness/stripe/routes/catalog.routes.js';
import { pay } from '../../harness/stripe/routes/payment.routes.js';
import { cancel as cancelAtStripe, subscribe } from '../../harness/stripe/routes/subscription.routes.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { aPayment, deliver } from '../../harness/ledger/signed-events.js';
import { OWNER } from '../../harness/test-app.js';
import {
  recordInLedger,
  openBillingHarness,
  priceOf,
  type BillingHarness,
} from '../../harness/ledger/billing-harness.js';
import { endUserToken } from '../../harness/tokens.js';

const PATH = '/api/v1/payments/stripe';
const ALWAYS = { times: Infinity };
const POST_SUBSCRIPTION = /^POST \/v1\/subscriptions\//;
const DELETE_SUBSCRIPTION = /^DELETE \/v1\/subscriptions\//;

/** Performs the request, but answers with a failure. */
const doneAndFailed: Fault = async (exchange) => {
  await exchange.perform();
  await down(500, { retry: false })(exchange);
};
const forbidden = answers(403, {
  error: { type: 'invalid_request_error', message: 'The provided key lacks rak_subscription_read.' },
});

let app: AppWithStripe;
let billing: BillingHarness;

beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());
beforeEach(async () => {
  billing = await openBillingHarness(app);
  app.stripe.requests.length = 0;
});
afterEach(() => app.stripe.heal());

const mine = async (user?: string): Promise<unknown> =>
  (await billing.get('my-subscription', user).expect(200)).body;
const atStripe = ({ id }: Stripe.Subscription) => billing.account.test.get('subscription', id);
const writes = () => app.stripe.requests.filter(({ method }) => method !== 'GET');
const timestamp = (seconds: number | null | undefined) => new Date((seconds ?? 0) * 1_000).toISOString();

describe.each<['get' | 'post', string, object | undefined]>([
  ['get', 'my-subscription', undefined],
  ['get', 'my-payments', undefined],
  ['post', 'cancel-subscription', {}],
  ['post', 'update-subscription', { new_price_id: 'price_1' }],
  ['post', 'customer-portal', { return_url: 'https://shop.example.com/' }],
])('%s %s', (method, operation, body) => {
  const send = (token: string, query = '') =>
    app.send(method, `${PATH}/${operation}${query}`, token).send(body);

  it('requires an end user of a project that has the mode', async () => {
    await send(OWNER).expect(403);
    await send(endUserToken('6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11')).expect(404);
    const id = await app.createProject();
    await send(endUserToken(id)).expect(404);
    await app
      .send('put', `${PATH}/projects/${id}/config`)
      .send({ live_secret_key: billing.account.keys.live.secret })
      .expect(200);
    expect((await send(endUserToken(id)).expect(404)).body.detail).toBe(
      'This project has no test secret key.',
    );
    expect((await send(endUserToken(id), '?test_mode=false')).text).not.toContain('has no live secret key');
    await send(endUserToken(id), '?test_mode=2').expect(422);
  });
});

describe('GET my-subscription', () => {
  it('is null for a user without a subscription', async () => {
    const { text, headers } = await billing.get('my-subscription').expect(200);
    expect(text).toBe('null');
    expect(headers['content-type']).toMatch(/^application\/json/);
  });

  it('shows the row of the ledger', async () => {
    const subscription = await billing.subscribe({ quantity: 3 });
    const [item] = subscription.items.data;
    expect(await mine()).toMatchObject({
      project_id: billing.projectId,
      user_id: endUserId(billing.projectId, 'user-1'),
      is_test_mode: true,
      subscription_id: subscription.id,
      customer_id: subscription.customer,
      status: 'active',
      quantity: 3,
      current_period_start: timestamp(item?.current_period_start),
      current_period_end: timestamp(item?.current_period_end),
      cancel_at: null,
      cancelled_at: null,
      created_at: timestamp(subscription.created),
    });
    expect(app.stripe.requests).toEqual([]);
  });

  it("does not show somebody else's", async () => {
    await billing.subscribe({ user: 'another user' });
    expect(await mine()).toBeNull();
    await billing.subscribe();
    expect((await billing.get('my-subscription?test_mode=false').expect(200)).body).toBeNull();
    const neighbour = await openBillingHarness(app, billing.account);
    expect((await neighbour.get('my-subscription').expect(200)).body).toBeNull();
  });

  it.each<[Stripe.Subscription.Status, Stripe.Subscription.Status]>([
    ['active', 'past_due'],
    ['trialing', 'canceled'],
    ['past_due', 'canceled'],
    ['incomplete', 'incomplete_expired'],
  ])('prefers %s over %s, even if older', async (status, other) => {
    const { id } = await billing.subscribe({ fields: { status, created: 1_700_000_000 } });
    await billing.subscribe({ fields: { status: other, created: 1_700_000_001 } });
    expect(await mine()).toMatchObject({ subscription_id: id });
  });

  it('shows the newest of equal status', async () => {
    await billing.subscribe({ fields: { status: 'canceled', created: 1_700_000_000 } });
    const { id } = await billing.subscribe({ fields: { status: 'canceled', created: 1_700_000_002 } });
    await billing.subscribe({ fields: { status: 'canceled', created: 1_700_000_001 } });
    expect(await mine()).toMatchObject({ subscription_id: id, status: 'canceled' });
  });
});

describe("a subscription that was created in Stripe's Dashboard for a user's customer", () => {
  it('belongs to the user without metadata', async () => {
    const price = priceOf(billing.account, 'monthly');
    const order = {
      price_id: price.id,
      success_url: 'https://shop.example.com/',
      cancel_url: 'https://shop.example.com/',
    };
    await billing.post('checkout-session', order).expect(200);
    const [customer] = billing.account.test.all('customer');
    const made = subscribe(billing.account.test, {
      customer: customer?.id ?? '',
      items: [{ price, quantity: 1 }],
      metadata: {},
      trialDays: 0,
    });
    await recordInLedger(app, billing.projectId, made);
    expect(await mine()).toMatchObject({
      subscription_id: made.id,
      user_id: endUserId(billing.projectId, 'user-1'),
      customer_id: customer?.id,
    });
    const { id } = pay(billing.account.test, {
      amount: 700,
      currency: 'usd',
      customer: customer?.id ?? null,
      metadata: {},
    });
    await recordInLedger(app, billing.projectId, billing.account.test.get('payment_intent', id));
    expect((await billing.get('my-payments').expect(200)).body.payments).toEqual([
      expect.objectContaining({ payment_intent_id: id }),
    ]);
  });
});

describe('a user whose subscription has', () => {
  const url = 'https://shop.example.com/';
  const checkOut = () =>
    billing.post('checkout-session', {
      price_id: priceOf(billing.account, 'monthly').id,
      success_url: url,
      cancel_url: url,
    });
  const portal = () => billing.post('customer-portal', { return_url: url });

  it('no customer: shows, changes and cancels it, and refuses a second one', async () => {
    const { id } = await billing.subscribe({ fields: { customer: null as never } });
    expect(await mine()).toMatchObject({
      subscription_id: id,
      customer_id: null,
      user_id: endUserId(billing.projectId, 'user-1'),
    });
    await checkOut().expect(400);
    expect((await portal().expect(404)).body.detail).toMatch(/not bought anything/);
    const product = `${priceOf(billing.account, 'monthly').product as string}`;
    const change = {
      new_price_id: addPrice(billing.account.test, { product, unit_amount: 900 }, 'month').id,
      proration_behavior: 'none',
    };
    expect((await billing.post('update-subscription', change).expect(200)).body).toMatchObject({
      subscription_id: id,
    });
    expect((await billing.post('cancel-subscription', {}).expect(200)).body).toMatchObject({
      subscription_id: id,
    });
    expect(await mine()).toMatchObject({ cancel_at: expect.any(String) as string });
    await billing.post('cancel-subscription', { cancel_immediately: true }).expect(200);
    await checkOut().expect(200);
  });

  it('an account as its customer: shows, changes and cancels it, and opens the portal of the account', async () => {
    const customer = billing.account.test.create('customer', { id: 'acct_1C' }).id;
    const { id } = await billing.subscribe({ customer });
    expect(await mine()).toMatchObject({ subscription_id: id, customer_id: customer });
    await checkOut().expect(400);
    await portal().expect(200);
    // The active subscription is not in the ledger yet.
    billing.account.test.get('subscription', id).status = 'past_due';
    const items = [{ price: priceOf(billing.account, 'monthly'), quantity: 1 }];
    const newer = subscribe(billing.account.test, { customer, items, metadata: {}, trialDays: 0 });
    await checkOut().expect(400);
    expect((await billing.post('cancel-subscription', {}).expect(200)).body).toMatchObject({
      subscription_id: newer.id,
    });
    await billing.post('cancel-subscription', { cancel_immediately: true }).expect(200);
    await checkOut().expect(200);
    expect(billing.account.test.all('checkout.session')[0]).toMatchObject({ customer });
    expect(billing.account.test.all('customer')).toHaveLength(1);
    // If Stripe deleted the account, a customer replaces it.
    billing.account.test.delete('customer', customer);
    await portal().expect(200);
    expect(billing.account.test.all('billing_portal.session')[0]?.customer).toMatch(/^cus_/);
  });

  it.each([{ deleted: true }, {}])('an expanded customer (%j): opens the portal', async (more) => {
    const { customer } = await billing.subscribe();
    const expanded: Fault = async ({ perform, send }) => {
      const answer = await perform();
      send({
        ...answer,
        body: answer.body.replace(
          `"customer":"${customer as string}"`,
          JSON.stringify({ customer: { id: customer, ...more } }).slice(1, -1),
        ),
      });
    };
    app.stripe.fail(expanded, { ...ALWAYS, on: /^GET \/v1\/subscriptions\// });
    await portal().expect(200);
    expect(billing.account.test.all('billing_portal.session')[0]?.customer).toBe(customer);
  });
});

describe('POST cancel-subscription', () => {
  const cancel = (body: object = {}, user?: string) => billing.post('cancel-subscription', body, user);
  const now = () => cancel({ cancel_immediately: true });

  it('ends it with the paid period', async () => {
    const subscription = await billing.subscribe();
    const { body } = await cancel().expect(200);
    const end = timestamp(subscription.items.data[0]?.current_period_end);
    expect(body).toEqual({
      subscription_id: subscription.id,
      status: 'active',
      cancel_at: end,
      cancelled_at: timestamp(atStripe(subscription).canceled_at),
      message: `The subscription ends on ${end.slice(0, 10)}.`,
    });
    expect(atStripe(subscription)).toMatchObject({ status: 'active', cancel_at_period_end: true });
    expect(await mine()).toMatchObject({ status: 'active', cancel_at: end, cancelled_at: body.cancelled_at });
  });

  it('ends it at once on request', async () => {
    const subscription = await billing.subscribe();
    const { body } = await now().expect(200);
    expect(body).toEqual({
      subscription_id: subscription.id,
      status: 'canceled',
      cancel_at: null,
      cancelled_at: timestamp(atStripe(subscription).canceled_at),
      message: 'The subscription has ended.',
    });
    expect(atStripe(subscription).status).toBe('canceled');
    expect(await mine()).toMatchObject({ status: 'canceled', cancelled_at: body.cancelled_at });
  });

  it('changes nothing the second time, but can still end it at once', async () => {
    await billing.subscribe();
    const first = await cancel().expect(200);
    const again = await cancel().expect(200);
    expect(again.body).toEqual({
      ...first.body,
      message: expect.stringMatching(/^The subscription was cancelled already and ends on /),
    });
    expect(writes()).toHaveLength(1);
    await now().expect(200);
    const { body } = await now().expect(200);
    expect(body).toMatchObject({ status: 'canceled', message: 'The subscription had ended already.' });
    expect((await cancel().expect(200)).body).toEqual(body);
    expect(writes()).toHaveLength(2);
  });

  it('shows no future end of an ended subscription', async () => {
    await billing.subscribe();
    await cancel().expect(200);
    expect((await now().expect(200)).body.cancel_at).toBeNull();
    expect(await mine()).toMatchObject({ status: 'canceled', cancel_at: null });
  });

  it.each([
    ['changes nothing where an earlier end is set', -86_400, 0],
    ['brings a later end forward', 86_400, 1],
  ])('%s', async (_, difference, changes) => {
    const subscription = await billing.subscribe();
    const end = subscription.items.data[0]?.current_period_end ?? 0;
    subscription.cancel_at = end + difference;
    expect((await cancel().expect(200)).body).toMatchObject({
      status: 'active',
      cancel_at: timestamp(Math.min(end + difference, end)),
    });
    expect(writes()).toHaveLength(changes);
    expect(await mine()).toMatchObject({ cancel_at: timestamp(Math.min(end + difference, end)) });
  });

  it('shows the earliest end of several items', async () => {
    const subscription = await billing.subscribe({ prices: ['yearly', 'monthly'] });
    const [, monthly] = subscription.items.data;
    Object.assign(subscription, { cancel_at_period_end: true, cancel_at: null });
    expect((await cancel().expect(200)).body.cancel_at).toBe(timestamp(monthly?.current_period_end));
    const end = timestamp(monthly?.current_period_end);
    expect(await mine()).toMatchObject({ current_period_end: end, cancel_at: end, plan_name: 'Yearly' });
  });

  it('ends an unpaid subscription at once', async () => {
    const subscription = await billing.subscribe();
    subscription.status = 'incomplete';
    expect((await cancel().expect(200)).body).toMatchObject({
      status: 'canceled',
      message: 'The subscription has ended.',
    });
  });

  it('ends a subscription in trial with the trial', async () => {
    const { trial_end } = await billing.subscribe({ trialDays: 7 });
    expect((await cancel().expect(200)).body).toMatchObject({
      status: 'trialing',
      cancel_at: timestamp(trial_end),
    });
  });

  it('finds a subscription without an event yet', async () => {
    const order = {
      price_id: priceOf(billing.account, 'monthly').id,
      success_url: 'https://shop.example.com/',
      cancel_url: 'https://shop.example.com/',
    };
    const { body } = await billing.post('checkout-session', order).expect(200);
    expect((await cancel().expect(404)).body.detail).toBe('You have no subscription here.');
    const { subscription } = app.stripe.completeCheckout(body.session_id);
    expect((await cancel().expect(200)).body).toMatchObject({ subscription_id: subscription });
    expect(await mine()).toMatchObject({ subscription_id: subscription, status: 'active' });
  });

  it.each(['cancel-subscription', 'update-subscription'])(
    'finds a newer paid subscription without an event yet: %s',
    async (operation) => {
      const old = await billing.subscribe({ fields: { status: 'past_due', created: 1_700_000_000 } });
      const items = [{ price: priceOf(billing.account, 'monthly'), quantity: 1 }];
      const made = subscribe(billing.account.test, {
        customer: `${old.customer as string}`,
        items,
        metadata: old.metadata,
        trialDays: 0,
      });
      const { body } = await billing
        .post(operation, { new_price_id: priceOf(billing.account, 'yearly').id })
        .expect(200);
      expect(body).toMatchObject({ subscription_id: made.id });
      expect(atStripe(old)).toMatchObject({ status: 'past_due', cancel_at_period_end: false });
      expect(await mine()).toMatchObject({ subscription_id: made.id });
    },
  );

  it.each(['cancel-subscription', 'update-subscription', 'checkout-session'])(
    'shows a subscription that Stripe no longer has as ended after a request: %s',
    async (operation) => {
      const url = 'https://shop.example.com/';
      const order = { price_id: priceOf(billing.account, 'monthly').id, success_url: url, cancel_url: url };
      const { body } = await billing.post('checkout-session', order).expect(200);
      const { subscription: first, customer } = app.stripe.completeCheckout(body.session_id);
      await recordInLedger(
        app,
        billing.projectId,
        billing.account.test.get('subscription', `${first as string}`),
      );
      await billing.subscribe({ customer: `${customer as string}` });
      for (const { id } of billing.account.test.all('subscription'))
        billing.account.test.delete('subscription', id);
      billing.account.test.delete('customer', `${customer as string}`);
      await billing
        .post(operation, { ...order, new_price_id: order.price_id })
        .expect(operation === 'checkout-session' ? 200 : 404);
      expect(await mine()).toMatchObject({
        status: 'canceled',
        cancel_at: null,
        cancelled_at: expect.any(String) as string,
      });
    },
  );

  it.each(['cancel-subscription', 'update-subscription', 'checkout-session', 'customer-portal'])(
    'uses the next subscription if Stripe no longer has the newest: %s',
    async (operation) => {
      const older = await billing.subscribe({ fields: { created: 1_700_000_000 } });
      for (const created of [1_700_000_001, 1_700_000_002])
        billing.account.test.delete('subscription', (await billing.subscribe({ fields: { created } })).id);
      const url = 'https://shop.example.com/';
      const body = {
        price_id: priceOf(billing.account, 'monthly').id,
        success_url: url,
        cancel_url: url,
        return_url: url,
      };
      const request = billing.post(operation, {
        ...body,
        new_price_id: priceOf(billing.account, 'yearly').id,
      });
      if (operation === 'checkout-session') await request.expect(400);
      else if (operation === 'customer-portal') await request.expect(200);
      else expect((await request.expect(200)).body).toMatchObject({ subscription_id: older.id });
      const sold = billing.account.test.all('checkout.session');
      expect(sold).toEqual([]);
      const portals = billing.account.test.all('billing_portal.session').map(({ customer }) => customer);
      expect(portals).toEqual(operation === 'customer-portal' ? [older.customer] : []);
    },
  );

  it.each([false, true])(
    'marks the newest as ended if Stripe no longer has it, when the next one is cancelled: at once %s',
    async (atOnce) => {
      const url = 'https://shop.example.com/';
      const order = { price_id: priceOf(billing.account, 'monthly').id, success_url: url, cancel_url: url };
      const { body } = await billing.post('checkout-session', order).expect(200);
      const customer = `${app.stripe.completeCheckout(body.session_id).customer as string}`;
      const older = await billing.subscribe({ customer, fields: { created: 1_700_000_000 } });
      const newest = await billing.subscribe({ customer });
      for (const { id } of billing.account.test.all('subscription'))
        if (id !== older.id) billing.account.test.delete('subscription', id);
      const answer = await billing.post('cancel-subscription', { cancel_immediately: atOnce }).expect(200);
      expect(answer.body).toMatchObject({ subscription_id: older.id });
      const { body: listed } = await app
        .send('get', `${PATH}/projects/${billing.projectId}/subscriptions`)
        .expect(200);
      expect(listed.subscriptions).toContainEqual(
        expect.objectContaining({ subscription_id: newest.id, status: 'canceled' }),
      );
      if (!atOnce) expect(await mine()).toMatchObject({ subscription_id: older.id, status: 'active' });
    },
  );

  it('skips any number of subscriptions that Stripe no longer has and that can not be marked as ended', async () => {
    const older = await billing.subscribe({ fields: { created: 1_700_000_000 } });
    for (let nth = 1; nth <= 12; nth += 1)
      billing.account.test.delete(
        'subscription',
        (await billing.subscribe({ fields: { created: 1_700_000_000 + nth } })).id,
      );
    const url = 'https://shop.example.com/';
    const order = { price_id: priceOf(billing.account, 'monthly').id, success_url: url, cancel_url: url };
    await billing.post('checkout-session', order).expect(400);
    expect((await cancel().expect(200)).body).toMatchObject({ subscription_id: older.id });
  });

  it.each<[string, Stripe.Subscription.Status]>([
    ['has ended at Stripe', 'canceled'],
    ['is no longer paid for at Stripe', 'past_due'],
  ])('uses the next paid subscription if the newest %s', async (_, status) => {
    const older = await billing.subscribe({ fields: { created: 1_700_000_000 } });
    const newest = await billing.subscribe({ fields: { created: 1_700_000_001 } });
    newest.status = status;
    expect((await cancel().expect(200)).body).toMatchObject({ subscription_id: older.id });
    expect(await mine()).toMatchObject({ subscription_id: older.id });
  });

  it('does not mark subscriptions of a former account as ended', async () => {
    const { id } = await billing.subscribe();
    const other = app.stripe.addAccount();
    await app
      .send('put', `${PATH}/projects/${billing.projectId}/config`)
      .send({ test_secret_key: other.keys.test.secret })
      .expect(200);
    await cancel().expect(404);
    expect(await mine()).toMatchObject({ subscription_id: id, status: 'active' });
  });

  it('answers 404 for a user without one', async () => {
    await billing.subscribe({ user: 'another user' });
    await cancel().expect(404);
    await billing.subscribe();
    const other = app.stripe.addAccount();
    await app
      .send('put', `${PATH}/projects/${billing.projectId}/config`)
      .send({ test_secret_key: other.keys.test.secret })
      .expect(200);
    expect((await cancel().expect(404)).body.detail).toBe('You have no subscription here.');
    expect(writes()).toEqual([]);
  });

  it('refuses a subscription with a schedule: 409', async () => {
    await billing.subscribe();
    const message =
      'The subscription is managed by the subscription schedule `sub_sched_1`, and updating it directly is not allowed.';
    app.stripe.fail(answers(400, { error: { type: 'invalid_request_error', message } }), {
      on: POST_SUBSCRIPTION,
    });
    expect((await cancel().expect(409)).body.detail).toMatch(/^A schedule decides/);
  });

  it.each([{ cancel_immediately: 'yes' }, { cancel_immediately: null }, []])(
    'refuses %j: 422',
    async (body) => {
      await cancel(body).expect(422);
    },
  );

  it('cancels once when the answer is lost', async () => {
    const subscription = await billing.subscribe();
    app.stripe.fail(answerLost, { on: DELETE_SUBSCRIPTION });
    expect((await now().expect(200)).body).toMatchObject({
      subscription_id: subscription.id,
      status: 'canceled',
    });
  });

  it.each<[string, object, RegExp, object]>([
    ['ends', {}, POST_SUBSCRIPTION, { status: 'active', cancel_at: expect.any(String) as string }],
    ['has ended', { cancel_immediately: true }, DELETE_SUBSCRIPTION, { status: 'canceled', cancel_at: null }],
  ])(
    'succeeds if Stripe cancels but reports a failure: the subscription %s',
    async (_, body, on, expected) => {
      await billing.subscribe();
      app.stripe.fail(doneAndFailed, { on });
      expect((await cancel(body).expect(200)).body).toMatchObject(expected);
      expect(await mine()).toMatchObject(expected);
    },
  );

  it('answers 409 instead of 404 for a key that may not list subscriptions', async () => {
    const { id } = billing.account.test.create('customer', {});
    await billing.subscribe({ customer: id, fields: { status: 'canceled' } });
    subscribe(billing.account.test, {
      customer: id,
      items: [{ price: priceOf(billing.account, 'monthly'), quantity: 1 }],
      metadata: {},
      trialDays: 0,
    });
    app.stripe.fail(forbidden, { ...ALWAYS, on: 'GET /v1/subscriptions' });
    await cancel().expect(409);
    await billing
      .post('update-subscription', { new_price_id: priceOf(billing.account, 'yearly').id })
      .expect(409);
  });

  it.each([
    ['ends', {}, POST_SUBSCRIPTION],
    ['has ended', { cancel_immediately: true }, DELETE_SUBSCRIPTION],
  ])('cancels nothing when Stripe is down: 503 (%s)', async (_, body, on) => {
    const subscription = await billing.subscribe();
    app.stripe.fail(down(503, { retry: false }), { ...ALWAYS, on });
    const { headers } = await cancel(body).expect(503);
    expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(atStripe(subscription)).toMatchObject({ status: 'active', cancel_at_period_end: false });
  });

  it('repeats its answer for a repeated Idempotency-Key', async () => {
    await billing.subscribe();
    const first = await now().set('idempotency-key', 'one').expect(200);
    const again = await now().set('idempotency-key', 'one').expect(200);
    expect([again.text, again.headers['idempotent-replayed']]).toEqual([first.text, 'true']);
    await cancel().set('idempotency-key', 'one').expect(422);
  });
});

describe('POST update-subscription', () => {
  const update = (fields: object = {}, user?: string) =>
    billing.post('update-subscription', { new_price_id: price('yearly').id, ...fields }, user);
  const price = (lookupKey: string) => priceOf(billing.account, lookupKey);
  const sent = () => Object.fromEntries(new URLSearchParams(writes().at(-1)?.body));
  const itemsOf = (subscription: Stripe.Subscription) =>
    atStripe(subscription).items.data.map((item) => [item.price.lookup_key, item.quantity]);

  it('changes the price and keeps the quantity', async () => {
    const subscription = await billing.subscribe({ quantity: 3 });
    const { body } = await update().expect(200);
    expect(body).toEqual({
      subscription_id: subscription.id,
      status: 'active',
      price_id: price('yearly').id,
      message: 'The subscription is on its new plan.',
    });
    expect(itemsOf(subscription)).toEqual([['yearly', 3]]);
    const [item] = atStripe(subscription).items.data;
    expect(await mine()).toMatchObject({
      quantity: 3,
      current_period_end: timestamp(item?.current_period_end),
    });
    expect(sent()).toEqual({
      'items[0][id]': subscription.items.data[0]?.id,
      'items[0][price]': price('yearly').id,
      'items[0][quantity]': '3',
      proration_behavior: 'create_prorations',
      payment_behavior: 'error_if_incomplete',
    });
  });

  it.each(['create_prorations', 'none', 'always_invoice'])(
    'bills the difference as requested: %s',
    async (proration_behavior) => {
      await billing.subscribe();
      await update({ proration_behavior }).expect(200);
      expect(sent()).toMatchObject({ proration_behavior });
    },
  );

  it('changes the item of the product, and no other items', async () => {
    const product = billing.account.test.create('product', { name: 'Seats' });
    addPrice(billing.account.test, { product: product.id, lookup_key: 'seat', unit_amount: 500 }, 'month');
    addPrice(
      billing.account.test,
      { product: product.id, lookup_key: 'good seat', unit_amount: 900 },
      'month',
    );
    const subscription = await billing.subscribe({ prices: ['monthly', 'seat'], quantity: 2 });
    await update({ new_price_id: price('good seat').id }).expect(200);
    expect(itemsOf(subscription)).toEqual(
      expect.arrayContaining([
        ['monthly', 2],
        ['good seat', 2],
      ]),
    );
    await update().expect(200);
    expect(itemsOf(subscription)).toEqual(
      expect.arrayContaining([
        ['yearly', 2],
        ['good seat', 2],
      ]),
    );
  });

  it.each<[what: string, item: object]>([
    ['was deleted', { id: 'si_gone', object: 'subscription_item', deleted: true }],
    ['has a plan and no price', { price: undefined }],
  ])('works next to an item that %s', async (_what, item) => {
    const subscription = await billing.subscribe();
    const [first] = atStripe(subscription).items.data;
    const odd = {
      ...('deleted' in item ? {} : { ...first, id: 'si_old', plan: { id: 'plan_old', product: 'prod_old' } }),
      ...item,
    };
    atStripe(subscription).items.data.unshift(odd as Stripe.SubscriptionItem);
    app.stripe.fail(
      ({ send }) => {
        send({ status: 200, headers: {}, body: JSON.stringify(atStripe(subscription)) });
      },
      { on: new RegExp(`POST /v1/subscriptions/${subscription.id}`) },
    );
    await update().expect(200);
    expect(sent()).toMatchObject({ 'items[0][id]': first?.id });
  });

  it.each<[string, () => string]>([
    ['unknown', () => 'price_unknown'],
    ['no id but a way to the list', () => '..'],
  ])('refuses a price that is %s for a subscription with several items: 400', async (_, id) => {
    addPrice(
      billing.account.test,
      { product: price('monthly').product, lookup_key: 'extra', unit_amount: 500 },
      'month',
    );
    await billing.subscribe({ prices: ['monthly', 'extra'] });
    expect((await update({ new_price_id: id() }).expect(400)).body.detail).toBe(
      'There is no price with this id in this mode.',
    );
    expect(writes()).toEqual([]);
  });

  it('changes the plan of the product, and no metered items', async () => {
    const { product } = price('monthly');
    const use = addPrice(billing.account.test, { product, lookup_key: 'use', unit_amount: 1 }, 'month');
    if (use.recurring) use.recurring.usage_type = 'metered';
    const subscription = await billing.subscribe({ prices: ['use', 'monthly'] });
    await update().expect(200);
    expect(itemsOf(subscription).map(([key]) => key)).toEqual(expect.arrayContaining(['use', 'yearly']));
    const basic = billing.account.test.create('product', { name: 'Basic' });
    const { id } = addPrice(
      billing.account.test,
      { product: basic.id, lookup_key: 'basic', unit_amount: 500 },
      'month',
    );
    await update({ new_price_id: id }).expect(200);
    expect(itemsOf(subscription).map(([key]) => key)).toEqual(expect.arrayContaining(['use', 'basic']));
  });

  it('reads all pages of many items', async () => {
    const prices = Array.from({ length: 11 }, (_, nth) => `price ${nth}`);
    for (const lookup_key of prices)
      addPrice(
        billing.account.test,
        { product: price('monthly').product, lookup_key, unit_amount: 1 },
        'month',
      );
    await billing.subscribe({ prices });
    expect((await update({ new_price_id: price('price 10').id }).expect(400)).body.detail).toMatch(
      /on this price already/,
    );
    expect(writes()).toEqual([]);
  });

  it('changes the first item for a price of another product', async () => {
    const product = billing.account.test.create('product', { name: 'Basic' });
    addPrice(billing.account.test, { product: product.id, lookup_key: 'basic', unit_amount: 500 }, 'month');
    const subscription = await billing.subscribe();
    await update({ new_price_id: price('basic').id }).expect(200);
    expect(itemsOf(subscription)).toEqual([['basic', 1]]);
  });

  it('sends no quantity for a metered price', async () => {
    const metered = addPrice(
      billing.account.test,
      { product: price('monthly').product, unit_amount: 1 },
      'month',
    );
    if (metered.recurring) metered.recurring.usage_type = 'metered';
    await billing.subscribe({ quantity: 3 });
    await update({ new_price_id: metered.id }).expect(200);
    expect(sent()).not.toHaveProperty('items[0][quantity]');
  });

  it.each<[string, () => string, RegExp]>([
    ['the same', () => price('monthly').id, /on this price already/],
    ['unknown', () => 'price_unknown', /no price with this id/],
    ['of live mode', () => priceOf(billing.account, 'yearly', 'live').id, /no price with this id/],
    ['no longer offered', () => Object.assign(price('yearly'), { active: false }).id, /no longer offered/],
    ['for a single payment', () => price('setup').id, /a recurring one/],
    ['no id but a way to the list', () => '..', /no price with this id/],
  ])('refuses a price that is %s: 400', async (_, id, detail) => {
    const subscription = await billing.subscribe();
    const { body } = await update({ new_price_id: id() }).expect(400);
    expect(body.detail).toMatch(detail);
    expect(itemsOf(subscription)).toEqual([['monthly', 1]]);
  });

  it.each([
    [{ new_price_id: '' }, 'new_price_id'],
    [{ new_price_id: undefined }, 'new_price_id'],
    [{ new_price_id: 7 }, 'new_price_id'],
    [{ proration_behavior: 'sometimes' }, 'proration_behavior'],
    [{ proration_behavior: null }, 'proration_behavior'],
  ])('refuses %j: 422', async (fields, field) => {
    const { body } = await update(fields).expect(422);
    expect(body.detail).toEqual([expect.objectContaining({ loc: ['body', field] })]);
  });

  it('answers 404 for a user without a subscription, or with an ended one', async () => {
    await update().expect(404);
    cancelAtStripe(billing.account.test, await billing.subscribe());
    await update().expect(404);
    expect(writes()).toEqual([]);
  });

  it("stores Stripe's state at once, even without a change", async () => {
    const subscription = await billing.subscribe();
    subscription.status = 'canceled';
    await update().expect(404);
    expect(await mine()).toMatchObject({ subscription_id: subscription.id, status: 'canceled' });
    const price_id = price('monthly').id;
    await billing.post('checkout-session', {
      price_id,
      success_url: 'https://shop.example.com/',
      cancel_url: 'https://shop.example.com/',
    });
    const [session] = billing.account.test.all('checkout.session');
    app.stripe.completeCheckout(session?.id ?? '');
    await update({ new_price_id: price_id }).expect(400);
    expect(await mine()).toMatchObject({ status: 'active' });
  });

  it('succeeds if Stripe changes the plan but reports a failure', async () => {
    const subscription = await billing.subscribe();
    app.stripe.fail(doneAndFailed, { on: POST_SUBSCRIPTION });
    expect((await update().expect(200)).body).toMatchObject({
      subscription_id: subscription.id,
      price_id: price('yearly').id,
    });
    expect(await mine()).toMatchObject({
      current_period_end: timestamp(atStripe(subscription).items.data[0]?.current_period_end),
    });
  });

  it('answers 402 if the card is declined, and changes nothing', async () => {
    const subscription = await billing.subscribe();
    const error = {
      type: 'card_error',
      code: 'card_declined',
      decline_code: 'insufficient_funds',
      message: 'Your card has insufficient funds.',
    };
    app.stripe.fail(answers(402, { error }), { on: POST_SUBSCRIPTION });
    expect((await update().expect(402)).body.detail).toMatch(
      /^The payment was declined, and nothing was changed/,
    );
    expect(itemsOf(subscription)).toEqual([['monthly', 1]]);
  });

  it.each<[number, number, object, RegExp]>([
    [
      402,
      402,
      { type: 'card_error', code: 'subscription_payment_intent_requires_action', message: 'Action.' },
      /confirm the payment/,
    ],
    [
      402,
      400,
      {
        code: 'resource_missing',
        message: 'This customer has no attached payment source or default payment method.',
      },
      /no card/,
    ],
    [
      400,
      400,
      {
        message: "This price supports currencies of `eur`. This doesn't match the expected currency: `usd`.",
        param: 'items[0][price]',
      },
      /another currency/,
    ],
    [
      400,
      400,
      {
        message:
          'Currency and interval fields must match across all plans on this subscription. Found mismatch in interval field. See https://stripe.com/docs/billing/subscriptions/multiple-products.',
      },
      /another interval/,
    ],
  ])('answers %d with a reason if Stripe answers %d (%j)', async (status, answered, fields, detail) => {
    const subscription = await billing.subscribe();
    app.stripe.fail(answers(answered, { error: { type: 'invalid_request_error', ...fields } }), {
      on: POST_SUBSCRIPTION,
    });
    expect((await update().expect(status)).body.detail).toMatch(detail);
    expect(itemsOf(subscription)).toEqual([['monthly', 1]]);
  });

  it('reports that Stripe delays the change until an invoice is paid', async () => {
    const subscription = await billing.subscribe();
    const pending = {
      subscription_items: [{ id: 'si_1', price: price('yearly').id }],
      expires_at: 1_800_000_000,
    };
    app.stripe.fail(answers(200, { ...atStripe(subscription), pending_update: pending }), {
      on: POST_SUBSCRIPTION,
    });
    expect((await update().expect(409)).body.detail).toMatch(/once an open invoice is paid/);
    expect(itemsOf(subscription)).toEqual([['monthly', 1]]);
  });

  it('changes the plan once when the answer is lost, and never when Stripe is down', async () => {
    const subscription = await billing.subscribe();
    app.stripe.fail(down(500, { retry: false }), { ...ALWAYS, on: POST_SUBSCRIPTION });
    await update().expect(503);
    app.stripe.heal();
    app.stripe.fail(answerLost, { on: POST_SUBSCRIPTION });
    await update().expect(200);
    expect(itemsOf(subscription)).toEqual([['yearly', 1]]);
  });

  it('repeats its answer for a repeated Idempotency-Key', async () => {
    await billing.subscribe();
    const first = await update().set('idempotency-key', 'one').expect(200);
    const again = await update().set('idempotency-key', 'one').expect(200);
    expect([again.text, again.headers['idempotent-replayed']]).toEqual([first.text, 'true']);
    await update().expect(400);
  });
});

describe('after Stripe reported another account for the stored key', () => {
  const put = (key: string, query = '?validate=true') =>
    app
      .send('put', `${PATH}/projects/${billing.projectId}/config${query}`)
      .send({ test_secret_key: key })
      .expect(200);
  const validate = (secret_key: string) =>
    app
      .send('post', `${PATH}/projects/${billing.projectId}/validate-credentials`)
      .send({ secret_key })
      .expect(200);
  const listed = async () =>
    (await app.send('get', `${PATH}/projects/${billing.projectId}/subscriptions`).expect(200)).body
      .subscriptions as unknown[];
  const checkOut = (account = billing.account) => {
    const url = 'https://shop.example.com/';
    return billing.post('checkout-session', {
      price_id: priceOf(account, 'monthly').id,
      success_url: url,
      cancel_url: url,
    });
  };

  it('marks subscriptions of the former account, which are not current until the account is back', async () => {
    const { id } = await billing.subscribe();
    // Stripe names the account after the subscription was written.
    await validate(billing.account.keys.test.secret);
    expect(await mine()).toMatchObject({ subscription_id: id, account_mismatch: false });
    const other = app.stripe.addAccount();
    await put(other.keys.test.secret, '');
    // The account id in the key's text is not trusted.
    expect(await mine()).toMatchObject({ subscription_id: id, account_mismatch: false });
    await validate(other.keys.test.secret);
    expect(await mine()).toBeNull();
    expect(await listed()).toMatchObject([{ subscription_id: id, status: 'active', account_mismatch: true }]);
    await billing.post('cancel-subscription', {}).expect(404);
    await checkOut(other).expect(200);
    expect(
      (await app.send('get', '/api/v1/payments/subscriptions').expect(200)).body.subscriptions,
    ).toContainEqual(expect.objectContaining({ subscription_id: id, account_mismatch: true }));
    // Another key of the former account.
    await put(billing.account.addSecretKey('test'));
    expect(await mine()).toMatchObject({ subscription_id: id, account_mismatch: false });
    await checkOut().expect(400);
    await billing.post('cancel-subscription', {}).expect(200);
  });

  it('does not mark subscriptions of an account that Stripe never named', async () => {
    const { id } = await billing.subscribe();
    await put(app.stripe.addAccount().keys.test.secret);
    expect(await mine()).toMatchObject({ subscription_id: id, account_mismatch: false });
  });

  it('ignores events of our endpoint in the former account, and applies them when the account is back', async () => {
    const first = billing.account.keys.test.secret;
    await validate(first);
    const endpoint = () =>
      app.send('post', `${PATH}/projects/${billing.projectId}/webhook-endpoints`).send({ mode: 'test' });
    const secretOf = (account: StripeAccount, id: string) => account.test.webhookSecrets.get(id) ?? '';
    const former = secretOf(billing.account, (await endpoint().expect(201)).body.id as string);
    const outcome = async (secret: string) =>
      (await deliver(app, billing.projectId, secret, aPayment()).expect(200)).body.outcome as string;
    expect(await outcome(former)).toBe('applied');
    const other = app.stripe.addAccount();
    await put(other.keys.test.secret);
    expect(await outcome(former)).toBe('ignored');
    const current = secretOf(other, (await endpoint().expect(201)).body.id as string);
    expect([await outcome(current), await outcome(former)]).toEqual(['applied', 'ignored']);
    const { body } = await app
      .send('get', `${PATH}/projects/${billing.projectId}/webhook-events?outcome=ignored`)
      .expect(200);
    expect(body.events[0]).toMatchObject({
      reason: expect.stringMatching(/another Stripe account/) as string,
    });
    await put(first);
    expect([await outcome(former), await outcome(current)]).toEqual(['applied', 'ignored']);
  });
});
