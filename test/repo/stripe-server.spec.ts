import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import Stripe from 'stripe';
import {
  answerLost,
  answers,
  bodyCut,
  connectionReset,
  down,
  notJson,
  rateLimited,
  redirect,
  silent,
  slow,
} from '../harness/stripe/faults.js';
import { idOf, type StripeEvent } from '../harness/stripe/resources.js';
import type { StripeAccount } from '../harness/stripe/stripe-account.js';
import { StripeServer } from '../harness/stripe/stripe-server.js';

const server = new StripeServer();
let account: StripeAccount;
let stripe: Stripe;

beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => {
  server.heal();
  server.requests.length = 0;
  account = server.addAccount();
  stripe = client(account.keys.test.secret);
});

function client(key: string, options: Stripe.StripeConfig = {}, { url }: { url: string } = server): Stripe {
  const { hostname, port } = new URL(url);
  return new Stripe(key, {
    host: hostname,
    port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
    ...options,
  });
}

/** The SDK's error for a refusal. */
async function refusal(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const error: unknown = await call.then(
    () => new Error('Stripe has accepted it'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof Stripe.errors.StripeError) return error;
  throw error;
}

function http(path: string, init: RequestInit & { key?: string } = {}): Promise<Response> {
  const { key = account.keys.test.secret, headers, ...rest } = init;
  return fetch(server.url + path, {
    redirect: 'manual',
    ...rest,
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
}

function price(lookupKey: string): string {
  const found = account.test.all('price').find(({ lookup_key }) => lookup_key === lookupKey);
  if (!found) throw new Error(`There is no price ${lookupKey}`);
  return found.id;
}

function buy(fields: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  const line_items = [{ price: price(fields.mode === 'payment' ? 'setup' : 'monthly'), quantity: 1 }];
  return stripe.checkout.sessions.create({
    mode: 'subscription',
    success_url: 'https://shop.test/thanks',
    line_items,
    ...fields,
  });
}

/** The subscription of a customer who has paid for a month. */
async function subscribed() {
  const { id } = await buy();
  const done = server.completeCheckout(id);
  return stripe.subscriptions.retrieve(idOf(done.subscription));
}

const eventTypes = async () => (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type);

describe('keys', () => {
  it("have the current form or that of before 2018, and no real key's", () => {
    const { secret, publishable, legacySecret } = account.keys.test;
    const part = account.id.slice('acct_'.length);
    expect(secret).toMatch(new RegExp(`^sk_test_5${part}(.)\\1+$`));
    expect(publishable).toMatch(new RegExp(`^pk_test_5${part}(.)\\1+$`));
    expect([secret.length, publishable.length]).toEqual([107, 107]);
    expect(legacySecret).toMatch(/^sk_test_[A-Za-z]{24}$/);
    expect(account.keys.live.secret).toMatch(/^sk_live_51/);
  });

  it('give access to their account', async () => {
    const other = server.addAccount({ id: 'acct_1OtherOtherOther', name: 'Other' });
    for (const key of [other.keys.test.secret, other.keys.test.legacySecret, other.keys.live.secret]) {
      const shown = await client(key).accounts.retrieveCurrent();
      expect([shown.id, shown.business_profile?.name]).toEqual(['acct_1OtherOtherOther', 'Other']);
    }
    expect((await stripe.accounts.retrieveCurrent()).id).toBe(account.id);
  });

  it('are accepted as the user of Basic authentication too', async () => {
    const basic = Buffer.from(`${account.keys.test.secret}:`).toString('base64');
    expect((await http('/v1/balance', { headers: { authorization: `Basic ${basic}` } })).status).toBe(200);
  });

  it.each([
    ['sk_test_aaaaaaaaaaaaaaaaaaaaaaaa', 'sk_test_********************aaaa'],
    ['whatever', '****ever'],
  ])('are refused when unknown: %s', async (key, masked) => {
    const error = await refusal(client(key).balance.retrieve());
    expect(error).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(error).toMatchObject({
      statusCode: 401,
      rawType: 'invalid_request_error',
      message: `Invalid API Key provided: ${masked}`,
    });
    expect(error.code).toBeUndefined();
  });

  it('are refused with their own code when expired', async () => {
    const key = account.addSecretKey('test');
    await client(key).balance.retrieve();
    server.mark(key, 'expired');
    const error = await refusal(client(key).balance.retrieve());
    expect(error).toMatchObject({
      statusCode: 401,
      code: 'api_key_expired',
      rawType: 'invalid_request_error',
    });
    expect(error.message).toMatch(/^Expired API Key provided: sk_test_\*{93}n{6}$/);
  });

  it('are refused as unknown when revoked', async () => {
    server.mark(account.keys.test.secret, 'revoked');
    const error = await refusal(stripe.balance.retrieve());
    expect(error).toMatchObject({ statusCode: 401, code: undefined });
    expect(error.message).toMatch(/^Invalid API Key provided: sk_test_\*+m{4}$/);
  });

  it('are refused when they lost access to the account, or it is another one', async () => {
    expect(await refusal(stripe.accounts.retrieve('acct_1Foreign'))).toMatchObject({
      statusCode: 403,
      code: 'account_invalid',
    });
    expect(await refusal(stripe.balance.retrieve({}, { stripeAccount: 'acct_1Foreign' }))).toMatchObject({
      code: 'account_invalid',
    });
    server.mark(account.keys.test.secret, 'no_access');
    const error = await refusal(stripe.balance.retrieve());
    expect(error).toMatchObject({ statusCode: 403, code: 'account_invalid' });
    expect(error.message).toContain(`does not have access to account '${account.id}'`);
  });

  it('are refused when publishable or missing', async () => {
    const error = await refusal(client(account.keys.test.publishable).balance.retrieve());
    expect(error).toMatchObject({ statusCode: 403, code: 'secret_key_required' });
    const answer = await fetch(`${server.url}/v1/balance`);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="Stripe"']);
    expect(await answer.json()).toMatchObject({
      error: { message: expect.stringMatching(/^You did not provide an API key/) },
    });
  });

  it('may be restricted, and the refusal names the missing permission', async () => {
    const restricted = client(account.addRestrictedKey('test', ['rak_customer_write', 'rak_plan_read']));
    const customer = await restricted.customers.create({});
    expect((await restricted.customers.retrieve(customer.id)).id).toBe(customer.id);
    expect((await restricted.prices.list()).data).toHaveLength(3);
    const error = await refusal(restricted.accounts.retrieveCurrent());
    expect(error).toBeInstanceOf(Stripe.errors.StripePermissionError);
    expect(error).toMatchObject({ statusCode: 403, rawType: 'invalid_request_error' });
    expect(error.message).toMatch(
      /^The provided key 'rk_test_\*{93}m{6}' does not have the required permissions for this endpoint on account/,
    );
    expect(error.message).toContain(
      `'${account.id}'. Having the 'rak_accounts_kyc_basic_read' permission would allow this request to continue.`,
    );
    expect((await refusal(restricted.webhookEndpoints.list())).message).toContain("'rak_webhook_read'");
  });

  it('see only objects of their own mode and account', async () => {
    const { id, livemode } = await stripe.customers.create({});
    expect(livemode).toBe(false);
    const live = client(account.keys.live.secret);
    expect(await refusal(live.customers.retrieve(id))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      message: `No such customer: '${id}'; a similar object exists in test mode, but a live mode key was used to make this request.`,
    });
    expect((await live.customers.list()).data).toEqual([]);
    expect((await live.customers.create({})).livemode).toBe(true);
    expect((await live.balance.retrieve()).livemode).toBe(true);
    const error = await refusal(client(server.addAccount().keys.test.secret).customers.retrieve(id));
    expect(error.message).toBe(`No such customer: '${id}'`);
  });
});

describe('answers', () => {
  it("have Stripe's headers", async () => {
    const { lastResponse } = await stripe.customers.create(
      {},
      { idempotencyKey: 'one', apiVersion: '2024-06-20' },
    );
    expect(lastResponse).toMatchObject({ apiVersion: '2024-06-20', idempotencyKey: 'one', statusCode: 200 });
    expect(lastResponse.requestId).toMatch(/^req_\w{14}$/);
    expect(Date.parse(lastResponse.headers.date ?? '')).not.toBeNaN();
    const error = await refusal(stripe.customers.retrieve('cus_none'));
    expect(error.headers?.['stripe-should-retry']).toBe('false');
    expect(error.requestId).toMatch(/^req_/);
  });

  it('use the time that the test sets', async () => {
    const { now } = server;
    server.now = () => 1_700_000_000;
    try {
      const { created, lastResponse } = await stripe.customers.create({});
      expect([created, lastResponse.headers.date]).toEqual([1_700_000_000, 'Tue, 14 Nov 2023 22:13:20 GMT']);
    } finally {
      server.now = now;
    }
  });

  it('page lists, the newest first', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1)
      ids.unshift((await stripe.customers.create({ email: `${count}@shop.test` })).id);
    const page = async (params: Stripe.CustomerListParams) => {
      const { data, has_more } = await stripe.customers.list(params);
      return [data.map(({ id }) => ids.indexOf(id)), has_more];
    };
    expect(await page({ limit: 2 })).toEqual([[0, 1], true]);
    expect(await page({ limit: 2, starting_after: ids[1] })).toEqual([[2, 3], true]);
    expect(await page({ limit: 2, starting_after: ids[3] })).toEqual([[4], false]);
    expect(await page({ limit: 2, ending_before: ids[3] })).toEqual([[1, 2], true]);
    expect(await page({ limit: 2, ending_before: ids[2] })).toEqual([[0, 1], false]);
    expect(await page({ email: '3@shop.test' })).toEqual([[1], false]);
    expect(await page({ created: { gt: server.now() + 9 } })).toEqual([[], false]);
    expect(await stripe.customers.list({ limit: 2 }).autoPagingToArray({ limit: 9 })).toHaveLength(5);
    expect(await refusal(stripe.customers.list({ starting_after: 'cus_none' }))).toMatchObject({
      param: 'starting_after',
    });
  });

  it('expand objects as requested', async () => {
    const { id } = await buy();
    server.completeCheckout(id);
    expect(await stripe.checkout.sessions.retrieve(id)).not.toHaveProperty('line_items');
    const expand = [
      'line_items.data.price.product',
      'subscription.latest_invoice.payments.data.payment.payment_intent',
    ];
    expect(await stripe.checkout.sessions.retrieve(id, { expand })).toMatchObject({
      customer: expect.stringMatching(/^cus_/),
      line_items: { data: [{ price: { product: { name: 'Pro' } } }] },
      subscription: {
        latest_invoice: { payments: { data: [{ payment: { payment_intent: { status: 'succeeded' } } }] } },
      },
    });
    expect((await refusal(stripe.checkout.sessions.retrieve(id, { expand: ['nothing'] }))).message).toContain(
      'cannot be expanded (nothing)',
    );
  });

  it('refuse wrong parameters', async () => {
    const wrong = async (path: string, body?: string) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await http(path, body === undefined ? {} : { method: 'POST', body, headers });
      const { error }: { error: Stripe.StripeRawError } = JSON.parse(await answer.text());
      return [answer.status, error.code, error.param, error.message];
    };
    expect(await wrong('/v1/customers?limit=abc')).toEqual([
      400,
      'parameter_invalid_integer',
      'limit',
      'Invalid integer: abc',
    ]);
    expect(await wrong('/v1/customers?limit=101')).toEqual(
      expect.arrayContaining(['This value must be less than or equal to 100.']),
    );
    expect(await wrong('/v1/customers', 'mail=a')).toEqual([
      400,
      'parameter_unknown',
      'mail',
      'Received unknown parameter: mail',
    ]);
    expect(await wrong('/v1/webhook_endpoints', '')).toEqual([
      400,
      'parameter_missing',
      'url',
      'Missing required param: url.',
    ]);
    expect(await wrong('/v1/webhook_endpoints', 'url=')).toEqual(
      expect.arrayContaining([400, 'parameter_invalid_empty', 'url']),
    );
    expect(await wrong('/v1/webhook_endpoints', 'url=shop&enabled_events[]=*')).toEqual([
      400,
      'url_invalid',
      'url',
      'Not a valid URL',
    ]);
    expect(await wrong('/v1/nothing')).toEqual([
      404,
      undefined,
      undefined,
      expect.stringMatching(/^Unrecognized request URL \(GET: /),
    ]);
    const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
    expect((await http('/v1/customers', json)).status).toBe(400);
    expect((await http('/v1/balance', { headers: { 'stripe-version': 'latest' } })).status).toBe(400);
  });

  it('are recorded with their requests', async () => {
    await stripe.customers.create({ email: 'ann@shop.test' }, { idempotencyKey: 'k' });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      path: '/v1/customers',
      query: '',
      body: 'email=ann%40shop.test',
      headers: { authorization: `Bearer ${account.keys.test.secret}`, 'idempotency-key': 'k' },
    });
  });
});

