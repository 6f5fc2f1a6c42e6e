import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { newOpaqueKey } from '../../src/auth/opaque-keys/opaque-key.js';
import { eventually } from '../harness/eventually.js';
import { Installation } from '../harness/installation.js';
import { registeredRoutes } from '../harness/registered-routes.js';
import { execute, rowsOf } from '../harness/database/rows.js';
import { anEvent, deliverTo } from '../harness/ledger/signed-events.js';
import { sentinel, sentinelCredentials, SentinelSearch } from '../harness/vault/sentinels.js';
import type { ServerProcess } from '../harness/servers/server-process.js';
import { storedBytes, writeAheadLog } from '../harness/vault/stored-bytes.js';
import { configPath, OWNER, STRANGER, testEnvironment } from '../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../harness/database/test-database.js';
import { endUserToken } from '../harness/tokens.js';

jest.setTimeout(120_000);

const credentials = sentinelCredentials();
const replaced = sentinelCredentials();
const accounts = {
  password: sentinel('password '),
  wrong: sentinel('wrong password '),
  refresh: sentinel(`tkrt_${randomUUID()}_-----------`),
};
const secrets = [credentials, replaced, accounts].flatMap((each) => Object.values(each));
const all = Object.values(credentials).join('-');
/** A key that is not a sentinel. */
const UNRELATED = { test_secret_key: `sk_test_${'a'.repeat(32)}` };

const STRIPE = '/api/v1/payments/stripe/projects/:project_id';
const TILL = '/api/v1/payments/stripe';
const SERVICE_ACCOUNTS = ['/api/v1/projects/:project_id', '/api/v1/operator'].map(
  (place) => `POST ${place}/service-accounts`,
);

/** Bodies of the operations. An unlisted route fails the test: add a body that could contain a secret. */
const BODIES: Record<string, object[]> = {
  'POST /api/v1/auth/change-password': [
    { current_password: accounts.password, new_password: accounts.wrong },
    { current_password: accounts.password, new_password: accounts.password },
  ],
  'POST /api/v1/auth/logout': [{}],
  'POST /api/v1/auth/password-reset': [
    { token: newOpaqueKey('password_reset'), new_password: accounts.password },
  ],
  'POST /api/v1/auth/password-reset-request': [{ email: 'ada@example.com' }],
  'POST /api/v1/auth/login': [
    { email: 'ada@example.com', password: accounts.password },
    { email: 'ada@example.com', password: accounts.wrong },
    { email: 'nobody@example.com', password: accounts.password },
  ],
  'POST /api/v1/auth/refresh': [{ refresh_token: accounts.refresh }],
  'POST /api/v1/auth/register': [
    { email: 'ada@example.com', password: accounts.password },
    { email: 'ada@example.com', password: accounts.password },
    { email: 'bob@example.com', password: accounts.password, full_name: 'Bob' },
  ],
  'POST /api/v1/session': [
    { email: 'ada@example.com', password: accounts.password },
    { email: 'ada@example.com', password: accounts.wrong },
  ],
  'POST /api/v1/session/refresh': [{}],
  'POST /api/v1/projects': [{ name: 'Corner shop' }],
  'PUT /api/v1/projects/:project_id': [{ name: 'Corner shop' }],
  'POST /api/v1/projects/:project_id/end-user-tokens': [{ user_id: 'user-1' }],
  'POST /api/v1/projects/:project_id/members': [{ subject: 'developer-2', role: 'viewer' }],
  'PUT /api/v1/projects/:project_id/members/:subject': [{ role: 'admin' }],
  'PUT /api/v1/projects/:project_id/members/me/notifications': [
    { enabled: true, notify_email: 'ada@example.com' },
  ],
  'POST /api/v1/projects/:project_id/transfer': [{ subject: 'developer-3' }],
  'POST /api/v1/projects/invitations/accept': [{ token: newOpaqueKey('invitation') }],
  'POST /api/v1/operator/projects/:project_id/transfer': [{ subject: 'developer-1' }],
  'PUT /api/v1/operator/projects/:project_id/gateway': [{ paused: true }, { paused: false }],
  'PUT /api/v1/operator/projects/:project_id': [{ owner_id: 'developer-1', name: 'Corner shop' }],
  ...Object.fromEntries(
    SERVICE_ACCOUNTS.flatMap((route) => [
      [route, [{ name: 'Backend', role: 'viewer' }]],
      [`${route}/:service_account_id/rotate`, [{}]],
      [`${route}/:service_account_id`.replace('POST', 'PUT'), [{ name: 'Backend' }]],
    ]),
  ),
  [`POST ${STRIPE}/gateway-keys`]: [{ name: 'Worker', mode: 'test', permissions: { customers: 'read' } }],
  [`PATCH ${STRIPE}/gateway-keys/:gateway_key_id`]: [{ name: 'Worker' }],
  [`POST ${STRIPE}/gateway-keys/:gateway_key_id/rotate`]: [{}],
  [`POST ${STRIPE}/connect-links`]: [{ mode: 'test', return_url: 'https://x.test/', state: 'x' }],
  'POST /api/v1/connect/check': [{ secret_key: credentials.test_secret_key }],
  'POST /api/v1/connect/complete': [{ secret_key: credentials.test_secret_key }],
  ...Object.fromEntries(
    [`${STRIPE}/event-destinations`, '/api/v1/operator/event-destinations'].flatMap((path) => [
      [
        `POST ${path}`,
        [
          {
            url: 'https://receiver.example/',
            description: 'Backend',
            headers: { 'X-Api-Key': accounts.wrong.trim() },
          },
        ],
      ],
      [`PUT ${path}/:destination_id`, [{ headers: { 'X-Api-Key': accounts.wrong.trim() } }]],
      [`POST ${path}/:destination_id/rotate`, [{}]],
      [`POST ${path}/:destination_id/deliveries/:delivery_id/retry`, [{}]],
      [`POST ${path}/:destination_id/recover`, [{ since: '2026-11-21T09:30:00Z' }]],
      [`POST ${path}/:destination_id/test`, [{}]],
    ]),
  ),
  [`PUT ${STRIPE}/config`]: [replaced, credentials, {}],
  [`POST ${STRIPE}/validate-credentials`]: [
    { secret_key: credentials.test_secret_key, is_test_mode: true },
    { secret_key: credentials.live_secret_key, is_test_mode: false },
    { secret_key: credentials.live_secret_key, is_test_mode: true },
  ],
  [`POST ${STRIPE}/webhook-endpoints`]: [{ mode: 'test' }, { mode: 'live' }],
  [`POST ${STRIPE}/webhook-events/:event_id/replay`]: [{}],
  [`POST ${STRIPE}/reconcile`]: [{ mode: 'test' }, { mode: 'live' }],
  'POST /api/v1/payments/stripe/webhooks/:project_id/:mode': [{}, credentials],
  [`POST ${TILL}/checkout-session`]: [
    {
      price_id: credentials.test_secret_key,
      success_url: `https://x.test/${all}`,
      cancel_url: `https://x.test/?${all}`,
      metadata: { x: all },
    },
  ],
  [`POST ${TILL}/customer-portal`]: [{ return_url: `https://x.test/${all}` }],
  [`POST ${TILL}/cancel-subscription`]: [{}],
  [`POST ${TILL}/update-subscription`]: [{ new_price_id: credentials.test_secret_key }],
};

