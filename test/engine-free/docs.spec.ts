import { openApiDocument } from '../../src/http/openapi/docs.js';
import { configPath, startTestApp, type TestApp } from '../harness/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

describe('the documentation', () => {
  const read = (path: string) => app.send('get', path, null);

  it('is a page that loads everything from this origin', async () => {
    const { text, headers } = await read('/docs').expect(200);
    expect(headers['content-type']).toMatch(/^text\/html/);
    expect(text).toContain('<title>Tillkeeper API</title>');
    const assets = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, url = '']) => new URL(url, 'http://tillkeeper.test/docs'),
    );
    expect(assets.length).toBeGreaterThan(3);
    for (const { origin, pathname } of assets) {
      expect(origin).toBe('http://tillkeeper.test');
      await read(pathname).expect(200);
    }
  });

  it('has one address, which the links of its files need', async () => {
    for (const other of ['/docs/', '/docs/index.html'])
      await read(other).expect(302).expect('location', '/docs');
  });

  it('is where a browser at / is redirected', async () => {
    await read('/')
      .set('accept', 'text/html,application/xhtml+xml,*/*;q=0.8')
      .expect(302)
      .expect('location', '/docs');
    await read('/').set('accept', '*/*').expect(404, { detail: 'There is nothing at this URL.' });
  });

  it('allows only its own scripts', async () => {
    const { text, headers } = await read('/docs').expect(200);
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toMatch(/(?:^|;)script-src 'self'(?:;|$)/);
    expect(policy).toMatch(/default-src 'self'/);
    expect(policy).toMatch(/frame-ancestors 'self'/);
    expect(policy).not.toContain('https:');
    // A script that the policy blocks would leave the page blank.
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>\s*[^\s<]/);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': expect.stringMatching(/DENY|SAMEORIGIN/) as string,
    });
  });

  it('has the bearer scheme for Authorize, and every operation', async () => {
    const { text } = await read('/docs/swagger-ui-init.js').expect(200);
    expect(text).toContain('"HTTPBearer"');
    for (const path of Object.keys(openApiDocument(app.app).paths)) expect(text).toContain(`"${path}"`);
  });

  it.each([
    ['get', 'config', 'There is no such project.'],
    ['put', 'config', 'There is no such project.'],
    ['get', 'config/status', 'There is no such project.'],
    ['delete', 'config', 'There is no such project, or it never had a configuration.'],
  ])('describes the reasons of a 404: %s %s', async (method, path, description) => {
    const { body } = await read('/docs-json').expect(200);
    expect(
      body.paths[`${configPath('{project_id}').replace('config', path)}`][method].responses['404'],
    ).toMatchObject({ description });
  });

  it('describes the headers of each answer', async () => {
    const { body } = await read('/docs-json').expect(200);
    const { paths, components } = body as {
      paths: Record<
        string,
        Record<string, { responses: Record<string, { headers?: Record<string, unknown> }> }>
      >;
      components: { headers: Record<string, { schema?: unknown }> };
    };
    const expected: Record<string, string> = {
      401: 'WWW-Authenticate',
      429: 'Retry-After',
      503: 'Retry-After',
    };
    for (const name of ['X-Request-Id', ...Object.values(expected)])
      expect(components.headers[name]).toHaveProperty('schema');
    for (const [path, operations] of Object.entries(paths)) {
      for (const { responses } of Object.values(operations)) {
        for (const [status, { headers }] of Object.entries(responses)) {
          const names = ['X-Request-Id', ...(expected[status] === undefined ? [] : [expected[status]])];
          expect([path, status, Object.keys(headers ?? {})]).toEqual([
            path,
            status,
            expect.arrayContaining(names),
          ]);
        }
      }
    }
  });

  it('marks the bodies that allow no other fields', async () => {
    const { schemas } = (await read('/docs-json').expect(200)).body.components;
    for (const name of [
      'StripeConfigRequest',
      'ValidateStripeCredentialsRequest',
      'WebhookEndpointCreateRequest',
    ])
      expect(schemas[name]).toMatchObject({ additionalProperties: false });
    expect(schemas.ProjectCreateRequest).not.toHaveProperty('additionalProperties');
  });

  it('exists as JSON and YAML', async () => {
    const { body, headers } = await read('/docs-json').expect(200);
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(body).toEqual(JSON.parse(JSON.stringify(openApiDocument(app.app))));
    expect(body).toMatchObject({ openapi: '3.1.0', info: { title: 'Tillkeeper' } });
    const yaml = await read('/docs-yaml').expect(200);
    expect(yaml.text).toMatch(/^openapi: 3\.1\.0\n/);
    expect(yaml.headers['content-type']).toBe('text/yaml');
  });

  it('is written once, not for each request', async () => {
    const first = await Promise.all(['/docs-json', '/docs-yaml'].map((url) => read(url).expect(200)));
    const stringify = jest.spyOn(JSON, 'stringify');
    for (const { request, headers, text } of first) {
      const url = new URL(request.url).pathname;
      const again = await read(url).expect(200);
      expect([again.headers['content-type'], again.text]).toEqual([headers['content-type'], text]);
      await app.send('head', url, null).expect(200);
      await app.send('post', url, null).expect(405);
    }
    const isDocument = ([value]: unknown[]) => value instanceof Object && 'openapi' in value;
    expect(stringify.mock.calls.filter(isDocument)).toEqual([]);
    stringify.mockRestore();
  });

  it('answers 404 for a missing file, and serves a range of an existing one', async () => {
    await read('/docs/nothing.js').expect(404);
    await read('/docs/swagger-ui.css').set('range', 'bytes=0-9').expect(206);
    for (const [name, value] of [
      ['range', 'bytes=99999999-'],
      ['if-match', '"nothing"'],
      ['if-unmodified-since', 'Mon, 01 Jan 2001 00:00:00 GMT'],
    ] as const) {
      const { body } = await read('/docs/swagger-ui.css').set(name, value).expect(400);
      expect(body).toEqual({ detail: 'The request is malformed.' });
    }
  });
});

