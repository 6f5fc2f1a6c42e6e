import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Client, type ClientOptions, createClient } from './client.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const requests: IncomingMessage[] = [];
let answers: Answer[] = [];
const server = createServer((request, response) => {
  requests.push(request);
  request.resume().on('end', () => (answers.shift() ?? json(200, []))(response, request));
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests.length = 0;
  answers = [];
});

const connect = (options: Partial<ClientOptions> = {}): Client =>
  createClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...options });
const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response
      .writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'request-1', ...headers })
      .end(JSON.stringify(body));
const soon = { 'retry-after': '0' };
const lost: Answer = (response) => response.destroy();
const silent: Answer = () => undefined;
const brokenOff: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
  response.write('[{"na', () => response.destroy());
};
const unavailable = json(503, { detail: 'The database is not available.' }, soon);

const PATH = { params: { path: { project_id: 'p 1' } } };
const list = (api: Client, init: { signal?: AbortSignal } = {}) => api.get('/api/v1/projects/', init);
const create = (api: Client, headers: Record<string, string> = {}) =>
  api.post('/api/v1/projects/', { body: { name: 'Corner shop' }, headers });
const save = (api: Client, headers: Record<string, string> = {}) =>
  api.put('/api/v1/payments/stripe/projects/{project_id}/config', { ...PATH, body: {}, headers });
const makeEndpoint = (api: Client, headers: Record<string, string> = {}) =>
  api.post('/api/v1/payments/stripe/projects/{project_id}/webhook-endpoints', {
    ...PATH,
    body: { mode: 'test' },
    headers,
  });
const remove = (api: Client) => api.delete('/api/v1/projects/{project_id}', PATH);

