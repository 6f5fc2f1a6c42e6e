import { randomUUID } from 'node:crypto';
import type { ProjectId } from '../../../src/common/ids.js';
import { Secret } from '../../../src/common/secret.js';
import { HANDLED_EVENTS } from '../../../src/payments/webhooks/handled-events.js';
import { STRIPE_API_VERSION } from '../../../src/payments/stripe/stripe-connector.js';
import type { StripeMode } from '../../../src/payments/stripe/stripe-mode.js';
import { StripeConfigService } from '../../../src/payments/stripe-config/stripe-config.service.js';
import {
  type AppWithStripe,
  endpointsPath,
  NEEDED_PERMISSIONS,
  startAppWithStripe,
  statusPath,
  tracesOf,
} from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { execute } from '../../harness/database/rows.js';
import {
  answerLost,
  answers,
  connectionReset,
  down,
  type Fault,
  silent,
  slow,
} from '../../harness/stripe/faults.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { configPath, STRANGER } from '../../harness/test-app.js';
import { endUserToken } from '../../harness/tokens.js';

const BASE = 'https://tillkeeper.test/base';
const ALWAYS = { times: Infinity };
const LIST = 'GET /v1/webhook_endpoints';
const CREATE = 'POST /v1/webhook_endpoints';
const UPDATE = /^POST \/v1\/webhook_endpoints\/./;
const DELETE = /^DELETE \/v1\/webhook_endpoints\//;

