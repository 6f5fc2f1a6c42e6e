import {
  EchoedGateway,
  type IssuedKey,
  bearer,
  errorOf,
  FORM,
  gatewayKeysPath,
  makeGatewayKey,
  portOf,
  stripeThrough,
} from '../../harness/gateway.js';
import { sendRaw } from '../../harness/raw-http.js';

const gateway = new EchoedGateway();
const { stripe, send, received } = gateway;
let app: EchoedGateway['app'];
let projectId: string;
let customers: IssuedKey;

beforeAll(async () => {
  await gateway.start();
  ({ app, projectId, customers } = gateway);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.reset());

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
    const upload = { purpose: 'dispute_evidence', file } as const;
    await files.create(upload);
    const refusal = { statusCode: 403, code: 'gateway_permission_missing' };
    await expect(files.create({ ...upload, expand: ['links'] })).rejects.toMatchObject(refusal);
    await expect(files.create({ ...upload, file_link_data: { create: true } })).rejects.toMatchObject(
      refusal,
    );
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

it.each([
  ['a form', FORM, 'purpose=dispute_evidence&file_link_data%5Bcreate%5D=true', ''],
  ['a body without a type', 'Accept: */*', 'file_link_data[create]=true', ''],
  ['the query', FORM, 'purpose=dispute_evidence', '?file_link_data[create]=true'],
  [
    'a multipart body',
    'Content-Type: multipart/form-data; boundary=b',
    '--b\r\ncontent-disposition: form-data; name="file_link_data[create]"\r\n\r\ntrue\r\n--b--\r\n',
    '',
  ],
  ['JSON', 'Content-Type: application/json', '{"file_link_data":{"create":true}}', ''],
])('a link to a new file needs a permission of its own, in %s', async (_what, type, body, query) => {
  const files = await makeGatewayKey(app, projectId, { files: 'write', '*': 'read' });
  const refused = await send(`POST /v1/files${query}`, [type], body, files);
  expect([refused.status, errorOf(refused)['message']]).toEqual([
    403,
    expect.stringContaining('"file_links": "write"'),
  ]);
  expect(stripe.requests.filter(({ isComplete }) => isComplete)).toEqual([]);
  const links = await makeGatewayKey(app, projectId, { files: 'write', file_links: 'write', '*': 'read' });
  expect((await send(`POST /v1/files${query}`, [type], body, links)).status).toBe(200);
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