describe('a request', () => {
  it('has the token, and answers data and response', async () => {
    answers = [json(200, [{ name: 'Corner shop' }], { etag: '"3"' })];
    const { data, response } = await list(connect({ token: 'tk_1' }));
    expect(data[0]?.name).toBe('Corner shop');
    expect(response.headers.get('etag')).toBe('"3"');
    expect(requests[0]?.headers.authorization).toBe('Bearer tk_1');
  });

  it('asks for the token each time', async () => {
    let nth = 0;
    const api = connect({ token: async () => `token-${(nth += 1)}` });
    await list(api);
    await list(api);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  it('encodes ids in the path, and answers no data for 204', async () => {
    answers = [(response) => response.writeHead(204).end()];
    expect((await remove(connect())).data).toBeUndefined();
    expect(requests[0]).toMatchObject({ method: 'DELETE', url: '/api/v1/projects/p%201' });
  });
});

describe('an error', () => {
  it('has status, code, message and the id of the request', async () => {
    answers = [json(404, { detail: 'There is no project with this id.' })];
    await expect(remove(connect())).rejects.toMatchObject({
      name: 'TillkeeperError',
      status: 404,
      code: 'not_found',
      message: 'There is no project with this id.',
      requestId: 'request-1',
    });
  });

  it('lists the problems of a request that breaks rules', async () => {
    const problems = [
      { loc: ['body', 'name'], msg: 'is required', type: 'missing' },
      { loc: ['body'], msg: 'is too deep', type: 'value_error' },
    ];
    answers = [json(422, { detail: problems })];
    await expect(create(connect())).rejects.toMatchObject({
      name: 'TillkeeperValidationError',
      code: 'validation_failed',
      message: 'name is required; body is too deep',
      problems,
    });
  });

  it.each<[string, Answer, object]>([
    ['HTML of a proxy', (response) => response.writeHead(403).end('<html>'), { code: 'forbidden' }],
    ['nothing', (response) => response.writeHead(418).end(), { code: 'unexpected_answer', status: 418 }],
    ['another JSON', json(400, { detail: [1] }), { message: 'The server answered 400.' }],
  ])('is readable for %s', async (_, answer, expected) => {
    answers = [answer];
    await expect(list(connect())).rejects.toMatchObject({ name: 'TillkeeperError', ...expected });
  });
});

describe('a repetition', () => {
  it('has the idempotency key of the first attempt', async () => {
    answers = [unavailable, lost, json(201, { id: 'we_1' })];
    await makeEndpoint(connect());
    const keys = requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[\da-f-]{36}$/);
    answers = [];
    await makeEndpoint(connect(), { 'idempotency-key': 'order-1' });
    expect(requests.at(-1)?.headers['idempotency-key']).toBe('order-1');
  });

  it('follows a conflict with the same request that still runs', async () => {
    answers = [json(409, { detail: 'A request with this Idempotency-Key is still running.' }, soon)];
    await makeEndpoint(connect());
    expect(requests).toHaveLength(2);
  });

  it('ends with the last error', async () => {
    answers = [unavailable, unavailable, unavailable, unavailable];
    await expect(list(connect())).rejects.toMatchObject({ status: 503, code: 'unavailable', retryAfter: 0 });
    expect(requests).toHaveLength(3);
    await expect(list(connect({ maxRetries: 0 }))).rejects.toMatchObject({ status: 503 });
    expect(requests).toHaveLength(4);
  });

  it.each<[string, (api: Client) => Promise<unknown>, Answer, number]>([
    ['a read after a lost connection', list, lost, 2],
    ['a save after a lost connection', save, lost, 2],
    ['a conditional save after a lost connection', (api) => save(api, { 'if-match': '"1"' }), lost, 1],
    ['a read that broke off', list, brokenOff, 2],
    ['a creation after a lost connection', create, lost, 1],
    [
      'a creation with a key that the server ignores',
      (api) => create(api, { 'idempotency-key': 'a' }),
      lost,
      1,
    ],
    ['a creation that may have been carried out', create, unavailable, 1],
    ['a creation that was refused', create, json(429, { detail: 'Too many requests.' }, soon), 2],
    ['a deletion after a lost connection', remove, lost, 1],
    ['an error of the server', list, json(500, { detail: 'Something went wrong.' }), 1],
    ['a conflict', create, json(409, { detail: 'The id is taken.' }), 1],
  ])('of %s', async (_, call, answer, attempts) => {
    answers = [answer];
    const result = await call(connect()).then(
      () => 'carried out',
      () => 'refused',
    );
    expect([result, requests.length]).toEqual([attempts === 2 ? 'carried out' : 'refused', attempts]);
  });

  it('waits no longer than a minute', async () => {
    answers = [json(429, { detail: 'Too many requests.' }, { 'retry-after': '61' })];
    await expect(list(connect())).rejects.toMatchObject({ code: 'rate_limited', retryAfter: 61 });
    expect(requests).toHaveLength(1);
  });
});

describe('without an answer', () => {
  it('the error has no status', async () => {
    answers = [lost];
    await expect(create(connect())).rejects.toMatchObject({
      name: 'TillkeeperConnectionError',
      code: 'no_connection',
      status: undefined,
    });
  });

  it.each<[string, Answer, string]>([
    ['is lost', brokenOff, 'no_connection'],
    ['stalls', (response) => response.writeHead(200, { 'content-length': '9' }).write('['), 'timed_out'],
  ])('the error is the same if the body %s', async (_, answer, code) => {
    answers = [answer];
    await expect(list(connect({ maxRetries: 0, timeoutMs: 500 }))).rejects.toMatchObject({
      name: 'TillkeeperConnectionError',
      code,
    });
  });

  it('a request times out', async () => {
    answers = [silent];
    await expect(list(connect({ timeoutMs: 50, maxRetries: 0 }))).rejects.toMatchObject({
      name: 'TillkeeperConnectionError',
      code: 'timed_out',
      message: 'The server did not answer within 50 ms.',
    });
  });

  it('the caller can end it', async () => {
    const controller = new AbortController();
    answers = [() => controller.abort(new Error('The user left.'))];
    await expect(list(connect(), { signal: controller.signal })).rejects.toMatchObject({
      message: 'The user left.',
    });
    expect(requests).toHaveLength(1);
  });
});
