import { randomUUID } from 'node:crypto';
import type { ProjectId } from '../../src/common/ids.js';
import { Database } from '../../src/database/database.js';
import { StripeClients } from '../../src/payments/stripe-config/keys/stripe-clients.js';
import { STRIPE_API_VERSION } from '../../src/payments/stripe/stripe-connector.js';
import { ConfigChanges } from '../../src/payments/stripe-config/config-cache.js';
import { StripeConfigService } from '../../src/payments/stripe-config/stripe-config.service.js';
import { type AppWithStripe, startAppWithStripe } from '../harness/app-with-stripe.js';
import { eventually } from '../harness/eventually.js';
import { answerLost, down } from '../harness/stripe/faults.js';
import { configPath } from '../harness/test-app.js';

describe('StripeClients', () => {
  let app: AppWithStripe;
  let clients: StripeClients;
  let projectId: ProjectId;
  let queries: jest.SpyInstance<Promise<unknown[]>, Parameters<Database['query']>>;

  beforeAll(async () => {
    app = await startAppWithStripe();
    clients = app.app.get(StripeClients);
    await eventually(async () => expect(app.app.get(ConfigChanges).isCurrent()).toBe(true));
    queries = jest.spyOn(app.app.get(Database), 'query');
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    projectId = await app.createProject();
    const { test, live } = app.account.keys;
    await app
      .send('put', configPath(projectId))
      .send({ test_secret_key: test.secret, live_secret_key: live.secret })
      .expect(200);
    await settled();
    app.stripe.requests.length = 0;
    queries.mockClear();
  });
  afterEach(() => app.stripe.heal());

  /** Our own notification comes back to this process, and drops the cache once more. */
  const settled = () =>
    new Promise((resolve) => setTimeout(resolve, app.database.engine === 'postgres' ? 100 : 0));
  const used = () => app.stripe.requests.map(({ headers }) => headers.authorization?.replace('Bearer ', ''));

  it('return a client with the key of the project and mode', async () => {
    await (await clients.for(projectId, 'test')).customers.list();
    await (await clients.for(projectId, 'live')).customers.list();
    expect(used()).toEqual([app.account.keys.test.secret, app.account.keys.live.secret]);
    const { headers } = app.stripe.requests[0] ?? {};
    expect(headers).toMatchObject({
      'stripe-version': STRIPE_API_VERSION,
      'user-agent': expect.stringMatching(/^Stripe\/v1 NodeBindings\/\S+ Tillkeeper\/\S+/),
      connection: 'keep-alive',
    });
    expect(headers).not.toHaveProperty('x-stripe-client-telemetry');
  });

  it('retry with one idempotency key, so that Stripe acts once', async () => {
    app.stripe.fail(down(500));
    app.stripe.fail(answerLost);
    const stripe = await clients.for(projectId, 'test');
    const before = app.account.test.all('customer').length;
    await stripe.customers.create({ email: 'somebody@example.com' });
    expect(app.account.test.all('customer')).toHaveLength(before + 1);
    const keys = app.stripe.requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toBeDefined();
  });

  it('ask the database once', async () => {
    // Excludes the probes of change notifications, which run in the background.
    const asked = () => queries.mock.calls.filter(([{ name }]) => name !== 'send_notifications');
    const first = await clients.for(projectId, 'test');
    expect(asked()).toHaveLength(1);
    expect(await clients.for(projectId, 'test')).toBe(first);
    expect(asked()).toHaveLength(1);
    expect(await clients.for(projectId, 'live')).not.toBe(first);
    expect(asked()).toHaveLength(2);
  });

  it('use the new key after PUT, and keep the clients of other projects', async () => {
    const other = await app.createProject();
    await app
      .send('put', configPath(other))
      .send({ test_secret_key: app.account.keys.test.secret })
      .expect(200);
    await settled();
    const [before, others] = [await clients.for(projectId, 'test'), await clients.for(other, 'test')];
    const key = app.account.addSecretKey('test');
    await app.send('put', configPath(projectId)).send({ test_secret_key: key }).expect(200);
    const after = await clients.for(projectId, 'test');
    expect(after).not.toBe(before);
    await after.customers.list();
    expect(used()).toEqual([key]);
    expect(await clients.for(other, 'test')).toBe(others);
  });

  it('refuse with messages of their own', async () => {
    const code = (mode: 'test' | 'live', id = projectId) =>
      clients.for(id, mode).then(
        () => 'none',
        ({ code }: { code: string }) => code,
      );
    await clients.for(projectId, 'test');
    expect(await code('test', randomUUID() as ProjectId)).toBe('project_not_found');
    expect(await code('test', await app.createProject())).toBe('config_not_found');
    await app.send('delete', `${configPath(projectId)}/test`).expect(204);
    expect(await code('test')).toBe('mode_not_configured');
    expect(await code('live')).toBe('none');
    await app.send('delete', configPath(projectId)).expect(204);
    expect(await code('live')).toBe('config_deleted');
    await app
      .send('put', configPath(projectId))
      .send({ test_secret_key: app.account.keys.test.secret })
      .expect(200);
    expect(await code('test')).toBe('none');
    expect(await code('live')).toBe('mode_not_configured');
    await app.send('delete', `/api/v1/projects/${projectId}`).expect(204);
    expect(await code('test')).toBe('project_not_found');
  });

  it('do not cache a key that changed while it was read', async () => {
    const configs = app.app.get(StripeConfigService);
    const open = configs.openSecretKey.bind(configs);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const spy = jest.spyOn(configs, 'openSecretKey').mockImplementationOnce(async (...given) => {
      const opened = await open(...given);
      await held;
      return opened;
    });
    const loading = clients.for(projectId, 'test');
    const key = app.account.addSecretKey('test');
    await configs.save(projectId, { test_secret_key: key });
    release();
    const stale = await loading;
    spy.mockRestore();
    const fresh = await clients.for(projectId, 'test');
    expect(fresh).not.toBe(stale);
    await fresh.customers.list();
    expect(used()).toEqual([key]);
  });

  it('are limited in number', async () => {
    const first = await clients.for(projectId, 'test');
    const configs = app.app.get(StripeConfigService);
    const opened = await configs.openSecretKey(projectId, 'test');
    const spy = jest.spyOn(configs, 'openSecretKey').mockResolvedValue(opened);
    for (let count = 0; count < 1_000; count++) await clients.for(randomUUID() as ProjectId, 'test');
    expect(await clients.for(projectId, 'test')).not.toBe(first);
    spy.mockRestore();
  });
});
