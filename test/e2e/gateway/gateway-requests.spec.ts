import { randomBytes } from 'node:crypto';
import { request as httpRequest, type ServerResponse } from 'node:http';
import fc from 'fast-check';
import { GatewayLimits } from '../../../src/payments/gateway/gateway-limits.js';
import { isMeterEventStream, operationOf } from '../../../src/payments/gateway/gateway-permissions.js';
import { eventually } from '../../harness/eventually.js';
import {
  callsOf,
  gatewayKeysPath,
  type IssuedKey,
  makeGatewayKey,
  portOf,
  stripeThrough,
} from '../../harness/gateway.js';
import { type OpenRequest, openRequest, type RawAnswer, sendBytes, sendRaw } from '../../harness/raw-http.js';
import { EchoServer } from '../../harness/servers/echo-server.js';
import { configPath, startTestApp, type TestApp } from '../../harness/test-app.js';

const SECRET = `sk_test_${'s'.repeat(40)}`;
const FORM = 'Content-Type: application/x-www-form-urlencoded';

const stripe = new EchoServer();
const echo = stripe.answer;
let app: TestApp;
let projectId: string;
let full: IssuedKey;
let customers: IssuedKey;

beforeAll(async () => {
  await stripe.start();
  app = await startTestApp({
    environment: {
      STRIPE_GATEWAY: 'true',
      STRIPE_API_BASE: stripe.url,
      STRIPE_GATEWAY_TIMEOUT: '1',
      STRIPE_GATEWAY_RATE: '0',
      STRIPE_GATEWAY_CONCURRENCY: '20',
      METRICS_TOKEN: 'm'.repeat(16),
    },
  });
  projectId = await app.createProject();
  await app.send('put', configPath(projectId)).send({ test_secret_key: SECRET }).expect(200);
  full = await makeGatewayKey(app, projectId, { '*': 'write' });
  customers = await makeGatewayKey(app, projectId, { customers: 'write' });
});
afterAll(async () => {
  await app.close();
  await stripe.stop();
});
beforeEach(() => {
  stripe.answer = echo;
  stripe.requests.length = 0;
});

const bearer = ({ key }: IssuedKey) => `Authorization: Bearer ${key}`;
const send = (head: string, headers: string[] = [], body: string | Buffer = '', key = full) =>
  sendRaw(
    app,
    head,
    [bearer(key), ...(body.length > 0 ? [`Content-Length: ${body.length}`] : []), ...headers],
    body,
  );
const errorOf = ({ body }: RawAnswer) => (JSON.parse(body) as { error: Record<string, string> }).error;
const received = () => stripe.requests.at(-1);

