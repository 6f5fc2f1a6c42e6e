import { randomUUID } from 'node:crypto';
import { sendRaw } from '../harness/raw-http.js';
import { configPath, OWNER, startTestApp, STRANGER, type TestApp } from '../harness/test-app.js';
import { createTestDatabase } from '../harness/database/test-database.js';

const ORIGIN = 'https://app.example.com';
const BASE = 'https://pay.example.com/till';

describe('with every setting of an operator', () => {
  let app: TestApp;
  let projectId: string;

  beforeAll(async () => {
    app = await startTestApp({
      environment: {
        CORS_ORIGINS: `${ORIGIN},http://localhost:5173`,
        PUBLIC_BASE_URL: `${BASE}/`,
        STRIPE_ACCEPT_RESTRICTED_KEYS: 'true',
      },
    });
    projectId = await app.createProject();
  });
  afterAll(() => app.close());

  describe('webhook-urls', () => {
    const urlsOf = (id: string) => `/api/v1/payments/stripe/projects/${id}/webhook-urls`;

    it('are built from the public base URL', async () => {
      const { body } = await app.send('get', urlsOf(projectId)).expect(200);
      expect(body).toEqual({
        test_webhook_url: `${BASE}/api/v1/payments/stripe/webhooks/${projectId}/test`,
        live_webhook_url: `${BASE}/api/v1/payments/stripe/webhooks/${projectId}/live`,
      });
    });

    it('are not built from anything that the caller sends', async () => {
      const headers = [
        `Authorization: Bearer ${OWNER}`,
        'X-Forwarded-Host: evil.test',
        'X-Forwarded-Proto: gopher',
        'Forwarded: host=evil.test',
      ];
      const { body } = await sendRaw(app, `GET http://evil.test${urlsOf(projectId.toUpperCase())}`, headers);
      expect(JSON.parse(body)).toHaveProperty(
        'test_webhook_url',
        `${BASE}/api/v1/payments/stripe/webhooks/${projectId}/test`,
      );
    });
  });

  describe('restricted keys', () => {
    const put = (body: object) => app.send('put', configPath(projectId)).send(body);

    it('are accepted as secret keys, and masked with their own prefix', async () => {
      const keys = {
        test_secret_key: `rk_test_${'a'.repeat(99)}`,
        live_secret_key: ` rk_live_${'b'.repeat(99)} `,
      };
      const { body } = await put(keys).expect(200);
      expect(body).toMatchObject({
        has_test_credentials: true,
        has_live_credentials: true,
        test_secret_key_masked: 'rk_test_...aaaa',
        live_secret_key_masked: 'rk_live_...bbbb',
      });
      expect((await put({ test_secret_key: 'rk_test_abc' }).expect(200)).body).toMatchObject({
        test_secret_key_masked: 'rk_test_...',
      });
      expect((await put({ test_secret_key: `sk_test_${'c'.repeat(32)}` }).expect(200)).body).toMatchObject({
        test_secret_key_masked: 'sk_test_...cccc',
      });
    });

    it('must follow the rules of secret keys', async () => {
      const before = await app.send('get', configPath(projectId)).expect(200);
      const { body } = await put({
        test_secret_key: 'rk_live_aaaaaaaa',
        test_publishable_key: 'rk_test_aaaaaaaa',
        test_webhook_secret: 'rk_test_aaaaaaaa',
        live_secret_key: 'rk_live_...bbbb',
      }).expect(422);
      expect((body as { detail: unknown[] }).detail).toHaveLength(4);
      await put({ test_secret_key: 'rk_test_' }).expect(422);
      await put({ test_secret_key: 'rk_test_a.b' }).expect(422);
      expect((await app.send('get', configPath(projectId)).expect(200)).body).toEqual(before.body);
    });
  });

  describe('CORS', () => {
    const preflight = (origin: string, method: string, target = configPath(projectId)) =>
      sendRaw(app, `OPTIONS ${target}`, [
        `Origin: ${origin}`,
        `Access-Control-Request-Method: ${method}`,
        'Access-Control-Request-Headers: authorization,content-type,if-match,if-none-match',
      ]);

    it.each(['GET', 'PUT', 'POST', 'DELETE'])(
      'allows the listed origins to %s, with a token, JSON and a condition',
      async (method) => {
        for (const origin of [ORIGIN, 'http://localhost:5173']) {
          const { status, headers, body } = await preflight(origin, method);
          expect([status, body]).toEqual([204, '']);
          expect(headers['access-control-allow-origin']).toBe(origin);
          expect(headers['access-control-allow-methods']?.split(/, ?/)).toContain(method);
          expect(headers['access-control-allow-headers']).toMatch(
            /authorization.*content-type.*if-match.*if-none-match/i,
          );
          expect(headers['access-control-max-age']).toBe('600');
          expect(headers['vary']).toMatch(/origin/i);
          expect(headers).not.toHaveProperty('access-control-allow-credentials');
          expect(headers).toHaveProperty('x-request-id');
        }
      },
    );

    it.each([
      'https://evil.test',
      `${ORIGIN}.evil.test`,
      'https://app.example.com:444',
      'http://app.example.com',
      'null',
      'https://xapp.example.com',
    ])('allows nothing to %s', async (origin) => {
      expect((await preflight(origin, 'PUT')).headers).not.toHaveProperty('access-control-allow-origin');
      const answer = await app.send('get', configPath(projectId)).set('origin', origin);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    });

    it('lets a listed origin read answers and errors, request id, Retry-After and ETag', async () => {
      const unknown = configPath(randomUUID());
      for (const [method, target, token] of [
        ['get', configPath(projectId), OWNER],
        ['get', configPath(projectId), STRANGER],
        ['get', configPath(projectId), null],
        ['get', unknown, OWNER],
        ['patch', unknown, OWNER],
        ['get', '/nothing', null],
      ] as const) {
        const { headers } = await app.send(method, target, token).set('origin', ORIGIN);
        expect(headers['access-control-allow-origin']).toBe(ORIGIN);
        expect(headers['access-control-expose-headers']).toMatch(/X-Request-Id.*Retry-After.*ETag/);
      }
    });

    it('answers an OPTIONS without preflight headers in the usual form', async () => {
      const { status, headers, body } = await sendRaw(app, `OPTIONS ${configPath(projectId)}`);
      expect([status, body]).toEqual([204, '']);
      expect(headers).toHaveProperty('x-request-id');
    });
  });
});

