import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { loadSettings } from '../../src/config/load-settings.js';
import { createMigrationDataSource } from '../../src/database/data-source.js';
import { migrate } from '../../src/database/migrate.js';
import { ENTITIES } from '../../src/entities.js';
import { DATA_KEY_PURPOSES } from '../../src/vault/data-key-store.js';
import { Installation } from '../support/installation.js';
import { MigrationLock, takeSqliteMigrationLock } from '../support/migration-lock.js';
import type { ServerProcess } from '../support/server-process.js';
import { rowsOf, tablesOf } from '../support/rows.js';
import { configPath, startTestApp, type TestApp, testEnvironment } from '../support/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../support/test-database.js';

jest.setTimeout(60_000);

const BODY = { test_secret_key: `sk_test_${'a'.repeat(24)}` };

let database: TestDatabase;
/** What the test started. */
let app: TestApp | undefined;
let installation: Installation | undefined;

beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await installation?.remove();
  await database.drop();
});

async function hasColumn(source: DataSource, table: string, column: string): Promise<boolean> {
  const runner = source.createQueryRunner();
  try {
    return await runner.hasColumn(table, column);
  } finally {
    await runner.release();
  }
}

function dataSource(): DataSource {
  return createMigrationDataSource(loadSettings(testEnvironment(database)).database, ENTITIES);
}

it('go up from nothing to what the entities say, down to nothing, and up again', async () => {
  const source = await dataSource().initialize();
  expect(source.migrations.length).toBeGreaterThan(0);
  await source.runMigrations();
  const tables = await tablesOf(database);
  expect(tables).toEqual(['migrations', ...source.entityMetadatas.map(({ tableName }) => tableName)].sort());
  const { upQueries } = await source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);

  for (let undone = 0; undone < source.migrations.length; undone += 1) await source.undoLastMigration();
  expect(await tablesOf(database)).toEqual(['migrations']);
  await source.runMigrations();
  expect(await tablesOf(database)).toEqual(tables);
  await source.destroy();
});

it('tell what was paid outside of Stripe of payments that were there before', async () => {
  const source = await dataSource().initialize();
  await source.runMigrations();
  const isThere = async () =>
    (await tablesOf(database)).includes('ledger_revenue') && (await hasColumn(source, 'ledger_revenue', 'out_of_band_cents'));
  while (await isThere()) await source.undoLastMigration();
  const [project, time] = [randomUUID(), `'2026-01-01 00:00:00.000${engine === 'postgres' ? 'Z' : ''}'`];
  await source.query(
    `INSERT INTO projects (id, owner_id, name, created_at, updated_at) VALUES ('${project}', 'one', 'Tea', ${time}, ${time})`,
  );
  for (const [nth, [id, status]] of Object.entries({
    in_cash: 'succeeded',
    in_open: 'processing',
    in_more: 'refunded',
    inside: 'succeeded',
    pi_a: 'succeeded',
  }).entries()) {
    const rowId = `${randomUUID().slice(0, -1)}${(nth + 6).toString(16)}`;
    await source.query(
      `INSERT INTO stripe_payments (project_id, mode, payment_intent_id, id, owner_id, user_rank, status, amount_cents, currency, refunded_amount_cents, created_at, source_rank, as_of, revision)
       VALUES ('${project}', 'test', '${id}', '${rowId}', 'one', 0, '${status}', 100, 'usd', 0, ${time}, 1, ${time}, 1)`,
    );
    if (status !== 'processing')
      await source.query(
        `INSERT INTO ledger_revenue (project_id, mode, currency, slot, payments, gross_cents, net_cents) VALUES ('${project}', 'test', 'usd', ${(nth + 6) % 8}, 1, 100, 100)`,
      );
  }
  await source.runMigrations();
  await source.destroy();
  const outside = (await rowsOf(database, 'stripe_payments')).filter((row) => row['source'] === 'out_of_band');
  expect(outside.map((row) => row['payment_intent_id']).sort()).toEqual(['in_cash', 'in_more', 'in_open']);
  const revenue = (await rowsOf(database, 'ledger_revenue')).map((row) => [
    row['slot'],
    Number(row['gross_cents']),
    Number(row['out_of_band_cents']),
  ]);
  expect(revenue.sort()).toEqual([
    [0, 100, 100],
    [1, 100, 0],
    [2, 100, 0],
    [6, 100, 100],
  ]);
});

it('can be left to somebody else: nothing is made, nothing served, until they have run', async () => {
  const test = (app = await startTestApp({ database, environment: { MIGRATE_ON_START: 'false' } }));
  const unavailable = { detail: 'The database has migrations that did not run yet.' };
  const { headers } = await test.send('get', '/health/ready', null).expect(503, unavailable);
  expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
  await test.send('post', '/api/v1/projects/').send({ name: 'Corner shop' }).expect(503, unavailable);
  await test.send('post', '/api/v1/projects/', null).send({ name: 'Corner shop' }).expect(401);
  await test.send('get', '/health/live', null).expect(200);
  expect(await tablesOf(database)).toEqual([]);

  await migrate(dataSource());

  await test
    .send('put', configPath(await test.createProject()))
    .send(BODY)
    .expect(200);
  await test.send('get', '/health/ready', null).expect(200);
});

it('run once, when processes start at once on an empty database', async () => {
  const installed = (installation = new Installation());
  const environment = testEnvironment(database);
  const start = (count: number) => Array.from({ length: count }, () => installed.start(environment));
  const servers = engine === 'postgres' ? await startTogetherOnPostgres() : await startTogetherOnSqlite();
  for (const server of servers) expect((await server.send('GET', '/health/ready')).status).toBe(200);
  const names = (await rowsOf(database, 'migrations')).map(({ name }) => name);
  expect(names.length).toBeGreaterThan(0);
  expect(new Set(names).size).toBe(names.length);
  expect((await rowsOf(database, 'data_keys')).map(({ purpose }) => purpose).sort()).toEqual([...DATA_KEY_PURPOSES].sort());

  const [first, ...others] = servers;
  const path = configPath((await first?.createProject()) ?? '');
  const saved = await first?.send('PUT', path, { body: BODY });
  expect(saved?.status).toBe(200);
  for (const other of others) expect(await other.send('GET', path)).toMatchObject({ status: 200, body: saved?.body });

  async function startTogetherOnPostgres(): Promise<ServerProcess[]> {
    const lock = await MigrationLock.take(database);
    const started = start(2);
    await lock.untilAwaitedBy(started.length);
    for (const server of started) await server.until(/Waiting for the migration lock, which connection \d+ /);
    await lock.release();
    return started;
  }

  async function startTogetherOnSqlite(): Promise<ServerProcess[]> {
    const release = takeSqliteMigrationLock(database);
    const started = start(2);
    for (const server of started) await server.until(/InstanceLoader/);
    // Longer than a request waits for the lock.
    await wait(1_000);
    release();
    return started;
  }
});