describe('idempotency keys', () => {
  it('replay the first answer', async () => {
    const first = await stripe.customers.create({ email: 'a@b.test' }, { idempotencyKey: 'k' });
    const again = await stripe.customers.create({ email: 'a@b.test' }, { idempotencyKey: 'k' });
    expect(again.id).toBe(first.id);
    expect(again.lastResponse.headers).toMatchObject({
      'idempotent-replayed': 'true',
      'original-request': first.lastResponse.requestId,
    });
    expect(first.lastResponse.headers).not.toHaveProperty('idempotent-replayed');
    expect(account.test.all('customer')).toHaveLength(1);
    await client(account.keys.live.secret).customers.create({}, { idempotencyKey: 'k' });
  });

  it('are bound to one endpoint and one body', async () => {
    await stripe.customers.create({ email: 'a@b.test' }, { idempotencyKey: 'k' });
    const error = await refusal(stripe.customers.create({ email: 'c@d.test' }, { idempotencyKey: 'k' }));
    expect(error).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    expect(error).toMatchObject({
      statusCode: 400,
      rawType: 'idempotency_error',
      message: expect.stringContaining("other than 'k'"),
    });
    const elsewhere = await refusal(
      stripe.webhookEndpoints.create(
        { url: 'https://a.test', enabled_events: ['*'] },
        { idempotencyKey: 'k' },
      ),
    );
    expect(elsewhere.message).toContain("('/v1/webhook_endpoints' vs '/v1/customers')");
  });

  it('can be reused after a request that was refused before it began', async () => {
    await refusal(stripe.refunds.create({}, { idempotencyKey: 'k' }));
    await stripe.customers.create({}, { idempotencyKey: 'k' });
  });

  it('admit one request at a time', async () => {
    let finish = () => {};
    server.fail(slow(new Promise<void>((resolve) => (finish = resolve))), { on: 'POST /v1/customers' });
    const first = stripe.customers.create({}, { idempotencyKey: 'k' });
    while (server.requests.length < 1) await new Promise(setImmediate);
    const error = await refusal(stripe.customers.create({}, { idempotencyKey: 'k' }));
    expect(error).toMatchObject({
      statusCode: 409,
      rawType: 'idempotency_error',
      code: 'idempotency_key_in_use',
    });
    finish();
    const { id } = await first;
    expect((await stripe.customers.create({}, { idempotencyKey: 'k' })).id).toBe(id);
  });

  it('let the SDK retry after a lost answer', async () => {
    server.fail(answerLost);
    const { id } = await client(account.keys.test.secret, { maxNetworkRetries: 1 }).customers.create({});
    expect(account.test.all('customer').map((customer) => customer.id)).toEqual([id]);
    expect(server.requests).toHaveLength(2);
  });
});

