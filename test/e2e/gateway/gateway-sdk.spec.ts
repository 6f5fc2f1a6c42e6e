import type Stripe from 'stripe';
import {
  type AppWithStripe,
  startAppWithStripe,
  statusPath,
  tracesOf,
} from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { gatewayKeysPath, makeGatewayKey, portOf, stripeThrough } from '../../harness/gateway.js';
import { configPath, startTestApp, type TestApp } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';
import { connectionReset, down } from '../../harness/stripe/faults.js';

let app: AppWithStripe;
let other: TestApp;
let projectId: string;
const SCOPE = 'tillkeeper:operate';
const ENVIRONMENT = {
  AUTH_OPERATOR_SCOPE: SCOPE,
  STRIPE_GATEWAY: 'true',
  STRIPE_GATEWAY_RATE: '0',
  STRIPE_GATEWAY_CONCURRENCY: '0',
};

beforeAll(async () => {
  app = await startAppWithStripe({ environment: ENVIRONMENT });
  projectId = await app.createProject();
  await store(app.account.keys.test.secret);
  other = await startTestApp({ database: app.database, environment: app.environment });
});
afterAll(async () => {
  await other.close();
  await app.close();
});
afterEach(() => app.stripe.heal());

const store = (key: string, id = projectId) =>
  app.send('put', configPath(id)).send({ test_secret_key: key }).expect(200);
const make = (permissions: Record<string, string>, fields: object = {}, id = projectId) =>
  makeGatewayKey(app, id, permissions, fields);
const sdk = async (
  permissions: Record<string, string> = { '*': 'write' },
  { fields = {}, ...options }: Stripe.StripeConfig & { fields?: object } = {},
) => stripeThrough(portOf(app), (await make(permissions, fields)).key, options);
const last = () => app.stripe.requests.at(-1);

