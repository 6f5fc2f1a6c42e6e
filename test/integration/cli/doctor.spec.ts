import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { runInProcess } from '../../harness/command-line.js';
import type { Environment } from '../../harness/servers/server-process.js';
import { createTestDatabase, engine, type TestDatabase } from '../../harness/database/test-database.js';

interface Check {
  check: string;
  verdict: 'ok' | 'warning' | 'failed' | 'skipped';
  message: string;
}

const ON_DATABASE = ['pooler', 'schema', 'clock', 'data_keys', 'roles'];
const ON_POSTGRES = engine === 'postgres' ? 'ok' : 'skipped';

let app: AppWithStripe;
let environment: Environment;
const databases: TestDatabase[] = [];

beforeAll(async () => {
  app = await startAppWithStripe();
  environment = {
    ...app.environment,
    STRIPE_API_BASE: app.stripe.url,
    PUBLIC_BASE_URL: await app.app.getUrl(),
  };
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  await app.close();
  await Promise.all(databases.map((database) => database.drop()));
});

async function examine(
  changes: Environment = {},
): Promise<{ code: number | null; output: string; checks: Record<string, Check> }> {
  const { code, output, errors } = await runInProcess({ ...environment, ...changes }, 'doctor', '--json');
  expect(errors).toBe('');
  const { healthy, checks } = JSON.parse(output) as { healthy: boolean; checks: Check[] };
  expect({ code, healthy }).toEqual(
    checks.some(({ verdict }) => verdict === 'failed')
      ? { code: 1, healthy: false }
      : { code: 0, healthy: true },
  );
  return { code, output, checks: Object.fromEntries(checks.map((each) => [each.check, each])) };
}

const verdictsOf = (checks: Record<string, Check>) =>
  Object.fromEntries(Object.values(checks).map(({ check, verdict }) => [check, verdict]));
const found = (verdict: Check['verdict'], message: RegExp): unknown =>
  expect.objectContaining({ verdict, message: expect.stringMatching(message) });

it('reports a healthy installation as healthy', async () => {
  const { code, checks } = await examine();
  expect(code).toBe(0);
  expect(verdictsOf(checks)).toEqual({
    configuration: 'ok',
    database: 'ok',
    pooler: ON_POSTGRES,
    schema: 'ok',
    clock: ON_POSTGRES,
    data_keys: 'ok',
    stripe: 'ok',
    public_url: 'ok',
    // The test's role on PostgreSQL owns everything; the file's mode is the umask's.
    roles: expect.stringMatching(/ok|warning/),
    disk: expect.stringMatching(/ok|warning/),
  });
  expect(checks.data_keys?.message).toMatch(/^All 4 data keys open. Master keys come from: local\.$/);
});

it('prints a line for each verdict', async () => {
  const { code, output, errors } = await runInProcess(environment, 'doctor');
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  const lines = output.trimEnd().split('\n');
  expect(lines).toHaveLength(10);
  for (const line of lines) expect(line).toMatch(/^(?:ok|warning|failed|skipped) +[a-z_]+ +\S.*\.$/);
});