describe('faults', () => {
  const retrying = () => client(account.keys.test.secret, { maxNetworkRetries: 1 });

  it('answer 429, with or without a hint to retry', async () => {
    server.fail(rateLimited({ after: 3 }));
    const error = await refusal(retrying().balance.retrieve());
    expect(error).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
    expect(error).toMatchObject({
      code: 'rate_limit',
      headers: { 'retry-after': '3', 'stripe-rate-limited-reason': 'global-rate' },
    });
    server.fail(rateLimited({ retry: true }));
    await retrying().balance.retrieve();
    expect(server.requests).toHaveLength(3);
  });

  it.each([500, 502, 503] as const)('answer %i', async (status) => {
    server.fail(down(status));
    await retrying().balance.retrieve();
    expect(server.requests).toHaveLength(2);
    server.fail(down(status, { retry: false }));
    expect(await refusal(retrying().balance.retrieve())).toMatchObject({
      statusCode: status,
      rawType: 'api_error',
    });
    expect(server.requests).toHaveLength(3);
  });

  it('come before the key is checked', async () => {
    server.fail(down(503));
    expect(await refusal(client('sk_test_zzzzzzzz').balance.retrieve())).toMatchObject({ statusCode: 503 });
  });

  it('answer late, or never', async () => {
    server.fail(slow(20));
    await stripe.balance.retrieve();
    server.fail(silent);
    const error = await refusal(client(account.keys.test.secret, { timeout: 50 }).balance.retrieve());
    expect(error.message).toContain('timeout');
  });

  it.each([
    ['before the answer', connectionReset],
    ['in the middle of it', bodyCut],
  ])('break the connection %s', async (_, fault) => {
    server.fail(fault, { times: 2 });
    expect(await refusal(stripe.balance.retrieve())).toBeInstanceOf(Stripe.errors.StripeConnectionError);
  });

  it('redirect, or answer without JSON', async () => {
    server.fail(redirect('http://127.0.0.1:9/elsewhere'));
    const answer = await http('/v1/balance');
    expect([answer.status, answer.headers.get('location')]).toEqual([302, 'http://127.0.0.1:9/elsewhere']);
    server.fail(notJson);
    expect((await refusal(stripe.balance.retrieve())).message).toBe(
      'Invalid JSON received from the Stripe API',
    );
  });

  it('can be limited to endpoints and to a number of calls', async () => {
    const declined = {
      error: { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' },
    };
    server.fail(answers(402, declined), { on: /^POST /, times: Infinity });
    await stripe.balance.retrieve();
    for (let count = 0; count < 2; count += 1)
      expect(await refusal(stripe.customers.create({}))).toBeInstanceOf(Stripe.errors.StripeCardError);
    server.heal();
    await stripe.customers.create({});
  });
});

describe('customers', () => {
  it('are created, changed and deleted', async () => {
    const { id } = await stripe.customers.create({ email: 'ann@shop.test', metadata: { a: '1', b: '2' } });
    expect(id).toMatch(/^cus_\w{14}$/);
    const changed = await stripe.customers.update(id, { name: 'Ann', metadata: { a: '', c: '3' } });
    expect(changed).toMatchObject({ email: 'ann@shop.test', name: 'Ann' });
    expect(changed.metadata).toEqual({ b: '2', c: '3' });
    await stripe.customers.del(id);
    expect(await stripe.customers.retrieve(id)).toEqual({ id, object: 'customer', deleted: true });
    expect(await refusal(stripe.customers.update(id, { name: 'Eve' }))).toMatchObject({
      code: 'resource_missing',
    });
    expect(await refusal(buy({ customer: id }))).toMatchObject({
      code: 'resource_missing',
      param: 'customer',
    });
    expect((await stripe.customers.list()).data).toEqual([]);
    expect(await eventTypes()).toEqual(['customer.deleted', 'customer.updated', 'customer.created']);
  });
});

describe('the catalogue', () => {
  it('has a product with prices', async () => {
    const { data } = await stripe.prices.list({ active: true, type: 'recurring', expand: ['data.product'] });
    expect(data).toMatchObject([{ product: { name: 'Pro' } }, { product: { name: 'Pro' } }]);
    expect(
      data.map(({ lookup_key, unit_amount, recurring }) => [lookup_key, unit_amount, recurring?.interval]),
    ).toEqual([
      ['monthly', 2000, 'month'],
      ['yearly', 20_000, 'year'],
    ]);
    const [product] = (await stripe.products.list()).data;
    expect(product).toMatchObject({ name: 'Pro', default_price: price('monthly') });
    expect((await stripe.prices.retrieve(price('setup'))).unit_amount_decimal?.toString()).toBe('5000');
  });
});

describe('checkout sessions', () => {
  it('of a subscription create subscription, invoice and payment when paid', async () => {
    const session = await buy({
      customer_email: 'ann@shop.test',
      metadata: { user: '7' },
      subscription_data: { metadata: { plan: 'pro' } },
    });
    expect(session).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      amount_total: 2000,
      metadata: { user: '7' },
    });
    expect(session.id).toMatch(/^cs_test_\w{58}$/);
    const paid = await fetch(session.url ?? '', { redirect: 'manual' });
    expect(paid.headers.get('location')).toBe('https://shop.test/thanks');
    const done = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['subscription', 'invoice.payments'],
    });
    expect(done).toMatchObject({
      status: 'complete',
      payment_status: 'paid',
      url: null,
      customer_details: { email: 'ann@shop.test' },
      subscription: {
        status: 'active',
        metadata: { plan: 'pro' },
        items: { data: [{ price: { id: price('monthly') }, quantity: 1 }] },
      },
      invoice: {
        status: 'paid',
        amount_paid: 2000,
        billing_reason: 'subscription_create',
        parent: { type: 'subscription_details' },
      },
    });
    const { customer, subscription, invoice } = server.completeCheckout(
      (await buy({ customer: idOf(done.customer) })).id,
    );
    expect(customer).toBe(done.customer);
    expect(
      (await stripe.invoices.list({ subscription: idOf(subscription) })).data.map(({ id }) => id),
    ).toEqual([invoice]);
    expect((await stripe.subscriptions.list({ customer: idOf(customer) })).data).toHaveLength(2);
    expect(await eventTypes()).toEqual(
      expect.arrayContaining([
        'checkout.session.completed',
        'customer.created',
        'customer.subscription.created',
        'invoice.paid',
        'payment_intent.succeeded',
      ]),
    );
  });

  it('lead from the invoice to the payment', async () => {
    const { latest_invoice: invoice } = await subscribed();
    const [payment] = (await stripe.invoicePayments.list({ invoice: idOf(invoice) })).data;
    expect(payment).toMatchObject({ invoice, amount_paid: 2000, status: 'paid', is_default: true });
    const payment_intent = idOf(payment?.payment.payment_intent);
    const expanded = await stripe.paymentIntents.retrieve(payment_intent, { expand: ['latest_charge'] });
    expect(expanded).toMatchObject({
      status: 'succeeded',
      amount_received: 2000,
      latest_charge: { paid: true, payment_intent },
    });
    const found = await stripe.invoicePayments.list({ payment: { type: 'payment_intent', payment_intent } });
    expect(found.data.map(({ id }) => id)).toEqual([payment?.id]);
    const none = await stripe.invoicePayments.list({
      payment: { type: 'payment_intent', payment_intent: 'pi_none' },
    });
    expect(none.data).toEqual([]);
  });

  it('begin with a requested trial', async () => {
    const session = server.completeCheckout((await buy({ subscription_data: { trial_period_days: 7 } })).id);
    expect(session.payment_status).toBe('no_payment_required');
    const subscription = await stripe.subscriptions.retrieve(idOf(session.subscription));
    expect(subscription.status).toBe('trialing');
    expect(subscription.items.data[0]?.current_period_end).toBe(subscription.trial_end);
    expect((await stripe.invoicePayments.list({ invoice: idOf(session.invoice) })).data).toEqual([]);
    const items = [{ id: subscription.items.data[0]?.id, price: price('yearly') }];
    const changed = await stripe.subscriptions.update(subscription.id, {
      items,
      proration_behavior: 'always_invoice',
    });
    expect(changed).toMatchObject({ status: 'trialing', latest_invoice: session.invoice });
    expect(changed.items.data).toMatchObject([
      { price: { id: price('yearly') }, current_period_end: subscription.trial_end },
    ]);
  });

  it('of a payment create a charge', async () => {
    const inline = { currency: 'usd', unit_amount: 1500, product_data: { name: 'Mug' } };
    const made = await buy({
      mode: 'payment',
      line_items: [{ price_data: inline, quantity: 2 }],
      payment_intent_data: { metadata: { a: 'b' } },
    });
    const done = server.completeCheckout(made.id);
    expect(done).toMatchObject({
      amount_total: 3000,
      subscription: null,
      customer: null,
      payment_status: 'paid',
    });
    const intent = await stripe.paymentIntents.retrieve(idOf(done.payment_intent));
    expect(intent).toMatchObject({ amount: 3000, metadata: { a: 'b' } });
  });

  it('are listed, and expire', async () => {
    const [first, second] = [await buy(), await buy()];
    expect((await stripe.checkout.sessions.expire(first.id)).status).toBe('expired');
    expect((await stripe.checkout.sessions.list({ status: 'open' })).data.map(({ id }) => id)).toEqual([
      second.id,
    ]);
    expect((await refusal(stripe.checkout.sessions.expire(first.id))).message).toContain(
      'has a status of `expired`',
    );
    expect(await eventTypes()).toEqual(['checkout.session.expired']);
  });

  it('refuse invalid combinations', async () => {
    expect(await refusal(buy({ line_items: [] }))).toMatchObject({ param: 'line_items' });
    expect(await refusal(buy({ line_items: [{ price: 'price_none', quantity: 1 }] }))).toMatchObject({
      param: 'line_items[0][price]',
    });
    const yearly = [{ price: price('yearly'), quantity: 1 }];
    expect((await refusal(buy({ mode: 'payment', line_items: yearly }))).message).toMatch(
      /^You specified `payment` mode/,
    );
    expect((await refusal(buy({ line_items: [{ price: price('setup'), quantity: 1 }] }))).message).toMatch(
      /at least one recurring price/,
    );
    account.test.get('price', price('monthly')).active = false;
    expect((await refusal(buy())).message).toMatch(/inactive/);
  });
});