describe('what Stripe gets', () => {
  it('is the method, the path, the query and the bytes of the body', async () => {
    const body = 'name=Ada+%F0%9F%98%80&description=%25&empty=&metadata[a]=b;c';
    const { status } = await send('POST /v1/customers/cus_1?a=%5B%20b&&c=d', [FORM], body);
    expect(status).toBe(200);
    expect(received()).toMatchObject({ method: 'POST', url: '/v1/customers/cus_1?a=%5B%20b&&c=d' });
    expect(received()?.body.toString()).toBe(body);
  });

  it('is the stored key, and only headers that concern it', async () => {
    await send(
      'POST /v1/customers',
      [
        FORM,
        'Stripe-Version: 2026-10-28.endive',
        'Accept: application/json',
        'User-Agent: Stripe/v1 Python',
        'X-Stripe-Client-User-Agent: {"lang":"python"}',
        'Cookie: session=1',
        'X-Forwarded-For: 192.0.2.1',
        'X-Forwarded-Host: evil.example',
        'Forwarded: host=evil.example',
        'X-Original-URL: /v1/charges',
        'X-HTTP-Method-Override: DELETE',
        'Proxy-Authorization: Basic YTpi',
        'Expect: 100-continue',
        'TE: trailers',
        'Upgrade: h2c',
        'Keep-Alive: timeout=5',
        'Origin: https://evil.example',
        'Content-Encoding: identity',
      ],
      'name=Ada',
    );
    const { headers = {} } = received() ?? {};
    expect(headers).toEqual({
      host: stripe.url.slice('http://'.length),
      connection: 'keep-alive',
      authorization: `Bearer ${SECRET}`,
      accept: 'application/json',
      'content-length': '8',
      'content-type': 'application/x-www-form-urlencoded',
      'stripe-version': '2026-10-28.endive',
      'user-agent': 'Stripe/v1 Python',
      'x-stripe-client-user-agent': '{"lang":"python"}',
    });
  });

  it('is no header that Connection names', async () => {
    const { status } = await send(
      'POST /v1/customers',
      [
        FORM,
        'Connection: close, Stripe-Version, , idempotency-key',
        'Stripe-Version: 1',
        'Idempotency-Key: a',
      ],
      'a=b',
    );
    expect(status).toBe(200);
    for (const name of ['stripe-version', 'idempotency-key'])
      expect(received()?.headers).not.toHaveProperty(name);
    const account = ['Connection: Stripe-Account', 'Stripe-Account: acct_1'];
    const refused = await send('GET /v1/customers', account);
    expect([refused.status, errorOf(refused)['code']]).toEqual([400, 'gateway_request_invalid']);
    // Stripe would read the body as a form.
    const hidden = ['Connection: Content-Type', 'Content-Type: multipart/form-data; boundary=b'];
    expect((await send('POST /v1/customers', hidden, 'expand[]=default_source', customers)).status).toBe(403);
  });

  it('is a HEAD request, with permission to read', async () => {
    const key = await makeGatewayKey(app, projectId, { customers: 'read' });
    expect((await send('HEAD /v1/customers/cus_1', [], '', key)).status).toBe(200);
    expect(received()?.method).toBe('HEAD');
    expect((await send('HEAD /v1/charges', [], '', key)).status).toBe(403);
  });

  it('takes the key as the user name of basic authentication', async () => {
    const basic = Buffer.from(`${customers.key}:`).toString('base64');
    const { status } = await sendRaw(app, 'GET /v1/customers', [`Authorization: Basic ${basic}`]);
    expect([status, received()?.headers.authorization]).toEqual([200, `Bearer ${SECRET}`]);
  });

  it('is an idempotency key of this gateway key, which the answer has as it was sent', async () => {
    stripe.answer = (request, response) =>
      response.setHeader('idempotency-key', request.headers['idempotency-key'] ?? '').end('{}');
    const keyed = (value: string) => send('POST /v1/customers', [`Idempotency-Key: ${value}`], '', customers);
    expect((await keyed('order-1')).headers['idempotency-key']).toBe('order-1');
    expect(received()?.headers['idempotency-key']).toBe(`${customers.id}:order-1`);
    const long = 'k'.repeat(255);
    expect((await keyed(long)).headers['idempotency-key']).toBe(long);
    expect(received()?.headers['idempotency-key']).toMatch(new RegExp(`^${customers.id}:[0-9a-f]{64}$`));
  });

  it('is an upload as it was sent, and arrives in pieces', async () => {
    const file = randomBytes(300_000);
    const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n';
    const body = Buffer.concat([Buffer.from(head), file, Buffer.from('\r\n--b--\r\n')]);
    let pieces = 0;
    stripe.answer = (request, response) => {
      request.on('data', () => (pieces += 1)).on('end', () => response.end('{}'));
    };
    await send('POST /v1/files', ['Content-Type: multipart/form-data; boundary=b'], body);
    expect(received()?.body.equals(body)).toBe(true);
    expect(pieces).toBeGreaterThan(1);
  });
});

