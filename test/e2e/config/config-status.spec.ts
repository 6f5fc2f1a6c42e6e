import { randomUUID } from 'node:crypto';
import type { ProjectId } from '../../../src/common/ids.js';
import { PaymentsEvents } from '../../../src/payments/payments-events.js';
import { StripeClients } from '../../../src/payments/stripe-config/keys/stripe-clients.js';
import {
  type AppWithStripe,
  NEEDED_PERMISSIONS,
  startAppWithStripe,
  statusPath,
  validatePath,
} from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { answers, down, type Fault } from '../../harness/stripe/faults.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { configPath, STRANGER } from '../../harness/test-app.js';
import { endUserToken } from '../../harness/tokens.js';

const METRICS_TOKEN = 'm'.repeat(32);
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const WEBHOOK = {
  endpoint_id: null,
  former_secret_valid_until: null,
  last_event_at: null,
  last_failure_at: null,
  last_failure_reason: null,
  endpoint_problem: null,
  endpoint_problem_since: null,
  unreadable_events: 0,
  former_secret_used_at: null,
  silent_since: null,
  signature_failure_cause: null,
  signature_failures: 0,
  signature_failures_since: null,
};
const NOTHING = {
  account_id: null,
  account_name: null,
  verified_at: null,
  verified_by: null,
  checked_at: null,
  last_error: null,
  webhook: WEBHOOK,
};