describe('subscriptions', () => {
  it('change their price, prorated and billed at once', async () => {
    const { id, items, latest_invoice: before } = await subscribed();
    const { now } = server;
    const [item] = items.data;
    if (!item) throw new Error('The subscription has no item');
    const dearer = account.test.create('price', {
      ...account.test.get('price', price('monthly')),
      id: 'price_1Dearer',
      lookup_key: 'dearer',
      unit_amount: 5000,
    });
    server.now = () => item.current_period_start + (item.current_period_end - item.current_period_start) / 2;
    try {
      const change = {
        items: [{ id: item.id, price: dearer.id }],
        proration_behavior: 'always_invoice' as const,
      };
      const changed = await stripe.subscriptions.update(id, { ...change, expand: ['latest_invoice'] });
      expect(changed.items.data).toMatchObject([
        { id: item.id, price: { id: dearer.id }, current_period_end: item.current_period_end },
      ]);
      expect(changed.latest_invoice).toMatchObject({
        billing_reason: 'subscription_update',
        total: 1500,
        status: 'paid',
      });
      expect(changed.latest_invoice).toMatchObject({
        lines: { data: [{ amount: -1000 }, { amount: 2500 }] },
      });
      expect(changed.latest_invoice).not.toMatchObject({ id: before });
    } finally {
      server.now = now;
    }
    const [event] = (await stripe.events.list({ type: 'customer.subscription.updated' })).data;
    expect(event?.data).toMatchObject({
      previous_attributes: { items: { data: [{ price: { id: price('monthly') } }] } },
    });
  });

  it('bill a proration with the next invoice, and another interval at once', async () => {
    const { id, items, latest_invoice } = await subscribed();
    const item = String(items.data[0]?.id);
    const more = await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 3 }] });
    expect([more.items.data[0]?.quantity, more.latest_invoice]).toEqual([3, latest_invoice]);
    const yearly = await stripe.subscriptions.update(id, {
      items: [{ id: item, price: price('yearly') }],
      expand: ['latest_invoice'],
    });
    expect(yearly.latest_invoice).toMatchObject({
      billing_reason: 'subscription_update',
      amount_due: 60_000 - 6000,
    });
    const start = new Date((yearly.items.data[0]?.current_period_start ?? 0) * 1000);
    expect(new Date((yearly.items.data[0]?.current_period_end ?? 0) * 1000).getUTCFullYear()).toBe(
      start.getUTCFullYear() + 1,
    );
  });

  it('get a new item from a change without an item id', async () => {
    const { id, items } = await subscribed();
    const changed = await stripe.subscriptions.update(id, { items: [{ price: price('monthly') }] });
    expect(changed.items.data).toHaveLength(2);
    expect(changed.items.data[0]?.id).toBe(items.data[0]?.id);
    const wrong = await refusal(
      stripe.subscriptions.update(id, { items: [{ id: 'si_none', price: price('monthly') }] }),
    );
    expect(wrong).toMatchObject({ code: 'resource_missing', param: 'items[0][id]' });
    expect(
      (await refusal(stripe.subscriptions.update(id, { items: [{ price: price('setup') }] }))).message,
    ).toContain('type=one_time');
  });

  it('end with their period, unless that is revoked', async () => {
    const { id, items } = await subscribed();
    const ending = await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    expect(ending).toMatchObject({
      status: 'active',
      cancel_at_period_end: true,
      cancel_at: items.data[0]?.current_period_end,
    });
    expect(ending.canceled_at).not.toBeNull();
    const staying = await stripe.subscriptions.update(id, { cancel_at_period_end: false });
    expect(staying).toMatchObject({ cancel_at_period_end: false, cancel_at: null, canceled_at: null });
    const types = (await eventTypes()).filter((type) => type === 'customer.subscription.updated');
    expect(types).toHaveLength(2);
  });

  it('can be cancelled once', async () => {
    const { id, customer } = await subscribed();
    expect(await stripe.subscriptions.cancel(id)).toMatchObject({
      status: 'canceled',
      ended_at: expect.any(Number),
    });
    expect(await refusal(stripe.subscriptions.cancel(id))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    });
    expect((await refusal(stripe.subscriptions.update(id, { cancel_at_period_end: true }))).message).toMatch(
      /^A canceled subscription/,
    );
    const list = async (status?: 'all' | 'canceled' | 'active') =>
      (await stripe.subscriptions.list({ customer: idOf(customer), status })).data.length;
    expect([await list(), await list('active'), await list('canceled'), await list('all')]).toEqual([
      0, 0, 1, 1,
    ]);
    expect((await eventTypes())[0]).toBe('customer.subscription.deleted');
  });

  it('end with their customer', async () => {
    const { id, customer } = await subscribed();
    await stripe.customers.del(idOf(customer));
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
  });
});