describe('the Stripe SDK with a gateway key', () => {
  it('uses every group of resources that the loopback Stripe has', async () => {
    const stripe = await sdk();
    const customer = await stripe.customers.create({ email: 'ada@example.com' });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ email: 'ada@example.com' });
    expect(await stripe.customers.update(customer.id, { name: 'Ada' })).toMatchObject({ name: 'Ada' });
    expect((await stripe.accounts.retrieveCurrent()).id).toBe(app.account.id);
    const [price] = (await stripe.prices.list({ limit: 1 })).data;
    expect(price?.id).toMatch(/^price_/);
    const lists: [string, () => Promise<{ data: unknown[] }>][] = [
      ['products', () => stripe.products.list()],
      ['subscriptions', () => stripe.subscriptions.list()],
      ['invoices', () => stripe.invoices.list()],
      ['payment_intents', () => stripe.paymentIntents.list()],
      ['charges', () => stripe.charges.list()],
      ['events', () => stripe.events.list()],
      ['checkout/sessions', () => stripe.checkout.sessions.list()],
      ['billing_portal/configurations', () => stripe.billingPortal.configurations.list()],
      ['webhook_endpoints', () => stripe.webhookEndpoints.list()],
    ];
    for (const [path, list] of lists) {
      expect([path, Array.isArray((await list()).data)]).toEqual([path, true]);
      expect(last()?.path).toBe(`/v1/${path}`);
    }
    expect(await stripe.customers.del(customer.id)).toMatchObject({ deleted: true });
    expect(last()?.headers.authorization).toBe(`Bearer ${app.account.keys.test.secret}`);
  });

  it('goes through pages by itself', async () => {
    const stripe = await sdk({ customers: 'write' });
    for (let nth = 0; nth < 5; nth += 1) await stripe.customers.create({ name: `Page ${nth}` });
    const names: (string | null | undefined)[] = [];
    for await (const { name } of stripe.customers.list({ limit: 2 })) names.push(name);
    expect(names.filter((name) => name?.startsWith('Page'))).toHaveLength(5);
  });

  it('raises the errors of Stripe unchanged', async () => {
    const stripe = await sdk();
    await expect(stripe.customers.retrieve('cus_missing')).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
      code: 'resource_missing',
      statusCode: 404,
      requestId: expect.stringMatching(/^req_/) as string,
    });
  });

  it('has one effect for an idempotency key, and another one for that of another gateway key', async () => {
    const [one, two] = [await sdk(), await sdk()];
    const options = { idempotencyKey: 'order-1' };
    const first = await one.customers.create({ name: 'Once' }, options);
    const again = await one.customers.create({ name: 'Once' }, options);
    expect(again.id).toBe(first.id);
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(again.lastResponse.idempotencyKey).toBe('order-1');
    const others = await two.customers.create({ name: 'Once' }, options);
    expect(others.id).not.toBe(first.id);
  });

  it('repeats a failed request by itself', async () => {
    const stripe = await sdk({ '*': 'write' }, { maxNetworkRetries: 2 });
    app.stripe.fail(down(503), { on: 'POST /v1/customers', times: 1 });
    const { id } = await stripe.customers.create({ name: 'Repeated' });
    expect(id).toMatch(/^cus_/);
  });

  it('expands what the key may read, and nothing else', async () => {
    const stripe = await sdk({ subscriptions: 'write', customers: 'read' });
    expect((await stripe.subscriptions.list({ expand: ['data.customer'] })).data).toEqual([]);
    await expect(stripe.subscriptions.list({ expand: ['data.latest_invoice'] })).rejects.toMatchObject({
      type: 'StripePermissionError',
      code: 'gateway_permission_missing',
      message: expect.stringContaining('"invoices": "read"') as string,
    });
    await expect(
      stripe.subscriptions.create({ customer: 'cus_1', expand: ['latest_invoice'] }),
    ).rejects.toMatchObject({ code: 'gateway_permission_missing' });
    await expect(stripe.subscriptions.list({ expand: ['data.invented'] })).rejects.toMatchObject({
      message: expect.stringContaining('"*": "read"') as string,
    });
  });

  it('raises classes of its own errors', async () => {
    const stripe = await sdk({ customers: 'read' });
    await expect(stripe.customers.create({})).rejects.toMatchObject({
      type: 'StripePermissionError',
      message: expect.stringContaining('"customers": "write"') as string,
    });
    await expect(stripeThrough(portOf(app), 'tkg_test_wrong').customers.list()).rejects.toMatchObject({
      type: 'StripeAuthenticationError',
      code: 'gateway_key_invalid',
    });
    const limited = await startTestApp({
      database: app.database,
      environment: { ...app.environment, STRIPE_GATEWAY_RATE: '2' },
    });
    const { key } = await make({ customers: 'read' });
    const calls = Array.from({ length: 5 }, () => stripeThrough(portOf(limited), key).customers.list());
    const results = await Promise.allSettled(calls);
    await limited.close();
    expect(
      results.map((result) => (result.status === 'rejected' ? (result.reason as unknown) : undefined)),
    ).toContainEqual(expect.objectContaining({ type: 'StripeRateLimitError', code: 'gateway_rate_limit' }));
  });

  it('acts for connected accounts that its key lists', async () => {
    const { id } = app.account;
    const stripe = await sdk({ customers: 'read' }, { fields: { accounts: [id] } });
    await stripe.customers.list({}, { stripeAccount: id });
    expect(last()?.headers['stripe-account']).toBe(id);
    const before = app.stripe.requests.length;
    for (const stripeAccount of ['acct_other', `${id}, ${id}`])
      await expect(stripe.customers.list({}, { stripeAccount })).rejects.toMatchObject({
        code: 'gateway_account_not_allowed',
        statusCode: 403,
      });
    expect(app.stripe.requests).toHaveLength(before);
  });
});