/** Mistaken bodies: right values in wrong places. Each is an object or a text. */
const MISTAKES: (object | string)[] = [
  Object.fromEntries(
    Object.entries(credentials).map(([field, value]) => [field.replace(/^(test|live)/, flip), value]),
  ),
  Object.fromEntries(Object.entries(credentials).map(([field, value]) => [field, `${value} ${value}`])),
  Object.fromEntries(Object.entries(credentials).map(([field, value]) => [field, [value]])),
  Object.fromEntries(Object.entries(credentials).map(([field, value]) => [field, { [value]: value }])),
  Object.fromEntries(Object.values(credentials).map((value) => [value, value])),
  { ...credentials, __proto: all, [all]: null },
  { name: { all }, description: [all], mode: all, secret_key: all, is_test_mode: all },
  [credentials],
  JSON.stringify(credentials).slice(0, -1),
  `{"test_secret_key": "${all}", "__proto__": {"${all}": 1}}`,
  `"${all}"`,
  all,
  JSON.stringify({ test_secret_key: all.padEnd(80_000, all) }),
  `${'['.repeat(5_000)}"${all}"`,
];

function flip(mode: string): string {
  return mode === 'test' ? 'live' : 'test';
}

let installation: Installation;
let database: TestDatabase;
let stripe: Server;
let environment: ReturnType<typeof testEnvironment>;
let server: ServerProcess;
let projectId: string;
let logStart: string;
/** All answers with headers, and the searched length of the output. */
const answers = new Set<string>();
let searched = 0;

