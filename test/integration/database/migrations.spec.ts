import { setTimeout as wait } from 'node:timers/promises';
import { type DataSource, MigrationExecutor } from 'typeorm';
import { loadSettings } from '../../../src/config/load-settings.js';
import { createMigrationDataSource } from '../../../src/database/data-source.js';
import { triggersOf } from '../../../src/database/migrations/history-triggers.js';
import { migrate } from '../../../src/database/migrate.js';
import { ENTITIES } from '../../../src/bootstrap/entities.js';
import { DATA_KEY_PURPOSES } from '../../../src/vault/keys/data-key.repository.js';
import { runInProcess } from '../../harness/command-line.js';
import { Installation } from '../../harness/installation.js';
import { MigrationLock, takeSqliteMigrationLock } from '../../harness/database/migration-lock.js';
import type { ServerProcess } from '../../harness/servers/server-process.js';
import { execute, rowsOf, tablesOf } from '../../harness/database/rows.js';
import { PARTITION, schemaOf, triggersIn } from '../../harness/database/schema.js';
import { configPath, startTestApp, type TestApp, testEnvironment } from '../../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../../harness/database/test-database.js';

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

function dataSource(): DataSource {
  return createMigrationDataSource(loadSettings(testEnvironment(database)).database, ENTITIES);
}

it('migrations make the schema of the entities, revert to an empty database, and run again', async () => {
  const source = await dataSource().initialize();
  expect(source.migrations.length).toBeGreaterThan(0);
  await source.runMigrations();
  const tables = (await tablesOf(database)).filter((table) => !PARTITION.test(String(table)));
  expect(tables).toEqual(['migrations', ...source.entityMetadatas.map(({ tableName }) => tableName)].sort());
  const { upQueries } = await source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
  const migrated = await schemaOf(source);

  for (let undone = 0; undone < source.migrations.length; undone += 1) await source.undoLastMigration();
  expect(await tablesOf(database)).toEqual(['migrations']);
  await source.synchronize();
  expect(migrated).toEqual(await schemaOf(source));
  await source.dropDatabase();
  await source.runMigrations();
  expect((await tablesOf(database)).filter((table) => !PARTITION.test(String(table)))).toEqual(tables);
  await source.destroy();
});

it('every trigger exists after every migration', async () => {
  const source = await dataSource().initialize();
  const runner = source.createQueryRunner();
  const executor = new MigrationExecutor(source, runner);
  for (const migration of await executor.getPendingMigrations()) {
    await executor.executeMigration(migration);
    expect(await triggersIn(runner)).toEqual(Object.keys(triggersOf(engine)).sort());
  }
  await runner.release();
  await source.destroy();
});

describe('a database of a version before the first release', () => {
  const MESSAGE =
    /A version from before the first release made this database, .* point DATABASE_URL at another database/;

  beforeEach(async () => {
    await migrate(dataSource());
    await execute(database, `UPDATE migrations SET name = 'Initial1763700000000'`);
  });

  it.each(['true', 'false'])(
    'stops a starting server with advice (MIGRATE_ON_START=%s)',
    async (MIGRATE_ON_START) => {
      const server = (installation = new Installation()).start({
        ...testEnvironment(database),
        MIGRATE_ON_START,
      });
      expect((await server.ended).code).toBe(1);
      expect(server.errors).toMatch(MESSAGE);
      expect(server.errors.trim().split('\n')).toHaveLength(1);
    },
  );

  it('is reported by the commands that check the schema', async () => {
    const migrated = await runInProcess(testEnvironment(database), 'migrate');
    expect(migrated).toMatchObject({ code: 1, errors: expect.stringMatching(MESSAGE) as string });
    const doctor = await runInProcess(testEnvironment(database), 'doctor');
    expect(doctor).toMatchObject({ code: 1, output: expect.stringMatching(MESSAGE) as string });
  });
});

it('MIGRATE_ON_START=false: the server makes nothing and answers 503 until the migrations have run', async () => {
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

it('migrations run once when several processes start on an empty database', async () => {
  const installed = (installation = new Installation());
  const environment = testEnvironment(database);
  const start = (count: number) => Array.from({ length: count }, () => installed.start(environment));
  const servers = engine === 'postgres' ? await startTogetherOnPostgres() : await startTogetherOnSqlite();
  for (const server of servers) expect((await server.send('GET', '/health/ready')).status).toBe(200);
  const names = (await rowsOf(database, 'migrations')).map(({ name }) => name);
  expect(names.length).toBeGreaterThan(0);
  expect(new Set(names).size).toBe(names.length);
  expect((await rowsOf(database, 'data_keys')).map(({ purpose }) => purpose).sort()).toEqual(
    [...DATA_KEY_PURPOSES].sort(),
  );

  const [first, ...others] = servers;
  const path = configPath((await first?.createProject()) ?? '');
  const saved = await first?.send('PUT', path, { body: BODY });
  expect(saved?.status).toBe(200);
  for (const other of others)
    expect(await other.send('GET', path)).toMatchObject({ status: 200, body: saved?.body });

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

if (engine === 'postgres')
  it('makes the days of events in the schema of the other tables', async () => {
    const database = await createTestDatabase();
    const today = `event_deliveries_${new Date().toISOString().slice(0, 10).replaceAll('-', '')}`;
    // Another installation has the same names.
    await execute(database, `CREATE SCHEMA billing; CREATE TABLE public.${today} (day text)`);
    const url = `${database.url}?options=${encodeURIComponent('-c search_path=billing,public')}`;
    const { database: settings } = loadSettings({ ...testEnvironment(database), DATABASE_URL: url });
    await migrate(createMigrationDataSource(settings, ENTITIES));
    await execute(database, `DROP TABLE billing.${today}`);
    await execute(database, 'SELECT billing.keep_event_days(current_date)');
    expect(await database.run(`SELECT to_regclass('billing.${today}') IS NOT NULL AS made`)).toEqual([
      { made: true },
    ]);
    await database.drop();
  });
