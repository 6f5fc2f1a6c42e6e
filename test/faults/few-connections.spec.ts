import { Client } from 'pg';
import { describeWithPgBouncer, PgBouncer } from '../harness/servers/pgbouncer.js';
import { startPostgres } from '../harness/jest/postgres-server.mjs';
import { configPath, startTestApp, type TestApp, testEnvironment } from '../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../harness/database/test-database.js';

const SERVER_CONNECTIONS = 8;
const REQUESTS = 40;
const onPostgres = engine === 'postgres' ? describe : describe.skip;

onPostgres('a PostgreSQL server', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let folder: TestDatabase;
  let shared: Record<string, string | undefined>;
  let app: TestApp | undefined;

  beforeAll(async () => {
    postgres = await startPostgres({
      settings: {
        max_connections: SERVER_CONNECTIONS,
        superuser_reserved_connections: 0,
        max_wal_senders: 0,
      },
    });
    folder = await createTestDatabase();
    shared = testEnvironment(folder);
  });
  afterEach(() => app?.close());
  afterAll(async () => {
    await folder.drop();
    await postgres.stop();
  });

  const start = async (environment: Record<string, string>) => {
    app = await startTestApp({ database: folder, environment: { ...shared, ...environment } });
    return app;
  };
  const administer = async (...statements: string[]) => {
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    for (const statement of ['SET default_transaction_read_only = off', ...statements])
      await client.query(statement);
    await client.end();
  };
  const createAtOnce = async (test: TestApp, count = REQUESTS) => {
    const answers = await Promise.all(
      Array.from({ length: count }, () =>
        test.send('post', '/api/v1/projects/').send({ name: 'Corner shop' }),
      ),
    );
    return answers.map(({ status }) => status);
  };
  const everyOne = (status: number, count = REQUESTS) => Array.from({ length: count }, () => status);

  it('PostgreSQL with fewer connections than the pool: every request is served in turn', async () => {
    const test = await start({ DATABASE_URL: postgres.url, DATABASE_POOL_SIZE: '30' });
    expect(await createAtOnce(test)).toEqual(everyOne(201));
    expect(await createAtOnce(test)).toEqual(everyOne(201));
  });

  it('PostgreSQL that was read-only for a while: no request fails on any connection afterwards', async () => {
    const test = await start({ DATABASE_URL: postgres.url, DATABASE_POOL_SIZE: '4' });
    const path = configPath(await test.createProject());
    await administer(
      'ALTER DATABASE postgres SET default_transaction_read_only = on',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tillkeeper'`,
    );
    const reads = () => Promise.all(Array.from({ length: 8 }, () => test.send('get', path)));
    await reads();
    expect(await createAtOnce(test, 4)).toEqual(everyOne(503, 4));
    // Connections after a fail-over: they answer, but the server is read-only.
    expect((await reads()).map(({ status }) => status)).toEqual(everyOne(200, 8));
    await administer('ALTER DATABASE postgres RESET default_transaction_read_only');
    expect(await createAtOnce(test, 8)).toEqual(everyOne(201, 8));
  });

  describeWithPgBouncer('behind a pooler in session mode', () => {
    it('PgBouncer with fewer connections than the pool: every request is served in turn', async () => {
      const bouncer = await PgBouncer.before(postgres.url, { poolMode: 'session', poolSize: 3 });
      try {
        const test = await start({
          DATABASE_URL: bouncer.urlOf(postgres.url),
          DATABASE_DIRECT_URL: postgres.url,
          DATABASE_POOL_SIZE: '10',
        });
        expect(await createAtOnce(test)).toEqual(everyOne(201));
        expect(await createAtOnce(test)).toEqual(everyOne(201));
      } finally {
        await app?.close();
        app = undefined;
        await bouncer.stop();
      }
    });
  });
});
