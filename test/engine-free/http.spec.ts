import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { BODY_LIMITS } from '../../src/http/bodies/request-bodies.js';
import { eventually } from '../harness/eventually.js';
import { openRequest, type RawAnswer, sendBytes, sendRaw } from '../harness/raw-http.js';
import { receiverPath } from '../harness/ledger/signed-events.js';
import { configPath, OWNER, STRANGER, startTestApp, type TestApp } from '../harness/test-app.js';

const AUTHORIZATION = `Authorization: Bearer ${OWNER}`;
const JSON_TYPE = 'Content-Type: application/json';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const KEY = `sk_test_${'a'.repeat(24)}`;

describe('HTTP', () => {
  let app: TestApp;
  let projectId: string;
  let path: string;

  beforeAll(async () => {
    app = await startTestApp();
    projectId = await app.createProject();
    path = configPath(projectId);
  });
  afterAll(() => app.close());

  const put = (body: string | Buffer, headers: string[] = [JSON_TYPE]): Promise<RawAnswer> =>
    sendRaw(
      app,
      `PUT ${path}`,
      [AUTHORIZATION, `Content-Length: ${Buffer.byteLength(body)}`, ...headers],
      body,
    );
  const get = (target: string, headers = [AUTHORIZATION]) => sendRaw(app, `GET ${target}`, headers);
  const detailOf = ({ body }: RawAnswer) => (JSON.parse(body) as { detail: unknown }).detail;

  function expectError(answer: RawAnswer, status: number): void {
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['x-request-id']).toMatch(UUID);
    expect(Object.keys(JSON.parse(answer.body) as object)).toEqual(['detail']);
    expect(answer.body.length).toBeLessThan(4_096);
    expect(answer.body).not.toMatch(/at \w+ \(|node_modules|Error:|FST_|SQLITE|QueryFailed/);
  }

  describe('a body', () => {
    it.each([
      ['nothing', ''],
      ['white space', ' \r\n\t'],
      ['null', 'null'],
      ['true', 'true'],
      ['a number', '1'],
      ['a string', `"${KEY}"`],
      ['an array', '[]'],
      ['an array of one configuration', `[{"test_secret_key":"${KEY}"}]`],
    ])('that is %s is no object: 422', async (_, body) => {
      const answer = await put(body);
      expectError(answer, 422);
      expect(detailOf(answer)).toEqual([
        expect.objectContaining({ loc: ['body'], msg: 'must be a JSON object' }),
      ]);
    });

    it.each([
      ['cut off', `{"test_secret_key":"${KEY}"`],
      ['followed by something', `{"test_secret_key":"${KEY}"}x`],
      ['two objects', `{"test_secret_key":"${KEY}"}{}`],
      ['in single quotes', `{'test_secret_key':'${KEY}'}`],
      ['commented', `{/**/"test_secret_key":"${KEY}"}`],
      ['with a line break in a string', `{"test_secret_key":"${KEY}\n"}`],
      [
        'not UTF-8',
        Buffer.concat([Buffer.from('{"test_secret_key":"sk_test_'), Buffer.from([0xff, 0x22, 0x7d])]),
      ],
      ['UTF-16', Buffer.from(`{"test_secret_key":"${KEY}"}`, 'utf16le')],
      ['deep in arrays', '['.repeat(5_000) + ']'.repeat(5_000)],
      ['deep in objects', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
      ['deep in a field', `{"test_secret_key":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
      ['poisoned', `{"__proto__":{"test_secret_key":"${KEY}"}}`],
      ['poisoned and escaped', `{"\\u005f\\u005fproto__":{"test_secret_key":"${KEY}"}}`],
      ['poisoned through its constructor', '{"constructor":{"prototype":{"test_secret_key":"x"}}}'],
    ])('that is %s is not JSON that can be read: 422', async (_, body) => {
      const answer = await put(body);
      expectError(answer, 422);
      expect(detailOf(answer)).toEqual([expect.objectContaining({ loc: ['body'], type: 'json_invalid' })]);
      expect(answer.body).not.toContain(KEY);
    });

    it.each([
      [
        '60,000 keys',
        JSON.stringify(Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`k${index}`, 1]))),
      ],
      ['2 MB', JSON.stringify({ test_secret_key: `sk_test_${'a'.repeat(2_000_000)}` })],
      ['64 KB and a byte', JSON.stringify('a'.repeat(64 * 1024 - 1))],
    ])('with %s is too large: 413', async (_, body) => {
      expectError(await put(body), 413);
    });

    it('with 1,001 members is refused, and with 1,000 unknown ones gets a short answer', async () => {
      const members = (count: number) =>
        JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 1])));
      expectError(await put(members(1_000)), 422);
      const answer = await put(members(1_002));
      expectError(answer, 422);
      expect(detailOf(answer)).toEqual([
        { loc: ['body'], msg: 'has more than 1000 members', type: 'json_invalid' },
      ]);
    });

    it('with many errors at once gets an answer under 4 KB', async () => {
      const secrets = Object.fromEntries(
        Array.from({ length: 100 }, (_, index) => [`sk_live_${index}${'x'.repeat(300)}`, 1]),
      );
      const fields = [
        'test_secret_key',
        'test_publishable_key',
        'test_webhook_secret',
        'live_secret_key',
        'live_publishable_key',
      ];
      const answer = await put(
        JSON.stringify({
          ...Object.fromEntries(fields.map((field) => [field, `we_${'x'.repeat(400)}`])),
          ...secrets,
        }),
      );
      expectError(answer, 422);
      expect(answer.body).not.toContain('xxx');
    });

    it.each([
      ['XML', 'application/xml', '<test_secret_key>sk_test_a</test_secret_key>'],
      ['XML as text', 'text/xml', '<a/>'],
      ['text', 'text/plain', '{}'],
      ['HTML', 'text/html', '{}'],
      ['a form', 'application/x-www-form-urlencoded', `test_secret_key=${KEY}`],
      [
        'a multipart form',
        'multipart/form-data; boundary=x',
        '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
      ],
      ['bytes', 'application/octet-stream', '{}'],
      ['another JSON', 'application/merge-patch+json', '{}'],
      ['JSON as text', 'text/json', '{}'],
      ['two types in one', 'application/json, text/plain', '{}'],
      ['no type', '', '{}'],
      ['any type', '*/*', '{}'],
      ['nonsense', 'json', '{}'],
      ['UTF-16', 'application/json; charset=utf-16', Buffer.from('{}', 'utf16le')],
      ['Latin-1', 'application/json; charset=iso-8859-1', '{}'],
    ])('that is %s has the wrong media type: 415', async (_, type, body) => {
      expectError(await put(body, [`Content-Type: ${type}`]), 415);
    });

    it('without a Content-Type has the wrong media type: 415', async () => {
      expectError(await put('{}', []), 415);
    });

    it('that is compressed has the wrong media type: 415', async () => {
      expectError(await put(gzipSync('{}'), [JSON_TYPE, 'Content-Encoding: gzip']), 415);
    });

    it.each([
      ['longer than it says', ['Content-Length: 1']],
      ['of a negative length', ['Content-Length: -1']],
      ['of two lengths', ['Content-Length: 2', 'Content-Length: 3']],
      ['of a length and in chunks', ['Content-Length: 2', 'Transfer-Encoding: chunked']],
      ['in malformed chunks', ['Transfer-Encoding: chunked']],
      ['in an unknown transfer encoding', ['Transfer-Encoding: gzip, identity']],
    ])('that is %s is malformed HTTP: 400', async (_, headers) => {
      expectError(await sendRaw(app, `PUT ${path}`, [AUTHORIZATION, JSON_TYPE, ...headers], '{}'), 400);
    });

    it('that declares a huge length is refused at once: 413', async () => {
      expectError(
        await sendRaw(app, `PUT ${path}`, [AUTHORIZATION, JSON_TYPE, 'Content-Length: 99999999999'], '{}'),
        413,
      );
    });

    it('that becomes too large in chunks is refused: 413', async () => {
      const chunk = `20000\r\n${'a'.repeat(0x20000)}\r\n0\r\n\r\n`;
      expectError(
        await sendRaw(app, `PUT ${path}`, [AUTHORIZATION, JSON_TYPE, 'Transfer-Encoding: chunked'], chunk),
        413,
      );
    });

    it('that breaks off is not stored, and is no 5xx', async () => {
      const before = app.log.length;
      const socket = connect((app.app.getHttpServer().address() as AddressInfo).port, '127.0.0.1');
      socket.write(
        `PUT ${path} HTTP/1.1\r\nHost: x\r\n${AUTHORIZATION}\r\n${JSON_TYPE}\r\nContent-Length: 99\r\n\r\n{"test_secret_key":"${KEY}"}`,
      );
      await once(socket, 'connect');
      socket.end();
      await once(socket.resume(), 'close');
      await app.send('get', '/health/live').expect(200);
      expect(app.log.slice(before).join('')).not.toMatch(/"level":50/);
    });

    it('that cannot be parsed gets 401, 404 or 403 first, without a hint about the project', async () => {
      const unknown = '00000000-0000-4000-8000-000000000000';
      const put = (id: string, headers: string[]) =>
        sendRaw(app, `PUT ${configPath(id)}`, [...headers, JSON_TYPE, 'Content-Length: 1'], '{');
      for (const id of [projectId, unknown]) expectError(await put(id, []), 401);
      expectError(await put(unknown, [AUTHORIZATION]), 404);
      expectError(await put(projectId, [`Authorization: Bearer ${STRANGER}`]), 403);
      expectError(await put(projectId, [AUTHORIZATION]), 422);
    });

    it('stored nothing in all tests above', async () => {
      expect((await app.send('get', path).expect(200)).body).toBeNull();
    });

    it('is not checked where it has no meaning', async () => {
      const headers = [AUTHORIZATION, 'Content-Type: text/xml', 'Content-Length: 2'];
      const { status, body } = await sendRaw(app, `GET ${path}`, headers, '<a');
      expect([status, body]).toEqual([200, 'null']);
      expectError(await sendRaw(app, `DELETE ${path}`, headers, '<a'), 404);
    });
  });

  it('accepts a body in chunks, with a byte order mark, and with charset=utf-8', async () => {
    const chunked = await sendRaw(
      app,
      `PUT ${path}`,
      [AUTHORIZATION, JSON_TYPE, 'Transfer-Encoding: chunked'],
      '2\r\n{}\r\n0\r\n\r\n',
    );
    expect(chunked.status).toBe(200);
    expect((await put('\ufeff{}')).status).toBe(200);
    for (const type of [
      'application/json; charset=utf-8',
      'application/json;charset="UTF-8"',
      'APPLICATION/JSON',
    ]) {
      expect((await put('{}', [`Content-Type: ${type}`])).status).toBe(200);
    }
  });

  describe('a method that a URL does not have', () => {
    const PATHS: [string, string][] = [
      ['/api/v1/projects', 'GET, HEAD, POST'],
      ['/api/v1/projects/', 'GET, HEAD, POST'],
      ['/api/v1/projects/:id', 'DELETE, GET, HEAD, PUT'],
      ['/api/v1/payments/stripe/projects/:id/config', 'DELETE, GET, HEAD, PUT'],
      ['/api/v1/payments/stripe/projects/:id/config/', 'DELETE, GET, HEAD, PUT'],
      ['/api/v1/payments/stripe/projects/:id/config/live', 'DELETE'],
      ['/api/v1/payments/stripe/projects/:id/webhook-urls', 'GET, HEAD'],
      ['/health/live', 'GET, HEAD'],
      ['/health/ready', 'GET, HEAD'],
      ['/docs', 'GET, HEAD'],
      ['/docs-json', 'GET, HEAD'],
      ['/docs-yaml', 'GET, HEAD'],
    ];
    const KNOWN = [
      'GET',
      'PUT',
      'POST',
      'DELETE',
      'PATCH',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
      'QUERY',
      'CONNECT',
    ];
    const UNKNOWN = ['FOO', 'get', 'PUTT'];

    it.each(PATHS)('is answered at %s with Allow: %s, with a token or without', async (pattern, allow) => {
      const target = pattern.replace(':id', projectId);
      const wrong = [...KNOWN.filter((method) => !allow.split(', ').includes(method)), ...UNKNOWN];
      for (const method of wrong) {
        const answer = await sendRaw(app, `${method} ${target}`, method === 'FOO' ? [] : [AUTHORIZATION]);
        expectError(answer, 405);
        expect([method, answer.headers['allow']]).toEqual([method, allow]);
      }
    });

    it('is refused before the body is read', async () => {
      for (const headers of [
        ['Content-Type: text/xml'],
        [JSON_TYPE],
        [JSON_TYPE, 'Content-Encoding: gzip'],
      ]) {
        expectError(await sendRaw(app, `PATCH ${path}`, [...headers, 'Content-Length: 1'], '{'), 405);
        expectError(await sendRaw(app, 'POST /nothing', [...headers, 'Content-Length: 1'], '{'), 404);
      }
      expectError(await sendRaw(app, `PATCH ${path}`, [JSON_TYPE, 'Content-Length: 3000000'], '{'), 405);
    });

    it('has no body for HEAD', async () => {
      const { status, headers, body } = await sendRaw(app, `HEAD ${path}/test`, [AUTHORIZATION]);
      expect([status, headers['allow'], body]).toEqual([405, 'DELETE', '']);
    });
  });

  describe('a URL', () => {
    it.each([
      '/',
      '/api',
      '/api/v1',
      '/api/v2/projects',
      '/API/v1/projects',
      '/api/v1/Projects',
      '//api/v1/projects',
      '/api//v1/projects',
      '/api/v1/projects//',
      '/api/v1/projects/:id/../:id',
      '/api/v1/payments/stripe/projects//config',
      '/api/v1/payments/stripe/projects/:id//config',
      '/api/v1/payments/stripe/projects/:id/config//',
      '/api/v1/payments/stripe/projects/:id%2Fconfig',
      '/api/v1/payments/stripe/projects/:id/Config',
      '/api/v1/payments/stripe/projects/:id/config%00',
      '/api/v1/payments/stripe/projects/:id/config.json',
      '/api/v1/payments/stripe/projects/../../../../../etc/passwd',
      '/docs/../package.json',
      '/docs/../../package.json',
      '/docs/..%2f..%2fpackage.json',
      '/docs/%2e%2e/%2e%2e/package.json',
      '/docs/..\\..\\package.json',
      '/docs/%00',
      '/docs/swagger-ui.css%00.html',
      '/docs//etc/passwd',
      '/health',
      '/favicon.ico',
      '/.env',
    ])('with nothing at it, like %s: 404', async (target) => {
      const answer = await get(target.replaceAll(':id', projectId));
      expectError(answer, 404);
      expect(detailOf(answer)).toBe('There is nothing at this URL.');
    });

    it.each(['%', '%zz', '%ff', '%c0%ae%c0%ae', '%E0%A4%A', '%ud800'])(
      'that cannot be decoded, with %s in it: 400',
      async (part) => {
        expectError(await get(`/api/v1/projects/${part}`), 400);
      },
    );

    it.each(['\x01', 'é', ' x', '\x7f'])('with %j in it is malformed HTTP: 400', async (part) => {
      expectError(await get(`/api/v1/projects/${part}`), 400);
    });

    it('may have a long path and a long query', async () => {
      expectError(await get(`/api/v1/projects/${'a'.repeat(10_000)}`), 422);
      expectError(await get(`/api/v1/projects/${'a'.repeat(10_000)}`, []), 401);
      expectError(await get(`/${'a/'.repeat(5_000)}`), 404);
      expectError(await get(`${path}?${'a=b&'.repeat(2_500)}`), 422);
    });

    it('that exceeds the limit of all headers: 431', async () => {
      expectError(await get(`/api/v1/projects/${'a'.repeat(20_000)}`), 431);
      expectError(await get('/health/live', [`X-Long: ${'a'.repeat(20_000)}`]), 431);
    });

    it('may end in a slash, be encoded or absolute, or have an empty query', async () => {
      for (const target of [
        `${path}/`,
        `${path}?`,
        `${path}/?`,
        path.replaceAll('-', '%2D'),
        `http://elsewhere.test${path}`,
      ]) {
        expect((await get(target)).status).toBe(200);
      }
    });
  });

  describe('a token', () => {
    it.each([
      ['twice', [AUTHORIZATION, AUTHORIZATION]],
      ['and something else', [AUTHORIZATION, 'Authorization: Basic eDp5']],
      ['behind something else', ['Authorization: Basic eDp5', AUTHORIZATION]],
      ['and an empty header', [AUTHORIZATION, 'Authorization:']],
      ['in one header with another', [`${AUTHORIZATION}, Bearer x`]],
      ['under another scheme', [AUTHORIZATION.replace('Bearer', 'Token')]],
      ['without a scheme', [AUTHORIZATION.replace('Bearer ', '')]],
      ['in a cookie', [`Cookie: access_token=${OWNER}`]],
      ['in a header of another name', [`X-Access-Token: ${OWNER}`, `Proxy-Authorization: Bearer ${OWNER}`]],
    ])('sent %s is ignored: 401', async (_, headers) => {
      const answer = await get(path, headers);
      expectError(answer, 401);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer(?: error="invalid_token".*)?$/);
    });

    it.each(['access_token', 'token', 'authorization', 'Authorization', 'jwt'])(
      'sent in the query as %s is ignored: 401',
      async (name) => {
        const answer = await get(`${path}?${name}=${OWNER}`, []);
        expectError(answer, 401);
        expect(answer.headers['www-authenticate']).toBe('Bearer');
      },
    );

    it('sent in the body is ignored: 401', async () => {
      const body = JSON.stringify({ access_token: OWNER });
      expectError(
        await sendRaw(app, `PUT ${path}`, [JSON_TYPE, `Content-Length: ${body.length}`], body),
        401,
      );
    });

    it('may have its scheme in any case', async () => {
      expect((await get(path, [AUTHORIZATION.replace('Bearer', 'bEARER')])).status).toBe(200);
    });
  });

  describe('a malformed request', () => {
    it.each([
      ['bytes', '\x00\x01\x02\x03\r\n\r\n'],
      ['TLS', Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x00])],
      ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['HTTP/1.2', 'GET /health/live HTTP/1.2\r\nHost: x\r\n\r\n'],
      ['an unknown method at a URL with nothing', 'FOO /nothing HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['a request without a host', 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n'],
      ['a header with a NUL', 'GET /health/live HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n'],
      ['a folded header', 'GET /health/live HTTP/1.1\r\nHost: x\r\n X: b\r\n\r\n'],
      ['a header with a space before the colon', 'GET /health/live HTTP/1.1\r\nHost: x\r\nX : b\r\n\r\n'],
      ['lines without carriage returns', 'GET /health/live HTTP/1.1\nHost: x\n\n'],
    ])('gets an error in the usual form: %s', async (_, bytes) => {
      expectError(await sendBytes(app, bytes), 400);
    });

    it('gets an answer even if it asks for a tunnel', async () => {
      const answer = await sendRaw(app, 'CONNECT elsewhere.test:443');
      expectError(answer, 405);
      expect(answer.headers).toHaveProperty('allow', '');
    });

    it('is served despite an unknown Expect', async () => {
      const { status, headers } = await sendRaw(app, 'GET /health/live', ['Expect: the-unexpected']);
      expect(status).toBe(200);
      expect(headers['x-request-id']).toMatch(UUID);
    });
  });

  describe('no input causes a 5xx', () => {
    async function expectNoFault(answers: Promise<RawAnswer>[]): Promise<void> {
      for (const { status, headers, body } of await Promise.all(answers)) {
        expect(status).toBeGreaterThanOrEqual(200);
        expect(status).toBeLessThan(500);
        expect(headers['x-request-id']).toMatch(UUID);
        expect(body.length).toBeLessThan(4_096);
      }
    }

    it('as a URL', async () => {
      const scratch = await app.createProject();
      const segments = fc.oneof(
        fc.constantFrom(
          'api',
          'v1',
          'projects',
          'payments',
          'stripe',
          'config',
          'docs',
          '..',
          '.',
          '',
          '%2e%2e',
          scratch,
          'test',
        ),
        fc.string({ unit: 'binary', maxLength: 8 }).map((text) => encodeURIComponent(text.toWellFormed())),
        fc.stringMatching(/^[!-~]{1,8}$/),
      );
      const targets = fc.tuple(
        fc.constantFrom('/', '/api/v1/projects/', '/docs/', `${configPath(scratch)}/`),
        fc.array(segments, { maxLength: 4 }),
      );
      await fc.assert(
        fc.asyncProperty(targets, async ([start, rest]) => {
          const target = start + rest.join('/');
          await expectNoFault(
            ['HEAD', 'DELETE', 'PATCH'].map((method) => sendRaw(app, `${method} ${target}`, [AUTHORIZATION])),
          );
        }),
        { numRuns: 150 },
      );
    });

    it('as a header', async () => {
      const headers = fc.tuple(
        fc.constantFrom(
          'Content-Type',
          'Content-Encoding',
          'Accept',
          'Range',
          'If-Match',
          'Host',
          'X-Request-Id',
          'Origin',
          'X-Forwarded-For',
        ),
        fc.oneof(
          fc.string({ unit: 'binary-ascii', maxLength: 30 }),
          fc.constantFrom('bytes=9-1', '*', 'gzip;q=2', '[::1]:99999', 'a, b', '"'),
        ),
      );
      await fc.assert(
        fc.asyncProperty(headers, async ([name, value]) => {
          const odd = `${name}: ${value}`;
          await expectNoFault([
            sendRaw(app, 'HEAD /docs/swagger-ui.css', [odd]),
            sendRaw(app, `GET ${path}`, [AUTHORIZATION, odd]),
            sendRaw(app, `PUT ${path}`, [AUTHORIZATION, odd, 'Content-Length: 2'], '{}'),
          ]);
        }),
        { numRuns: 150 },
      );
    });
  });

  describe('the request id', () => {
    const requestId = async (...headers: string[]) =>
      (await get('/health/live', headers)).headers['x-request-id'];

    it.each(['550e8400-e29b-41d4-a716-446655440000', '4bf92f3577b34da6a3ce929d0e0e4736', 'ABCDEF0123456789'])(
      'is taken from the proxy, %s',
      async (id) => {
        expect(await requestId(`X-Request-Id: ${id}`)).toBe(id);
      },
    );

    it.each([
      '',
      'abc',
      'a'.repeat(65),
      'sk_live_aaaaaaaaaaaa',
      '"><script>alert(1)</script>',
      'a b c d e f a b c d',
      '{"level":50}',
      '%0d%0aX: y',
    ])('is generated when the given one is %j', async (id) => {
      expect(await requestId(`X-Request-Id: ${id}`)).toMatch(UUID);
    });

    it('is generated when two were given, and differs each time', async () => {
      const id = '550e8400-e29b-41d4-a716-446655440000';
      expect(await requestId(`X-Request-Id: ${id}`, `X-Request-Id: ${id}`)).toMatch(UUID);
      expect(await requestId()).not.toBe(await requestId());
    });

    it('is in the log, without URL, header or body', async () => {
      const id = '550e8400e29b41d4a716446655440000';
      await get(`${path}?secret=hunter2`, [`X-Request-Id: ${id}`, 'User-Agent: hunter2', AUTHORIZATION]);
      expect(app.log.filter((line) => line.includes(id))).toHaveLength(1);
      expect(app.log.join('')).not.toContain('hunter2');
    });
  });
});