describe('refunds', () => {
  it('refund a part, the rest, and no more', async () => {
    const { payment_intent: intent } = server.completeCheckout((await buy({ mode: 'payment' })).id);
    const payment_intent = idOf(intent);
    const part = await stripe.refunds.create({
      payment_intent,
      amount: 1000,
      reason: 'requested_by_customer',
    });
    expect(part).toMatchObject({ amount: 1000, status: 'succeeded', payment_intent });
    const charge = idOf(part.charge);
    expect(await stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 1000, refunded: false });
    expect((await refusal(stripe.refunds.create({ charge, amount: 9999 }))).param).toBe('amount');
    expect((await stripe.refunds.create({ charge })).amount).toBe(4000);
    expect(await stripe.charges.retrieve(charge, { expand: ['refunds'] })).toMatchObject({
      refunded: true,
      refunds: { data: { length: 2 } },
    });
    expect(await refusal(stripe.refunds.create({ charge }))).toMatchObject({
      code: 'charge_already_refunded',
    });
    expect((await stripe.refunds.list({ charge })).data).toHaveLength(2);
    expect((await eventTypes()).slice(0, 2)).toEqual(['charge.refunded', 'refund.created']);
  });
});

describe('the billing portal', () => {
  it('opens for a customer', async () => {
    const { id } = await stripe.customers.create({});
    const session = await stripe.billingPortal.sessions.create({
      customer: id,
      return_url: 'https://shop.test',
    });
    expect(session).toMatchObject({
      customer: id,
      return_url: 'https://shop.test',
      url: expect.stringMatching(/^http/),
      livemode: false,
    });
    expect(await refusal(stripe.billingPortal.sessions.create({ customer: 'cus_none' }))).toMatchObject({
      param: 'customer',
    });
  });

  it('has to be set up before', async () => {
    const { id } = await stripe.customers.create({});
    const [configuration] = (await stripe.billingPortal.configurations.list({ is_default: true })).data;
    account.test.delete('billing_portal.configuration', String(configuration?.id));
    const error = await refusal(stripe.billingPortal.sessions.create({ customer: id }));
    expect(error.message).toMatch(
      /^No configuration provided and your test mode default configuration has not been created/,
    );
  });
});