describe('the status of a configuration', () => {
  let app: AppWithStripe;
  let account: StripeAccount;
  let projectId: ProjectId;
  const told: { projectId: string; mode: string; reason: string }[] = [];

  beforeAll(async () => {
    app = await startAppWithStripe({ environment: { METRICS_TOKEN } });
    // An event arrives shortly after the commit, so that of the test before may come late.
    app.app.get(PaymentsEvents).on('credentials.invalid', (event) => {
      if (event.projectId === projectId) told.push(event);
    });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    account = app.stripe.addAccount();
    projectId = await app.createProject();
    told.length = 0;
  });
  afterEach(() => app.stripe.heal());

  const put = (body: object) => app.send('put', configPath(projectId)).send(body).expect(200);
  const status = async () => {
    const { body } = await app.send('get', statusPath(projectId)).expect(200);
    return body as Record<'test' | 'live', Record<string, unknown>>;
  };
  const validate = (key: string, isTestMode = true) =>
    app.send('post', validatePath(projectId)).send({ secret_key: key, is_test_mode: isTestMode }).expect(200);
  const client = () => app.app.get(StripeClients).for(projectId, 'test');
  /** A call by another module, which ignores the result. */
  const use = async () => {
    await (await client()).customers.list().catch(() => undefined);
  };
  async function counted(mode: string): Promise<number> {
    const { text } = await app.send('get', '/metrics', METRICS_TOKEN).expect(200);
    return Number(
      new RegExp(`^tillkeeper_credentials_invalid_total\\{mode="${mode}"\\} (\\d+)$`, 'm').exec(text)?.[1],
    );
  }
  const expectState = (expected: object) =>
    eventually(async () => expect((await status()).test).toMatchObject(expected), 5_000);

  it('is not_configured before the first PUT, without a call to Stripe', async () => {
    app.stripe.requests.length = 0;
    const nothing = { state: 'not_configured', ...NOTHING };
    expect(await status()).toEqual({ test: nothing, live: nothing, gateway_paused: false });
    await put({ test_publishable_key: account.keys.test.publishable });
    expect(await status()).toEqual({ test: nothing, live: nothing, gateway_paused: false });
    expect(app.stripe.requests).toEqual([]);
  });

  it('is unverified once a key is stored, for that mode', async () => {
    await put({ live_secret_key: account.keys.live.secret });
    expect(await status()).toEqual({
      test: { state: 'not_configured', ...NOTHING },
      live: { state: 'unverified', ...NOTHING },
      gateway_paused: false,
    });
  });

  it('is valid, with the account, after a validation of the stored key', async () => {
    await put({ test_secret_key: account.keys.test.secret });
    await validate(account.keys.test.secret);
    const { test, live } = await status();
    expect(test).toEqual({
      ...NOTHING,
      state: 'valid',
      account_id: account.id,
      account_name: account.name,
      verified_at: expect.stringMatching(TIME),
      verified_by: 'validation',
    });
    expect(live).toEqual({ state: 'not_configured', ...NOTHING });
    expect(told).toEqual([]);
  });

  it('does not change with the validation of another key, or when Stripe is unavailable', async () => {
    await put({ test_secret_key: account.keys.test.secret });
    await validate(account.addSecretKey('test'));
    await validate(`sk_test_${'Q'.repeat(24)}`);
    expect((await status()).test).toEqual({ state: 'unverified', ...NOTHING });
    app.stripe.fail(down(500, { retry: false }));
    await app
      .send('post', validatePath(projectId))
      .send({ secret_key: account.keys.test.secret })
      .expect(503);
    expect((await status()).test).toEqual({ state: 'unverified', ...NOTHING });
  });

  it('is invalid with advice after Stripe refused a validation, and emits one event', async () => {
    await put({ live_secret_key: account.keys.live.secret });
    const before = await counted('live');
    app.stripe.mark(account.keys.live.secret, 'expired');
    for (let count = 0; count < 3; count++) await validate(account.keys.live.secret, false);
    expect((await status()).live).toMatchObject({
      state: 'invalid',
      verified_by: 'validation',
      last_error: expect.stringMatching(/expired/),
    });
    await eventually(async () => expect(told).toHaveLength(1));
    expect(told).toMatchObject([{ projectId, mode: 'live', reason: expect.stringMatching(/expired/) }]);
    expect(await counted('live')).toBe(before + 1);
  });

  it('has the account of a restricted key without permission to read it', async () => {
    const key = account.addRestrictedKey('test', NEEDED_PERMISSIONS);
    await put({ test_secret_key: key });
    await validate(key);
    expect((await status()).test).toMatchObject({
      state: 'valid',
      account_id: account.id,
      account_name: null,
    });
  });

  it('is invalid after a 401 in use, emits one event, and is valid again after a validation', async () => {
    const key = account.addSecretKey('test');
    await put({ test_secret_key: key });
    await validate(key);
    const before = await counted('test');
    app.stripe.mark(key, 'expired');
    await Promise.all([use(), use(), use()]);
    await expectState({
      state: 'invalid',
      verified_by: 'use',
      account_id: account.id,
      last_error: expect.stringMatching(/refuses this key/),
    });
    await eventually(async () => expect(told).toHaveLength(1));
    await use();
    await use();
    expect(told).toMatchObject([{ projectId, mode: 'test', reason: expect.any(String) }]);
    expect(await counted('test')).toBe(before + 1);

    app.stripe.mark(key, 'active');
    await validate(key);
    await expectState({ state: 'valid', last_error: null });
    app.stripe.mark(key, 'expired');
    await use();
    await eventually(async () => expect(told).toHaveLength(2));
  });

  it('is valid again after a successful call, if only a call was refused', async () => {
    const key = account.addSecretKey('test');
    await put({ test_secret_key: key });
    await use();
    await expectState({ state: 'valid', verified_by: 'use', account_id: null, last_error: null });
    app.stripe.mark(key, 'expired');
    await use();
    await expectState({ state: 'invalid', verified_by: 'use' });
    app.stripe.mark(key, 'active');
    await use();
    await expectState({ state: 'valid', verified_by: 'use', last_error: null });
    await eventually(async () => expect(told).toHaveLength(1));
  });

  it('stays invalid in use if a validation found missing permissions', async () => {
    const key = account.addRestrictedKey('test', ['rak_customer_read']);
    await put({ test_secret_key: key });
    await validate(key);
    await use();
    // The later record is written, so the earlier one would be too.
    await put({ live_secret_key: account.keys.live.secret });
    await (await app.app.get(StripeClients).for(projectId, 'live')).customers.list();
    await eventually(async () =>
      expect((await status()).live).toMatchObject({ state: 'valid', verified_by: 'use' }),
    );
    expect((await status()).test).toMatchObject({
      state: 'invalid',
      verified_by: 'validation',
      last_error: expect.stringMatching(/Prices/),
    });
  });

  it.each<[string, Fault]>([
    [
      'a permission that is missing',
      answers(403, { error: { type: 'invalid_request_error', message: 'No.' } }),
    ],
    ['an outage', down(500, { retry: false })],
    ["a proxy's 401", answers(401, '<html></html>', { 'content-type': 'text/html' })],
    ["a proxy's 401 in JSON", answers(401, { error: 'Unauthorized' })],
    ["a proxy's 200", answers(200, '<html></html>', { 'content-type': 'text/html' })],
  ])('does not change in use after %s', async (_, fault) => {
    await put({ test_secret_key: account.keys.test.secret });
    await put({ live_secret_key: account.keys.live.secret });
    app.stripe.fail(fault);
    await use();
    await (await app.app.get(StripeClients).for(projectId, 'live')).customers.list();
    await eventually(async () => expect((await status()).live).toMatchObject({ state: 'valid' }));
    expect((await status()).test).toMatchObject({ state: 'unverified' });
    expect(told).toEqual([]);
  });

  it('ignores a late 401 of the old key for the new key', async () => {
    const [old, fresh] = [account.addSecretKey('test'), account.addSecretKey('test')];
    await put({ test_secret_key: old });
    let release: (value?: unknown) => void = () => undefined;
    app.stripe.mark(old, 'expired');
    const held = new Promise((resolve) => (release = resolve));
    app.stripe.fail(async ({ perform, send }) => {
      await held;
      send(await perform());
    });
    app.stripe.requests.length = 0;
    const stripe = await client();
    const late = stripe.customers.list().catch((error: { statusCode: number }) => error.statusCode);
    await eventually(async () => expect(app.stripe.requests).toHaveLength(1));
    await put({ test_secret_key: fresh });
    release();
    expect(await late).toBe(401);
    // The later record is written, so the earlier one would be too.
    await validate(fresh);
    await expectState({ state: 'valid', verified_by: 'validation' });
    expect(told).toEqual([]);
  });

  it('starts from empty after a DELETE, of all or of the mode', async () => {
    const { secret } = account.keys.test;
    for (const path of [configPath(projectId), `${configPath(projectId)}/test`]) {
      await put({ test_secret_key: secret });
      await validate(secret);
      await app.send('delete', path).expect(204);
      expect((await status()).test).toEqual({ state: 'not_configured', ...NOTHING });
      await put({ test_secret_key: secret });
      expect((await status()).test).toEqual({ state: 'unverified', ...NOTHING });
    }
  });

  it('is unverified with a new key, and stays for an unchanged key', async () => {
    const { secret } = account.keys.test;
    await put({ test_secret_key: secret });
    await validate(secret);
    await put({ test_secret_key: secret });
    expect((await status()).test).toMatchObject({ state: 'valid' });
    await put({ test_secret_key: account.addSecretKey('test') });
    expect((await status()).test).toEqual({ state: 'unverified', ...NOTHING });
  });

  it('accepts any account name', async () => {
    const odd = app.stripe.addAccount({ name: '🏪'.repeat(200) });
    await put({ test_secret_key: odd.keys.test.secret });
    await validate(odd.keys.test.secret);
    expect((await status()).test.account_name).toMatch(/^(?:🏪)+$/u);
  });

  it('is for the owner only: 401, 403, 422, 404, 403', async () => {
    await app.send('get', statusPath('no-uuid'), null).expect(401);
    await app.send('get', statusPath('no-uuid'), endUserToken(projectId)).expect(403);
    await app.send('get', statusPath('no-uuid')).expect(422);
    await app.send('get', statusPath(randomUUID())).expect(404);
    await app.send('get', statusPath(projectId), STRANGER).expect(403);
  });
});