describe('a request that is refused before its caller is identified', () => {
  it('counts for the address, not for the token', async () => {
    const app = await startTestApp({ environment: { RATE_LIMIT_PER_MINUTE: '6' } });
    try {
      const path = configPath(await app.createProject());
      const refused: [request: string, status: number, body?: string][] = [
        ['GET /nothing', 404],
        [`PATCH ${path}`, 405],
        ['GET /%zz', 400],
        [`PUT ${path}`, 415, 'text'],
        ['PUT /nothing', 404, '{'],
      ];
      for (const [request, status, body = ''] of refused) {
        const headers = [
          AUTHORIZATION,
          `Content-Length: ${body.length}`,
          status === 415 ? 'Content-Type: text/plain' : JSON_TYPE,
        ];
        expect([request, (await sendRaw(app, request, headers, body)).status]).toEqual([request, status]);
      }
      await app.send('get', '/nothing').expect(404);
      for (const url of ['/nothing', '/%zz']) {
        const { body, headers } = await app.send('get', url).expect(429);
        expect(body).toEqual({ detail: expect.stringMatching(/Retry-After/) });
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
        expect(headers['x-request-id']).toMatch(UUID);
      }
      await app.send('get', path).expect(200);
      await app.send('get', path, null).expect(401);
    } finally {
      await app.close();
    }
  });
});

