import Sqlite from 'better-sqlite3';
import { Client } from 'pg';
import { newOpaqueKey } from '../../src/auth/opaque-keys/opaque-key.js';
import { eventually } from '../harness/eventually.js';
import { Installation } from '../harness/installation.js';
import { startPostgres } from '../harness/jest/postgres-server.mjs';
import type { Answer, ServerProcess } from '../harness/servers/server-process.js';
import { TcpProxy } from '../harness/servers/tcp-proxy.js';
import { aPayment, deliverTo, type EventBody } from '../harness/ledger/signed-events.js';
import { configPath, OWNER, testEnvironment } from '../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../harness/database/test-database.js';
import { endUserToken } from '../harness/tokens.js';

interface Operation {
  method: string;
  path: string;
}

const BODIES: Record<string, unknown> = {
  'POST /api/v1/projects/': { name: 'Another shop' },
  'POST /api/v1/projects/{project_id}/end-user-tokens': { user_id: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11' },
  'POST /api/v1/projects/{project_id}/service-accounts': { name: 'Backend', role: 'viewer' },
  'PUT /api/v1/projects/{project_id}/service-accounts/{service_account_id}': { name: 'Backend' },
  'POST /api/v1/payments/stripe/projects/{project_id}/event-destinations': {
    url: 'https://receiver.example/',
  },
  'PUT /api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id}': {},
  'POST /api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id}/recover': {
    since: '2026-11-21T09:30:00Z',
  },
  'POST /api/v1/projects/{project_id}/members': { subject: 'developer-2', role: 'viewer' },
  'PUT /api/v1/projects/{project_id}/members/{subject}': { role: 'admin' },
  'PUT /api/v1/projects/{project_id}/members/me/notifications': { enabled: true },
  'POST /api/v1/projects/{project_id}/transfer': { subject: 'developer-3' },
  'POST /api/v1/projects/invitations/accept': { token: newOpaqueKey('invitation') },
  'PUT /api/v1/projects/{project_id}': { name: 'Renamed shop' },
  'POST /api/v1/payments/stripe/projects/{project_id}/validate-credentials': {
    secret_key: 'pk_test_aaaaaaaa',
    is_test_mode: true,
  },
  'POST /api/v1/payments/stripe/projects/{project_id}/webhook-endpoints': { mode: 'test' },
  'POST /api/v1/payments/stripe/projects/{project_id}/gateway-keys': {
    name: 'Worker',
    mode: 'test',
    permissions: { customers: 'read' },
  },
  'PATCH /api/v1/payments/stripe/projects/{project_id}/gateway-keys/{gateway_key_id}': { name: 'Renamed' },
  'POST /api/v1/payments/stripe/projects/{project_id}/connect-links': {
    mode: 'test',
    return_url: 'https://platform.test/',
  },
  'POST /api/v1/connect/check': { secret_key: 'x' },
  'POST /api/v1/connect/complete': { secret_key: 'x' },
  'POST /api/v1/payments/stripe/projects/{project_id}/reconcile': { mode: 'test' },
  'POST /api/v1/payments/stripe/checkout-session': {
    price_id: 'price_1',
    success_url: 'https://shop.test/',
    cancel_url: 'https://shop.test/',
  },
  'POST /api/v1/payments/stripe/customer-portal': { return_url: 'https://shop.test/' },
  'POST /api/v1/payments/stripe/cancel-subscription': {},
  'POST /api/v1/payments/stripe/update-subscription': { new_price_id: 'price_2' },
  'PUT /api/v1/payments/stripe/projects/{project_id}/config': {
    test_secret_key: `sk_test_${'a'.repeat(24)}`,
  },
};
const CONNECT_TOKEN = newOpaqueKey('connect_link');
const LIVENESS = '/health/live';
/** Routes of accounts answer unknown callers differently, and operators have their own tokens. */
const OF_OTHERS = /^\/api\/v1\/(?:auth|operator|session)(?:\/|$)/;
const END_USERS =
  /\/(?:my-subscription|my-payments|checkout-session|customer-portal|cancel-subscription|update-subscription)$/;

jest.setTimeout(60_000);

let installation: Installation;
let database: TestDatabase;
let server: ServerProcess;
let projectId: string;

beforeAll(async () => {
  installation = new Installation();
  database = await createTestDatabase();
});
afterAll(async () => {
  await installation.remove();
  await database.drop();
});

/**
 * The documented operations that need the database. Destroying ones come last, and those that need a key come
 * before one is stored.
 */
async function operations(): Promise<Operation[]> {
  const { body } = await server.send('GET', '/docs-json');
  const order = ['get', 'post', 'put', 'delete'];
  return Object.entries((body as { paths: Record<string, object> }).paths)
    .filter(([path]) => path !== LIVENESS && !OF_OTHERS.test(path))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => ({ method, path })))
    .sort((one, other) => order.indexOf(one.method) - order.indexOf(other.method))
    .map(({ method, path }) => ({ method: method.toUpperCase(), path }));
}