describe('webhook endpoints', () => {
  let app: AppWithStripe;
  let account: StripeAccount;
  let projectId: ProjectId;

  beforeAll(async () => {
    app = await startAppWithStripe({ environment: { PUBLIC_BASE_URL: BASE } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    account = app.stripe.addAccount();
    projectId = await app.createProject();
    await put({
      test_secret_key: account.keys.test.secret,
      live_secret_key: account.keys.live.secret,
    }).expect(200);
    app.stripe.requests.length = 0;
    app.log.length = 0;
  });
  afterEach(() => app.stripe.heal());

  const put = (body: object) => app.send('put', configPath(projectId)).send(body);
  const create = (mode: unknown = 'test') => app.send('post', endpointsPath(projectId)).send({ mode });
  const remove = (mode = 'test') => app.send('delete', `${endpointsPath(projectId)}/${mode}`);
  const atStripe = (mode: StripeMode = 'test') => account[mode].all('webhook_endpoint');
  const url = (mode: StripeMode) => `${BASE}/api/v1/payments/stripe/webhooks/${projectId}/${mode}`;
  const add = (fields: object = {}) =>
    account.test.create('webhook_endpoint', {
      url: url('test'),
      metadata: {},
      status: 'enabled',
      enabled_events: ['*'],
      ...fields,
    });

  async function shownEndpoint(mode: StripeMode = 'test'): Promise<unknown> {
    const { body } = await app.send('get', statusPath(projectId)).expect(200);
    return body[mode].webhook.endpoint_id;
  }
  async function storedSecret(mode: StripeMode = 'test'): Promise<string | undefined> {
    const config = await app.app.get(StripeConfigService).find(projectId);
    return config?.credentials.find((stored) => stored.mode === mode && stored.kind === 'webhook_secret')
      ?.fingerprint;
  }
  const fingerprint = (secret: string) =>
    app.app.get(StripeConfigService).fingerprint(projectId, new Secret(secret));

  /** Expects one endpoint at Stripe, stored here, whose secret is the stored webhook secret. */
  async function expectWhole(mode: StripeMode = 'test'): Promise<void> {
    const [endpoint, ...others] = atStripe(mode);
    expect(others).toEqual([]);
    expect(await shownEndpoint(mode)).toBe(endpoint?.id);
    expect(await storedSecret(mode)).toBe(
      fingerprint(account[mode].webhookSecrets.get(endpoint?.id ?? '') ?? ''),
    );
  }
  async function expectStored(endpoint = ''): Promise<void> {
    expect(await storedSecret()).toBe(fingerprint(account.test.webhookSecrets.get(endpoint) ?? ''));
  }
  async function expectNothing(mode: StripeMode = 'test'): Promise<void> {
    expect(atStripe(mode)).toEqual([]);
    expect(await shownEndpoint(mode)).toBeNull();
    expect(await storedSecret(mode)).toBeUndefined();
  }

  it.each(['test', 'live'] as const)(
    'are created with our URL, events, version and tag, and their secret is stored: %s',
    async (mode) => {
      const { body } = await create(mode).expect(201);
      expect(body).toEqual({
        id: atStripe(mode)[0]?.id,
        url: url(mode),
        events: [...HANDLED_EVENTS],
        version: STRIPE_API_VERSION,
      });
      expect(atStripe(mode)).toEqual([
        expect.objectContaining({
          url: url(mode),
          enabled_events: [...HANDLED_EVENTS],
          api_version: STRIPE_API_VERSION,
          metadata: { tillkeeper_project: projectId },
        }),
      ]);
      await expectWhole(mode);
      await expectNothing(mode === 'test' ? 'live' : 'test');
      expect((await app.send('get', configPath(projectId)).expect(200)).body.warnings).not.toContainEqual(
        expect.objectContaining({ field: `${mode}_webhook_secret` }),
      );
    },
  );

  it('are unchanged if they work: 200', async () => {
    const first = await create().expect(201);
    const config = (await app.send('get', configPath(projectId)).expect(200)).body;
    expect((await create().expect(200)).body).toEqual(first.body);
    expect((await app.send('get', configPath(projectId)).expect(200)).body).toEqual(config);
    await expectWhole();
  });

  it.each<[string, object]>([
    ['disabled', { status: 'disabled' }],
    ['given other events', { enabled_events: ['*'] }],
    ['given fewer events', { enabled_events: ['invoice.paid'] }],
    ['moved to another URL', { url: 'https://elsewhere.test/' }],
    ['changed in every way', { status: 'disabled', enabled_events: ['*'], url: 'https://elsewhere.test/' }],
  ])('are updated in place when they were %s: 200, keeping the secret', async (_, changes) => {
    const { body } = await create().expect(201);
    const secret = await storedSecret();
    const config = (await app.send('get', configPath(projectId)).expect(200)).body;
    Object.assign(atStripe()[0] ?? {}, changes);
    expect((await create().expect(200)).body).toEqual(body);
    expect(atStripe()).toEqual([
      expect.objectContaining({
        id: body.id,
        url: url('test'),
        status: 'enabled',
        enabled_events: [...HANDLED_EVENTS],
      }),
    ]);
    expect(await storedSecret()).toBe(secret);
    expect((await app.send('get', configPath(projectId)).expect(200)).body).toEqual(config);
    await expectWhole();
  });

  it('are updated in place in live mode', async () => {
    const { body } = await create('live').expect(201);
    Object.assign(atStripe('live')[0] ?? {}, { status: 'disabled' });
    expect((await create('live').expect(200)).body).toEqual(body);
    await expectWhole('live');
  });

  it('keep their API version, since Stripe can not change it', async () => {
    const { body } = await create().expect(201);
    Object.assign(atStripe()[0] ?? {}, { api_version: '2024-06-20', status: 'disabled' });
    expect((await create().expect(200)).body).toEqual({ ...body, version: '2024-06-20' });
    expect(atStripe()).toEqual([
      expect.objectContaining({ id: body.id, api_version: '2024-06-20', status: 'enabled' }),
    ]);
    const update = app.stripe.requests.find(({ method, path }) => UPDATE.test(`${method} ${path}`));
    expect([...new URLSearchParams(update?.body)].slice(0, 2)).toEqual([
      ['url', url('test')],
      ['enabled_events[0]', HANDLED_EVENTS[0]],
    ]);
    expect(update?.body).toContain('disabled=false');
    expect(update?.body).not.toContain('api_version');
  });

  it('are updated in place when their secret was stored by hand', async () => {
    const { body } = await create().expect(201);
    await put({ test_webhook_secret: `whsec_${'z'.repeat(32)}` }).expect(200);
    await put({ test_webhook_secret: account.test.webhookSecrets.get(body.id) }).expect(200);
    Object.assign(atStripe()[0] ?? {}, { status: 'disabled' });
    expect((await create().expect(200)).body).toEqual(body);
    await expectWhole();
  });

  it('are updated in place, and our other endpoints are removed', async () => {
    const { body } = await create().expect(201);
    Object.assign(atStripe()[0] ?? {}, { url: 'https://before.test/' });
    add({ metadata: { tillkeeper_project: projectId } });
    add({ metadata: { tillkeeper_project: projectId }, status: 'disabled' });
    expect((await create().expect(200)).body).toEqual(body);
    await expectWhole();
  });

  it.each<[string, () => unknown]>([
    ['removed at Stripe', () => account.test.delete('webhook_endpoint', atStripe()[0]?.id ?? '')],
    ['left without its secret', () => put({ test_webhook_secret: `whsec_${'z'.repeat(32)}` }).expect(200)],
    [
      'left without its secret, which another endpoint of ours has',
      async () => {
        const { id } = add({ metadata: { tillkeeper_project: projectId } });
        account.test.webhookSecrets.set(id, `whsec_${'z'.repeat(32)}`);
        await put({ test_webhook_secret: `whsec_${'z'.repeat(32)}` }).expect(200);
      },
    ],
  ])('are replaced when they were %s: 201', async (_, change) => {
    const { body } = await create().expect(201);
    await change();
    expect((await create().expect(201)).body.id).not.toBe(body.id);
    await expectWhole();
  });

  it('keep the replaced secret valid for the overlap, whether stored by hand or of the former endpoint', async () => {
    const pasted = `whsec_${'z'.repeat(32)}`;
    const valid = async () =>
      (await app.app.get(StripeConfigService).openWebhookSecrets(projectId, 'test')).map(({ value }) =>
        value.reveal(),
      );
    await put({ test_webhook_secret: pasted }).expect(200);
    const made = async () => account.test.webhookSecrets.get((await create().expect(201)).body.id);
    const first = await made();
    expect(await valid()).toEqual([first, pasted]);
    account.test.delete('webhook_endpoint', atStripe()[0]?.id ?? '');
    const second = await made();
    expect(await valid()).toEqual([second, first, pasted]);
    const later = `whsec_${'y'.repeat(32)}`;
    await put({ test_webhook_secret: later }).expect(200);
    expect(await valid()).toEqual([later, second, first, pasted]);
    await remove().expect(204);
    expect(await valid()).toEqual([later, first, pasted]);
  });

  it('are replaced when only the tag shows that they are ours', async () => {
    add({ metadata: { tillkeeper_project: projectId } });
    add({ metadata: { tillkeeper_project: projectId }, url: 'https://before.test/' });
    await create().expect(201);
    await expectWhole();
  });

  it.each([{}, { tillkeeper_project: randomUUID() }])(
    'that somebody else created for our URL are not touched, tagged %j: 409',
    async (metadata) => {
      const { id } = add({ metadata });
      const { body } = await create().expect(409);
      expect(body.detail).toContain(url('test'));
      expect(atStripe().map((endpoint) => endpoint.id)).toEqual([id]);
      await remove().expect(404);
      expect(atStripe().map((endpoint) => endpoint.id)).toEqual([id]);
      expect(await storedSecret()).toBeUndefined();
    },
  );

  it.each<[string, (url: string) => string]>([
    ['a slash at the end', (own) => `${own}/`],
    ['several slashes', (own) => `${own.replace('/api', '//api')}//`],
    [
      'capital letters',
      (own) => own.replace('https://', 'HTTPS://').replace(/\/\/[^/]+/, (host) => host.toUpperCase()),
    ],
    ['the project in capital letters', (own) => own.replace(projectId, projectId.toUpperCase())],
    ['its default port', (own) => own.replace(/(\/\/[^/]+)/, '$1:443')],
    ['a dot after the host', (own) => own.replace(/(\/\/[^/]+)/, '$1.')],
    ['an encoded letter', (own) => own.replace('/stripe/', '/%73tripe/')],
    ['a path with ..', (own) => own.replace('/stripe/', '/./other/../stripe/')],
    ['a query and a fragment', (own) => `${own}?source=stripe#top`],
  ])('that somebody else created for our URL, written with %s, are not touched: 409', async (_, write) => {
    await create().expect(201);
    const [made] = atStripe();
    const { id } = add({ url: write(url('test')) });
    expect((await create().expect(409)).body.detail).toContain(url('test'));
    expect(atStripe().map((endpoint) => endpoint.id)).toEqual([id, made?.id]);
    await expectStored(made?.id);
    await remove().expect(204);
    expect(atStripe().map((endpoint) => endpoint.id)).toEqual([id]);
  });

  it.each(['/x', '0', '%zz'])('for URLs that only begin like ours (%s) are no obstacle', async (more) => {
    add({ url: `${url('test')}${more}` });
    await create().expect(201);
    expect(atStripe()).toHaveLength(2);
  });

  it('of others with other URLs are not touched', async () => {
    const { id } = add({ url: 'https://elsewhere.test/' });
    await create().expect(201);
    await remove().expect(204);
    expect(atStripe().map((endpoint) => endpoint.id)).toEqual([id]);
  });

  it('answer 409 when Stripe allows no more', async () => {
    for (let count = 0; count < 16; count++) add({ url: `https://elsewhere.test/${count}` });
    expect((await create().expect(409)).body.detail).toMatch(/as many webhook endpoints as Stripe allows/);
    expect(atStripe()).toHaveLength(16);
    expect(await shownEndpoint()).toBeNull();
  });

  it('answer 400 when Stripe refuses the URL', async () => {
    const error = {
      type: 'invalid_request_error',
      code: 'url_invalid',
      param: 'url',
      message: 'Invalid URL: not publicly accessible.',
    };
    app.stripe.fail(answers(400, { error }), { on: CREATE });
    expect((await create().expect(400)).body.detail).toMatch(/PUBLIC_BASE_URL/);
    await expectNothing();
  });

  it.each([
    ['Webhook Endpoints (read)', []],
    ['Webhook Endpoints (write)', ['rak_webhook_read']],
  ] as const)('name the missing permission of a restricted key: %s', async (missing, permissions) => {
    await put({ test_secret_key: account.addRestrictedKey('test', permissions) }).expect(200);
    expect((await create().expect(409)).body.detail).toContain(missing);
    await expectNothing();
  });

  it('name the missing permission of a restricted key to update', async () => {
    const { body } = await create().expect(201);
    await put({ test_secret_key: account.addRestrictedKey('test', ['rak_webhook_read']) }).expect(200);
    expect((await create().expect(200)).body).toEqual(body);
    Object.assign(atStripe()[0] ?? {}, { status: 'disabled' });
    expect((await create().expect(409)).body.detail).toContain('Webhook Endpoints (write)');
    await expectWhole();
    expect(atStripe()).toEqual([expect.objectContaining({ id: body.id, status: 'disabled' })]);
  });

  it('report that Stripe no longer accepts the key, as the status does', async () => {
    app.stripe.mark(account.keys.test.secret, 'expired');
    expect((await create().expect(409)).body.detail).toMatch(/has expired at Stripe/);
    await eventually(async () => {
      const { body } = await app.send('get', statusPath(projectId)).expect(200);
      expect(body.test).toMatchObject({ state: 'invalid', verified_by: 'use' });
      expect(body.live).toMatchObject({ state: 'unverified' });
    });
    await remove().expect(409);
  });

  it('report that the key lost access to the account', async () => {
    app.stripe.mark(account.keys.test.secret, 'no_access');
    expect((await create().expect(409)).body.detail).toMatch(/does not accept the stored secret key/);
  });

  describe('when Stripe fails', () => {
    it.each([
      ['it lists', LIST],
      ['it makes one', CREATE],
    ])('while %s: 503 and no endpoint is left', async (_, on) => {
      app.stripe.fail(down(500), { ...ALWAYS, on });
      const { headers } = await create().expect(503);
      expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
      await expectNothing();
      app.stripe.heal();
      await create().expect(201);
      await expectWhole();
    });

    it('with malformed answers: 503', async () => {
      app.stripe.fail(answers(200, '{}'), { on: LIST });
      await create().expect(503);
      app.stripe.fail(answers(200, { id: 'we_1' }), { on: CREATE });
      await create().expect(503);
      await expectNothing();
    });

    it('to answer once: the second attempt gets the secret of the created endpoint', async () => {
      app.stripe.fail(answerLost, { on: CREATE });
      await create().expect(201);
      await expectWhole();
    });

    it('to answer at all after creating one: the next call finds it by its tag', async () => {
      app.stripe.fail(answerLost, { ...ALWAYS, on: CREATE });
      await create().expect(503);
      expect(atStripe()).toHaveLength(1);
      expect(await storedSecret()).toBeUndefined();
      app.stripe.heal();
      await create().expect(201);
      await expectWhole();
    });

    describe('to update one', () => {
      let id: string;
      beforeEach(async () => {
        id = (await create().expect(201)).body.id;
        Object.assign(atStripe()[0] ?? {}, { status: 'disabled' });
      });

      it.each<[string, Fault]>([
        ['is down', down(503)],
        ['gives a malformed answer', answers(200, {})],
        [
          'answers with another endpoint',
          answers(200, { id: 'we_1', object: 'webhook_endpoint', enabled_events: [] }),
        ],
      ])('because it %s: 503, the secret stays, and the next call updates it', async (_, fault) => {
        app.stripe.fail(fault, { ...ALWAYS, on: UPDATE });
        await create().expect(503);
        await expectWhole();
        app.stripe.heal();
        expect((await create().expect(200)).body.id).toBe(id);
        expect(atStripe()).toEqual([expect.objectContaining({ id, status: 'enabled' })]);
        await expectWhole();
      });

      it('because the answer is lost: the second attempt changes nothing more', async () => {
        app.stripe.fail(answerLost, { on: UPDATE });
        expect((await create().expect(200)).body.id).toBe(id);
        await expectWhole();
      });

      it('because it was removed after it was listed: a new one is created', async () => {
        const gone: Fault = async ({ perform, send }) => {
          account.test.delete('webhook_endpoint', id);
          send(await perform());
        };
        app.stripe.fail(gone, { on: UPDATE });
        expect((await create().expect(201)).body.id).not.toBe(id);
        expect(app.log.join('')).not.toContain('could not be removed');
        await expectWhole();
      });

      it('because it refuses the URL: 400', async () => {
        const error = {
          type: 'invalid_request_error',
          code: 'url_invalid',
          param: 'url',
          message: 'Invalid URL.',
        };
        app.stripe.fail(answers(400, { error }), { on: UPDATE });
        expect((await create().expect(400)).body.detail).toMatch(/PUBLIC_BASE_URL/);
        await expectWhole();
      });
    });

    it('while it removes a useless one: 503, and the next call continues', async () => {
      add({ metadata: { tillkeeper_project: projectId } });
      app.stripe.fail(down(503), { ...ALWAYS, on: DELETE });
      await create().expect(503);
      app.stripe.heal();
      await create().expect(201);
      await expectWhole();
    });

    it('to answer, or to finish its answer: 503 in a few seconds, and credentials are still destroyed', async () => {
      await create().expect(201);
      const others = [await app.createProject(), await app.createProject()] as const;
      for (const other of others) {
        await app
          .send('put', configPath(other))
          .send({ test_secret_key: account.keys.test.secret })
          .expect(200);
      }
      let release: () => void = () => undefined;
      const dripping: Fault = ({ response }) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const timer = setInterval(() => response.write(' '), 200);
        release = () => clearInterval(timer);
      };
      app.stripe.requests.length = 0;
      app.stripe.fail(dripping);
      const make = (project: string) =>
        app.send('post', endpointsPath(project)).send({ mode: 'test' }).timeout(9_000).expect(503).then();
      const answers = [make(others[0])];
      await eventually(async () => expect(app.stripe.requests).toHaveLength(1));
      app.stripe.fail(silent, ALWAYS);
      answers.push(
        make(others[1]),
        app.send('delete', configPath(projectId)).timeout(4_000).expect(204).then(),
      );
      for (const { status, headers } of await Promise.all(answers)) {
        if (status === 503) expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
      }
      release();
      expect(app.log.filter((line) => line.includes('could not be removed at Stripe'))).toHaveLength(1);
      expect(await storedSecret()).toBeUndefined();
    });

    it('while it removes the endpoint: 503, and nothing changes', async () => {
      await create().expect(201);
      app.stripe.fail(down(503), { ...ALWAYS, on: DELETE });
      await remove().expect(503);
      await expectWhole();
      app.stripe.heal();
      await remove().expect(204);
      await expectNothing();
    });

    it('to confirm the removal: the second attempt finds it gone', async () => {
      await create().expect(201);
      app.stripe.fail(answerLost, { on: DELETE });
      await remove().expect(204);
      await expectNothing();
    });
  });

  describe('while one is being created', () => {
    async function meanwhile(change: () => Promise<unknown>) {
      let release: (value?: unknown) => void = () => undefined;
      app.stripe.fail(slow(new Promise((resolve) => (release = resolve))), { on: CREATE });
      const made = create().then();
      await eventually(async () =>
        expect(app.stripe.requests.some(({ method }) => method === 'POST')).toBe(true),
      );
      await change();
      release();
      return made;
    }

    it('another call has to wait: 409', async () => {
      const made = await meanwhile(async () => {
        expect((await create().expect(409)).headers['retry-after']).toMatch(/^[1-9]\d*$/);
        await remove().expect(409);
      });
      expect(made.status).toBe(201);
      await expectWhole();
    });

    const setLease = (expiresAt: string) =>
      execute(
        app.database,
        `INSERT INTO stripe_webhook_endpoint_leases (project_id, mode, holder, expires_at) VALUES ('${projectId}', 'test', 'another', '${expiresAt}')
         ON CONFLICT (project_id, mode) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at`,
      );

    it('by a process that died, another call has to wait until its lease has expired', async () => {
      await setLease('2999-01-01 00:00:00.000');
      await create().expect(409);
      await remove().expect(409);
      await setLease('2001-01-01 00:00:00.000');
      await create().expect(201);
      await expectWhole();
      await remove().expect(204);
    });

    it('by a process that lost its lease, the newer process wins', async () => {
      expect((await meanwhile(() => setLease('2001-01-01 00:00:00.000'))).status).toBe(409);
      await expectNothing();
      await create().expect(201);
      await expectWhole();
    });

    it('a deleted configuration stays deleted, and nothing is left at Stripe', async () => {
      expect((await meanwhile(() => app.send('delete', configPath(projectId)).expect(204))).status).toBe(409);
      expect((await app.send('get', configPath(projectId)).expect(200)).body).toMatchObject({
        is_active: false,
      });
      await expectNothing();
    });

    it('a deleted mode stays deleted, and nothing is left at Stripe', async () => {
      expect(
        (await meanwhile(() => app.send('delete', `${configPath(projectId)}/test`).expect(204))).status,
      ).toBe(409);
      await expectNothing();
    });

    it('a new key gets no secret of an endpoint of the old key', async () => {
      const other = app.stripe.addAccount();
      expect(
        (await meanwhile(() => put({ test_secret_key: other.keys.test.secret }).expect(200))).status,
      ).toBe(409);
      await expectNothing();
    });

    it('a deleted project leaves nothing at Stripe', async () => {
      expect(
        (await meanwhile(() => app.send('delete', `/api/v1/projects/${projectId}`).expect(204))).status,
      ).toBe(409);
      expect(atStripe()).toEqual([]);
    });

    it('and its secret can not be stored, the endpoint is removed', async () => {
      const save = jest
        .spyOn(app.app.get(StripeConfigService), 'saveWebhookSecret')
        .mockRejectedValueOnce(new Error('no'));
      await create().expect(500);
      expect(save).toHaveBeenCalledTimes(1);
      save.mockRestore();
      await expectNothing();
    });
  });

  describe('while one is being updated', () => {
    async function meanwhile(change: () => Promise<unknown>) {
      await create().expect(201);
      Object.assign(atStripe()[0] ?? {}, { status: 'disabled' });
      app.stripe.requests.length = 0;
      let release: (value?: unknown) => void = () => undefined;
      app.stripe.fail(slow(new Promise((resolve) => (release = resolve))), { on: UPDATE });
      const updated = create().then();
      await eventually(async () =>
        expect(app.stripe.requests.some(({ method }) => method === 'POST')).toBe(true),
      );
      await change();
      release();
      return updated;
    }

    it('another call has to wait: 409', async () => {
      const updated = await meanwhile(async () => {
        await create().expect(409);
        await remove().expect(409);
      });
      expect(updated.status).toBe(200);
      await expectWhole();
    });

    it.each([
      ['the configuration', () => configPath(projectId)],
      ['the mode', () => `${configPath(projectId)}/test`],
      ['the project', () => `/api/v1/projects/${projectId}`],
    ])('deleting %s leaves nothing at Stripe', async (_, path) => {
      expect((await meanwhile(() => app.send('delete', path()).expect(204))).status).toBe(409);
      expect(atStripe()).toEqual([]);
    });

    it.each([
      ['a new key', () => ({ test_secret_key: app.stripe.addAccount().keys.test.secret })],
      ['a new secret', () => ({ test_webhook_secret: `whsec_${'y'.repeat(32)}` })],
    ])('%s is noticed: 409', async (_, body) => {
      expect((await meanwhile(() => put(body()).expect(200))).status).toBe(409);
    });
  });

  describe('are removed', () => {
    it('with their secret, and once: 204, then 404', async () => {
      await create().expect(201);
      await create('live').expect(201);
      await remove().expect(204);
      await expectNothing();
      await expectWhole('live');
      await remove().expect(404);
    });

    it('without a secret that was stored afterwards', async () => {
      await create().expect(201);
      const later = `whsec_${'y'.repeat(32)}`;
      await put({ test_webhook_secret: later }).expect(200);
      await remove().expect(204);
      expect(atStripe()).toEqual([]);
      expect(await storedSecret()).toBe(fingerprint(later));
    });

    it.each([
      ['the configuration', () => configPath(projectId)],
      ['the mode', () => `${configPath(projectId)}/test`],
      ['the project', () => `/api/v1/projects/${projectId}`],
    ])('with %s', async (_, path) => {
      await create().expect(201);
      await app.send('delete', path()).expect(204);
      expect(atStripe()).toEqual([]);
      expect(app.log.join('')).not.toContain('could not be removed');
    });

    it.each([
      ['the configuration', () => configPath(projectId)],
      ['the mode', () => `${configPath(projectId)}/test`],
      ['the project', () => `/api/v1/projects/${projectId}`],
    ])('with %s, even when Stripe is down, and the log names the endpoint left behind', async (_, path) => {
      const { body } = await create().expect(201);
      app.stripe.fail(connectionReset, { ...ALWAYS, on: DELETE });
      const { headers } = await app.send('delete', path()).expect(204);
      const left = app.log.filter((line) => line.includes(body.id) && line.includes('could not be removed'));
      expect(left.map((line) => (JSON.parse(line) as { requestId?: string }).requestId)).toEqual([
        headers['x-request-id'],
      ]);
    });

    describe('if the key is of another account now', () => {
      const left = (id: string) =>
        app.log.filter((line) => line.includes(id) && line.includes('could not be removed at Stripe'));
      const warned = async () => {
        const { body } = await app.send('get', configPath(projectId)).expect(200);
        return (body.warnings as { code: string; field: string }[])
          .filter(({ code }) => code === 'endpoint_of_other_account')
          .map(({ field }) => field);
      };
      let id: string;
      let other: StripeAccount;

      beforeEach(async () => {
        id = (await create().expect(201)).body.id;
        expect(await warned()).toEqual([]);
        other = app.stripe.addAccount();
        const { body } = await put({ test_secret_key: other.keys.test.secret }).expect(200);
        expect(body.warnings).toContainEqual({
          code: 'endpoint_of_other_account',
          field: 'test_webhook_secret',
          message: expect.stringMatching(/webhook-endpoints/),
        });
        expect(await warned()).toEqual(['test_webhook_secret']);
      });

      it.each(['active', 'expired', 'no_access'] as const)(
        'only locally, with a log line, for a key that is %s',
        async (state) => {
          app.stripe.mark(other.keys.test.secret, state);
          await remove().expect(204);
          expect(left(id)).toHaveLength(1);
          expect(await shownEndpoint()).toBeNull();
          expect(await storedSecret()).toBeUndefined();
          expect(await warned()).toEqual([]);
        },
      );

      it('when a new one is created', async () => {
        await create().expect(201);
        expect(left(id)).toHaveLength(1);
        const [endpoint] = other.test.all('webhook_endpoint');
        expect(await shownEndpoint()).toBe(endpoint?.id);
        expect(await storedSecret()).toBe(
          fingerprint(other.test.webhookSecrets.get(endpoint?.id ?? '') ?? ''),
        );
        expect(await warned()).toEqual([]);
      });

      it('not when no new one can be created', async () => {
        app.stripe.fail(down(500), { ...ALWAYS, on: CREATE });
        await create().expect(503);
        expect(await shownEndpoint()).toBe(id);
        await put({ test_secret_key: account.keys.test.secret }).expect(200);
        expect(await warned()).toEqual([]);
        await create().expect(200);
        await expectWhole();
      });

      it('without a log line about a webhook secret that was stored later', async () => {
        await put({ test_webhook_secret: `whsec_${'y'.repeat(32)}` }).expect(200);
        expect(await warned()).toEqual([]);
        await remove().expect(204);
        expect(left(id)).toHaveLength(1);
      });
    });

    it('or logged as left behind in another account', async () => {
      const { body } = await create().expect(201);
      await put({ test_secret_key: app.stripe.addAccount().keys.test.secret }).expect(200);
      await app.send('delete', configPath(projectId)).expect(204);
      expect(app.log.join('')).toContain(`${body.id} of project ${projectId} could not be removed`);
    });

    it('without a call to Stripe if there is none', async () => {
      await app.send('delete', configPath(projectId)).expect(204);
      expect(app.stripe.requests).toEqual([]);
    });
  });

  it.each([
    ['nothing', {}, 'mode', 'missing'],
    ['another mode', { mode: 'Test' }, 'mode', 'enum'],
    ['null', { mode: null }, 'mode', 'enum'],
    ['a list', { mode: ['test'] }, 'mode', 'enum'],
    [
      'a field that it does not have',
      { mode: 'test', url: 'https://elsewhere.test/' },
      'url',
      'extra_forbidden',
    ],
  ])('refuse %s in the body', async (_, body, field, type) => {
    const answer = await app.send('post', endpointsPath(projectId)).send(body).expect(422);
    expect(answer.body).toEqual({ detail: [{ loc: ['body', field], type, msg: expect.any(String) }] });
    expect(app.stripe.requests).toEqual([]);
  });

  it('answer 401, 422, 404, 403 and 422 in this order', async () => {
    const post = (id: string, token?: string | null) => app.send('post', endpointsPath(id), token).send({});
    const del = (id: string, token?: string | null) =>
      app.send('delete', `${endpointsPath(id)}/staging`, token);
    for (const send of [post, del]) {
      await send('no-uuid', null).expect(401);
      await send('no-uuid', endUserToken(projectId)).expect(403);
      expect((await send('no-uuid').expect(422)).body.detail[0].loc).toEqual(['path', 'project_id']);
      await send(randomUUID()).expect(404);
      await send(projectId, STRANGER).expect(403);
      await send(projectId).expect(422);
    }
    expect(app.stripe.requests).toEqual([]);
  });

  it('need a configured mode: 404', async () => {
    const others = await app.createProject();
    for (const setUp of [
      async () => undefined,
      () =>
        app.send('put', configPath(others)).send({ live_secret_key: account.keys.live.secret }).expect(200),
      () => app.send('delete', configPath(others)).expect(204),
    ]) {
      await setUp();
      await app.send('post', endpointsPath(others)).send({ mode: 'test' }).expect(404);
      await app.send('delete', `${endpointsPath(others)}/test`).expect(404);
    }
  });

  it('send the keys only to Stripe, and show the secret to nobody', async () => {
    const key = account.addRestrictedKey('test', [...NEEDED_PERMISSIONS, 'rak_webhook_write']);
    await put({ test_secret_key: key }).expect(200);
    await create().expect(201);
    const secret = account.test.webhookSecrets.get(atStripe()[0]?.id ?? '') ?? '';
    expect(secret).toMatch(/^whsec_.{8}/);
    await create().expect(200);
    app.stripe.fail(down(500), { ...ALWAYS, on: DELETE });
    await remove().expect(503);
    await app.send('get', statusPath(projectId)).expect(200);
    await app.send('get', configPath(projectId)).expect(200);
    await app.send('delete', configPath(projectId)).expect(204);
    expect(await tracesOf(app, key)).toEqual([]);
    expect(await tracesOf(app, secret)).toEqual([]);
    for (const { headers, path, query, body } of app.stripe.requests)
      expect(JSON.stringify([{ ...headers, authorization: '' }, path, query, body])).not.toContain(key);
  });
});

describe('webhook endpoints without an https address', () => {
  it('are created for test mode only', async () => {
    const app = await startAppWithStripe({ environment: { PUBLIC_BASE_URL: 'http://127.0.0.1:3000' } });
    try {
      const projectId = await app.createProject();
      const { test, live } = app.account.keys;
      await app
        .send('put', configPath(projectId))
        .send({ test_secret_key: test.secret, live_secret_key: live.secret })
        .expect(200);
      const { body } = await app.send('post', endpointsPath(projectId)).send({ mode: 'live' }).expect(422);
      expect(body).toEqual({
        detail: [
          { loc: ['body', 'mode'], type: 'value_error', msg: expect.stringMatching(/PUBLIC_BASE_URL/) },
        ],
      });
      expect(app.stripe.requests).toEqual([]);
      await app.send('post', endpointsPath(projectId)).send({ mode: 'test' }).expect(201);
    } finally {
      await app.close();
    }
  });
});