describe('a gateway key', () => {
  it('is paused and resumed', async () => {
    const { id, key } = await make({ customers: 'read' });
    const list = () => stripeThrough(portOf(app), key).customers.list();
    const pause = (paused: boolean) =>
      app
        .send('patch', `${gatewayKeysPath(projectId)}/${id}`)
        .send({ paused })
        .expect(200);
    await list();
    await pause(true);
    await expect(list()).rejects.toMatchObject({ statusCode: 403, code: 'gateway_key_paused' });
    await pause(false);
    await list();
  });

  it('is paused with all of its project by an operator', async () => {
    const id = await app.createProject();
    await store(app.account.keys.test.secret, id);
    const { key } = await make({ customers: 'read' }, {}, id);
    const list = (port: number) => stripeThrough(port, key).customers.list();
    for (const each of [app, other]) await list(portOf(each));
    const operator = accessToken({ sub: 'the-operator', scope: SCOPE });
    const pause = (paused: boolean, token?: string) =>
      app.send('put', `/api/v1/operator/projects/${id}/gateway`, token).send({ paused });
    await pause(true).expect(403);
    await pause(true, operator).expect(200, { paused: true });
    await pause(true, operator).expect(200, { paused: true });
    for (const each of [app, other])
      await eventually(async () => {
        await expect(list(portOf(each))).rejects.toMatchObject({
          statusCode: 403,
          code: 'gateway_project_paused',
        });
      });
    expect((await app.send('get', statusPath(id)).expect(200)).body).toMatchObject({ gateway_paused: true });
    await pause(false, operator).expect(200, { paused: false });
    await list(portOf(app));
    const { body } = await app.send('get', `${configPath(id)}/history`).expect(200);
    const { entries } = body as { entries: { action: string }[] };
    expect(entries.slice(0, 2).map(({ action }) => action)).toEqual(['gateway.resumed', 'gateway.paused']);
  });

  it('is revoked in every process within two seconds', async () => {
    const { id, key } = await make({ customers: 'read' });
    const list = () => stripeThrough(portOf(other), key).customers.list();
    await list();
    await app.send('delete', `${gatewayKeysPath(projectId)}/${id}`).expect(204);
    await eventually(async () => {
      await expect(list()).rejects.toMatchObject({ statusCode: 401, code: 'gateway_key_invalid' });
    });
  });

  it('says which key was rejected', async () => {
    const empty = await app.createProject();
    const { key } = await make({ customers: 'read' }, {}, empty);
    const list = () => stripeThrough(portOf(app), key).customers.list();
    await expect(list()).rejects.toMatchObject({ statusCode: 401, code: 'stripe_key_missing' });
    const secret = app.account.addSecretKey('test');
    await store(secret, empty);
    await list();
    app.stripe.mark(secret, 'revoked');
    await expect(list()).rejects.toMatchObject({
      type: 'StripeAuthenticationError',
      code: 'stripe_key_rejected',
      message: expect.not.stringContaining(secret.slice(-4)) as string,
    });
    await eventually(async () => {
      const { body } = await app.send('get', statusPath(empty)).expect(200);
      expect(body).toMatchObject({ test: { state: 'invalid' } });
    });
    await app.send('delete', `/api/v1/projects/${empty}`).expect(204);
    await expect(list()).rejects.toMatchObject({ statusCode: 401, code: 'gateway_key_invalid' });
  });

  it('outlives the rotation of the stored key under load', async () => {
    const id = await app.createProject();
    await store(app.account.keys.test.secret, id);
    const { key } = await make({ customers: 'read' }, {}, id);
    const clients = [portOf(app), portOf(other)].map((port) => stripeThrough(port, key));
    const calls: Promise<unknown>[] = [];
    for (let nth = 0; nth < 100; nth += 1) {
      for (const stripe of clients) calls.push(stripe.customers.list({ limit: 1 }));
      if (nth === 50) await store(app.account.addSecretKey('test'), id);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect((await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected')).toEqual([]);
  });
});

it('shows the stored key in no answer, log or row', async () => {
  const id = await app.createProject();
  const secret = app.account.addSecretKey('test');
  await store(secret, id);
  const { key } = await make({ '*': 'write' }, {}, id);
  const statusOf = async (path: string, headers: Record<string, string> = {}) =>
    (await app.send('get', path, key).set(headers)).status;
  expect(await statusOf('/v1/customers')).toBe(200);
  expect(await statusOf('/v1/customers/cus_missing')).toBe(404);
  expect(await statusOf('/v1/customers?limit=0')).toBe(400);
  expect(await statusOf('/v1/customers', { 'stripe-account': 'acct_other' })).toBe(403);
  expect(await statusOf('/v1//customers')).toBe(400);
  app.stripe.fail(connectionReset);
  expect(await statusOf('/v1/customers')).toBe(502);
  app.stripe.mark(secret, 'revoked');
  expect(await statusOf('/v1/customers')).toBe(401);
  expect(app.answers.length).toBeGreaterThan(7);
  expect(await tracesOf(app, secret)).toEqual([]);
  expect(app.log.join('\n')).not.toContain(key.slice(9));
});