describe('webhook endpoints', () => {
  const endpoint: Stripe.WebhookEndpointCreateParams = {
    url: 'https://us.test/hook',
    enabled_events: ['customer.created'],
  };

  it('show their secret once', async () => {
    const { id, secret } = await stripe.webhookEndpoints.create({
      ...endpoint,
      api_version: '2024-06-20',
      metadata: { ours: 'yes' },
    });
    expect(secret).toMatch(/^whsec_\w{32}$/);
    expect(await stripe.webhookEndpoints.retrieve(id)).toMatchObject({
      api_version: '2024-06-20',
      metadata: { ours: 'yes' },
    });
    const [listed] = (await stripe.webhookEndpoints.list()).data;
    expect(listed).toMatchObject({ id, ...endpoint, status: 'enabled' });
    expect(listed).not.toHaveProperty('secret');
    const changed = await stripe.webhookEndpoints.update(id, { disabled: true, enabled_events: ['*'] });
    expect(changed).toMatchObject({
      status: 'disabled',
      enabled_events: ['*'],
      url: endpoint.url,
      metadata: { ours: 'yes' },
    });
    expect(changed).not.toHaveProperty('secret');
    const moved = {
      url: 'https://us.test/moved',
      enabled_events: ['invoice.paid', 'refund.updated'] as const,
      disabled: false,
    };
    expect(
      await stripe.webhookEndpoints.update(id, { ...moved, enabled_events: [...moved.enabled_events] }),
    ).toMatchObject({
      url: moved.url,
      status: 'enabled',
      enabled_events: [...moved.enabled_events],
      api_version: '2024-06-20',
    });
    const version = await refusal(
      stripe.rawRequest('POST', `/v1/webhook_endpoints/${id}`, { api_version: '2024-06-20' }),
    );
    expect(version).toMatchObject({ statusCode: 400, code: 'parameter_unknown', param: 'api_version' });
    expect(await stripe.webhookEndpoints.del(id)).toEqual({ id, object: 'webhook_endpoint', deleted: true });
    expect(await refusal(stripe.webhookEndpoints.del(id))).toMatchObject({
      statusCode: 404,
      message: `No such webhook endpoint: '${id}'`,
    });
  });

  it('are limited to sixteen per mode', async () => {
    for (let count = 0; count < 16; count += 1) await stripe.webhookEndpoints.create(endpoint);
    const error = await refusal(stripe.webhookEndpoints.create(endpoint));
    expect(error).toMatchObject({
      statusCode: 400,
      message: 'You have reached the maximum of 16 test webhook endpoints.',
    });
    await client(account.keys.live.secret).webhookEndpoints.create(endpoint);
  });

  it('need https in live mode', async () => {
    const live = client(account.keys.live.secret).webhookEndpoints.create({
      ...endpoint,
      url: 'http://us.test',
    });
    expect(await refusal(live)).toMatchObject({ code: 'url_invalid', param: 'url' });
  });
});