describe('behind proxies', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({
      environment: { RATE_LIMIT_PER_MINUTE: '3', TRUST_PROXY: '127.0.0.1, 10.0.0.0/8, 2001:db8:ffff::/48' },
    });
  });
  afterAll(() => app.close());

  it.each([
    [
      'IPv4',
      [
        '203.0.113.5',
        '203.0.113.5:4711',
        '198.51.100.9,\t203.0.113.5:80 , 10.1.2.3:8080',
        '::ffff:203.0.113.5',
      ],
    ],
    [
      'IPv6',
      [
        '[2001:db8::1]',
        '[2001:DB8::2]:4711',
        '2001:db8:0:0::3',
        '203.0.113.7, [2001:db8::4]:1, [2001:db8:ffff::1]:8080',
      ],
    ],
  ])('one client of %s has one count in every spelling of X-Forwarded-For', async (_, spellings) => {
    const statuses: number[] = [];
    for (const spelling of spellings)
      statuses.push((await app.send('get', '/nothing', null).set('x-forwarded-for', spelling)).status);
    expect(statuses).toEqual([404, 404, 404, 429]);
    await app.send('get', '/nothing', null).set('x-forwarded-for', '203.0.113.6:4711').expect(404);
  });

  it('the history shows only the address', async () => {
    const path = configPath(await app.createProject());
    await app.send('put', path).set('x-forwarded-for', '[2001:DB8:0::1]:443').send({}).expect(200);
    const { body } = await app.send('get', `${path}/history`).expect(200);
    expect(body).toMatchObject({
      entries: expect.arrayContaining([expect.objectContaining({ ip: '2001:db8::1' })]) as unknown,
    });
  });
});