function call({ method, path }: Operation): Promise<Answer> {
  const url = path
    .replace('{project_id}', projectId)
    .replace('{mode}', 'test')
    .replace('{subject}', 'developer-2')
    .replace('{invitation_id}', 'b1f0c7de-3a52-4f6b-9d18-7c2e5a9f0d34')
    .replace('{connect_link_id}', 'b1f0c7de-3a52-4f6b-9d18-7c2e5a9f0d34')
    .replace('{gateway_key_id}', 'b1f0c7de-3a52-4f6b-9d18-7c2e5a9f0d34')
    .replace('{destination_id}', 'b1f0c7de-3a52-4f6b-9d18-7c2e5a9f0d34')
    .replace('{delivery_id}', 'b1f0c7de-3a52-4f6b-9d18-7c2e5a9f0d34')
    .replace('{service_account_id}', 'b1f0c7de-3a52-4f6b-9d18-7c2e5a9f0d34');
  const token = END_USERS.test(path)
    ? endUserToken(projectId)
    : path.startsWith('/api/v1/connect')
      ? CONNECT_TOKEN
      : OWNER;
  return server.send(method, url, { body: BODIES[`${method} ${path}`], token });
}

/** A delivery before and one during the outage, and a repeated one afterwards. */
async function deliveries(): Promise<{ whileGone: () => Promise<void>; afterwards: () => Promise<void> }> {
  const id = await server.createProject();
  const body = { test_webhook_secret: `whsec_${'a'.repeat(32)}` };
  expect((await server.send('PUT', configPath(id), { body })).status).toBe(200);
  const send = (event: EventBody) => deliverTo(server, id, body.test_webhook_secret, event);
  expect((await send(aPayment())).status).toBe(200);
  const event = aPayment();
  return {
    whileGone: async () => expectUnavailable('delivery', await send(event)),
    afterwards: async () => {
      await eventually(async () => {
        const { body: list } = await server.send(
          'GET',
          configPath(id).replace(/config$/, 'webhook-events?outcome=failed'),
        );
        expect(list).toMatchObject({
          events: [{ id: event.id, reason: expect.stringMatching(/database/), replayable: true }],
        });
      });
      expect(await send(event)).toMatchObject({ status: 200, body: { outcome: 'applied' } });
    },
  };
}

function expectUnavailable(name: string, { status, headers, body }: Answer): void {
  expect([name, status]).toEqual([name, 503]);
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(body).toEqual({ detail: expect.any(String) });
}

async function expectEverythingUnavailable(): Promise<void> {
  const all = await operations();
  expect(all.length).toBeGreaterThan(8);
  const answers = await Promise.all(all.map((operation) => call(operation)));
  answers.forEach((answer, index) => expectUnavailable(`${all[index]?.method} ${all[index]?.path}`, answer));
  expect((await server.send('GET', LIVENESS)).status).toBe(200);
}

async function expectEverythingBack(): Promise<void> {
  await eventually(async () => expect((await server.send('GET', '/health/ready')).status).toBe(200));
  projectId = await server.createProject();
  for (const operation of await operations()) {
    const { status, text } = await call(operation);
    // 404 without a stored key or without anything to delete, and 409 for a transfer to a subject without a
    // role: these answers come from the database.
    expect({ operation, text, isServed: [200, 201, 204, 404, 409].includes(status) }).toEqual({
      operation,
      text,
      isServed: true,
    });
  }
  projectId = await server.createProject();
}

