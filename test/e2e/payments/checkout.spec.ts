import { endUserId } from '../../../src/auth/caller.js';
import {
  type AppWithStripe,
  startAppWithStripe,
  statusPath,
  tracesOf,
} from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { rowsOf } from '../../harness/database/rows.js';
import {
  answerLost,
  answers,
  broken,
  connectionReset,
  down,
  notJson,
  rateLimited,
} from '../../harness/stripe/faults.js';
import { addPrice } from '../../harness/stripe/routes/catalog.routes.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { configPath, OWNER } from '../../harness/test-app.js';
import {
  recordInLedger,
  openBillingHarness,
  priceOf,
  type BillingHarness,
} from '../../harness/ledger/billing-harness.js';
import { endUserToken } from '../../harness/tokens.js';

const CHECKOUT = '/api/v1/payments/stripe/checkout-session';
const CREATE_CUSTOMER = 'POST /v1/customers';
const CREATE_SESSION = 'POST /v1/checkout/sessions';
const ALWAYS = { times: Infinity };
const USER_ID = '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11';

let app: AppWithStripe;
let billing: BillingHarness;

beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());
beforeEach(async () => {
  billing = await openBillingHarness(app);
  app.stripe.requests.length = 0;
  app.log.length = 0;
});
afterEach(() => {
  app.stripe.heal();
  jest.restoreAllMocks();
});

const order = (fields: object = {}, account: StripeAccount = billing.account) => ({
  price_id: priceOf(account, 'monthly').id,
  success_url: 'https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}',
  cancel_url: 'https://shop.example.com/prices',
  ...fields,
});
const checkOut = (fields: object = {}, user = USER_ID) =>
  billing.post('checkout-session', order(fields), user);
const sessions = (mode: 'test' | 'live' = 'test') => billing.account[mode].all('checkout.session');
const customers = (mode: 'test' | 'live' = 'test') => billing.account[mode].all('customer');
const asked = (endpoint: string) =>
  app.stripe.requests.filter(({ method, path }) => `${method} ${path}` === endpoint);
const fieldsIn = (body: unknown) => (body as { detail: { loc: string[] }[] }).detail.map(({ loc }) => loc[1]);
const sent = (endpoint: string) => Object.fromEntries(new URLSearchParams(asked(endpoint).at(-1)?.body));

