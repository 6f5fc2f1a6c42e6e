import { randomBytes } from 'node:crypto';
import { type ServerResponse } from 'node:http';
import { eventually } from '../../harness/eventually.js';
import {
  EchoedGateway,
  type IssuedKey,
  bearer,
  errorOf,
  FORM,
  SECRET,
  makeGatewayKey,
} from '../../harness/gateway.js';
import { openRequest, type RawAnswer, sendBytes, sendRaw } from '../../harness/raw-http.js';

const gateway = new EchoedGateway();
const { stripe, send, received } = gateway;
let app: EchoedGateway['app'];
let projectId: string;
let full: IssuedKey;
let customers: IssuedKey;

beforeAll(async () => {
  await gateway.start({ STRIPE_GATEWAY_TIMEOUT: '1', METRICS_TOKEN: 'm'.repeat(16) });
  ({ app, projectId, full, customers } = gateway);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.reset());

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