describe('events', () => {
  it('carry the id and idempotency key of the request, and are listed', async () => {
    const customer = await stripe.customers.create({ name: 'Ann' }, { idempotencyKey: 'k' });
    await stripe.customers.update(customer.id, { name: 'Anna' });
    const [updated, created] = (await stripe.events.list()).data;
    expect(updated?.data).toMatchObject({ object: { name: 'Anna' }, previous_attributes: { name: 'Ann' } });
    expect(created).toMatchObject({
      type: 'customer.created',
      livemode: false,
      data: { object: { id: customer.id, name: 'Ann' } },
      request: { id: customer.lastResponse.requestId, idempotency_key: 'k' },
    });
    const only = async (params: Stripe.EventListParams) =>
      (await stripe.events.list(params)).data.map(({ id }) => id);
    expect(await only({ type: 'customer.created' })).toEqual([created?.id]);
    expect(await only({ types: ['customer.updated', 'invoice.paid'] })).toEqual([updated?.id]);
    expect(await only({ ending_before: created?.id })).toEqual([updated?.id]);
    expect(await only({ created: { lt: 1000 } })).toEqual([]);
    expect((await stripe.events.retrieve(String(created?.id))).type).toBe('customer.created');
  });

  it('are delivered to each endpoint, signed with its secret', async () => {
    const received: { body: string; signature: string }[] = [];
    const listener = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push({
          body: Buffer.concat(chunks).toString(),
          signature: String(request.headers['stripe-signature']),
        });
        response.writeHead(202).end('taken');
      });
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    try {
      const address = listener.address();
      const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
      const { id, secret = '' } = await stripe.webhookEndpoints.create({
        url,
        enabled_events: ['customer.created'],
        api_version: '2024-06-20',
      });
      await stripe.webhookEndpoints.create({ url, enabled_events: ['invoice.paid'] });
      await stripe.customers.create({});
      const [event] = account.test.all('event');
      if (!event) throw new Error('There is no event');
      expect(await server.deliver(event)).toEqual([{ endpoint: id, status: 202, body: 'taken' }]);
      const [{ body = '', signature = '' } = {}] = received;
      expect(stripe.webhooks.constructEvent(body, signature, secret)).toMatchObject({
        id: event.id,
        api_version: '2024-06-20',
      });
      expect(signature).toMatch(/^t=\d+,v1=[\da-f]{64},v0=[\da-f]{64}$/);

      await server.deliver(event, { secret: 'whsec_zzzzzzzz' });
      await server.deliver(event, { timestamp: 1000 });
      expect(received).toHaveLength(3);
      for (const { body: again, signature: wrong } of received.slice(1))
        expect(() => stripe.webhooks.constructEvent(again, wrong, secret)).toThrow(
          Stripe.errors.StripeSignatureVerificationError,
        );
    } finally {
      listener.close();
    }
  });

  it('are announced when they are made', async () => {
    const heard: StripeEvent[] = [];
    server.announce = (event) => heard.push(event);
    try {
      await stripe.customers.create({});
    } finally {
      server.announce = () => undefined;
    }
    expect(heard.map(({ type }) => type)).toEqual(['customer.created']);
  });
});

