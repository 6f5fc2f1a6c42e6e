import { randomUUID } from 'node:crypto';
import {
  NEEDED_PERMISSIONS,
  type AppWithStripe,
  startAppWithStripe,
  statusPath,
  tracesOf,
  validatePath,
} from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import {
  answerLost,
  answers,
  bodyCut,
  connectionReset,
  down,
  type Fault,
  notJson,
  rateLimited,
  redirect,
  silent,
  slow,
} from '../../harness/stripe/faults.js';
import { StripeServer } from '../../harness/stripe/stripe-server.js';
import { configPath, OWNER, STRANGER } from '../../harness/test-app.js';
import { accessToken, endUserToken } from '../../harness/tokens.js';

const ALWAYS = { times: Infinity };

const REFUSED = { type: 'invalid_request_error' };

describe('validate-credentials', () => {
  let app: AppWithStripe;
  let projectId: string;

  beforeAll(async () => {
    app = await startAppWithStripe();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    projectId = await app.createProject();
    app.stripe.requests.length = 0;
  });
  afterEach(() => app.stripe.heal());

  const validate = (secretKey: unknown, isTestMode?: unknown, project = projectId, token?: string | null) =>
    app.send('post', validatePath(project), token).send({ secret_key: secretKey, is_test_mode: isTestMode });
  const verdictOn = async (secretKey: string, isTestMode?: boolean) => {
    const { body } = await validate(secretKey, isTestMode).expect(200);
    return body as { valid: boolean; message: string };
  };

  describe('a key that Stripe accepts', () => {
    it.each(['test', 'live'] as const)('is valid, of %s mode', async (mode) => {
      const { secret, legacySecret } = app.account.keys[mode];
      expect(await verdictOn(secret, mode === 'test')).toEqual({
        valid: true,
        message: 'Stripe accepts this key.',
      });
      expect(await verdictOn(` ${legacySecret}\n`, mode === 'test')).toMatchObject({ valid: true });
      expect(app.stripe.requests.map(({ headers }) => headers.authorization)).toEqual([
        `Bearer ${secret}`,
        `Bearer ${legacySecret}`,
      ]);
    });

    it('is of test mode by default', async () => {
      await app
        .send('post', validatePath(projectId))
        .send({ secret_key: app.account.keys.test.secret })
        .expect(200, { valid: true, message: 'Stripe accepts this key.' });
    });

    it('is not stored', async () => {
      await verdictOn(app.account.keys.test.secret);
      expect((await app.send('get', configPath(projectId)).expect(200)).body).toBeNull();
    });

    it('may be restricted, with all needed permissions but without that to read the account', async () => {
      expect(await verdictOn(app.account.addRestrictedKey('test', NEEDED_PERMISSIONS))).toMatchObject({
        valid: true,
      });
      expect(
        await verdictOn(
          app.account.addRestrictedKey('live', [...NEEDED_PERMISSIONS, 'rak_accounts_kyc_basic_read']),
          false,
        ),
      ).toMatchObject({
        valid: true,
      });
    });
  });

  describe('a key that Stripe refuses', () => {
    it('may be unknown', async () => {
      const unknown = `sk_test_${'Q'.repeat(24)}`;
      expect(await verdictOn(unknown)).toEqual({
        valid: false,
        message: expect.stringMatching(/does not know this key/),
      });
    });

    it('may have expired', async () => {
      const key = app.account.addSecretKey('test');
      app.stripe.mark(key, 'expired');
      expect(await verdictOn(key)).toEqual({ valid: false, message: expect.stringMatching(/has expired/) });
    });

    it('may be an expired key of a platform', async () => {
      app.stripe.fail(
        answers(401, {
          error: { ...REFUSED, code: 'platform_api_key_expired', message: 'The API key has expired.' },
        }),
        ALWAYS,
      );
      expect(await verdictOn(app.account.addSecretKey('test'))).toEqual({
        valid: false,
        message: expect.stringMatching(/has expired/),
      });
    });

    it.each([
      ['secret', 'The API key provided does not allow requests from your IP address.'],
      ['restricted', 'The API key provided does not allow requests from your IP address.'],
      ['secret', 'This key has IP restrictions: 192.0.2.1 is not permitted to use it.'],
    ])('may be limited to other IP addresses, as a %s key: %s', async (kind, message) => {
      app.stripe.fail(answers(403, { error: { ...REFUSED, message } }), ALWAYS);
      const key =
        kind === 'secret'
          ? app.account.addSecretKey('test')
          : app.account.addRestrictedKey('test', NEEDED_PERMISSIONS);
      expect(await verdictOn(key)).toEqual({
        valid: false,
        message: expect.stringMatching(/add that address to the IP addresses/),
      });
    });

    it('may have no permissions, with a message that names the needed ones', async () => {
      const message =
        "The provided key 'sk_test_***aaaa' does not have the required permissions for this endpoint on account 'acct_1'.";
      app.stripe.fail(answers(403, { error: { ...REFUSED, message } }), ALWAYS);
      const { valid, message: told } = await verdictOn(app.account.addSecretKey('test'));
      expect(valid).toBe(false);
      for (const name of [
        'Customers (write)',
        'Checkout Sessions (write)',
        'Events (read)',
        'Webhook Endpoints (write)',
      ])
        expect(told).toContain(name);
    });

    it('may have been deleted at Stripe', async () => {
      const key = app.account.addSecretKey('test');
      app.stripe.mark(key, 'revoked');
      expect(await verdictOn(key)).toEqual({
        valid: false,
        message: expect.stringMatching(/deleted at Stripe/),
      });
    });

    it.each(['secret', 'restricted'])('may have lost access to the account, as a %s key', async (kind) => {
      const key =
        kind === 'secret'
          ? app.account.addSecretKey('test')
          : app.account.addRestrictedKey('test', NEEDED_PERMISSIONS);
      app.stripe.mark(key, 'no_access');
      expect(await verdictOn(key)).toEqual({ valid: false, message: expect.stringMatching(/was revoked/) });
    });

    it('may be an expired restricted key', async () => {
      const key = app.account.addRestrictedKey('test', NEEDED_PERMISSIONS);
      app.stripe.mark(key, 'expired');
      expect(await verdictOn(key)).toEqual({ valid: false, message: expect.stringMatching(/has expired/) });
    });
  });

  describe('a restricted key that lacks a permission', () => {
    const NAMES = {
      rak_customer_read: 'Customers',
      rak_product_read: 'Products',
      rak_plan_read: 'Prices',
      rak_checkout_session_read: 'Checkout Sessions',
      rak_customer_portal_read: 'Customer portal',
      rak_subscription_read: 'Subscriptions',
      rak_invoice_read: 'Invoices',
      rak_payment_intent_read: 'PaymentIntents',
      rak_charge_read: 'Charges',
      rak_event_read: 'Events',
      rak_webhook_read: 'Webhook Endpoints',
    } as const;

    it.each(Object.entries(NAMES))(
      'is refused without %s, with a message about %s',
      async (missing, name) => {
        const key = app.account.addRestrictedKey(
          'test',
          NEEDED_PERMISSIONS.filter((permission) => permission !== missing),
        );
        expect(await verdictOn(key)).toEqual({
          valid: false,
          message: expect.stringMatching(
            `^Stripe accepts this restricted key, but it lacks the permission for ${name} \\(read\\)\\. Give it these permissions: .*Webhook Endpoints \\(write\\)\\.$`,
          ) as string,
        });
      },
    );

    it('is refused with all missing permissions at once', async () => {
      const { valid, message } = await verdictOn(app.account.addRestrictedKey('test', []));
      expect(valid).toBe(false);
      for (const name of Object.values(NAMES)) expect(message).toContain(name);
    });
  });

  it.each([
    ['a publishable key', `pk_test_${'a'.repeat(24)}`, true, /publishable/],
    ['a key of live mode', `sk_live_${'a'.repeat(24)}`, true, /live/],
    ['a key of test mode', `sk_test_${'a'.repeat(24)}`, false, /test/],
    ['a restricted key of the other mode', `rk_live_${'a'.repeat(24)}`, true, /live/],
    ['a webhook secret', `whsec_${'a'.repeat(24)}`, true, /must start with sk_test_/],
    ['an organisation key', `sk_org_${'a'.repeat(24)}`, true, /organi[sz]ation/],
    [
      'a masked key',
      'sk_test_...aBcD',
      true,
      /^The test secret key is a masked value; send the whole one from Stripe\.$/,
    ],
    ['a prefix', 'sk_test_', true, /./],
    ['a line break inside', `sk_test_aaaa\r\nX-Header: ${'a'.repeat(9)}`, true, /./],
    ['far too much', `sk_test_${'a'.repeat(10_000)}`, true, /./],
    ['some text', 'hunter2hunter2', true, /must start with sk_test_/],
  ])('answers %s without asking Stripe', async (_, key, isTestMode, message) => {
    const verdict = await verdictOn(key, isTestMode);
    expect(verdict).toEqual({ valid: false, message: expect.stringMatching(message) });
    if (key.trim().length > 8) expect(verdict.message).not.toContain(key.trim());
    expect(app.stripe.requests).toEqual([]);
  });

  describe('without an answer from Stripe', () => {
    const html = (status: number) => answers(status, '<html></html>', { 'content-type': 'text/html' });
    const FAULTS: [string, Fault][] = [
      ['429', rateLimited()],
      ['429 with the advice to try again', rateLimited({ retry: true })],
      ['500', down(500)],
      ['502', down(502)],
      ['503', down(503, { retry: false })],
      ['a reset connection', connectionReset],
      ['a lost answer', answerLost],
      ['a cut answer', bodyCut],
      ['something other than JSON', notJson],
      ['an error page', html(503)],
      ["a proxy's 401", html(401)],
      ["a proxy's 403", html(403)],
      ["a proxy's 503 in JSON", answers(503, { message: 'upstream is down' })],
      ["a proxy's 401 in JSON", answers(401, { error: 'Unauthorized' })],
      ['null', answers(200, 'null')],
      ['a number', answers(200, '1')],
      ['an array', answers(200, '[]')],
      ['an empty object', answers(200, '{}')],
      ['another object', answers(200, { object: 'customer', id: 'cus_1' })],
      ['an empty answer', answers(200, '')],
      ['a redirect', redirect('/v1/balance')],
      [
        'a redirect with JSON',
        answers(307, { object: 'account', id: 'acct_1' }, { location: '/v1/account' }),
      ],
      ['400', answers(400, { error: { type: 'invalid_request_error', message: 'No.' } })],
      [
        '403 for no want of permissions',
        answers(403, { error: { type: 'invalid_request_error', message: 'No.' } }),
      ],
      ['404', answers(404, { error: { type: 'invalid_request_error', message: 'No.' } })],
    ];

    it.each(FAULTS)('answers 503 and never a verdict: %s', async (_, fault) => {
      app.stripe.fail(fault, ALWAYS);
      for (const key of [
        app.account.keys.test.secret,
        app.account.addRestrictedKey('test', NEEDED_PERMISSIONS),
      ]) {
        const { body, headers } = await validate(key).expect(503);
        expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
        expect(body).toEqual({ detail: expect.stringMatching(/says nothing about the key/) });
      }
    });

    it('answers 503 if one read of a restricted key fails and another is refused', async () => {
      const key = app.account.addRestrictedKey('test', NEEDED_PERMISSIONS.slice(1));
      app.stripe.fail(down(500, { retry: false }), { ...ALWAYS, on: 'GET /v1/events' });
      await validate(key).expect(503);
    });

    it('answers 503 within 5 seconds when Stripe is silent or slow', async () => {
      const release = new AbortController();
      const held = new Promise((resolve) => release.signal.addEventListener('abort', resolve));
      const others = await Promise.all([app.createProject(), app.createProject()]);
      const dripping: Fault = ({ response }) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const timer = setInterval(() => response.write(' '), 200);
        release.signal.addEventListener('abort', () => clearInterval(timer));
      };
      const started = performance.now();
      app.stripe.fail(dripping, { times: 1 });
      const first = validate(app.account.keys.test.secret).expect(503);
      const answered = [first.then()];
      await eventually(async () => expect(app.stripe.requests).toHaveLength(1));
      app.stripe.fail(silent, { times: 2 });
      app.stripe.fail(slow(held), ALWAYS);
      answered.push(validate(app.account.keys.test.secret, true, others[0]).expect(503).then());
      answered.push(
        validate(app.account.addRestrictedKey('test', NEEDED_PERMISSIONS), true, others[1])
          .expect(503)
          .then(),
      );
      const all = await Promise.all(answered);
      expect(performance.now() - started).toBeLessThan(6_500);
      for (const { headers } of all) expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
      release.abort();
    }, 20_000);

    it('retries once after a single failure', async () => {
      app.stripe.fail(down(500), { times: 1 });
      expect(await verdictOn(app.account.keys.test.secret)).toMatchObject({ valid: true });
      app.stripe.fail(connectionReset, { times: 1 });
      expect(await verdictOn(app.account.keys.test.secret)).toMatchObject({ valid: true });
    });

    it('follows no redirect with the key', async () => {
      const elsewhere = await new StripeServer().start();
      try {
        for (const status of [301, 302, 303, 307, 308]) {
          app.stripe.heal();
          app.stripe.fail(answers(status, '', { location: `${elsewhere.url}/v1/account` }), ALWAYS);
          await validate(app.account.keys.test.secret).expect(503);
        }
        expect(elsewhere.requests).toEqual([]);
      } finally {
        await elsewhere.stop();
      }
    });
  });

  it('checks one key of a project at a time, and keys of other projects concurrently', async () => {
    let release: (value?: unknown) => void = () => undefined;
    app.stripe.fail(slow(new Promise((resolve) => (release = resolve))));
    const first = validate(app.account.keys.test.secret).then();
    await eventually(async () => expect(app.stripe.requests).toHaveLength(1));
    const second = await validate(app.account.keys.live.secret, false).expect(429);
    expect(second.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    await app
      .send('put', `${configPath(projectId)}?validate=true`)
      .send({ test_secret_key: app.account.keys.test.secret })
      .expect(429);
    await validate(app.account.keys.test.secret, true, await app.createProject()).expect(200);
    release();
    expect((await first).status).toBe(200);
    await validate(app.account.keys.test.secret).expect(200);
  });

  it('has no limit if RATE_LIMIT_PER_MINUTE is 0', async () => {
    for (let count = 0; count < 35; count++) await validate(app.account.keys.test.secret).expect(200);
  });

  it.each([
    ['no key', {}, 'secret_key', 'missing'],
    ['null', { secret_key: null }, 'secret_key', 'string_type'],
    ['a number', { secret_key: 5 }, 'secret_key', 'string_type'],
    ['an array', { secret_key: ['sk_test_aaaa'] }, 'secret_key', 'string_type'],
    ['nothing', { secret_key: '' }, 'secret_key', 'string_too_short'],
    ['nothing but white space', { secret_key: ' \n\u00a0' }, 'secret_key', 'string_too_short'],
    ['a mode in words', { secret_key: 'sk_test_aaaa', is_test_mode: 'true' }, 'is_test_mode', 'bool_type'],
    ['null for the mode', { secret_key: 'sk_test_aaaa', is_test_mode: null }, 'is_test_mode', 'bool_type'],
    [
      'a field that it does not have',
      { secret_key: 'sk_test_aaaa', is_live: true },
      'is_live',
      'extra_forbidden',
    ],
  ])('refuses %s in the body', async (_, body, field, type) => {
    const answer = await app.send('post', validatePath(projectId)).send(body).expect(422);
    expect(answer.body).toEqual({ detail: [{ loc: ['body', field], type, msg: expect.any(String) }] });
    expect(app.stripe.requests).toEqual([]);
  });

  it('answers 401, 422, 404, 403 and 422 in this order, without a call to Stripe', async () => {
    await validate('', true, 'no-uuid', null).expect(401);
    await validate('', true, 'no-uuid', endUserToken(projectId)).expect(403);
    const { body } = await validate('', true, 'no-uuid').expect(422);
    expect(body).toMatchObject({ detail: [{ loc: ['path', 'project_id'] }] });
    await validate('', true, randomUUID()).expect(404);
    await validate('', true, projectId, STRANGER).expect(403);
    await validate('').expect(422);
    expect(app.stripe.requests).toEqual([]);
  });

  it('sends the key only to Stripe', async () => {
    const key = app.account.addSecretKey('test');
    await app.send('put', configPath(projectId)).send({ test_secret_key: key }).expect(200);
    await validate(key).expect(200);
    app.stripe.mark(key, 'expired');
    await validate(key).expect(200);
    for (const fault of [
      down(500),
      notJson,
      connectionReset,
      redirect('http://127.0.0.1:9/'),
      answers(418, key),
    ]) {
      app.stripe.heal();
      app.stripe.fail(fault, ALWAYS);
      await validate(key).expect(503);
    }
    await app.send('get', statusPath(projectId)).expect(200);
    for (const { headers, path, query, body } of app.stripe.requests) {
      expect(headers.authorization).toBe(`Bearer ${key}`);
      expect(JSON.stringify([{ ...headers, authorization: '' }, path, query, body])).not.toContain(key);
    }
    expect(await tracesOf(app, key)).toEqual([]);
  });
});

