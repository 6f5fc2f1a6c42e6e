import { randomUUID } from 'node:crypto';
import { newOpaqueKey } from '../../../src/auth/opaque-keys/opaque-key.js';
import { ConnectLinksRepository } from '../../../src/payments/connect/connect-links.repository.js';
import { ConnectService, returnUrlOf } from '../../../src/payments/connect/connect.service.js';
import { WebhookEndpointsService } from '../../../src/payments/webhooks/endpoints/webhook-endpoints.service.js';
import {
  type AppWithStripe,
  NEEDED_PERMISSIONS,
  startAppWithStripe,
  tracesOf,
} from '../../harness/app-with-stripe.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { down } from '../../harness/stripe/faults.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { configPath } from '../../harness/test-app.js';

const BASE = 'https://till.test/pay';
const PLATFORM = 'https://platform.test';
const RETURN_URL = `${PLATFORM}/stripe?tenant=7#keys`;
const NOT_FOUND = {
  detail: 'There is no such link: copy all of it, or ask for another one where you got it.',
};
const ENDED = {
  detail: 'This link was used, withdrawn, or has expired: ask for another one where you got it.',
};

interface Link {
  id: string;
  url: string;
  expires_at: string;
}

let app: AppWithStripe;
let account: StripeAccount;
let projectId: string;

beforeAll(async () => {
  app = await startAppWithStripe({
    pages: 'test/fixtures/console',
    environment: { PUBLIC_BASE_URL: BASE, PLATFORM_NAME: 'Bäckerei & Co', PLATFORM_COLOR: '#0b5fff' },
  });
});
afterAll(() => app.close());
beforeEach(async () => {
  app.stripe.heal();
  account = app.stripe.addAccount();
  projectId = await app.createProject();
});

const linksPath = () => configPath(projectId).replace(/config$/, 'connect-links');
const make = (body: object) => app.send('post', linksPath()).send(body);
const link = async (body: object = {}) =>
  (await make({ mode: 'test', return_url: RETURN_URL, ...body }).expect(201)).body as Link;
const list = async () => (await app.send('get', linksPath()).expect(200)).body as { id: string }[];
const tokenOf = ({ url }: Link) => url.slice(`${BASE}/connect/`.length);
const api = (token: string | null, operation = '', body?: object) =>
  app.send(body ? 'post' : 'get', `/api/v1/connect${operation}`, token).send(body);
const page = (token: string) => app.send('get', `/connect/${token}`, null);
const complete = (token: string, key: string) => api(token, '/complete', { secret_key: key });
/** The contents of the events about completions, from the project only. */
const told = async () =>
  (await rowsOf(app.database, 'events'))
    .filter((row) => row['type'] === 'connect.completed' && row['project_id'] === projectId)
    .map(({ data }) => JSON.parse(String(data)) as object);
const latestEntries = async (count: number) =>
  (
    (await app.send('get', `${configPath(projectId)}/history?page_size=${count}`).expect(200)).body as {
      entries: object[];
    }
  ).entries;