describe('an operation without a body', () => {
  it.each(['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'nonsense'])(
    'accepts an empty one of the type %s',
    async (type) => {
      const projectId = await app.createProject();
      const replay = `/api/v1/payments/stripe/projects/${projectId}/webhook-events/evt_1/replay`;
      await app
        .send('post', replay)
        .set('content-type', type)
        .send('')
        .expect(404, { detail: 'There is no event with this id.' });
      await app.send('get', configPath(projectId)).set('content-type', type).expect(200);
      await app
        .send('delete', `/api/v1/projects/${projectId}`)
        .set('content-type', type)
        .send('')
        .expect(204);
    },
  );

  it('documents the treatment of one that is not empty', async () => {
    const { body } = await app.send('get', '/docs-json', null).expect(200);
    const projectId = await app.createProject();
    const path = `/api/v1/payments/stripe/projects/${projectId}/webhook-events/evt_1/replay`;
    await app.send('post', path).set('content-type', 'text/plain').send('x').expect(415);
    await app
      .send('post', path)
      .set('content-type', 'application/json')
      .send(`"${'x'.repeat(100_000)}"`)
      .expect(413);
    const { responses } =
      body.paths[path.replace(projectId, '{project_id}').replace('evt_1', '{event_id}')].post;
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['408', '413', '415']));
  });
});

describe('every answer that is data', () => {
  it.each([
    ['get', '/health/live', 200],
    ['get', '/api/v1/projects', 200],
    ['get', '/api/v1/projects/nope', 422],
    ['get', '/api/v1/projects/%zz', 400],
    ['get', '/nothing', 404],
    ['patch', configPath('nope'), 405],
    ['delete', configPath('6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11'), 404],
  ] as const)('forbids caching and rendering: %s %s', async (method, path, status) => {
    const { headers } = await app.send(method, path).expect(status);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'content-type': 'application/json; charset=utf-8',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('server');
  });
});