describe('validate-credentials with rate limits', () => {
  let app: AppWithStripe;

  beforeAll(async () => {
    app = await startAppWithStripe({ environment: { RATE_LIMIT_PER_MINUTE: '1000' } });
  });
  afterAll(() => app.close());

  const validate = (project: string, secretKey: string, token = OWNER) =>
    app.send('post', validatePath(project), token).send({ secret_key: secretKey });

  it('allows 30 checks a minute for one developer, over all projects', async () => {
    const { secret } = app.account.keys.test;
    const other = accessToken({ sub: 'developer-2' });
    const projects = [await app.createProject(), await app.createProject()];
    const othersProject = await app.createProject(other);
    const path = configPath(projects[0] ?? '');
    for (let count = 0; count < 28; count++) await validate(projects[count % 2] ?? '', secret).expect(200);
    await app
      .send('put', `${path}?validate=true`)
      .send({ test_secret_key: secret, live_secret_key: app.account.keys.live.secret })
      .expect(200);
    for (const project of projects) {
      const { headers } = await validate(project, secret).expect(429);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
    }
    expect(app.stripe.requests).toHaveLength(30);
    await app.send('put', `${path}?validate=true`).send({ test_secret_key: secret }).expect(429);
    await app.send('put', path).send({ test_secret_key: secret }).expect(200);
    await validate(othersProject, secret, other).expect(200);
  });

  it('does not count answers without a call to Stripe', async () => {
    const third = accessToken({ sub: 'developer-3' });
    const project = await app.createProject(third);
    for (let count = 0; count < 31; count++) await validate(project, 'sk_live_aaaa', third).expect(200);
    expect((await validate(project, app.account.keys.test.secret, third).expect(200)).body).toMatchObject({
      valid: true,
    });
  });

  it('counts the checks of each connect link, malformed keys too, and takes none from the developer', async () => {
    const fourth = accessToken({ sub: 'developer-4' });
    const project = await app.createProject(fourth);
    const { secret } = app.account.keys.test;
    const token = async () => {
      const { body } = await app
        .send('post', configPath(project).replace(/config$/, 'connect-links'), fourth)
        .send({ mode: 'test', return_url: 'https://platform.test/' })
        .expect(201);
      return (body as { url: string }).url.split('/').at(-1) ?? '';
    };
    const ask = (link: string, operation: string, key: string) =>
      app.send('post', `/api/v1/connect/${operation}`, link).send({ secret_key: key });
    const [link, another] = [await token(), await token()];
    await ask(link, 'check', secret).expect(200);
    await ask(link, 'complete', 'nonsense').expect(422);
    for (let count = 0; count < 28; count++) await ask(link, 'check', 'nonsense').expect(200);
    await ask(link, 'check', 'nonsense').expect(429);
    const { headers } = await ask(link, 'complete', secret).expect(429);
    expect(headers['retry-after']).toMatch(/^[1-9]\d?$/);
    await ask(another, 'check', secret).expect(200);
    for (let count = 0; count < 30; count++) await validate(project, secret, fourth).expect(200);
  });
});