beforeAll(async () => {
  installation = new Installation();
  database = await createTestDatabase();
  logStart = await writeAheadLog(database);
  stripe = indiscreetStripe().listen(0, '127.0.0.1');
  await once(stripe, 'listening');
  environment = {
    ...testEnvironment(database),
    LOG_LEVEL: 'trace',
    METRICS_TOKEN: 'm'.repeat(32),
    PUBLIC_BASE_URL: 'https://till.test',
    STRIPE_API_BASE: `http://127.0.0.1:${(stripe.address() as AddressInfo).port}`,
  };
  server = installation.start(environment);
  projectId = await server.createProject();
});
afterAll(async () => {
  await installation.remove();
  stripe.close();
  stripe.closeAllConnections();
  await database.drop();
});

/** A Stripe that repeats the received key in each answer, with another answer each time. */
function indiscreetStripe(): Server {
  let calls = 0;
  return createServer((request, response) => {
    const key = request.headers.authorization ?? '';
    const status = [401, 403, 400, 429, 500][calls++ % 5] ?? 500;
    const message = `Invalid API Key provided: ${key}\n    at ${key} (${key}.js:1:1)`;
    const error = { type: 'invalid_request_error', code: key, message, param: key, doc_url: key };
    response.writeHead(status, {
      'content-type': 'application/json',
      'request-id': key,
      'stripe-should-retry': 'false',
    });
    response.end(JSON.stringify({ error }));
  });
}

interface Sent {
  token?: string | null;
  body?: unknown;
  headers?: Record<string, string>;
}

async function send(method: string, path: string, sent: Sent = {}): Promise<number> {
  const { status, headers, text } = await server.send(method, path, sent);
  answers.add([...headers].join('\n')).add(text);
  return status;
}

/** Bytes that no HTTP client would send. */
async function sendBytes(bytes: string): Promise<void> {
  const { port, hostname } = new URL(await server.listening());
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  socket.on('error', () => undefined);
  socket.on('data', (text: string) => answers.add(text));
  socket.end(bytes);
  await once(socket, 'close');
}

function expectNoLeak(search: SentinelSearch, name: string, haystack: string | Buffer): void {
  expect({ name, leaks: search.leaksIn(Buffer.from(haystack)) }).toEqual({ name, leaks: [] });
}

/** Searches everything that was answered, logged and printed since the last search. */
function expectSilence(): void {
  const search = new SentinelSearch(secrets, true);
  expect(answers.size).toBeGreaterThan(0);
  expectNoLeak(search, 'answers', [...answers].join('\n'));
  expectNoLeak(search, 'output', server.output.slice(searched));
  expectNoLeak(search, 'errors', server.errors);
  answers.clear();
  searched = server.output.length;
}

it('finds secrets in every encoding', () => {
  const [secret = ''] = secrets;
  const bytes = Buffer.from(`x${secret}`);
  const hidden = [
    secret,
    secret.slice(0, -12),
    secret.slice(-12),
    [...secret].reverse().join(''),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('base64'),
    bytes.subarray(1).toString('base64'),
    `${Buffer.from(`xx${secret}`).toString('base64url')}`,
    bytes.toString('hex').replaceAll(/../g, '%$&'),
    Buffer.from(secret, 'utf16le').toString('latin1'),
  ];
  const search = new SentinelSearch(secrets, true);
  expect(hidden.filter((text) => search.leaksIn(Buffer.from(text, 'latin1')).length === 0)).toEqual([]);
  const short = new SentinelSearch(secrets, false);
  expect(hidden.filter((text) => short.leaksIn(Buffer.from(text, 'latin1')).length === 0)).toEqual([
    secret.slice(-12),
  ]);
  expect(search.leaksIn(Buffer.from(`sk_test_...${secret.slice(-4)}`))).toEqual([]);
});

it('shows no secret in any answer or log, for any operation and any place in the request', async () => {
  const routes = (await registeredRoutes()).filter(
    (route) => !route.startsWith('HEAD ') && !route.startsWith('OPTIONS '),
  );
  expect(routes.filter((route) => /^(?:POST|PUT|PATCH) /.test(route))).toEqual(Object.keys(BODIES).sort());
  for (const route of ['PUT ', 'POST ', 'PATCH ', 'GET ', 'DELETE '].flatMap((method) =>
    routes.filter((each) => each.startsWith(method)),
  )) {
    const [method = '', pattern = ''] = route.split(' ');
    const path = pattern
      .replace(':project_id', projectId)
      .replace(':mode', 'test')
      .replace(':subject', 'developer-2')
      .replaceAll(
        /:(?:session|service_account|gateway_key|connect_link|invitation|destination|delivery)_id/g,
        () => randomUUID(),
      )
      .replace('*', 'swagger-ui.css');
    const token = isOfTill(path) ? endUserToken(projectId) : undefined;
    for (const body of BODIES[route] ?? [undefined]) {
      // The history stores the user agent, and sessions of browsers are for own pages.
      const headers = { 'user-agent': all, 'sec-fetch-site': 'same-origin' };
      const status = await send(method, path, { body, token, headers });
      expect({ route, isUnderstood: ![405, 415, 422].includes(status) }).toEqual({
        route,
        isUnderstood: true,
      });
    }
    await sendEverywhere(method, pattern, path);
    if (BODIES[route]) for (const body of MISTAKES) await send(method, path, { body, token });
  }
  for (const shown of ['sk_test_...', '"user_agent":"[hidden]"'])
    expect([...answers].join()).toContain(shown);
  expectSilence();
});