describe('an unfinished body', () => {
  const SECRET = `whsec_${'a'.repeat(32)}`;
  const SOON = 300;
  const NEVER = 600_000;
  const limits = { timeoutMs: NEVER, clientBytes: 64 * 1024, totalBytes: 96 * 1024 };
  let app: TestApp;
  let path: string;
  let receiver: string;

  beforeAll(async () => {
    app = await startTestApp({ bodyLimits: limits, environment: { TRUST_PROXY: '1' } });
    const projectId = await app.createProject();
    path = configPath(projectId);
    receiver = receiverPath(projectId, 'test');
    await app.send('put', path).send({ test_webhook_secret: SECRET }).expect(200);
  });
  afterAll(() => app.close());
  beforeEach(() => (limits.timeoutMs = NEVER));

  const open = (head: string, headers: string[], length = 32 * 1024) =>
    openRequest(app, head, [...headers, `Content-Length: ${length}`]);
  const detailOf = ({ body }: RawAnswer) => (JSON.parse(body) as { detail: unknown }).detail;

  it('has 15 seconds, as its headers have, so that Node does not swap the limits', async () => {
    const server = app.app.getHttpServer();
    expect(server.headersTimeout).toBe(15_000);
    expect(server.requestTimeout).toBeGreaterThan(server.headersTimeout);
    expect(BODY_LIMITS.timeoutMs).toBe(15_000);
  });

  it.each([
    ['of the API', () => `PUT ${path}`, [AUTHORIZATION, JSON_TYPE]],
    [
      'of the API without a length',
      () => `PUT ${path}`,
      [AUTHORIZATION, JSON_TYPE, 'Transfer-Encoding: chunked'],
    ],
    ['of a login', () => 'POST /api/v1/auth/login', [JSON_TYPE]],
    ['of the receiver', () => receiver, ['Stripe-Signature: t=1,v1=00']],
  ])('that trickles in is ended at any speed: 408 %s', async (_, target, headers) => {
    limits.timeoutMs = SOON;
    const head = target().startsWith('/') ? `POST ${target()}` : target();
    const isChunked = headers.includes('Transfer-Encoding: chunked');
    const slow = isChunked ? openRequest(app, head, headers) : open(head, headers);
    const trickle = setInterval(() => slow.write(isChunked ? '1\r\n \r\n' : ' '), 20);
    const answer = await slow.answer;
    clearInterval(trickle);
    expect(answer).toMatchObject({ status: 408, headers: { connection: 'close' } });
    expect(detailOf(answer)).toMatch(/too long to arrive/);
  });

  it('stores nothing when it is ended', async () => {
    limits.timeoutMs = SOON;
    const slow = open(`PUT ${path}`, [AUTHORIZATION, JSON_TYPE]);
    slow.write(`{"test_secret_key":"${KEY}"}`);
    expect((await slow.answer).status).toBe(408);
    expect((await app.send('get', path).expect(200)).body).toMatchObject({ test_secret_key_masked: null });
  });

  it.each([
    ['without a token: 401', () => `PUT ${path}`, [JSON_TYPE], 401],
    [
      'for a project that is not there: 404',
      () => `PUT ${configPath('00000000-0000-4000-8000-000000000000')}`,
      [AUTHORIZATION, JSON_TYPE],
      404,
    ],
    [
      'for a project of somebody else: 403',
      () => `PUT ${path}`,
      [`Authorization: Bearer ${STRANGER}`, JSON_TYPE],
      403,
    ],
    [
      'at a webhook URL of no project: 404',
      () => `POST ${receiverPath('00000000-0000-4000-8000-000000000000', 'test')}`,
      [],
      404,
    ],
    ['at a webhook URL without a secret: 404', () => `POST ${receiver.replace(/test$/, 'live')}`, [], 404],
  ])('is not waited for %s', async (_, head, headers, status) => {
    const stalled = open(head(), headers);
    expect(await stalled.status).toBe(status);
    stalled.destroy();
  });

  it('ends with its connection after an early answer', async () => {
    limits.timeoutMs = SOON;
    const refused = open(`PUT ${path}`, [JSON_TYPE]);
    expect((await refused.answer).status).toBe(401);
  });

  it('is limited by received bytes, for each address and in total', async () => {
    const from = (address: string) => [AUTHORIZATION, JSON_TYPE, `X-Forwarded-For: ${address}`];
    const stall = (address: string) => {
      const stalled = open(`PUT ${path}`, from(address));
      stalled.write(' '.repeat(32 * 1024 - 1));
      return stalled;
    };
    const put = (address: string) =>
      sendRaw(app, `PUT ${path}`, [...from(address), 'Content-Length: 2'], '{}');
    const until = (address: string, answer: object) =>
      eventually(async () => expect(await put(address)).toMatchObject(answer));
    // One body more than fits: a request in between may take the place of one.
    const held = [stall('192.0.2.1'), stall('192.0.2.1'), stall('192.0.2.1')];
    try {
      await until('192.0.2.1', { status: 429, headers: { 'retry-after': '5', connection: 'close' } });
      expect((await put('192.0.2.2')).status).toBe(200);
      held.push(stall('2001:db8::1'), stall('2001:db8::1'));
      await until('2001:db8:0:1::1', { status: 503, headers: { 'retry-after': '5', connection: 'close' } });
    } finally {
      for (const stalled of held) stalled.destroy();
    }
    await until('192.0.2.1', { status: 200 });
  });
});
