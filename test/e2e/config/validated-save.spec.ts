import { randomUUID } from 'node:crypto';
import type { ProjectId } from '../../../src/common/ids.js';
import {
  NEEDED_PERMISSIONS,
  type AppWithStripe,
  endpointsPath,
  startAppWithStripe,
  statusPath,
  tracesOf,
  validatePath,
} from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { connectionReset, down, notJson, rateLimited, redirect } from '../../harness/stripe/faults.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { configPath, STRANGER } from '../../harness/test-app.js';

const ALWAYS = { times: Infinity };
const UNKNOWN = { test: `sk_test_${'Q'.repeat(24)}`, live: `sk_live_${'Q'.repeat(24)}` };

describe('PUT config?validate=true', () => {
  let app: AppWithStripe;
  let account: StripeAccount;
  let projectId: ProjectId;

  beforeAll(async () => {
    app = await startAppWithStripe();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    account = app.stripe.addAccount();
    projectId = await app.createProject();
    app.stripe.requests.length = 0;
  });
  afterEach(() => app.stripe.heal());

  const put = (body: object, query = '?validate=true') =>
    app.send('put', `${configPath(projectId)}${query}`).send(body);
  const config = async () => {
    const { body } = await app.send('get', configPath(projectId)).expect(200);
    return body as { warnings: { code: string; field: string }[] } | null;
  };
  const status = async () => {
    const { body } = await app.send('get', statusPath(projectId)).expect(200);
    return body as object;
  };
  const both = () => ({
    test_secret_key: account.keys.test.secret,
    live_secret_key: account.keys.live.secret,
  });

  it('checks both secret keys, stores them, and marks them as valid', async () => {
    const { body } = await put({ ...both(), test_webhook_secret: `whsec_${'a'.repeat(32)}` }).expect(200);
    expect(body).toMatchObject({ is_active: true, has_test_credentials: true, has_live_credentials: true });
    expect(await config()).toEqual(body);
    expect(app.stripe.requests.map(({ headers }) => headers.authorization).sort()).toEqual(
      Object.values(both())
        .map((key) => `Bearer ${key}`)
        .sort(),
    );
    const known = { state: 'valid', verified_by: 'save', account_id: account.id, last_error: null };
    expect(await status()).toMatchObject({ test: known, live: known });
  });

  it.each(['', '?validate=false'])('does not ask Stripe with %j', async (query) => {
    await put({ test_secret_key: UNKNOWN.test }, query).expect(200);
    expect(app.stripe.requests).toEqual([]);
    expect(await status()).toMatchObject({ test: { state: 'unverified' } });
  });

  it.each([
    {},
    { test_secret_key: null },
    { test_publishable_key: `pk_test_${'a'.repeat(24)}`, live_webhook_secret: `whsec_${'a'.repeat(32)}` },
  ])('does not ask Stripe about %j', async (body) => {
    await put(body).expect(200);
    expect(app.stripe.requests).toEqual([]);
  });

  it.each([
    ['the test key', () => ({ ...both(), test_secret_key: UNKNOWN.test }), ['test_secret_key']],
    ['the live key', () => ({ ...both(), live_secret_key: UNKNOWN.live }), ['live_secret_key']],
    [
      'both',
      () => ({ test_secret_key: UNKNOWN.test, live_secret_key: UNKNOWN.live }),
      ['test_secret_key', 'live_secret_key'],
    ],
  ])('stores nothing when Stripe refuses %s: 422', async (_, body, fields) => {
    const before = (await put({ test_secret_key: account.keys.test.legacySecret }).expect(200)).body;
    const answer = await put({ ...body(), test_webhook_secret: `whsec_${'a'.repeat(32)}` }).expect(422);
    expect(answer.body).toEqual({
      detail: fields.map((field) => ({
        loc: ['body', field],
        type: 'value_error',
        msg: expect.stringMatching(/does not know this key/),
      })),
    });
    expect(await config()).toEqual(before);
  });

  it('creates no configuration when Stripe refuses the key', async () => {
    await put({ test_secret_key: UNKNOWN.test }).expect(422);
    expect(await config()).toBeNull();
  });

  it('names the missing permission of a restricted key', async () => {
    const { body } = await put({
      test_secret_key: account.addRestrictedKey('test', NEEDED_PERMISSIONS.slice(1)),
    }).expect(422);
    expect(body.detail).toEqual([
      {
        loc: ['body', 'test_secret_key'],
        type: 'value_error',
        msg: expect.stringMatching(
          /lacks the permission for Customers \(read\)\. Give it these permissions: /,
        ),
      },
    ]);
    await put({ test_secret_key: account.addRestrictedKey('test', NEEDED_PERMISSIONS) }).expect(200);
  });

  it.each([
    ['429', rateLimited()],
    ['500', down(500)],
    ['a reset connection', connectionReset],
    ['a redirect', redirect('/v1/balance')],
    ['something other than JSON', notJson],
  ])('stores nothing when Stripe cannot be asked: 503 (%s)', async (_, fault) => {
    app.stripe.fail(fault, ALWAYS);
    const { headers } = await put(both()).expect(503);
    expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(await config()).toBeNull();
  });

  it('stores nothing when Stripe answers for only one of two keys', async () => {
    app.stripe.fail(down(500, { retry: false }), { times: 1 });
    await put(both()).expect(503);
    expect(await config()).toBeNull();
  });

  it('checks the form first: 422 without a call', async () => {
    const { body } = await put({ ...both(), test_publishable_key: 'pk_live_aaaa' }).expect(422);
    expect(body.detail).toEqual([expect.objectContaining({ loc: ['body', 'test_publishable_key'] })]);
    expect(app.stripe.requests).toEqual([]);
  });

  it('answers as usual to strangers, for unknown projects, and for a value other than true and false', async () => {
    await app
      .send('put', `${configPath(projectId)}?validate=true`, null)
      .send(both())
      .expect(401);
    await app
      .send('put', `${configPath(projectId)}?validate=true`, STRANGER)
      .send(both())
      .expect(403);
    await app
      .send('put', `${configPath(randomUUID())}?validate=true`)
      .send(both())
      .expect(404);
    expect((await put(both(), '?validate=maybe').expect(422)).body.detail[0].loc).toEqual([
      'query',
      'validate',
    ]);
    expect(app.stripe.requests).toEqual([]);
  });

  it('reports errors of query and body at once', async () => {
    const { body } = await put(
      { test_secret_key: 'pk_test_aaaa', live: 1 },
      '?validate=maybe&webhook_secret_overlap=x',
    ).expect(422);
    expect((body.detail as { loc: string[] }[]).map(({ loc }) => loc)).toEqual([
      ['query', 'validate'],
      ['query', 'webhook_secret_overlap'],
      ['body', 'test_secret_key'],
      ['body', 'live'],
    ]);
    expect((await put([], '?validate=').expect(422)).body.detail).toHaveLength(2);
    expect(await config()).toBeNull();
  });

  it('sends the keys only to Stripe', async () => {
    const key = account.addSecretKey('test');
    await put({ test_secret_key: key }).expect(200);
    app.stripe.mark(key, 'expired');
    await put({ test_secret_key: key }).expect(422);
    expect(await tracesOf(app, key)).toEqual([]);
  });

  describe('warns', () => {
    const warnings = async () =>
      ((await config())?.warnings ?? [])
        .map(({ code, field }) => `${code} ${field}`)
        .filter(
          (warning) => !warning.startsWith('missing_webhook_secret') && !warning.startsWith('looks_cut_off'),
        );

    it('that a legacy key and the publishable key have different accounts, once Stripe said so', async () => {
      const other = app.stripe.addAccount();
      const body = {
        test_secret_key: account.keys.test.legacySecret,
        test_publishable_key: other.keys.test.publishable,
      };
      await put(body, '').expect(200);
      expect(await warnings()).toEqual([]);
      const saved = await put(body).expect(200);
      expect(saved.body.warnings).toContainEqual(
        expect.objectContaining({ code: 'different_accounts', field: 'test_publishable_key' }),
      );
      expect(await warnings()).toEqual(['different_accounts test_publishable_key']);
    });

    it('that a new legacy key is of another account', async () => {
      await put({ live_secret_key: account.keys.live.legacySecret }).expect(200);
      const saved = await put({ live_secret_key: app.stripe.addAccount().keys.live.legacySecret }).expect(
        200,
      );
      expect(saved.body.warnings).toContainEqual({
        code: 'account_changed',
        field: 'live_secret_key',
        message: expect.stringMatching(/existing live subscriptions and customers stay in the old account/),
      });
    });

    it('with the stored account of a legacy key that is sent again', async () => {
      const { legacySecret } = account.keys.test;
      await put({ test_secret_key: legacySecret }).expect(200);
      await put({ test_secret_key: legacySecret }, '').expect(200);
      await put({ test_secret_key: app.stripe.addAccount().keys.test.secret }, '').expect(200);
      expect(await warnings()).toEqual(['account_changed test_secret_key']);
    });

    it('not after a roll within the account', async () => {
      await put({
        test_secret_key: account.keys.test.legacySecret,
        test_publishable_key: account.keys.test.publishable,
      }).expect(200);
      await put({ test_secret_key: account.addSecretKey('test') }, '').expect(200);
      expect(await warnings()).toEqual([]);
    });

    it('no longer after a key of the former account is restored, or the new key is rolled', async () => {
      const [other, third] = [app.stripe.addAccount(), app.stripe.addAccount()];
      const puts = async (...keys: string[]) => {
        for (const key of keys) await put({ test_secret_key: key }, '').expect(200);
        return warnings();
      };
      const key = account.keys.test.secret;
      const changed = ['account_changed test_secret_key'];
      expect(await puts(key, other.keys.test.secret)).toEqual(changed);
      expect(await puts(account.addSecretKey('test'))).toEqual([]);
      expect(await puts(other.keys.test.secret, third.keys.test.secret)).toEqual(changed);
      expect(await puts(key)).toEqual([]);
      expect(await puts(other.keys.test.secret, other.addSecretKey('test'))).toEqual([]);
      expect(await puts(key)).toEqual(changed);
    });

    describe('not about a key that Stripe never accepted', () => {
      const neverTaken = `sk_test_51${'Z'.repeat(97)}`;
      const refusals: [string, () => Promise<unknown>][] = [
        [
          'a validation',
          () => app.send('post', validatePath(projectId)).send({ secret_key: neverTaken }).expect(200),
        ],
        ['use', () => app.send('post', endpointsPath(projectId)).send({ mode: 'test' }).expect(409)],
      ];
      const refused = async (refusal: () => Promise<unknown>) => {
        await put({ test_secret_key: neverTaken }, '').expect(200);
        await refusal();
        await eventually(async () => expect(await status()).toMatchObject({ test: { state: 'invalid' } }));
      };

      it.each(refusals)('after %s', async (_, refusal) => {
        await refused(refusal);
        await put({ test_secret_key: account.keys.test.secret }, '').expect(200);
        expect(await warnings()).toEqual([]);
        await refused(refusal);
        await put({ test_secret_key: account.addSecretKey('test') }, '').expect(200);
        expect(await warnings()).toEqual([]);
        await refused(refusal);
        await put({ test_secret_key: app.stripe.addAccount().keys.test.secret }, '').expect(200);
        expect(await warnings()).toEqual(['account_changed test_secret_key']);
      });
    });

    it('about a key that worked once and was refused later', async () => {
      const key = account.addSecretKey('test');
      await put({ test_secret_key: key }, '').expect(200);
      await app.send('post', endpointsPath(projectId)).send({ mode: 'test' }).expect(201);
      app.stripe.mark(key, 'revoked');
      await app.send('post', validatePath(projectId)).send({ secret_key: key }).expect(200);
      await put({ test_secret_key: app.stripe.addAccount().keys.test.secret }, '').expect(200);
      expect(await warnings()).toContain('account_changed test_secret_key');
    });

    it('on PUT without validation too, if the keys name their accounts', async () => {
      await put({ test_secret_key: account.keys.test.secret }, '').expect(200);
      const saved = await put({ test_secret_key: app.stripe.addAccount().keys.test.secret }, '').expect(200);
      expect(saved.body.warnings).toContainEqual(
        expect.objectContaining({ code: 'account_changed', field: 'test_secret_key' }),
      );
      expect(await warnings()).toEqual(['account_changed test_secret_key']);
    });
  });
});