describe('connect-links', () => {
  it('are made for 15 minutes, listed while they are open, and revoked', async () => {
    const before = Date.now();
    const made = await link({ state: 'tenant 7', embed_origin: PLATFORM });
    expect(made).toEqual({
      id: expect.any(String),
      url: expect.stringMatching(/^https:\/\/till\.test\/pay\/connect\/tkc_[0-9A-Za-z]{49}$/),
      expires_at: expect.any(String),
    });
    expect(Math.abs(Date.parse(made.expires_at) - before - 900_000)).toBeLessThan(30_000);
    expect(await list()).toEqual([
      {
        id: made.id,
        mode: 'test',
        return_url: RETURN_URL,
        state: 'tenant 7',
        embed_origin: PLATFORM,
        created_at: expect.any(String),
        expires_at: made.expires_at,
      },
    ]);
    const revoke = () => app.send('delete', `${linksPath()}/${made.id}`);
    await revoke().expect(204);
    await revoke().expect(404, { detail: 'There is no open link with this id.' });
    expect(await list()).toEqual([]);
    await api(tokenOf(made)).expect(410, ENDED);
    expect(await latestEntries(2)).toMatchObject([
      { action: 'connect_link.revoked', connect_link_id: made.id, actor: { subject: 'developer-1' } },
      { action: 'connect_link.created', connect_link_id: made.id, mode: 'test' },
    ]);
    expect(await tracesOf({ ...app, answers: [] }, tokenOf(made))).toEqual([]);
  });

  it.each([
    ['mode', { mode: 'both' }],
    ['mode', { mode: undefined }],
    ['return_url', { return_url: undefined }],
    ['return_url', { return_url: '/stripe' }],
    ['return_url', { return_url: 'http://platform.test/' }],
    ['return_url', { return_url: 'javascript:alert(1)' }],
    ['return_url', { return_url: 'https://user:word@platform.test/' }],
    ['return_url', { return_url: 'http://localhost/', mode: 'live' }],
    ['state', { state: 7 }],
    ['state', { state: 'x'.repeat(1_001) }],
    ['embed_origin', { embed_origin: `${PLATFORM}/` }],
    ['embed_origin', { embed_origin: '*' }],
    ['embed_origin', { embed_origin: 'https://*.platform.test' }],
    ['embed_origin', { embed_origin: 'https://a.test;script-src' }],
    ['embed_origin', { embed_origin: "https://a.test 'self'" }],
    ['embed_origin', { embed_origin: 'http://platform.test' }],
    ['embed_origin', { embed_origin: 'http://localhost:3000', mode: 'live' }],
    ['embed_origin', { embed_origin: 'null' }],
    ['expires_in', { expires_in: 59 }],
    ['expires_in', { expires_in: 604_801 }],
    ['expires_in', { expires_in: '900' }],
    ['origin', { origin: PLATFORM }],
  ])('refuse a wrong %s: %j', async (field, wrong) => {
    const { body } = await make({ mode: 'test', return_url: RETURN_URL, ...wrong }).expect(422);
    expect(body).toEqual({ detail: [expect.objectContaining({ loc: ['body', field] })] });
    expect(await list()).toEqual([]);
  });

  it('are at most 100 open ones, of which expired ones are none', async () => {
    const { id } = await link();
    for (let more = 1; more < 100; more += 1) await link();
    const body = { mode: 'test', return_url: RETURN_URL };
    await make(body).expect(409);
    await execute(app.database, `UPDATE connect_links SET expires_at = created_at WHERE id = '${id}'`);
    await make(body).expect(201);
    expect(await list()).toHaveLength(100);
  });
});

describe('GET /connect/{token}', () => {
  it('is a page that frames of no other origin show, and that changes nothing', async () => {
    const token = tokenOf(await link());
    for (const method of ['get', 'head', 'get'] as const) {
      const { headers } = await app.send(method, `/connect/${token}`, null).expect(200);
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy':
          "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'",
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
      expect(headers).not.toHaveProperty('set-cookie');
    }
    expect((await page(token)).text).toContain('src="/pay/connect/assets/app-1a2b3c.js"');
    await app
      .send('get', '/connect/assets/app-1a2b3c.js', null)
      .expect(200)
      .expect('cache-control', /immutable/);
    await api(token).expect(200);
  });

  it('is shown in frames of the origin of its link', async () => {
    const { headers } = await page(tokenOf(await link({ embed_origin: PLATFORM }))).expect(200);
    expect(headers['content-security-policy']).toContain(`frame-ancestors ${PLATFORM};`);
    expect(headers).not.toHaveProperty('x-frame-options');
  });

  it('answers 410 once the link has ended, 404 if there never was one, and a page in any case', async () => {
    const [revoked, expired] = [await link({ embed_origin: PLATFORM }), await link()];
    await app.send('delete', `${linksPath()}/${revoked.id}`).expect(204);
    await execute(
      app.database,
      `UPDATE connect_links SET expires_at = created_at WHERE id = '${expired.id}'`,
    );
    for (const ended of [revoked, expired]) {
      const { text, headers } = await page(tokenOf(ended)).expect(410);
      expect(text).toContain('<title>Connect</title>');
      expect(headers['content-security-policy']).toContain(
        `frame-ancestors ${ended === revoked ? PLATFORM : "'none'"};`,
      );
      await api(tokenOf(ended)).expect(410, ENDED);
      await complete(tokenOf(ended), account.keys.test.secret).expect(410, ENDED);
    }
    for (const forged of [newOpaqueKey('connect_link'), newOpaqueKey('invitation'), 'nonsense', '%00'])
      expect((await page(forged).expect(404)).text).toContain('<title>Connect</title>');
    await api(newOpaqueKey('connect_link')).expect(404, NOT_FOUND);
    await api(null).expect(401);
  });
});