function isOfTill(path: string): boolean {
  return new RegExp(`^${TILL}/[a-z-]+$`).test(path);
}

/** The secrets in every part of the request but the body. */
async function sendEverywhere(method: string, pattern: string, path: string): Promise<void> {
  await send(method, pattern.replace(/:\w+|\*/g, all));
  await send(method, `${path}/${all}`);
  await send(method, `${path}?${all}=${all}&test_secret_key=${all}`);
  await send('PATCH', `${path}?${all}`, { body: credentials });
  const names = [
    'x-request-id',
    'cookie',
    'user-agent',
    'accept',
    'if-match',
    'x-forwarded-for',
    'origin',
    'traceparent',
    'stripe-signature',
    'idempotency-key',
  ];
  await send(method, path, { headers: Object.fromEntries(names.map((name) => [name, all])) });
  await send(method, path, { token: all });
  await send(method, path, { token: `${OWNER}.${all}` });
  await send(method, path, {
    token: null,
    headers: { authorization: `Basic ${Buffer.from(`${all}:`).toString('base64')}` },
  });
  await send(method, path, { token: STRANGER, headers: { 'x-all': all } });
  if (method !== 'GET')
    await send(method, path, { body: `a=${all}`, headers: { 'content-type': `text/${all}` } });
}

it('keeps tokens of accounts and passwords of forms out of log and database', async () => {
  const login = { email: `${randomUUID()}@example.com`, password: accounts.password };
  const answers = [await server.send('POST', '/api/v1/auth/register', { token: null, body: login })];
  for (let round = 0; round < 2; round += 1) {
    const body = { refresh_token: (answers.at(-1)?.body as { refresh_token: string }).refresh_token };
    answers.push(await server.send('POST', '/api/v1/auth/refresh', { token: null, body }));
  }
  const form = (password: string) =>
    `username=${encodeURIComponent(login.email)}&password=${encodeURIComponent(password)}`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  answers.push(
    await server.send('POST', '/api/v1/auth/login', { token: null, body: form(login.password), headers }),
  );
  expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200]);
  await send('POST', '/api/v1/auth/login', { token: null, body: form(accounts.wrong), headers });
  await send('POST', '/api/v1/auth/register', { token: null, body: form(accounts.password), headers });
  await send('POST', '/api/v1/auth/login', {
    token: null,
    body: `${form(accounts.wrong)}&${form(accounts.password)}`,
    headers,
  });
  const tokens = answers.flatMap(({ body }) => {
    const { access_token: access, refresh_token: refresh } = body as Record<string, string>;
    return [access ?? '', refresh ?? ''];
  });
  // Also a used token, which ends the session.
  for (const token of tokens) {
    await send('POST', '/api/v1/auth/refresh', { token: null, body: { refresh_token: token } });
    await send('GET', '/api/v1/auth/me', { token });
  }
  const search = new SentinelSearch(tokens, true);
  expectNoLeak(search, 'output', server.output);
  for (const { name, bytes } of await storedBytes(database, logStart)) {
    expectNoLeak(new SentinelSearch([...tokens, ...Object.values(accounts)], false), name, bytes);
  }
  expectSilence();
});

it('shows no secret in the answer to malformed HTTP', async () => {
  for (const bytes of [
    `${all}\r\n\r\n`,
    `GET / ${all}\r\n\r\n`,
    `GET / HTTP/1.1\r\n${all}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nContent-Length: ${all}\r\n\r\n`,
  ])
    await sendBytes(bytes);
  expectSilence();
});