describe('reports exactly the broken part:', () => {
  it('a database that does not answer', async () => {
    const url =
      engine === 'postgres'
        ? 'postgres://app:hunter2secret@127.0.0.1:1/x'
        : `sqlite:${join(app.database.folder, 'hunter2secret.db')}`;
    const { code, output, checks } = await examine({ DATABASE_URL: url });
    expect(code).toBe(1);
    expect(checks.database).toEqual(
      found('failed', engine === 'postgres' ? /does not answer/ : /no database at the path/),
    );
    for (const name of ON_DATABASE) expect(checks[name]?.verdict).toBe('skipped');
    expect(checks).toMatchObject({
      configuration: { verdict: 'ok' },
      stripe: { verdict: 'ok' },
      public_url: { verdict: 'ok' },
    });
    expect(output).not.toContain('hunter2secret');
  });

  it('wrong settings, each one', async () => {
    const { checks } = await examine({ PORT: 'http', METRICS_TOKEN: 'short', PUBLIC_BASE_URL: 'example' });
    expect(checks.configuration).toEqual(
      found(
        'failed',
        /PORT must be .* PUBLIC_BASE_URL must be .* METRICS_TOKEN must be|PORT must be .* METRICS_TOKEN must be/,
      ),
    );
    expect(checks).toMatchObject({
      database: { verdict: 'ok' },
      data_keys: { verdict: 'ok' },
      public_url: { verdict: 'skipped' },
    });
    expect((await examine({ DATABASE_URL: 'mysql://x' })).checks).toMatchObject({
      database: { verdict: 'failed' },
      stripe: { verdict: 'ok' },
    });
  });

  it('another master key, or none', async () => {
    const another = randomBytes(32).toString('base64');
    expect((await examine({ MASTER_KEY: another })).checks.data_keys).toEqual(
      found('failed', /Configure the original master key/),
    );
    expect((await examine({ MASTER_KEY: '' })).checks.data_keys).toEqual(
      found('failed', /no master key is configured here/),
    );
  });

  it('a missing schema, or one of a newer version', async () => {
    const database = await createTestDatabase();
    databases.push(database);
    if (engine === 'sqlite') writeFileSync(join(database.folder, 'tillkeeper.db'), '');
    const { checks } = await examine({ DATABASE_URL: database.url });
    expect(checks).toMatchObject({
      schema: found('warning', /the next start/),
      data_keys: { verdict: 'skipped' },
    });
    const off = await examine({ DATABASE_URL: database.url, MIGRATE_ON_START: 'false' });
    expect(off.checks.schema).toEqual(found('failed', /run `tillkeeper migrate`/));
    await runInProcess({ ...environment, DATABASE_URL: database.url, MASTER_KEY: '' }, 'migrate');
    expect((await examine({ DATABASE_URL: database.url })).checks).toMatchObject({
      schema: { verdict: 'ok' },
      data_keys: found('warning', /Data keys are missing \(seal, fingerprint, token, audit\)/),
    });
  });

  it('a wrong clock', async () => {
    const now = Date.now.bind(Date);
    jest.spyOn(app.stripe, 'now').mockImplementation(() => Math.floor(now() / 1_000));
    jest.spyOn(Date, 'now').mockImplementation(() => now() + 600_000);
    const { checks } = await examine();
    expect(checks.stripe).toEqual(
      found('failed', /clocks of this machine and of Stripe differ by (?:599|600|601) s/),
    );
    if (engine === 'postgres')
      expect(checks.clock).toEqual(found('failed', /differ by (?:599|600)\.\d s: synchronize/));
  });

  it('another server than Stripe, and an unreachable Stripe', async () => {
    const portal = createServer(
      (_request, response) =>
        void response.writeHead(302, { location: 'http://portal/', connection: 'close' }).end('<html>'),
    );
    await new Promise<void>((resolve) => portal.listen(0, '127.0.0.1', resolve));
    const STRIPE_API_BASE = `http://127.0.0.1:${(portal.address() as AddressInfo).port}`;
    expect((await examine({ STRIPE_API_BASE })).checks.stripe).toEqual(
      found('failed', /is not Stripe \(302\)/),
    );
    await new Promise((resolve) => {
      portal.close(resolve);
      portal.closeAllConnections();
    });
    expect((await examine({ STRIPE_API_BASE })).checks.stripe).toEqual(
      found('failed', /can not be reached \(ECONNREFUSED\)/),
    );
  });

  it('a public URL of another server, or one not fit for production', async () => {
    expect((await examine({ PUBLIC_BASE_URL: 'http://127.0.0.1:1' })).checks.public_url).toEqual(
      found('warning', /does not answer from here/),
    );
    expect((await examine({ PUBLIC_BASE_URL: app.stripe.url })).checks.public_url).toEqual(
      found('warning', /does not lead to Tillkeeper/),
    );
    const inProduction = (PUBLIC_BASE_URL: string) => examine({ NODE_ENV: 'production', PUBLIC_BASE_URL });
    expect((await inProduction('http://pay.example.test')).checks.public_url).toEqual(
      found('failed', /must begin with https:/),
    );
    expect((await inProduction('https://localhost')).checks.public_url).toEqual(
      found('failed', /an address of this machine/),
    );
  });

  it('a full disk', async () => {
    const space = await fs.statfs(app.database.folder);
    const spy = jest.spyOn(fs, 'statfs');
    spy.mockResolvedValue({ ...space, bsize: 4096, bavail: 10 * 256 });
    expect((await examine()).checks.disk).toEqual(found('failed', /has 10 MiB left: make room/));
    spy.mockResolvedValue({ ...space, bsize: 4096, bavail: 500 * 256 });
    expect((await examine()).checks.disk).toEqual(found('warning', /has 500 MiB left, which is little/));
  });

  if (engine === 'sqlite')
    it('a file that other users can read', async () => {
      const file = join(app.database.folder, 'tillkeeper.db');
      chmodSync(file, 0o644);
      expect((await examine()).checks.roles).toEqual(found('warning', /chmod 600/));
      chmodSync(file, 0o600);
      expect((await examine()).checks.roles).toEqual(found('ok', /Nobody but its owner/));
    });
  else
    it('a role that can change the history', async () => {
      expect((await examine()).checks.roles).toEqual(
        found('warning', /\(audit_entries, audit_heads, .*data_keys.*second role/),
      );
    });
});