describe('/api/v1/connect', () => {
  it('says who asks for which key', async () => {
    const { body } = await api(tokenOf(await link({ embed_origin: PLATFORM }))).expect(200);
    expect(body).toEqual({
      platform: { name: 'Bäckerei & Co', color: '#0b5fff' },
      project_name: 'Corner shop',
      mode: 'test',
      embed_origin: PLATFORM,
      expires_at: expect.any(String),
      permissions: expect.arrayContaining(['Customers (write)', 'Webhook Endpoints (write)']),
      restricted_key_url: expect.any(String),
    });
    const { restricted_key_url: url, permissions } = body as Record<string, string>;
    const { origin, pathname, searchParams } = new URL(url ?? '');
    expect(origin + pathname).toBe('https://dashboard.stripe.com/test/apikeys/create');
    expect(searchParams.get('name')).toBe('Bäckerei & Co');
    expect(searchParams.getAll('permissions[]')).toHaveLength(permissions?.length ?? 0);
    expect(searchParams.getAll('permissions[]')).toContain('rak_customer_write');
  });

  it('checks a key live, and stores nothing', async () => {
    const token = tokenOf(await link());
    const check = (key: string) => api(token, '/check', { secret_key: key }).expect(200);
    expect((await check(account.keys.test.secret)).body).toEqual({
      valid: true,
      message: 'Stripe accepts this key.',
      account_name: account.name,
    });
    for (const [key, message] of [
      [account.keys.live.secret, /must start with sk_test_/],
      [`sk_test_${'z'.repeat(24)}`, /does not know this key/],
      [account.addRestrictedKey('test', NEEDED_PERMISSIONS.slice(1)), /lacks the permission for Customers/],
    ] as const) {
      const { body } = await check(key);
      expect(body).toMatchObject({ valid: false, message: expect.stringMatching(message) as string });
    }
    await api(token, '/check', {}).expect(422);
    const { body: refused } = await complete(token, 'sk_test_...aaaa').expect(422);
    expect(refused).toEqual({
      detail: [
        {
          loc: ['body', 'secret_key'],
          type: 'value_error',
          msg: 'is a masked value; send the whole one from Stripe',
        },
      ],
    });
    await app.send('get', configPath(projectId)).expect(200, 'null');
    await api(token).expect(200);
  });

  it('stores the key, makes the endpoint, and works once', async () => {
    const made = await link({ state: 'a b&c' });
    const token = tokenOf(made);
    const { body, headers } = await complete(token, ` ${account.keys.test.secret} `)
      .set('user-agent', 'a browser')
      .expect(200);
    expect(body).toEqual({
      return_url: `${PLATFORM}/stripe?tenant=7&state=a%20b%26c#keys`,
      receives_events: true,
      endpoint_problem: null,
    });
    const { body: config } = await app.send('get', configPath(projectId)).expect(200);
    expect(config).toMatchObject({
      test_secret_key_masked: expect.stringMatching(/^sk_test_\.\.\./) as string,
      test_webhook_secret_masked: expect.any(String) as string,
    });
    const actor = { kind: 'system', subject: `connect link ${made.id}`, name: null };
    const entries = await latestEntries(6);
    expect(entries).toContainEqual(
      expect.objectContaining({
        action: 'connect_link.used',
        connect_link_id: made.id,
        actor,
        ip: '127.0.0.1',
        user_agent: 'a browser',
        request_id: headers['x-request-id'],
      }),
    );
    for (const action of ['config.created', 'webhook_endpoint.created', 'credentials.validated'])
      expect(entries).toContainEqual(expect.objectContaining({ action, actor }));
    expect(await told()).toEqual([
      { connect_link: expect.objectContaining({ id: made.id }) as object, endpoint_problem: null },
    ]);
    expect(await list()).toEqual([]);
    await complete(token, account.keys.test.secret).expect(410, ENDED);
    await api(token).expect(410, ENDED);
    await page(token).expect(410);
  });

  it('works once of two requests at a time', async () => {
    const token = tokenOf(await link());
    const keys = [account.keys.test.secret, account.addSecretKey('test')];
    const statuses = await Promise.all(keys.map(async (key) => (await complete(token, key)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => ![200, 410, 429].includes(status))).toEqual([]);
  });

  it('keeps the link for another try if the key is refused, or Stripe can not be asked', async () => {
    const token = tokenOf(await link());
    for (const key of [`sk_test_${'z'.repeat(24)}`, account.keys.live.secret, 'nonsense']) {
      const { body } = await complete(token, key).expect(422);
      expect(body).toEqual({ detail: [expect.objectContaining({ loc: ['body', 'secret_key'] })] });
    }
    app.stripe.fail(down(503), { times: 100 });
    await complete(token, account.keys.test.secret).expect(503);
    app.stripe.heal();
    await app.send('get', configPath(projectId)).expect(200, 'null');
    await complete(token, account.keys.test.secret).expect(200);
  });

  it('stores a key that may not make endpoints, and says so', async () => {
    const { body } = await complete(
      tokenOf(await link()),
      account.addRestrictedKey('test', NEEDED_PERMISSIONS),
    ).expect(200);
    expect(body).toMatchObject({
      return_url: RETURN_URL,
      receives_events: false,
      endpoint_problem: expect.stringMatching(/Webhook Endpoints/) as string,
    });
    const { endpoint_problem } = body as { endpoint_problem: string };
    expect(await told()).toMatchObject([{ endpoint_problem }]);
  });

  it('completes with a stored key if making the endpoint fails in any way', async () => {
    const endpoints = app.app.get(WebhookEndpointsService);
    const ensure = jest.spyOn(endpoints, 'ensure').mockRejectedValueOnce(new TypeError('a fault of ours'));
    const { body } = await complete(tokenOf(await link()), account.keys.test.secret).expect(200);
    ensure.mockRestore();
    expect(body).toEqual({
      return_url: RETURN_URL,
      receives_events: false,
      endpoint_problem: expect.stringMatching(
        /^The key is stored, but the webhook endpoint could not/,
      ) as string,
    });
    expect((await app.send('get', configPath(projectId)).expect(200)).body).toMatchObject({
      test_secret_key_masked: expect.any(String) as string,
    });
  });

  it('finishes a completion whose process stopped after it stored the key, and tells it once', async () => {
    const service = app.app.get(ConnectService);
    const stopped = jest
      .spyOn(app.app.get(WebhookEndpointsService), 'ensure')
      .mockRejectedValueOnce(new TypeError('stopped'));
    const untold = jest
      .spyOn(app.app.get(ConnectLinksRepository), 'announce')
      .mockRejectedValueOnce(new TypeError('stopped'));
    const { id, ...made } = await link({ state: 'tenant 7' });
    await complete(tokenOf({ id, ...made }), account.keys.test.secret).expect(200);
    for (const mock of [stopped, untold]) mock.mockRestore();
    await service.interrupted.run();
    // It may still be running elsewhere.
    expect(await told()).toEqual([]);
    await execute(
      app.database,
      `UPDATE connect_links SET announce_at = '2026-01-01T00:00:00.000Z' WHERE id = '${id}'`,
    );
    for (let times = 0; times < 2; times += 1) await service.interrupted.run();
    expect(await told()).toEqual([
      {
        connect_link: { id, state: 'tenant 7', version: expect.any(Number) as number },
        endpoint_problem: null,
      },
    ]);
    expect((await app.send('get', configPath(projectId)).expect(200)).body).toMatchObject({
      test_webhook_secret_masked: expect.any(String) as string,
    });
  });

  it('leaves no failed check in the history', async () => {
    const token = tokenOf(await link());
    const before = await latestEntries(50);
    for (const key of ['nonsense', `sk_test_${'z'.repeat(24)}`]) {
      await api(token, '/check', { secret_key: key }).expect(200);
      await complete(token, key).expect(422);
    }
    app.stripe.fail(down(503), { times: 100 });
    await api(token, '/check', { secret_key: account.keys.test.secret }).expect(503);
    app.stripe.heal();
    expect(await latestEntries(50)).toEqual(before);
  });

  it('ends with the project', async () => {
    const token = tokenOf(await link());
    await app.send('delete', `/api/v1/projects/${projectId}`).expect(204);
    await api(token).expect(404, NOT_FOUND);
    await page(token).expect(404);
  });
});

it.each([
  ['https://a.test', 'https://a.test?state=1%2B1'],
  ['https://a.test/?b={c}', 'https://a.test/?b={c}&state=1%2B1'],
  ['https://a.test/#d?e', 'https://a.test/?state=1%2B1#d?e'],
  ['https://a.test/?state=0&b=c&state', 'https://a.test/?b=c&state=1%2B1'],
  ['https://a.test/?states=0', 'https://a.test/?states=0&state=1%2B1'],
])('adds the state to %s', (returnUrl, expected) => {
  expect(returnUrlOf({ returnUrl, state: '1+1' })).toBe(expected);
  expect(returnUrlOf({ returnUrl, state: null })).toBe(returnUrl);
});

it('knows no link whose project is another one', async () => {
  const { id } = await link();
  const other = await app.createProject();
  await app.send('delete', `${configPath(other).replace(/config$/, 'connect-links')}/${id}`).expect(404);
  await app.send('delete', `${linksPath()}/${randomUUID()}`).expect(404);
  expect(await list()).toHaveLength(1);
});
