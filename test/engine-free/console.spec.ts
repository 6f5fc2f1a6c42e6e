import { VERSION } from '../../src/config/settings.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';

const PAGES = 'test/fixtures/console';
const POLICY =
  "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'";

describe('/console', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({
      pages: PAGES,
      environment: {
        CONSOLE: 'true',
        PUBLIC_BASE_URL: 'https://example.com/pay',
        AUTH_REGISTRATION: 'closed',
      },
    });
  });
  afterAll(() => app.close());

  const get = (path: string) => app.send('get', path, null);

  it.each(['', '/', '/projects/42/events', '/index.html', '/a%2Fb', '/..%2f..%2fpackage.json', '/assets'])(
    'is the page at %j, for the routes of the browser',
    async (path) => {
      const { headers, text } = await get(`/console${path}`).expect(200);
      expect(text).toContain('src="/pay/console/assets/app-1a2b3c.js"');
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'strict-transport-security': expect.any(String) as string,
        'x-request-id': expect.any(String) as string,
      });
      expect(headers).not.toHaveProperty('set-cookie');
    },
  );

  it('has assets that never change', async () => {
    const { headers } = await get('/console/assets/app-1a2b3c.js').expect(200);
    expect(headers).toMatchObject({
      'content-type': expect.stringMatching(/^(?:text|application)\/javascript/) as string,
      'cache-control': 'public, max-age=31536000, immutable',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
    });
    const again = app.send('get', '/console/assets/app-1a2b3c.js', null);
    await again.set('if-none-match', headers['etag'] ?? '').expect(304);
  });

  it.each(['old-9z8y7x.js', '..%2findex.html', '.', 'x/../app-1a2b3c.js%00'])(
    'has no asset %s, which nobody keeps',
    async (name) => {
      const { headers, body } = await get(`/console/assets/${name}`);
      expect(headers['cache-control']).not.toContain('immutable');
      if (headers['content-type']?.startsWith('application/json'))
        expect(body).toEqual({ detail: 'There is nothing at this URL.' });
    },
  );

  it.each([
    '/console?next=/assets/x',
    '/console/projects/assets/x',
    '/console/sign-in?a=/console/assets/',
    '/console/assets/',
  ])('has the page at %s, which nobody keeps', async (path) => {
    const { headers } = await get(path).expect(200);
    expect(headers['cache-control']).toBe('no-cache');
  });

  it('reads only', async () => {
    for (const path of ['/console', '/console/assets/app-1a2b3c.js', '/console/x'])
      expect((await app.send('post', path, null).send({})).status).toBeGreaterThanOrEqual(404);
  });

  it('says before the login how to log in', async () => {
    const { body, headers } = await get('/console/config.json').expect(200);
    expect(body).toEqual({
      version: VERSION,
      platform: { name: 'Tillkeeper', color: null },
      sign_in: { password: true, registration: false, oidc: false },
      accepts_restricted_keys: false,
    });
    expect(headers['cache-control']).toBe('no-cache');
  });

  it('is where a browser lands', async () => {
    await get('/').set('accept', 'text/html').expect(302).expect('location', '/console');
    await get('/').expect(404);
  });
});

it.each([
  ['is off', PAGES, 'false'],
  ['is off by default', PAGES, undefined],
  ['is not built', 'test/fixtures', 'true'],
])('there is no console if it %s', async (_, pages, CONSOLE) => {
  const app = await startTestApp({ pages, environment: { CONSOLE } });
  for (const path of ['', '/', '/projects', '/assets/app-1a2b3c.js', '/config.json'])
    await app
      .send('get', `/console${path}`, null)
      .expect(404, { detail: 'There is nothing at this URL.' })
      .expect('content-security-policy', /default-src 'none'/);
  await app.send('get', '/', null).set('accept', 'text/html').expect(302).expect('location', '/docs');
  await app.close();
});
