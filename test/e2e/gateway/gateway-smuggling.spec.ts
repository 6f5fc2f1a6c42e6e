import fc from 'fast-check';
import {
  EchoedGateway,
  type IssuedKey,
  bearer,
  FORM,
  SECRET,
  makeGatewayKey,
} from '../../harness/gateway.js';
import { sendBytes, sendRaw } from '../../harness/raw-http.js';

const gateway = new EchoedGateway();
const { stripe, send, received } = gateway;
let app: EchoedGateway['app'];
let projectId: string;
let full: IssuedKey;
let customers: IssuedKey;

beforeAll(async () => {
  await gateway.start();
  ({ app, projectId, full, customers } = gateway);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.reset());

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

it('keeps the trailers of a body out of the request', async () => {
  const trailer = '3\r\na=b\r\n0\r\nStripe-Account: acct_1\r\nAuthorization: Bearer x\r\n\r\n';
  await sendRaw(app, 'POST /v1/customers', [bearer(customers), FORM, 'Transfer-Encoding: chunked'], trailer);
  expect(received()?.headers).not.toHaveProperty('stripe-account');
  expect(received()?.headers.authorization).toBe(`Bearer ${SECRET}`);
  expect(received()?.body.toString()).toBe('a=b');
});