describe('what the client gets', () => {
  it('is the status, the body and the headers of Stripe', async () => {
    stripe.answer = (request, response) =>
      request.resume().on('end', () =>
        response
          .writeHead(402, {
            'Content-Type': 'application/json',
            'Request-Id': 'req_1',
            'Retry-After': '7',
            'Stripe-Should-Retry': 'false',
            'Stripe-Rate-Limited-Reason': 'endpoint-rate',
            'X-RateLimit-Limit': '100',
            'Set-Cookie': 'a=b',
            Server: 'nginx',
            Location: 'https://evil.example/',
          })
          .end('{"error":{"type":"card_error"}}'),
      );
    const { status, headers, body } = await send('GET /v1/charges');
    expect([status, body]).toEqual([402, expect.stringContaining('{"error":{"type":"card_error"}}')]);
    expect(headers).toMatchObject({
      'request-id': 'req_1',
      'retry-after': '7',
      'stripe-should-retry': 'false',
      'stripe-rate-limited-reason': 'endpoint-rate',
      'x-ratelimit-limit': '100',
    });
    for (const name of ['set-cookie', 'server', 'location']) expect(headers).not.toHaveProperty(name);
  });

  it('is a download in pieces, before all of it has arrived', async () => {
    let finish: () => void = () => undefined;
    stripe.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/pdf' }).write('first ');
      finish = () => response.end('second');
    };
    const open = openRequest(app, 'GET /v1/quotes/qt_1/pdf', [bearer(full), 'Connection: close']);
    expect(await open.status).toBe(200);
    finish();
    expect((await open.answer).body).toContain('second');
  });

  it('is an error in the form of Stripe, from each place', async () => {
    const table: [Promise<RawAnswer>, number, string, string][] = [
      [sendRaw(app, 'GET /v1/customers'), 401, 'gateway_key_missing', 'false'],
      [
        sendRaw(app, 'GET /v1/customers', ['Authorization: Bearer nothing']),
        401,
        'gateway_key_invalid',
        'false',
      ],
      [
        sendRaw(app, 'GET /v1/customers', [`Authorization: Bearer ${SECRET}`]),
        401,
        'gateway_key_invalid',
        'false',
      ],
      [send('GET /v1/charges', [], '', customers), 403, 'gateway_permission_missing', 'false'],
      [send('GET /v1/customers', ['Stripe-Account: acct_1']), 403, 'gateway_account_not_allowed', 'false'],
      [send('GET /v1/customers', ['Stripe-Context: acct_1']), 403, 'gateway_account_not_allowed', 'false'],
      [send('POST /v2/billing/meter_event_session', [], '{}'), 404, 'gateway_route_unknown', 'false'],
      [
        send('POST /v1/customers', [FORM, 'Content-Encoding: gzip'], 'a=b'),
        415,
        'gateway_body_compressed',
        'false',
      ],
      [send('GET /v1//customers'), 400, 'gateway_request_invalid', 'false'],
      [
        sendBytes(app, 'GET /v1/customers HTTP/1.1\r\nConnection: close\r\n\r\n'),
        400,
        'gateway_request_invalid',
        'false',
      ],
    ];
    for (const [answer, status, code, retry] of table) {
      const { headers, ...rest } = await answer;
      expect([rest.status, errorOf({ headers, ...rest })]).toEqual([
        status,
        {
          type: 'invalid_request_error',
          code,
          message: expect.stringMatching(/^[A-Z].*\.$/) as string,
          doc_url: expect.stringMatching(/^http/) as string,
        },
      ]);
      expect([code, headers['stripe-should-retry']]).toEqual([code, retry]);
      expect(headers['x-request-id']).toBeDefined();
    }
    expect(stripe.requests).toEqual([]);
  });

  it('is 413 for a body that is too large, announced or not', async () => {
    const announced = await sendRaw(app, 'POST /v1/customers', [
      bearer(full),
      FORM,
      'Content-Length: 9000000',
    ]);
    expect([announced.status, errorOf(announced)['code']]).toEqual([413, 'gateway_body_too_large']);
    const piece = `${(1024 * 1024).toString(16)}\r\n${'a'.repeat(1024 * 1024)}\r\n`;
    const streamed = await sendRaw(
      app,
      'POST /v1/customers',
      [bearer(full), FORM, 'Transfer-Encoding: chunked'],
      piece.repeat(9),
    );
    expect(streamed.status).toBe(413);
    await eventually(async () => expect(received()?.isComplete).toBe(false));
  });

  it('is 504 if Stripe is slow, 502 if it is down, with advice on a retry', async () => {
    stripe.answer = () => undefined;
    const slow = await send('GET /v1/customers');
    expect([slow.status, errorOf(slow)['code'], errorOf(slow)['type']]).toEqual([
      504,
      'stripe_too_slow',
      'api_error',
    ]);
    expect(slow.headers).toMatchObject({ 'stripe-should-retry': 'true', 'retry-after': '2' });
    stripe.answer = (request) => request.socket.resetAndDestroy();
    const down = await send('POST /v1/customers', [FORM, 'Idempotency-Key: a'], 'a=b');
    expect([down.status, errorOf(down)['code']]).toEqual([502, 'stripe_unreachable']);
    expect(down.headers).toMatchObject({ 'stripe-should-retry': 'true', 'retry-after': '2' });
    const unsafe = await send('POST /v1/customers', [FORM], 'a=b');
    expect(unsafe.headers).toMatchObject({ 'stripe-should-retry': 'false', 'retry-after': '2' });
    expect(stripe.requests.filter(({ url }) => url === '/v1/customers')).toHaveLength(3);
  });
});

describe('an answer whose body never comes', () => {
  const calls = async () => {
    const { text } = await app.send('get', '/metrics', 'm'.repeat(16)).expect(200);
    return [...text.matchAll(/^tillkeeper_stripe_calls_total.* (\d+)$/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
  };

  it.each([
    ['resets', 502, 'stripe_unreachable', (response: ServerResponse) => response.socket?.resetAndDestroy()],
    ['stalls', 504, 'stripe_too_slow', () => undefined],
  ])('is an error if Stripe %s after the head, and counts once', async (_what, status, code, end) => {
    const before = await calls();
    stripe.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '2' }).flushHeaders();
      setTimeout(() => end(response), 50);
    };
    const broken = await send('GET /v1/customers');
    expect([broken.status, errorOf(broken)]).toEqual([
      status,
      expect.objectContaining({ type: 'api_error', code }),
    ]);
    expect(broken.headers).toMatchObject({ 'stripe-should-retry': 'true', 'retry-after': '2' });
    expect((await calls()) - before).toBe(1);
  });
});

