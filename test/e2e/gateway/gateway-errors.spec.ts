import { GatewayServer } from '../../../src/payments/gateway/gateway-server.js';
import { EchoedGateway, type IssuedKey, portOf, SECRET, stripeThrough } from '../../harness/gateway.js';
import { type RawAnswer, sendBytes, sendRaw } from '../../harness/raw-http.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const gateway = new EchoedGateway();
const { stripe } = gateway;
let app: EchoedGateway['app'];
let key: IssuedKey;

beforeAll(async () => {
  await gateway.start();
  ({ app, full: key } = gateway);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.reset());

/** Status and code of an error in the form of Stripe's, with the headers that SDKs read. */
function errorOf({ status, headers, body }: RawAnswer) {
  const { error, ...rest } = JSON.parse(body) as { error: Record<string, string> };
  expect(rest).toEqual({});
  expect(error).toEqual({
    type: 'invalid_request_error',
    code: error['code'],
    message: expect.stringMatching(/^[A-Z].*\.$/) as string,
    doc_url: expect.stringMatching(/^http/) as string,
  });
  expect(headers).toMatchObject({
    'request-id': headers['x-request-id'],
    'stripe-should-retry': 'false',
  });
  return [status, error['code']];
}

const LARGE = `X-Large: ${'a'.repeat(20_000)}`;

it.each([
  ['GET /v1', [], 404, 'gateway_route_unknown'],
  ['GET /v1?a=b', [], 404, 'gateway_route_unknown'],
  ['POST /oauth/token', [], 404, 'gateway_route_unknown'],
  ['OPTIONS /v1/customers', [], 404, 'gateway_route_unknown'],
  ['TRACE /v1/customers', [], 404, 'gateway_route_unknown'],
  ['CONNECT /v1/customers', [], 404, 'gateway_route_unknown'],
  ['BREW /v1/customers', [], 400, 'gateway_request_invalid'],
  ['GET /V1/customers', [], 404, 'gateway_route_unknown'],
  ['GET http://pay.example.com/v1/customers', [], 401, 'gateway_key_missing'],
  ['GET /v1/customers/%zz', [], 400, 'gateway_request_invalid'],
  ['GET /v1/customers', [LARGE], 431, 'gateway_headers_too_large'],
  ['GET /v1/customers', ['Host: other.example'], 400, 'gateway_request_invalid'],
  ['GET /v1/customers', ['Content-Length: x'], 400, 'gateway_request_invalid'],
  ['GET /v1/customers', [], 401, 'gateway_key_missing'],
])('answers %s with an error of Stripe: %j', async (head, headers, status, code) => {
  expect(errorOf(await sendRaw(app, head, headers))).toEqual([status, code]);
});

it.each([
  'GET /health/nowhere',
  'OPTIONS /health/nowhere',
  'GET /v12/customers',
  'GET /api/v1/customers/%zz',
  'CONNECT /api/v1/projects',
])('leaves %s as it is', async (head) => {
  const { body } = await sendRaw(app, head);
  expect(JSON.parse(body)).toEqual({ detail: expect.any(String) as string });
});

it('answers in both forms if the URL can not be read', async () => {
  const { status, body } = await sendBytes(app, '\x16\x03\x01\r\n\r\n');
  expect([status, JSON.parse(body)]).toEqual([
    400,
    {
      detail: 'The request is not valid HTTP.',
      error: expect.objectContaining({ code: 'gateway_request_invalid' }) as unknown,
    },
  ]);
});

it('rejects in the SDK, with the id of the request', async () => {
  const sdk = stripeThrough(portOf(app), key.key);
  await expect(sdk.rawRequest('GET', '/v1')).rejects.toMatchObject({
    statusCode: 404,
    code: 'gateway_route_unknown',
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
  });
  await expect(sdk.oauth.token({ grant_type: 'authorization_code' })).rejects.toBeInstanceOf(Error);
});

it('keeps the id that Stripe gave a request whose stored key it rejected', async () => {
  stripe.answer = (_request, response) => response.writeHead(401, { 'Request-Id': 'req_1' }).end('{}');
  const { status, headers } = await sendRaw(app, 'GET /v1/customers', [`Authorization: Bearer ${key.key}`]);
  expect([status, headers['request-id'], headers['www-authenticate']]).toEqual([401, 'req_1', 'Bearer']);
});

it('says that a key of Stripe is at the wrong place', async () => {
  const answer = await sendRaw(app, 'GET /v1/customers', [`Authorization: Bearer ${SECRET}`]);
  expect(errorOf(answer)).toEqual([401, 'gateway_key_invalid']);
  expect(answer.body).toMatch(/This is a key of Stripe.*roll it/);
  expect(answer.headers['www-authenticate']).toBe('Bearer');
});

it.each(['foo', 'a/b, c/d', '/', '"x"'])(
  'reads a body of type %s only with permission for all',
  async (type) => {
    app.log.length = 0;
    const send = (headers: string[]) =>
      sendRaw(app, 'POST /v1/customers', [`Content-Type: ${type}`, 'Content-Length: 3', ...headers], 'a=b');
    expect(errorOf(await send([]))).toEqual([401, 'gateway_key_missing']);
    expect(errorOf(await send(['Authorization: Bearer tkg_test_x']))).toEqual([401, 'gateway_key_invalid']);
    expect((await send([`Authorization: Bearer ${key.key}`])).status).toBe(200);
    expect(stripe.requests.at(-1)?.headers['content-type']).toBe(type);
    expect(app.log.filter((line) => line.includes('"level":50'))).toEqual([]);
  },
);

it('has an own port, where every error is one of Stripe', async () => {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const own = await startTestApp({
    database: app.database,
    environment: { ...app.environment, STRIPE_GATEWAY_PORT: `${port}` },
  });
  const there = { app: { getHttpServer: () => own.app.get(GatewayServer).server } } as TestApp;
  try {
    expect(errorOf(await sendBytes(there, 'no HTTP\r\n\r\n'))).toEqual([400, 'gateway_request_invalid']);
    expect(errorOf(await sendRaw(there, 'GET /v1/customers/%zz'))).toEqual([400, 'gateway_request_invalid']);
    expect(errorOf(await sendRaw(there, 'GET /v1', [LARGE]))).toEqual([431, 'gateway_headers_too_large']);
    expect(errorOf(await sendRaw(there, 'CONNECT a.example:443'))).toEqual([404, 'gateway_route_unknown']);
    const { body } = await sendRaw(own, 'GET /v1/customers');
    expect(JSON.parse(body)).toEqual({ detail: 'There is nothing at this URL.' });
  } finally {
    await own.close();
  }
});