describe('npm run stripe:local', () => {
  it('starts the server for manual use', async () => {
    const child = spawn('npm', ['run', '--silent', 'stripe:local', '--', '0'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    try {
      let said = '';
      for await (const chunk of child.stdout.setEncoding('utf8')) {
        said += String(chunk);
        if (said.includes('Events go to')) break;
      }
      const [, url = ''] = /^ +STRIPE_API_BASE=(\S+) npm start$/m.exec(said) ?? [];
      const key = (name: string) => new RegExp(`^ +${name} +(\\w+)`, 'm').exec(said)?.[1] ?? '';
      const local = (name: string) => client(key(name), {}, { url });
      // Another port, and masks that the documentation does not have.
      const second = spawnSync('npm', ['run', '--silent', 'stripe:local', '--', new URL(url).port], {
        encoding: 'utf8',
      });
      expect([second.status, second.stderr]).toEqual([
        1,
        expect.stringMatching(/^Port \d+ is taken.*stripe:local -- \d+\n$/),
      ]);
      expect(key('secret')).not.toMatch(/[ab]{4}$/);
      expect((await local('secret').prices.list()).data).toHaveLength(3);
      expect((await local('live secret').balance.retrieve()).livemode).toBe(true);
      expect(await refusal(local('expired').balance.retrieve())).toMatchObject({ code: 'api_key_expired' });
      expect(await refusal(local('restricted').prices.list())).toMatchObject({ statusCode: 403 });
    } finally {
      // npm and its child processes are one group.
      if (child.pid && child.exitCode === null) process.kill(-child.pid);
      await exited;
    }
  }, 120_000);
});
