import { Client } from 'pg';
import type { ProjectId } from '../../../src/common/ids.js';
import { StripeClients } from '../../../src/payments/stripe-config/keys/stripe-clients.js';
import { ConfigChanges } from '../../../src/payments/stripe-config/config-cache.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { StripeServer } from '../../harness/stripe/stripe-server.js';
import { configPath, testEnvironment } from '../../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../../harness/database/test-database.js';

const ROUNDS = 30;
const onPostgres = engine === 'postgres' ? describe : describe.skip;

const onSqlite = engine === 'sqlite' ? describe : describe.skip;

onSqlite('two servers on one SQLite file', () => {
  let stripe: StripeServer;
  let database: TestDatabase;
  let apps: [AppWithStripe, AppWithStripe];

  beforeAll(async () => {
    stripe = await new StripeServer().start();
    database = await createTestDatabase();
    const environment = testEnvironment(database);
    apps = [
      await startAppWithStripe({ stripe, database, environment }),
      await startAppWithStripe({ stripe, database, environment }),
    ];
  });
  afterAll(async () => {
    for (const app of apps) await app.close();
    await database.drop();
    await stripe.stop();
  });

  it('both processes cache clients, and follow each other’s writes', async () => {
    const projectId = await apps[0].createProject();
    const clientOf = ({ app }: AppWithStripe) => app.get(StripeClients).for(projectId, 'test');
    for (let round = 0; round < 6; round += 1) {
      const [writer, reader] = round % 2 ? apps : [apps[1], apps[0]];
      const key = writer.account.addSecretKey('test');
      await writer.send('put', configPath(projectId)).send({ test_secret_key: key }).expect(200);
      const usesNewKey = async (app: AppWithStripe) => {
        await (await clientOf(app)).customers.list();
        expect(stripe.requests.at(-1)?.headers.authorization).toBe(`Bearer ${key}`);
      };
      await usesNewKey(writer);
      await eventually(() => usesNewKey(reader), 5_000);
      // A write of the other process, such as a periodic task's, empties the cache in between.
      await eventually(async () => expect(await clientOf(reader)).toBe(await clientOf(reader)));
    }
    await apps[0].send('delete', configPath(projectId)).expect(204);
    await expect(clientOf(apps[0])).rejects.toMatchObject({ code: 'config_deleted' });
    await eventually(
      () => expect(clientOf(apps[1])).rejects.toMatchObject({ code: 'config_deleted' }),
      5_000,
    );
  });
});

onPostgres('two servers on one database', () => {
  let stripe: StripeServer;
  let database: TestDatabase;
  let one: AppWithStripe;
  let other: AppWithStripe;
  let administrator: Client;
  let projectId: ProjectId;

  beforeAll(async () => {
    stripe = await new StripeServer().start();
    database = await createTestDatabase();
    const environment = testEnvironment(database);
    one = await startAppWithStripe({ stripe, database, environment });
    other = await startAppWithStripe({ stripe, database, environment });
    administrator = new Client({ connectionString: database.url });
    await administrator.connect();
    projectId = await one.createProject();
  });
  afterAll(async () => {
    await administrator.end();
    await one.close();
    await other.close();
    await database.drop();
    await stripe.stop();
  });

  const areComplete = (app: AppWithStripe) => app.app.get(ConfigChanges).isCurrent();
  const connected = () =>
    eventually(async () => expect([areComplete(one), areComplete(other)]).toEqual([true, true]));
  const clientOf = (app: AppWithStripe) => app.app.get(StripeClients).for(projectId, 'test');
  const put = (app: AppWithStripe, key: string) =>
    app.send('put', configPath(projectId)).send({ test_secret_key: key }).expect(200);

  async function keyOf(app: AppWithStripe): Promise<string | undefined> {
    await (await clientOf(app)).customers.list();
    return stripe.requests.at(-1)?.headers.authorization?.replace('Bearer ', '');
  }
  /** Delay until the other process used the new key. */
  async function follows(app: AppWithStripe, key: string): Promise<number> {
    const started = performance.now();
    await eventually(async () => expect(await keyOf(app)).toBe(key), 5_000);
    return performance.now() - started;
  }
  const listeners = async () => {
    const { rows } = await administrator.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tillkeeper notifications'`,
    );
    return rows.map(({ pid }) => pid);
  };
  const cutListeners = async () => {
    for (const pid of await listeners()) await administrator.query('SELECT pg_terminate_backend($1)', [pid]);
  };

  it('both processes use a new key within two seconds, in every round', async () => {
    await connected();
    for (let round = 0; round < ROUNDS; round++) {
      const [writer, reader] = round % 2 ? [one, other] : [other, one];
      await clientOf(reader).catch(() => undefined);
      const key = one.account.addSecretKey('test');
      await put(writer, key);
      expect(await keyOf(writer)).toBe(key);
      expect(await follows(reader, key)).toBeLessThan(2_000);
    }
  });

  it('both processes refuse after a DELETE of the mode, the configuration or the project', async () => {
    await connected();
    const refused = (app: AppWithStripe, code: string) =>
      eventually(
        async () => expect(await clientOf(app).catch((error: unknown) => error)).toMatchObject({ code }),
        1_000,
      );
    for (const [path, code] of [
      [`${configPath(projectId)}/test`, 'mode_not_configured'],
      [configPath(projectId), 'config_deleted'],
      [`/api/v1/projects/${projectId}`, 'project_not_found'],
    ] as const) {
      await put(one, one.account.keys.test.secret);
      await follows(other, one.account.keys.test.secret);
      await one.send('delete', path).expect(204);
      await refused(other, code);
    }
    projectId = await one.createProject();
  });

  it('both processes bypass the cache while the connection is lost, and report it', async () => {
    await put(one, one.account.addSecretKey('test'));
    for (let round = 0; round < 3; round++) {
      await connected();
      await eventually(async () => expect(await clientOf(other)).toBe(await clientOf(other)));
      const cached = await clientOf(other);
      one.log.length = 0;
      other.log.length = 0;
      await cutListeners();
      const key = one.account.addSecretKey('test');
      await put(one, key);
      expect(await follows(other, key)).toBeLessThan(1_000);
      await connected();
      await eventually(async () => expect(await clientOf(other)).toBe(await clientOf(other)));
      expect(await clientOf(other)).not.toBe(cached);
      // Nest has one logger per process, so both apps log to the last one's.
      for (const news of ['is lost', 'is back'])
        expect(
          [...one.log, ...other.log].filter((line) => line.includes(`change notifications ${news}`)),
        ).toHaveLength(2);
    }
  });

  it('no process uses an old key after a write that races with a lost connection', async () => {
    await connected();
    for (let round = 0; round < 5; round++) {
      const keys = Array.from({ length: 4 }, () => one.account.addSecretKey('test'));
      const reading = Array.from({ length: 20 }, (_, index) =>
        clientOf(index % 2 ? one : other).catch(() => undefined),
      );
      await Promise.all([
        ...keys.map((key, index) => put(index % 2 ? one : other, key)),
        cutListeners(),
        ...reading,
      ]);
      const last = one.account.addSecretKey('test');
      await put(one, last);
      expect(await follows(other, last)).toBeLessThan(1_000);
      await connected();
      for (const app of [one, other]) expect(await keyOf(app)).toBe(last);
    }
  });

  it('each process listens on one connection, and closes it at the end', async () => {
    await connected();
    expect(await listeners()).toHaveLength(2);
  });
});