it('stores secrets only sealed, and shows none when the database fails', async () => {
  projectId = await server.createProject();
  const path = configPath(projectId);
  expect(await send('PUT', path, { body: replaced })).toBe(200);
  expect(await send('PUT', path, { body: credentials })).toBe(200);
  const event = anEvent({ data: { object: { id: 'cus_1', metadata: { ...credentials, all } } } });
  expect((await deliverTo(server, projectId, credentials.test_webhook_secret, event)).status).toBe(200);
  expect(await send('GET', path.replace(/config$/, 'webhook-events'))).toBe(200);
  expect(await send('POST', path.replace(/config$/, `webhook-events/${event.id}/replay`))).toBe(200);
  const tables = await Promise.all(
    ['stripe_credentials', 'webhook_events'].map((table) => rowsOf(database, table)),
  );
  const sealed = tables.flat().map((row) => String(row['sealed']));
  expect(sealed.length).toBeGreaterThanOrEqual(7);
  await execute(database, 'ALTER TABLE stripe_credentials RENAME TO elsewhere');
  for (const body of [credentials, replaced]) expect(await send('PUT', path, { body })).toBe(500);
  expect(await send('GET', path)).toBe(500);
  await execute(database, 'ALTER TABLE elsewhere RENAME TO stripe_credentials');
  expect(await send('PUT', path, { body: credentials })).toBe(200);
  expectSilence();

  const files = await storedBytes(database, logStart);
  // The files contain the sealed values of the last save and of the event, so they are the right ones.
  for (const text of [(await sealedNow())[0], sealed.at(-1)])
    expect(files.some(({ bytes }) => bytes.includes(text?.slice(0, 40) ?? ''))).toBe(true);
  const search = new SentinelSearch(Object.values(credentials), false);
  for (const { name, bytes } of files) expectNoLeak(search, name, bytes);
});

const sealedNow = async () =>
  (await rowsOf(database, 'stripe_credentials'))
    .filter((row) => row['project_id'] === projectId)
    .map((row) => String(row['sealed']));

/** Checks the rows, and on SQLite the files. PostgreSQL keeps copies in dead rows and in the log for a while. */
async function expectDestroyed(sealed: string[]): Promise<void> {
  expect(await sealedNow()).not.toEqual(expect.arrayContaining(sealed));
  if (engine === 'postgres') return;
  for (const { name, bytes } of await storedBytes(database, logStart)) {
    expect([
      name,
      ...sealed.filter((text) => bytes.includes(text.slice(0, 40)) || bytes.includes(text.slice(-40))),
    ]).toEqual([name]);
  }
}

it('destroys sealed values with the configuration, its mode or its project', async () => {
  const destructions = [
    '/api/v1/payments/stripe/projects/:id/config',
    '/api/v1/payments/stripe/projects/:id/config/test',
    '/api/v1/projects/:id',
  ];
  for (const destruction of destructions) {
    projectId = await server.createProject();
    await send('PUT', configPath(projectId), { body: UNRELATED });
    const before = await sealedNow();
    await send('PUT', configPath(projectId), { body: { test_secret_key: credentials.test_secret_key } });
    const sealed = [...before, ...(await sealedNow())];
    expect(sealed).toHaveLength(2);
    expect(await send('DELETE', destruction.replace(':id', projectId))).toBe(204);
    expect(await sealedNow()).toEqual([]);
    await expectDestroyed(sealed);
  }
});

it('destroys a replaced webhook secret at once on request, or at the end of its overlap', async () => {
  const save = (from: Partial<typeof credentials>, query = '') =>
    send('PUT', `${configPath(projectId)}${query}`, {
      body: { test_webhook_secret: from.test_webhook_secret },
    });
  projectId = await server.createProject();
  await save(credentials);
  const [first = ''] = await sealedNow();
  await save(replaced);
  // The former secret, still sealed.
  expect(await sealedNow()).toContain(first);
  await save({}, '?webhook_secret_overlap=0');
  await expectDestroyed([first]);
  const [second = ''] = await sealedNow();
  await save(credentials, '?webhook_secret_overlap=0');
  await expectDestroyed([second]);

  const [third = ''] = await sealedNow();
  await save(replaced);
  expect(await sealedNow()).toContain(third);
  await server.stop('SIGTERM');
  expect(server.output).toContain('"msg":"request"');
  expectSilence();
  await execute(
    database,
    `UPDATE stripe_credentials SET valid_until = '2020-01-01 00:00:00.000' WHERE slot > 0`,
  );
  server = installation.start(environment);
  searched = 0;
  await eventually(() => expectDestroyed([third]));
  expect(await send('GET', configPath(projectId))).toBe(200);
  expectSilence();
});

it('does not open a debugger', async () => {
  server.signal('SIGUSR1');
  expect(await send('GET', configPath(projectId))).toBe(200);
  expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(server.errors).toBe('');
});