describe('POST checkout-session', () => {
  it('creates a Stripe page for the calling user', async () => {
    const { body, headers } = await checkOut().expect(200);
    const [session] = sessions();
    expect(body).toEqual({ session_id: session?.id, checkout_url: session?.url });
    expect(headers['cache-control']).toBe('no-store');
    expect(sent(CREATE_SESSION)).toEqual({
      mode: 'subscription',
      customer: customers()[0]?.id,
      client_reference_id: USER_ID,
      'line_items[0][price]': priceOf(billing.account, 'monthly').id,
      'line_items[0][quantity]': '1',
      success_url: 'https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}',
      cancel_url: 'https://shop.example.com/prices',
      'metadata[user_id]': USER_ID,
      'metadata[project_id]': billing.projectId,
      'subscription_data[metadata][user_id]': USER_ID,
      'subscription_data[metadata][project_id]': billing.projectId,
    });
  });

  it('sells a one-time price', async () => {
    const price_id = priceOf(billing.account, 'setup').id;
    await checkOut({ mode: 'payment', price_id, quantity: 3 }).expect(200);
    expect(sent(CREATE_SESSION)).toMatchObject({
      mode: 'payment',
      'line_items[0][quantity]': '3',
      'payment_intent_data[metadata][user_id]': USER_ID,
      'payment_intent_data[metadata][project_id]': billing.projectId,
    });
    expect(sent(CREATE_SESSION)).not.toHaveProperty('subscription_data[metadata][user_id]');
  });

  it('sells a metered price, without a quantity', async () => {
    const price_id = addPrice(
      billing.account.test,
      { product: priceOf(billing.account, 'monthly').product, unit_amount: 1 },
      'month',
    ).id;
    const { recurring } = billing.account.test.get('price', price_id);
    if (recurring) recurring.usage_type = 'metered';
    await checkOut({ price_id }).expect(200);
    expect(sent(CREATE_SESSION)).not.toHaveProperty('line_items[0][quantity]');
    const { body } = await checkOut({ price_id, quantity: 2 }).expect(422);
    expect(body.detail).toEqual([expect.objectContaining({ loc: ['body', 'quantity'] })]);
  });

  it('uses live mode only on request', async () => {
    const price_id = priceOf(billing.account, 'monthly', 'live').id;
    await billing.post('checkout-session?test_mode=false', order({ price_id })).expect(200);
    await billing.post('checkout-session?test_mode=true', order()).expect(200);
    expect([sessions('live').length, sessions().length]).toEqual([1, 1]);
    const { body } = await billing.post('checkout-session?test_mode=maybe', order()).expect(422);
    expect(body.detail).toEqual([expect.objectContaining({ loc: ['query', 'test_mode'] })]);
  });

  it('derives a UUID for a user whose subject is not a UUID', async () => {
    await checkOut({}, 'auth0|4711').expect(200);
    expect(sessions()[0]?.client_reference_id).toBe(endUserId(billing.projectId, 'auth0|4711'));
  });

  it("keeps the caller's metadata, except for project and user", async () => {
    const metadata = { campaign: 'autumn', seats: 3, user_id: 'somebody else', project_id: 'another' };
    await checkOut({ metadata }).expect(200);
    expect(sessions()[0]?.metadata).toEqual({
      campaign: 'autumn',
      seats: '3',
      user_id: USER_ID,
      project_id: billing.projectId,
    });
    await checkOut({ metadata: null }).expect(200);
  });

  it('ignores unknown fields', async () => {
    await checkOut({ coupon: 'FREE' }).expect(200);
  });

  describe('refuses', () => {
    it.each<[string, object, (string | number)[]]>([
      ['no price', { price_id: undefined }, ['body', 'price_id']],
      ['an empty price', { price_id: '' }, ['body', 'price_id']],
      ['a number as its price', { price_id: 1 }, ['body', 'price_id']],
      ['a price with a space', { price_id: 'price 1' }, ['body', 'price_id']],
      ['no cancel_url', { cancel_url: undefined }, ['body', 'cancel_url']],
      ['an http URL', { success_url: 'http://shop.example.com/' }, ['body', 'success_url']],
      ['a javascript URL', { cancel_url: 'javascript:alert(1)' }, ['body', 'cancel_url']],
      [
        'a URL with credentials',
        { cancel_url: 'https://me:secret@shop.example.com/' },
        ['body', 'cancel_url'],
      ],
      ['an unknown mode', { mode: 'setup' }, ['body', 'mode']],
      ['no mode', { mode: null }, ['body', 'mode']],
      ['a quantity of 0', { quantity: 0 }, ['body', 'quantity']],
      ['a fractional quantity', { quantity: 1.5 }, ['body', 'quantity']],
      ['a quantity as text', { quantity: '2' }, ['body', 'quantity']],
      ['a quantity of 1,000,000', { quantity: 1_000_000 }, ['body', 'quantity']],
      ['a text as metadata', { metadata: 'x' }, ['body', 'metadata']],
      ['a text as flag', { allow_existing_subscription: 'yes' }, ['body', 'allow_existing_subscription']],
    ])('%s: 422', async (_, fields, loc) => {
      const { body } = await checkOut(fields).expect(422);
      expect(body.detail).toEqual([expect.objectContaining({ loc })]);
      expect(app.stripe.requests).toEqual([]);
    });

    it('several errors with one answer: 422', async () => {
      const { body } = await billing.post('checkout-session', {}).expect(422);
      expect(fieldsIn(body)).toEqual(['price_id', 'success_url', 'cancel_url']);
      await billing.post('checkout-session', []).expect(422);
    });

    it('the loopback in live mode: 422', async () => {
      const fields = { success_url: 'http://localhost:5173/', cancel_url: 'http://127.0.0.1/' };
      await checkOut(fields).expect(200);
      const { body } = await billing.post('checkout-session?test_mode=false', order(fields)).expect(422);
      expect(fieldsIn(body)).toEqual(['success_url', 'cancel_url']);
    });

    it("a developer's token before any other check: 403", async () => {
      const { headers } = await app.send('post', CHECKOUT, OWNER).send({}).expect(403);
      expect(headers['www-authenticate']).toMatch(/^Bearer error="insufficient_scope"/);
      await app.send('post', CHECKOUT, null).send({}).expect(401);
    });

    it('a project that is unknown, deleted or not configured for the mode, before the body is read: 404', async () => {
      const post = (id: string, mode = '') => app.send('post', CHECKOUT + mode, endUserToken(id)).send({});
      expect((await post(USER_ID).expect(404)).body.detail).toBe('There is no project with this id.');
      expect((await post('not-a-uuid').expect(404)).body.detail).toBe('There is no project with this id.');
      const id = await app.createProject();
      await post(id).expect(404);
      await app
        .send('put', configPath(id))
        .send({ test_secret_key: billing.account.keys.test.secret })
        .expect(200);
      await post(id).expect(422);
      await post(id, '?test_mode=false').expect(404);
      await app.send('delete', configPath(id)).expect(204);
      await post(id).expect(404);
      await app.send('delete', `/api/v1/projects/${billing.projectId}`).expect(204);
      await checkOut().expect(404);
    });
  });

  describe('has a price', () => {
    it('that is unknown: 400', async () => {
      const { body } = await checkOut({ price_id: 'price_unknown' }).expect(400);
      expect(body.detail).toBe('There is no price with this id in this mode.');
      expect(
        (await checkOut({ price_id: priceOf(billing.account, 'monthly', 'live').id }).expect(400)).body,
      ).toEqual(body);
    });

    it('that is no longer offered: 400', async () => {
      priceOf(billing.account, 'monthly').active = false;
      expect((await checkOut().expect(400)).body.detail).toBe('This price is no longer offered.');
    });

    it.each([
      ['You must provide at least one recurring price in `subscription` mode when using prices.', undefined],
      [
        'You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.',
        undefined,
      ],
      ['You specified `payment` mode but passed a recurring price.', 'line_items[0][price]'],
    ])(
      'that does not fit the mode: 400, for any parameter that Stripe blames (%s)',
      async (message, param) => {
        app.stripe.fail(answers(400, { error: { type: 'invalid_request_error', message, param } }), {
          on: CREATE_SESSION,
        });
        expect((await checkOut().expect(400)).body.detail).toMatch(/does not go with the mode/);
      },
    );

    it('that does not fit the mode: 400', async () => {
      expect((await checkOut({ mode: 'payment' }).expect(400)).body.detail).toMatch(
        /does not go with the mode/,
      );
      const setup = priceOf(billing.account, 'setup').id;
      expect((await checkOut({ price_id: setup }).expect(400)).body.detail).toMatch(
        /does not go with the mode/,
      );
    });
  });

  describe('for a user with a subscription', () => {
    it.each([0, 7])('another one only if allowed: 400 (trial of %d days)', async (trialDays) => {
      await billing.subscribe({ user: USER_ID, trialDays });
      const { body } = await checkOut().expect(400);
      expect(body.detail).toMatch(/allow_existing_subscription/);
      expect(sessions()).toEqual([]);
      await checkOut({ allow_existing_subscription: true }).expect(200);
      await checkOut({ mode: 'payment', price_id: priceOf(billing.account, 'setup').id }).expect(200);
      await checkOut({}, 'another user').expect(200);
    });

    it('without an event yet: 400, and it is stored', async () => {
      const { body } = await checkOut().expect(200);
      app.stripe.completeCheckout(body.session_id);
      await checkOut().expect(400);
      expect((await billing.get('my-subscription', USER_ID).expect(200)).body).toMatchObject({
        status: 'active',
        user_id: USER_ID,
      });
    });

    it("that comes after a hundred others in Stripe's list: 400", async () => {
      const { body } = await checkOut().expect(200);
      app.stripe.completeCheckout(body.session_id);
      const [active] = billing.account.test.all('subscription');
      for (let nth = 0; nth < 100; nth += 1)
        billing.account.test.create('subscription', { ...active, id: `sub_past_${nth}`, status: 'past_due' });
      await checkOut().expect(400);
    });

    it.each(['past_due', 'unpaid', 'paused', 'incomplete'] as const)(
      "that is %s: allowed, and Stripe's state is stored at once",
      async (status) => {
        app.stripe.completeCheckout((await checkOut().expect(200)).body.session_id);
        Object.assign(billing.account.test.all('subscription')[0] ?? {}, { status });
        await checkOut().expect(200);
        expect((await billing.get('my-subscription', USER_ID).expect(200)).body).toMatchObject({ status });
      },
    );

    it('that has ended: allowed', async () => {
      const subscription = await billing.subscribe({ user: USER_ID });
      subscription.status = 'canceled';
      await recordInLedger(app, billing.projectId, subscription);
      await checkOut().expect(200);
    });

    it('that has ended, without an event yet: allowed', async () => {
      const subscription = await billing.subscribe({ user: USER_ID });
      subscription.status = 'canceled';
      await checkOut().expect(200);
      expect((await billing.get('my-subscription', USER_ID).expect(200)).body).toMatchObject({
        status: 'canceled',
      });
    });

    it('in a former account of the project: allowed', async () => {
      await billing.subscribe({ user: USER_ID });
      const other = app.stripe.addAccount();
      await app
        .send('put', configPath(billing.projectId))
        .send({ test_secret_key: other.keys.test.secret })
        .expect(200);
      await billing.post('checkout-session', order({}, other), USER_ID).expect(200);
      expect(other.test.all('customer')).toHaveLength(1);
    });
  });

  describe('creates one customer', () => {
    it('for each user, project and mode', async () => {
      await checkOut().expect(200);
      await checkOut().expect(200);
      expect(customers().map(({ metadata }) => metadata)).toEqual([
        { user_id: USER_ID, project_id: billing.projectId },
      ]);
      await checkOut({}, 'another user').expect(200);
      await billing
        .post(
          'checkout-session?test_mode=false',
          order({ price_id: priceOf(billing.account, 'monthly', 'live').id }),
          USER_ID,
        )
        .expect(200);
      const neighbour = await openBillingHarness(app, billing.account);
      await neighbour.post('checkout-session', order(), USER_ID).expect(200);
      expect([customers().length, customers('live').length]).toEqual([3, 1]);
    });

    it('when many checkouts start at once', async () => {
      const answered = await Promise.all(Array.from({ length: 10 }, () => checkOut()));
      expect(answered.map(({ status }) => status)).toEqual(Array(10).fill(200));
      expect(customers()).toHaveLength(1);
      expect(new Set(sessions().map(({ customer }) => customer))).toEqual(new Set([customers()[0]?.id]));
    });

    it('when the answer was lost', async () => {
      app.stripe.fail(answerLost, { on: CREATE_CUSTOMER });
      await checkOut().expect(200);
      app.stripe.fail(down(500, { retry: false }), { ...ALWAYS, on: CREATE_SESSION });
      await checkOut({}, 'another user').expect(503);
      app.stripe.heal();
      await checkOut({}, 'another user').expect(200);
      expect(customers()).toHaveLength(2);
    });

    it('when Stripe fails and replays the failure for the idempotency key', async () => {
      app.stripe.fail(broken, { on: CREATE_CUSTOMER });
      await checkOut().expect(503);
      await Promise.all(Array.from({ length: 5 }, () => checkOut().expect(200)));
      expect(customers()).toHaveLength(1);
      app.stripe.fail(broken, { ...ALWAYS, on: CREATE_CUSTOMER });
      for (let times = 0; times < 2; times++) await checkOut({}, 'another user').expect(503);
      app.stripe.heal();
      await checkOut({}, 'another user').expect(200);
      await checkOut({}, 'another user').expect(200);
      expect(customers()).toHaveLength(2);
    });

    it('once more when Stripe no longer has it, even if many requests notice at once', async () => {
      await checkOut().expect(200);
      for (let round = 0; round < 2; round++) {
        const gone = customers()[0]?.id ?? '';
        billing.account.test.delete('customer', gone);
        billing.account.test.deletedCustomers.add(gone);
        await Promise.all(Array.from({ length: 5 }, () => checkOut().expect(200)));
        expect(customers()).toHaveLength(1);
      }
      expect(await rowsOf(app.database, 'stripe_customers')).toContainEqual(
        expect.objectContaining({
          project_id: billing.projectId,
          customer_id: customers()[0]?.id,
          generation: 3,
        }),
      );
    });

    it('in each account, and finds it again after a return to the account', async () => {
      await checkOut().expect(200);
      const first = customers()[0]?.id;
      const other = app.stripe.addAccount();
      const use = (key: string) =>
        app.send('put', configPath(billing.projectId)).send({ test_secret_key: key }).expect(200);
      await use(other.keys.test.secret);
      await billing.post('checkout-session', order({}, other), USER_ID).expect(200);
      expect(other.test.all('customer')).toHaveLength(1);
      await use(billing.account.addSecretKey('test'));
      await checkOut().expect(200);
      await use(billing.account.keys.test.legacySecret);
      await checkOut().expect(200);
      expect(customers().map(({ id }) => id)).toEqual([first]);
    });

    it('except for a user who has one already', async () => {
      const { customer } = await billing.subscribe({ user: USER_ID });
      await checkOut({ allow_existing_subscription: true }).expect(200);
      expect(sessions()[0]?.customer).toBe(customer);
      expect(customers()).toHaveLength(1);
    });
  });

  describe('when Stripe', () => {
    it.each([
      ['is down', down(503, { retry: false })],
      ['can not be reached', connectionReset],
      ['limits requests (429)', rateLimited()],
      ['is not Stripe', notJson],
      ['returns an object without fields', answers(200, {})],
    ])('%s: 503 with Retry-After', async (_, fault) => {
      app.stripe.fail(fault, { ...ALWAYS, on: CREATE_SESSION });
      const { headers } = await checkOut().expect(503);
      expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
    });

    it('limits requests: 503 with the reason', async () => {
      app.stripe.fail(rateLimited(), { ...ALWAYS, on: CREATE_SESSION });
      expect((await checkOut().expect(503)).body.detail).toMatch(/^Stripe limits /);
    });

    it('returns an invalid customer: 503, and none is stored', async () => {
      app.stripe.fail(answers(200, {}), { on: CREATE_CUSTOMER });
      await checkOut().expect(503);
      await checkOut().expect(200);
    });

    it('no longer accepts the key: 409 without a word about keys, and the status shows it', async () => {
      app.stripe.mark(billing.account.keys.test.secret, 'expired');
      const { body } = await checkOut().expect(409);
      expect(body.detail).toBe(
        'Payments do not work in this project at the moment; its owner has to look at its Stripe settings.',
      );
      await eventually(async () => {
        expect((await app.send('get', statusPath(billing.projectId)).expect(200)).body.test).toMatchObject({
          state: 'invalid',
          verified_by: 'use',
        });
      });
    });

    it('refuses a key without permission: 409 without a word about permissions', async () => {
      const key = billing.account.addRestrictedKey('test', ['rak_customer_write', 'rak_subscription_read']);
      await app.send('put', configPath(billing.projectId)).send({ test_secret_key: key }).expect(200);
      const { body } = await checkOut().expect(409);
      expect(body.detail).toMatch(/^Payments do not work in this project/);
    });

    it('refuses to list subscriptions: 409, since a known user may have one', async () => {
      const key = billing.account.addRestrictedKey('test', [
        'rak_customer_write',
        'rak_checkout_session_write',
      ]);
      await app.send('put', configPath(billing.projectId)).send({ test_secret_key: key }).expect(200);
      await checkOut().expect(200);
      await checkOut().expect(409);
      expect(sessions()).toHaveLength(1);
      await checkOut({ allow_existing_subscription: true }).expect(200);
    });

    it("refuses anything else: 400, without Stripe's message", async () => {
      const message = `You cannot do this today; key sk_test_${'q'.repeat(24)}`;
      app.stripe.fail(answers(400, { error: { type: 'invalid_request_error', message } }), {
        on: CREATE_SESSION,
      });
      const { body } = await checkOut().expect(400);
      expect(body.detail).toMatch(/^Stripe refused this; /);
      expect(await tracesOf(app, 'q'.repeat(24))).toEqual([]);
    });

    it.each<[number, object, RegExp]>([
      [
        400,
        {
          message: 'You cannot combine currencies on a single customer. This one has a subscription in usd.',
        },
        /another currency/,
      ],
      [
        400,
        { code: 'amount_too_small', message: 'The total must be at least $0.50.' },
        /less than Stripe charges/,
      ],
      [
        400,
        { code: 'amount_too_large', message: 'The total must be no more than $999,999.99.' },
        /more than Stripe charges/,
      ],
      [
        409,
        { message: 'In order to use Checkout, you must set an account or business name.' },
        /enter the name of the business/,
      ],
    ])('refuses for a common reason: %d with a message of its own (%j)', async (status, fields, detail) => {
      app.stripe.fail(answers(400, { error: { type: 'invalid_request_error', ...fields } }), {
        on: CREATE_SESSION,
      });
      expect((await checkOut().expect(status)).body.detail).toMatch(detail);
    });

    it('refuses a URL that passed our check: 422', async () => {
      const error = {
        type: 'invalid_request_error',
        param: 'success_url',
        code: 'url_invalid',
        message: 'Not a valid URL',
      };
      app.stripe.fail(answers(400, { error }), { on: CREATE_SESSION });
      const { body } = await checkOut().expect(422);
      expect(body.detail).toEqual([expect.objectContaining({ loc: ['body', 'success_url'] })]);
    });
  });

  it('returns one page for one Idempotency-Key, and stores its URL sealed', async () => {
    const ask = (fields = {}) => checkOut(fields).set('idempotency-key', 'one');
    const first = await ask().expect(200);
    const again = await ask().expect(200);
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(sessions()).toHaveLength(1);
    const defaults = {
      mode: 'subscription',
      quantity: 1,
      metadata: null,
      allow_existing_subscription: false,
      coupon: 'ignored',
    };
    const spelledOut = billing
      .post('checkout-session?test_mode=True', order(defaults), USER_ID)
      .set('idempotency-key', 'one');
    expect((await spelledOut.expect(200)).text).toBe(first.text);
    expect((await ask({ metadata: {} }).expect(200)).text).toBe(first.text);
    await ask({ quantity: 2 }).expect(422);
    expect(JSON.stringify(await rowsOf(app.database, 'idempotency_keys'))).not.toContain(
      first.body.session_id,
    );
    await billing.post('checkout-session', order(), 'another user').set('idempotency-key', 'one').expect(200);
    expect(sessions()).toHaveLength(2);
  });
});

