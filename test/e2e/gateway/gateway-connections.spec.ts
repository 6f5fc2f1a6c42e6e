import { request as httpRequest } from 'node:http';
import { GatewayLimits } from '../../../src/payments/gateway/gateway-limits.js';
import { eventually } from '../../harness/eventually.js';
import {
  EchoedGateway,
  type IssuedKey,
  bearer,
  errorOf,
  FORM,
  makeGatewayKey,
  portOf,
} from '../../harness/gateway.js';
import { openRequest } from '../../harness/raw-http.js';

const gateway = new EchoedGateway();
const { stripe, send } = gateway;
let app: EchoedGateway['app'];
let projectId: string;
let full: IssuedKey;
let customers: IssuedKey;

beforeAll(async () => {
  await gateway.start({ STRIPE_GATEWAY_CONCURRENCY: '20' });
  ({ app, projectId, full, customers } = gateway);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.reset());

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
    stripe.answer = gateway.echo;
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
    stripe.answer = gateway.echo;
    await eventually(async () => {
      expect((await send('GET /v1/customers', [], '', customers)).status).toBe(200);
    });
  });
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