if (engine === 'postgres') {
  describe('with PostgreSQL', () => {
    let postgres: Awaited<ReturnType<typeof startPostgres>>;
    let proxy: TcpProxy;

    beforeAll(async () => {
      postgres = await startPostgres();
      proxy = await TcpProxy.to(postgres.url);
      server = installation.start({
        ...testEnvironment(database),
        DATABASE_URL: proxy.url,
        DATABASE_POOL_SIZE: '3',
      });
      projectId = await server.createProject();
    });
    afterAll(async () => {
      await server.stop('SIGKILL');
      await proxy.close();
      await postgres.stop();
    });

    /** Holds the project's row until the returned function is called. */
    async function lockProject(): Promise<() => Promise<void>> {
      const client = new Client({ connectionString: postgres.url });
      client.on('error', () => undefined);
      await client.connect();
      await client.query('BEGIN');
      await client.query('SELECT FROM projects WHERE id = $1 FOR UPDATE', [projectId]);
      return () => client.end();
    }

    /** @param otherwise called while fewer than `count` sessions wait */
    async function untilWaitingForLocks(count: number, otherwise?: () => void): Promise<void> {
      const client = new Client({ connectionString: postgres.url });
      await client.connect();
      await eventually(async () => {
        const { rowCount } = await client.query(
          `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
        );
        if ((rowCount ?? 0) < count) otherwise?.();
        expect(rowCount).toBe(count);
      });
      await client.end();
    }

    it('answers 503 while PostgreSQL is down, stays alive, and serves again when it is back', async () => {
      const { whileGone, afterwards } = await deliveries();
      await postgres.interrupt();
      await expectEverythingUnavailable();
      await whileGone();
      await postgres.resume();
      await expectEverythingBack();
      await afterwards();
    });

    it('answers 503 to requests that a crash of PostgreSQL interrupts, even inside a transaction', async () => {
      const unlock = await lockProject();
      const path = configPath(projectId);
      const put = server.send('PUT', path, { body: { test_secret_key: `sk_test_${'a'.repeat(24)}` } });
      const remove = server.send('DELETE', `/api/v1/projects/${projectId}`);
      await untilWaitingForLocks(2);
      await postgres.interrupt();
      expectUnavailable('PUT', await put);
      expectUnavailable('DELETE', await remove);
      await unlock();
      await postgres.resume();
      await expectEverythingBack();
    });

    it('answers 503 when every connection of the pool is busy', async () => {
      const unlock = await lockProject();
      const path = configPath(projectId);
      const stuck: Promise<Answer>[] = [];
      // A request can fail at once, on a connection that the crash before broke.
      await untilWaitingForLocks(3, () => {
        stuck.push(server.send('PUT', path, { body: { test_secret_key: `sk_test_${'a'.repeat(24)}` } }));
      });
      expectUnavailable('GET', await server.send('GET', path));
      await unlock();
      await Promise.all(stuck);
      await expectEverythingBack();
    });

    it('answers 503 when PostgreSQL hangs, and serves over new connections when the old ones stay dead', async () => {
      // Warms the connections up, so that statements hang and not the connecting.
      await Promise.all([1, 2, 3].map(() => server.send('GET', '/api/v1/projects/')));
      proxy.freeze();
      await expectEverythingUnavailable();
      proxy.thaw();
      await expectEverythingBack();
    });
  });
} else {
  describe('with SQLite', () => {
    beforeAll(async () => {
      server = installation.start(testEnvironment(database));
      projectId = await server.createProject();
    });

    it('answers 503 to writes while another process locks the file, stays alive, and writes again afterwards', async () => {
      const { whileGone, afterwards } = await deliveries();
      const other = new Sqlite(database.url.replace('sqlite:', ''));
      other.exec('BEGIN EXCLUSIVE');
      await whileGone();
      for (const write of [
        { method: 'POST', path: '/api/v1/projects/' },
        { method: 'PUT', path: '/api/v1/payments/stripe/projects/{project_id}/config' },
        { method: 'DELETE', path: '/api/v1/projects/{project_id}' },
      ]) {
        expectUnavailable(write.path, await call(write));
      }
      expect((await server.send('GET', configPath(projectId))).status).toBe(200);
      expect((await server.send('GET', LIVENESS)).status).toBe(200);
      other.exec('COMMIT');
      other.close();
      await expectEverythingBack();
      await afterwards();
    });
  });
}