describe('POST customer-portal', () => {
  const RETURN = { return_url: 'https://shop.example.com/account' };
  const open = (body: object = RETURN, user = USER_ID) => billing.post('customer-portal', body, user);
  const portals = () => billing.account.test.all('billing_portal.session');

  it('opens for a user who has bought something', async () => {
    await checkOut().expect(200);
    const { body } = await open().expect(200);
    const [portal] = portals();
    expect(body).toEqual({ portal_url: portal?.url });
    expect(portal).toMatchObject({ customer: customers()[0]?.id, return_url: RETURN.return_url });
  });

  it('opens for a user with an older subscription', async () => {
    const { customer } = await billing.subscribe({ user: USER_ID });
    await open().expect(200);
    expect(portals()[0]?.customer).toBe(customer);
  });

  it('does not open for a customer that only client_reference_id links to the user', async () => {
    const subscription = await billing.subscribe({ user: USER_ID });
    subscription.metadata = {};
    await open().expect(404);
    await checkOut({ allow_existing_subscription: true }).expect(200);
    expect(sessions()[0]?.customer).not.toBe(subscription.customer);
  });

  it('opens with a new customer when Stripe no longer has the old one', async () => {
    await checkOut().expect(200);
    billing.account.test.delete('customer', customers()[0]?.id ?? '');
    await open().expect(200);
    expect(portals()[0]?.customer).toBe(customers()[0]?.id);
  });

  it('answers 404 for a user who has bought nothing', async () => {
    expect((await open().expect(404)).body.detail).toMatch(/not bought anything/);
    expect(app.stripe.requests).toEqual([]);
  });

  it.each(['http://shop.example.com/', 'javascript:alert(1)', '', undefined, 1])(
    'refuses to return to %j: 422',
    async (return_url) => {
      const { body } = await open({ return_url }).expect(422);
      expect(body.detail).toEqual([expect.objectContaining({ loc: ['body', 'return_url'] })]);
    },
  );

  it('answers 409 if the owner has not set it up', async () => {
    await checkOut().expect(200);
    for (const { id } of billing.account.test.all('billing_portal.configuration'))
      billing.account.test.delete('billing_portal.configuration', id);
    expect((await open().expect(409)).body.detail).toMatch(/save its settings/);
  });

  it('answers 503 if Stripe is down', async () => {
    await checkOut().expect(200);
    app.stripe.fail(down(500, { retry: false }), { ...ALWAYS, on: 'POST /v1/billing_portal/sessions' });
    expect((await open().expect(503)).headers['retry-after']).toMatch(/^[1-9]\d*$/);
  });
});

// Covers a product that is not among the seeded ones of the fake Stripe.
it('sells a price of any product', async () => {
  const product = billing.account.test.create('product', { name: 'Support' });
  const { id } = addPrice(billing.account.test, { product: product.id, unit_amount: 900 }, 'week');
  await checkOut({ price_id: id }).expect(200);
});
