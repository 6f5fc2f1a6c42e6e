import { type ServerResponse } from 'node:http';
import { eventually } from '../../harness/eventually.js';
import {
  EchoedGateway,
  type IssuedKey,
  bearer,
  FORM,
  makeGatewayKey,
  stripeThrough,
} from '../../harness/gateway.js';
import { type OpenRequest, openRequest } from '../../harness/raw-http.js';
import { startTestApp } from '../../harness/test-app.js';

const gateway = new EchoedGateway();
const { stripe, send } = gateway;
let app: EchoedGateway['app'];
let projectId: string;
let full: IssuedKey;
let customers: IssuedKey;

beforeAll(async () => {
  await gateway.start({ METRICS_TOKEN: 'm'.repeat(16) });
  ({ app, projectId, full, customers } = gateway);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.reset());

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