describe('with default settings', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  it('no other origin is allowed', async () => {
    const answer = await app.send('get', '/health/live').set('origin', ORIGIN).expect(200);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it('restricted keys are refused', async () => {
    const path = configPath(await app.createProject());
    const { text } = await app
      .send('put', path)
      .send({ live_secret_key: `rk_live_${'a'.repeat(99)}` })
      .expect(422);
    expect(text).toContain('STRIPE_ACCEPT_RESTRICTED_KEYS');
  });

  it('webhook URLs have the address on which the server listens', async () => {
    const id = await app.createProject();
    const { body } = await app.send('get', `/api/v1/payments/stripe/projects/${id}/webhook-urls`).expect(200);
    expect(body).toHaveProperty(
      'live_webhook_url',
      expect.stringMatching(new RegExp(`^http://127.0.0.1:\\d+/api/.+/${id}/live$`)),
    );
  });
});

describe('with MIGRATE_ON_START=false and an empty database', () => {
  it('is alive but not ready, answers 503, and is ready after a migration', async () => {
    const database = await createTestDatabase();
    const later = await startTestApp({ database, environment: { MIGRATE_ON_START: 'false' } });
    try {
      await later.send('get', '/health/live', null).expect(200);
      for (const [target, token] of [
        ['/health/ready', null],
        ['/api/v1/projects', OWNER],
        [configPath(randomUUID()), OWNER],
      ] as const) {
        const { headers, body } = await later.send('get', target, token).expect(503);
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
        expect(body).toEqual({ detail: expect.stringMatching(/^[A-Z].+\.$/) as string });
      }
      const migrator = await startTestApp({
        database,
        environment: { ...later.environment, MIGRATE_ON_START: 'true' },
      });
      await migrator.close();
      await later.send('get', '/health/ready', null).expect(200);
      await later.send('get', '/api/v1/projects').expect(200);
    } finally {
      await later.close();
      await database.drop();
    }
  });
});