describe('expansions in a body', () => {
  const chunked = (...pieces: string[]) =>
    [...pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`), '0\r\n\r\n'].join('');

  it.each([
    ['expand[]=invoice_settings.default_payment_method'],
    ['name=a&expand%5B%5D=default_source'],
    ['name=a&%65xpand[0]=default_source&name=b'],
    ['name=a;expand[]=default_source'],
    ['EXPAND[]=default_source'],
    [' expand[]=default_source'],
    ['+expand[]=default_source'],
    ['expand=default_source'],
    ['expand[][]=default_source'],
    ['expand[a][b]=default_source'],
    ['expand[]=tax_ids&expand[]=customer%00'],
    [`expand[]=${'a'.repeat(10_000)}`],
    [`description=${'a'.repeat(20_000)}&expand[]=default_source`],
  ])('are refused before Stripe has the body: %.40s', async (body) => {
    const { status } = await send('POST /v1/customers', [FORM], body, customers);
    expect(status).toBe(403);
    const pieces = chunked(...(body.match(/.{1,7}/gs) ?? []));
    const streamed = await sendRaw(
      app,
      'POST /v1/customers',
      [bearer(customers), 'Transfer-Encoding: chunked'],
      pieces,
    );
    expect(streamed.status).toBe(403);
    expect(stripe.requests.filter(({ isComplete }) => isComplete)).toEqual([]);
  });

  it.each([
    'expand_me=1&description=expand[]=default_source',
    'unexpand[]=default_source',
    'metadata[expand]=a',
  ])('are not seen in %s', async (body) => {
    expect((await send('POST /v1/customers', [FORM], body, customers)).status).toBe(200);
    expect(received()?.body.toString()).toBe(body);
  });

  it.each([
    ['application/json', '{"expand":["default_source"]}'],
    ['multipart/form-data; boundary=b; boundary=c', '--b--'],
    ['multipart/mixed; boundary=b', '--b--'],
    ['application/x-www-form-urlencoded; charset=utf-16', 'expand[]=default_source'],
    ['text/plain', 'expand[]=default_source'],
  ])('of %s need everything, since nobody can read them', async (type, body) => {
    const answer = await send('POST /v1/customers', [`Content-Type: ${type}`], body, customers);
    expect([answer.status, errorOf(answer)['message']]).toEqual([
      403,
      expect.stringContaining('"*": "read"'),
    ]);
    expect(stripe.requests).toEqual([]);
  });

  it.each(['expand[]', 'expand[0]', 'expand'])('count in an upload as %s', async (name) => {
    const key = await makeGatewayKey(app, projectId, { files: 'write' });
    const head = 'content-disposition: form-data; name=';
    const file = `--b\r\n${head}"file"; filename="a"\r\n\r\n${'a'.repeat(100_000)}\r\n`;
    const expansion = `--b\r\n${head}"${name}"\r\n\r\nlinks\r\n`;
    const upload = (body: string) =>
      send('POST /v1/files', ['Content-Type: multipart/form-data; boundary=b'], body, key);
    for (const body of [
      `${expansion}--b--\r\n`,
      `${file}${expansion}--b--`,
      `${expansion}${file}--b--\r\n`,
    ]) {
      const answer = await upload(body);
      expect([answer.status, errorOf(answer)['message']]).toEqual([
        403,
        expect.stringContaining('"file_links": "read"'),
      ]);
    }
    for (const { isComplete, body } of stripe.requests)
      expect([isComplete, body.includes('--b--')]).toEqual([false, false]);
    expect((await upload(`${file}--b--\r\n`)).status).toBe(200);
    await app
      .send('patch', `${gatewayKeysPath(projectId)}/${key.id}`)
      .send({ permissions: { files: 'write', file_links: 'read' } })
      .expect(200);
    expect((await upload(`${file}${expansion}--b--\r\n`)).status).toBe(200);
  });

  it('count in an upload of the SDK', async () => {
    const key = await makeGatewayKey(app, projectId, { files: 'write' });
    const file = { data: Buffer.from('a'), name: 'a.pdf', type: 'application/pdf' };
    const { files } = stripeThrough(portOf(app), key.key);
    const upload = { purpose: 'dispute_evidence', file, file_link_data: { create: true } } as const;
    await files.create(upload);
    await expect(files.create({ ...upload, expand: ['links'] })).rejects.toMatchObject({
      statusCode: 403,
      code: 'gateway_permission_missing',
    });
    expect(stripe.requests.filter(({ isComplete }) => isComplete)).toHaveLength(1);
  });

  it('of a GET or DELETE count, too', async () => {
    for (const method of ['GET', 'DELETE'])
      expect(
        (await send(`${method} /v1/customers/cus_1`, [FORM], 'expand[]=default_source', customers)).status,
      ).toBe(403);
    expect(stripe.requests.filter(({ isComplete }) => isComplete)).toEqual([]);
  });
});

it('lets no request through that the permissions do not cover', async () => {
  const key = await makeGatewayKey(app, projectId, { customers: 'read', 'checkout/sessions': 'write' });
  /** Whether a server that decodes, ignores case, and resolves segments could see another resource. */
  const isCovered = ({ method, url }: { method: string; url: string }) => {
    const [path = ''] = url.split('?');
    const decoded = decodeURIComponent(path).toLowerCase();
    const resolved = new URL(decoded, 'http://stripe.test').pathname;
    if (resolved !== new URL(path, 'http://stripe.test').pathname.toLowerCase() && /%/.test(path))
      return /^\/v1\/(customers|checkout\/sessions)\//.test(resolved);
    if (/^\/v1\/checkout\/sessions(\/|$)/.test(resolved)) return true;
    return /^(GET|HEAD)$/.test(method) && /^\/v1\/customers(\/|$)/.test(resolved);
  };
  const word = fc.constantFrom(
    ...[
      'customers',
      'Customers',
      'charges',
      'checkout',
      'sessions',
      'cus_1',
      'search',
      '..',
      '.',
      '',
      'v1',
      'v2',
    ],
    ...[
      '%2e%2e',
      '%2E.',
      '..%2fcharges',
      '%2Fcharges',
      '%5c..',
      '..\\charges',
      ';',
      '..;',
      '%00',
      '%252e',
      'expire',
    ],
    ...['%63ustomers', 'customers%20', '*', '{}', 'account', '@evil.example', 'customers%2f'],
  );
  const query = fc.constantFrom(
    ...[
      '',
      '?expand[]=sources',
      '?expand=data.sources',
      '?expand[0]=a&expand[0]=sources',
      '?%65xpand[]=sources',
    ],
    ...['?_method=DELETE', '?limit=1&limit=2', '?/../charges', '?expand[]=data.subscriptions', '?a=b'],
  );
  const header = fc.constantFrom(
    ...['X-HTTP-Method-Override: DELETE', 'X-Original-URL: /v1/charges', 'Host: evil.example', 'A: b'],
    ...['X-Forwarded-Prefix: /v1/charges', 'Connection: authorization', 'Stripe-Account: acct_1'],
  );
  const method = fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS');
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(
      method,
      fc.constantFrom('/v1/', '/v1/', '/v2/', '/V1/', '//v1/', '/v1//'),
      fc.array(word, { minLength: 1, maxLength: 4 }),
      query,
      header,
      async (verb, start, words, parameters, extra) => {
        stripe.requests.length = 0;
        await sendRaw(app, `${verb} ${start}${words.join('/')}${parameters}`, [bearer(key), extra]);
        for (const request of stripe.requests) {
          passed += 1;
          expect([request.method, request.url, isCovered(request)]).toEqual([
            request.method,
            request.url,
            true,
          ]);
          expect(request.url).not.toMatch(/xpand/);
          expect(request.headers['stripe-account']).toBeUndefined();
          expect(request.headers.host).toBe(stripe.url.slice('http://'.length));
        }
      },
    ),
    { numRuns: 400, examples: [['GET', '/v1/', ['customers', 'cus_1'], '', 'A: b']] },
  );
  expect(passed).toBeGreaterThan(0);
});

describe('an attempt to reach another host or to smuggle', () => {
  it.each([
    'GET http://evil.example/v1/customers',
    'GET //evil.example/v1/customers',
    'GET /v1/@evil.example/',
    'GET /v1/../../etc',
    'GET /v1/customers#@evil.example',
    'OPTIONS *',
  ])('is refused: %s', async (head) => {
    const { status } = await send(head);
    expect([400, 404, 405]).toContain(status);
    expect(stripe.requests).toEqual([]);
  });

  it('is sent to Stripe alone, whatever the Host header says', async () => {
    const { status } = await sendBytes(
      app,
      `GET /v1/customers HTTP/1.1\r\nHost: evil.example\r\n${bearer(full)}\r\nConnection: close\r\n\r\n`,
    );
    expect([status, received()?.headers.host]).toEqual([200, stripe.url.slice('http://'.length)]);
  });

  it.each([
    ['Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\nGET /v1/charges HTTP/1.1\r\n\r\n'],
    ['Transfer-Encoding: chunked, identity', '0\r\n\r\n'],
    ['Transfer-Encoding: xchunked', '0\r\n\r\n'],
    ['Content-Length: 3\r\nContent-Length: 4', 'abcd'],
    ['Content-Length: +3', 'a=b'],
    ['Content-Length: 3\r\nContent-Length: 3', 'a=b'],
    ['Content-Length: 3, 3', 'a=b'],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', '0\r\n\r\n'],
    ['Transfer-Encoding : chunked', '0\r\n\r\n'],
    ['Transfer-Encoding: chunked', '-1\r\n\r\n'],
    ['Transfer-Encoding: chunked', '3;a\nb\r\na=b\r\n0\r\n\r\n'],
    ['Idempotency-Key: a\r\n Stripe-Account: acct_1', ''],
    ['Idempotency-Key: a\n X: b', ''],
    ['Idempotency-Key: a\rb', ''],
  ])('is refused as invalid HTTP: %j', async (headers, body) => {
    const { status } = await sendBytes(
      app,
      `POST /v1/customers HTTP/1.1\r\nHost: a\r\n${bearer(customers)}\r\nConnection: close\r\n${headers}\r\n\r\n${body}`,
    );
    expect(status).toBe(400);
    expect(stripe.requests.filter(({ isComplete }) => isComplete)).toEqual([]);
  });
});

it.each([
  ['?expand[]=default_source&expand[0]=discount', '', 403],
  ['?expand[]=discount', 'expand[]=default_source', 403],
  ['?expand[]=default_source', 'expand[]=discount', 403],
  ['?expand[]=discount', 'expand[0]=discount&expand[]=cash_balance', 200],
])('needs what the query and the body expand together: %s and %s', async (query, body, status) => {
  expect((await send(`POST /v1/customers${query}`, [FORM], body, customers)).status).toBe(status);
  expect(stripe.requests.filter(({ isComplete }) => isComplete)).toHaveLength(status === 200 ? 1 : 0);
});

describe('the Stripe SDK', () => {
  it('searches page by page, and expands what the key may read', async () => {
    const key = await makeGatewayKey(app, projectId, { customers: 'read', subscriptions: 'read' });
    stripe.answer = (request, response) => {
      const page = new URL(request.url ?? '', stripe.url).searchParams.get('page');
      response.setHeader('content-type', 'application/json').end(
        JSON.stringify({
          object: 'search_result',
          url: '/v1/customers/search',
          data: [{ id: `cus_${page ?? 'first'}`, object: 'customer' }],
          has_more: page === null,
          next_page: page === null ? 'second' : null,
        }),
      );
    };
    const { customers: found } = stripeThrough(portOf(app), key.key);
    const ids: string[] = [];
    const query = "email:'ada+1@example.com' AND metadata['a b']:'100%'";
    for await (const { id } of found.search({ query, expand: ['data.subscriptions'] })) ids.push(id);
    expect(ids).toEqual(['cus_first', 'cus_second']);
    for (const { url } of stripe.requests)
      expect(new URL(url, stripe.url).searchParams.get('query')).toBe(query);
    await expect(
      found.search({ query, expand: ['data.invoice_settings.default_payment_method'] }),
    ).rejects.toMatchObject({
      code: 'gateway_permission_missing',
      message: expect.stringContaining('"payment_methods": "read"') as string,
    });
  });

  it('names fields of an object of API v2 with include, which needs no other permission', async () => {
    const key = await makeGatewayKey(app, projectId, { 'core/accounts': 'read' });
    const { v2 } = stripeThrough(portOf(app), key.key);
    await v2.core.accounts.retrieve('acct_1', { include: ['identity', 'configuration.customer'] });
    expect(received()?.url).toBe(
      '/v2/core/accounts/acct_1?include[0]=identity&include[1]=configuration.customer',
    );
    await expect(v2.core.accounts.create({ include: ['identity'] })).rejects.toMatchObject({
      code: 'gateway_permission_missing',
    });
  });

  it('reaches Stripe by each of its methods, with permissions by name', async () => {
    const { port } = new URL(stripe.url);
    const heads = async (calls: Iterable<() => unknown>) => {
      const made: string[] = [];
      for (const call of calls) {
        stripe.requests.length = 0;
        // The answer has no list, and some methods make no request.
        await (async () => call())().catch(() => undefined);
        const [request] = stripe.requests;
        made.push(request ? `${request.method} ${request.url}` : '');
      }
      return made;
    };
    const direct = await heads(callsOf(stripeThrough(Number(port), SECRET)));
    const resources = direct.map((head) => {
      const [method = '', url = ''] = head.split(' ');
      return /^\/v\d/.test(url) && !isMeterEventStream(url) ? operationOf(method, url).resource : undefined;
    });
    const named = new Set(resources.filter((resource) => resource !== undefined));
    expect(named.size).toBeGreaterThan(100);
    expect([...named]).not.toContain('*');
    const key = await makeGatewayKey(
      app,
      projectId,
      Object.fromEntries([...named].map((resource) => [resource, 'write'])),
    );
    const passed = await heads(callsOf(stripeThrough(portOf(app), key.key)));
    expect(passed).toEqual(direct.map((head, nth) => (resources[nth] === undefined ? '' : head)));
  });
});

it('keeps the trailers of a body out of the request', async () => {
  const trailer = '3\r\na=b\r\n0\r\nStripe-Account: acct_1\r\nAuthorization: Bearer x\r\n\r\n';
  await sendRaw(app, 'POST /v1/customers', [bearer(customers), FORM, 'Transfer-Encoding: chunked'], trailer);
  expect(received()?.headers).not.toHaveProperty('stripe-account');
  expect(received()?.headers.authorization).toBe(`Bearer ${SECRET}`);
  expect(received()?.body.toString()).toBe('a=b');
});

describe('a connection', () => {
  it('that the client closes ends the call to Stripe', async () => {
    const closed = new Promise<void>((resolve) => {
      stripe.answer = (_request, response) => response.on('close', resolve);
    });
    const open = openRequest(app, 'GET /v1/customers', [bearer(full)]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    open.destroy();
    await closed;
  });

  it('that the client closes within an upload leaves an unfinished request', async () => {
    const open = openRequest(app, 'POST /v1/customers', [bearer(full), FORM, 'Content-Length: 10']);
    open.write('name=');
    await new Promise((resolve) => setTimeout(resolve, 100));
    open.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(stripe.requests.filter(({ isComplete }) => isComplete)).toEqual([]);
  });

  it('without a byte for too long gets 408', async () => {
    const limits = app.app.get(GatewayLimits);
    limits.idleMs = 200;
    const open = openRequest(app, 'POST /v1/customers', [bearer(full), FORM, 'Content-Length: 10']);
    open.write('name=');
    const answer = await open.answer;
    limits.idleMs = 30_000;
    expect([answer.status, errorOf(answer)['code']]).toEqual([408, 'gateway_upload_idle']);
    expect(stripe.requests.filter(({ isComplete }) => isComplete)).toEqual([]);
  });

  it('whose client stops reading ends, and leaves its place to others', async () => {
    const limits = app.app.get(GatewayLimits);
    limits.idleMs = 200;
    const key = await makeGatewayKey(app, projectId, { '*': 'read' });
    const block = Buffer.alloc(1024 * 1024);
    stripe.answer = (_request, response) => {
      const write = (): void =>
        void (response.writable && response.write(block)
          ? setImmediate(write)
          : response.once('drain', write));
      write();
    };
    const open = Array.from({ length: 10 }, () => {
      const request = openRequest(app, 'GET /v1/files/file_1/contents', [bearer(key)]);
      request.pause();
      return request;
    });
    await eventually(async () =>
      expect(
        app.log.filter((line) => line.includes(key.id) && line.includes('"brokenOff":true')),
      ).toHaveLength(10),
    );
    for (const each of open) each.destroy();
    stripe.answer = echo;
    expect((await send('GET /v1/customers', [], '', key)).status).toBe(200);
    limits.idleMs = 30_000;
  });

  it('is refused if too many of the key are open, until one of them ends', async () => {
    stripe.answer = () => undefined;
    const open = Array.from({ length: 10 }, () => openRequest(app, 'GET /v1/customers', [bearer(customers)]));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const refused = await send('GET /v1/customers', [], '', customers);
    expect([refused.status, errorOf(refused)['code']]).toEqual([429, 'gateway_rate_limit']);
    expect(refused.headers).toMatchObject({ 'retry-after': '1', 'stripe-should-retry': 'true' });
    for (const each of open) each.destroy();
    stripe.answer = echo;
    await eventually(async () => {
      expect((await send('GET /v1/customers', [], '', customers)).status).toBe(200);
    });
  });
});

describe('an operator sees', () => {
  it('one line for each request, without query and body', async () => {
    app.log.length = 0;
    await send('POST /v1/customers/cus_private?a=query-secret', [FORM], 'name=body-secret', customers);
    await eventually(async () => expect(app.log.join('\n')).toContain('"route":"/v1/customers/{}"'));
    const lines = app.log.filter((line) => line.includes('"msg":"request"'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      method: 'POST',
      route: '/v1/customers/{}',
      status: 200,
      gatewayKey: customers.id,
    });
    expect(app.log.join('\n')).not.toMatch(/cus_private|query-secret|body-secret|tkg_|sk_test/);
  });

  it.each([
    ['the client', (open: OpenRequest) => open.destroy()],
    ['Stripe', (_open: OpenRequest, response: ServerResponse) => response.socket?.resetAndDestroy()],
  ])('one line, one request and one use for an answer that %s breaks off', async (_who, breakOff) => {
    const key = await makeGatewayKey(app, projectId, { customers: 'read' });
    const usage = `/api/v1/payments/stripe/projects/${projectId}/gateway-keys/${key.id}/usage`;
    const lines = () => app.log.filter((line) => line.includes(key.id));
    const count = async () => {
      const { text } = await app.send('get', '/metrics', 'm'.repeat(16)).expect(200);
      return Number(
        /requests_total\{method="GET",route="\/v1\/\*",status="200"\} (\d+)/.exec(text)?.[1] ?? 0,
      );
    };
    const before = await count();
    const answering = new Promise<ServerResponse>((resolve) => {
      stripe.answer = (_request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('first ');
        resolve(response);
      };
    });
    const open = openRequest(app, 'GET /v1/customers', [bearer(key)]);
    expect(await open.status).toBe(200);
    breakOff(open, await answering);
    await open.answer;
    await eventually(async () => expect(lines()).toHaveLength(1));
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({ msg: 'request', status: 200, brokenOff: true });
    expect((await count()) - before).toBe(1);
    const { body } = await app.send('get', usage).expect(200);
    expect(body).toMatchObject({ days: [{ requests: 1, errors: 0 }] });
  });

  it('status 499 for a client that disconnects before the answer', async () => {
    const key = await makeGatewayKey(app, projectId, { customers: 'read' });
    const lines = () => app.log.filter((line) => line.includes(key.id));
    const arrived = new Promise<void>((resolve) => (stripe.answer = () => resolve()));
    const open = openRequest(app, 'GET /v1/customers', [bearer(key)]);
    await arrived;
    open.destroy();
    await eventually(async () => expect(lines()).toHaveLength(1));
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({ msg: 'request', status: 499, brokenOff: true });
  });

  it('counts by resource, action, status and mode, without ids', async () => {
    await send('GET /v1/charges', [], '', customers);
    await send('GET /v1/invented/thing_1');
    const { text } = await app.send('get', '/metrics', 'm'.repeat(16)).expect(200);
    expect(text).toMatch(
      /tillkeeper_gateway_requests_total\{resource="charges",action="read",status="403",mode="test"\} [1-9]/,
    );
    expect(text).toMatch(/resource="\*",action="write",status="200",mode="test"\} [1-9]/);
    expect(text).not.toMatch(/thing_1|cus_|tkg_/);
  });
});

it('counts requests, errors and refused permissions of a key by day', async () => {
  const key = await makeGatewayKey(app, projectId, { customers: 'read' });
  await send('GET /v1/customers', [], '', key);
  await send('GET /v1/customers?expand[]=data.sources', [], '', key);
  await send('POST /v1/customers', [], '', key);
  stripe.answer = (_request, response) => response.writeHead(404).end('{}');
  await send('GET /v1/customers/cus_1', [], '', key);
  const path = `/api/v1/payments/stripe/projects/${projectId}/gateway-keys/${key.id}/usage`;
  // Stored at once, by all who ask.
  const [{ body }] = await Promise.all([
    app.send('get', path).expect(200),
    app.send('get', path).expect(200),
    app.send('get', path).expect(200),
  ]);
  const day = new Date().toISOString().slice(0, 10);
  expect(body).toEqual({
    days: [
      {
        day,
        requests: 4,
        errors: 1,
        refused: 2,
        permissions: expect.arrayContaining([
          { resource: 'customers', action: 'read', requests: 3, refused: 0 },
          { resource: 'customers', action: 'write', requests: 1, refused: 1 },
        ]) as unknown,
      },
    ],
    used_permissions: { customers: 'read' },
  });
  await app.send('get', path.replace(key.id, projectId)).expect(404);
});

it('keeps the memory flat for a body of many megabytes', async () => {
  stripe.answer = (request, response) => {
    let length = 0;
    request
      .on('data', (piece: Buffer) => (length += piece.length))
      .on('end', () => response.end(String(length)));
  };
  const piece = Buffer.alloc(1024 * 1024, 'a');
  const answer = await new Promise<string>((resolve, reject) => {
    const upload = httpRequest(
      {
        port: portOf(app),
        host: '127.0.0.1',
        method: 'POST',
        path: '/v1/files',
        headers: { authorization: `Bearer ${full.key}`, 'content-type': 'multipart/form-data; boundary=b' },
      },
      (response) => response.once('data', (text: Buffer) => resolve(text.toString())),
    ).on('error', reject);
    let sent = 0;
    const more = (): void => {
      while (sent < 50) {
        sent += 1;
        if (!upload.write(piece)) return void upload.once('drain', more);
      }
      upload.end();
    };
    more();
  });
  expect(answer).toBe(String(50 * piece.length));
});

it('answers on its own port alone if it has one', async () => {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const own = await startTestApp({
    database: app.database,
    environment: { ...app.environment, STRIPE_GATEWAY_PORT: `${port}` },
  });
  try {
    expect(await stripeThrough(port, full.key).customers.retrieve('cus_1')).toBeDefined();
    await own.send('get', '/v1/customers', full.key).expect(404, { detail: 'There is nothing at this URL.' });
    for (const path of ['/health/live', '/api/v1/projects', '/docs', '/metrics', '/v3/customers', '/']) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      expect([path, answer.status, ((await answer.json()) as { error?: unknown }).error]).toEqual([
        path,
        404,
        expect.objectContaining({ code: 'gateway_route_unknown' }),
      ]);
    }
  } finally {
    await own.close();
  }
});

it('is off unless it is switched on', async () => {
  const off = await startTestApp({
    database: app.database,
    environment: { ...app.environment, STRIPE_GATEWAY: undefined },
  });
  await off.send('get', '/v1/customers', full.key).expect(404, { detail: 'There is nothing at this URL.' });
  await off.close();
});
