import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { loadSettings } from '../../../src/config/load-settings.js';
import { createMigrationDataSource } from '../../../src/database/data-source.js';
import { migrate, MIGRATION_LOCK } from '../../../src/database/migrate.js';
import type { ProjectId } from '../../../src/common/ids.js';
import { StripeClients } from '../../../src/payments/stripe-config/keys/stripe-clients.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { runInProcess } from '../../harness/command-line.js';
import { describeWithPgBouncer, PgBouncer } from '../../harness/servers/pgbouncer.js';
import { startPostgres } from '../../harness/jest/postgres-server.mjs';
import { StripeServer } from '../../harness/stripe/stripe-server.js';
import { configPath, startTestApp, type TestApp, testEnvironment } from '../../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../../harness/database/test-database.js';

type Environment = Record<string, string | undefined>;

const SEEN_WITHIN_MS = 2_000;
const SHARED_CONNECTIONS = 4;

const keyOf = (number: number) => `sk_test_${'k'.repeat(20)}${String(number).padStart(4, '0')}`;
const maskOf = (number: number) => `sk_test_...${String(number).padStart(4, '0')}`;

async function ask<Row extends object>(url: string, question: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(question)).rows;
  } finally {
    await client.end();
  }
}

if (engine === 'sqlite') it.skip('are for PostgreSQL', () => undefined);
else
  describeWithPgBouncer('behind PgBouncer', () => {
    let stripe: StripeServer;
    let database: TestDatabase;
    let bouncer: PgBouncer;
    let environment: Environment;

    beforeAll(async () => {
      stripe = await new StripeServer().start();
    });
    afterAll(() => stripe.stop());

    const open = async (poolMode: 'session' | 'transaction', options: Environment) => {
      database = await createTestDatabase();
      const poolSize = poolMode === 'session' ? 30 : SHARED_CONNECTIONS;
      bouncer = await PgBouncer.before(database.url, { poolMode, poolSize });
      environment = { ...testEnvironment(database), DATABASE_URL: bouncer.urlOf(database.url), ...options };
    };
    const close = async (apps: TestApp[]) => {
      for (const app of apps) await app.close();
      await bouncer.stop();
      await database.drop();
    };
    const start = () => startAppWithStripe({ stripe, database, environment });
    const stateOf = async (app: TestApp) =>
      ((await app.send('get', '/health/ready', null).expect(200)).body as { change_notifications: string })
        .change_notifications;

    const poolerAsTheDoctorSeesIt = async (given: Environment) => {
      const { output } = await runInProcess({ ...given, STRIPE_API_BASE: stripe.url }, 'doctor', '--json');
      const { checks } = JSON.parse(output) as {
        checks: { check: string; verdict: string; message: string }[];
      };
      return checks.find(({ check }) => check === 'pooler');
    };

    /** Polls the key that each server uses, until both use this one. */
    async function expectSeen(
      [writer, reader]: readonly [AppWithStripe, AppWithStripe],
      projectId: ProjectId,
    ): Promise<void> {
      const keyIn = async (app: AppWithStripe) => {
        await (await app.app.get(StripeClients).for(projectId, 'test')).customers.list();
        return stripe.requests.at(-1)?.headers.authorization;
      };
      await keyIn(reader).catch(() => undefined);
      const key = writer.account.addSecretKey('test');
      await writer.send('put', configPath(projectId)).send({ test_secret_key: key }).expect(200);
      expect(await keyIn(writer)).toBe(`Bearer ${key}`);
      await eventually(async () => expect(await keyIn(reader)).toBe(`Bearer ${key}`), SEEN_WITHIN_MS);
    }

    describe.each([
      ['session', {}],
      ['transaction', { DATABASE_PREPARED_STATEMENTS: 'false' }],
    ] as const)('in %s mode', (poolMode, options) => {
      let one: AppWithStripe;
      let other: AppWithStripe;

      beforeAll(async () => {
        await open(poolMode, options);
        if (poolMode === 'transaction') environment['DATABASE_DIRECT_URL'] = database.url;
        // Both migrate: one does it and the other waits.
        [one, other] = await Promise.all([start(), start()]);
      });
      afterAll(() => close([one, other]));

      it('keeps every write, and shows it on the other server within two seconds', async () => {
        await eventually(async () =>
          expect([await stateOf(one), await stateOf(other)]).toEqual(['arriving', 'arriving']),
        );
        const projectId = await one.createProject();
        for (let round = 0; round < 6; round += 1)
          await expectSeen(round % 2 ? [one, other] : [other, one], projectId);
        const { body } = await other.send('get', configPath(projectId)).expect(200);
        expect(body).toMatchObject({ is_active: true, has_test_credentials: true });
      });

      it('passes the checks of the doctor', async () => {
        expect(await poolerAsTheDoctorSeesIt(environment)).toMatchObject({ verdict: 'ok' });
      });

      it('leaves no state on shared connections, and lets the next start migrate at once', async () => {
        const url = bouncer.urlOf(database.url);
        const held = `SELECT count(*)::int AS locks FROM pg_locks WHERE locktype = 'advisory' AND objid = ${MIGRATION_LOCK}`;
        expect(await ask(database.url, held)).toEqual([{ locks: 0 }]);
        await Promise.all(Array.from({ length: 20 }, () => one.createProject()));
        // Every connection of the pooler at once, as its next client finds it.
        const settings = [
          'synchronous_commit',
          'statement_timeout',
          'lock_timeout',
          'idle_in_transaction_session_timeout',
          'plan_cache_mode',
        ];
        const question = `SELECT pg_sleep(0.2)::text AS slept, (SELECT count(*) FROM pg_listening_channels())::int AS channels,
          ${settings.map((name) => `current_setting('${name}') AS ${name}`).join(', ')}`;
        const [untouched] = await ask(database.url, question);
        const states = await Promise.all(
          Array.from({ length: SHARED_CONNECTIONS }, () => ask(url, question)),
        );
        for (const state of states) expect(state).toEqual([untouched]);
        const { directDatabase } = loadSettings(environment);
        expect(await migrate(createMigrationDataSource(directDatabase))).toEqual([]);
      });
    });

    describe('in transaction mode without DATABASE_DIRECT_URL', () => {
      let one: AppWithStripe;
      let other: AppWithStripe;

      beforeAll(async () => {
        // Prepared statements are on as well, which this PgBouncer does not know.
        await open('transaction', {});
        [one, other] = await Promise.all([start(), start()]);
      });
      afterAll(() => close([one, other]));

      it('a start logs the missing setting, does not listen for notifications, and reports them as lost', async () => {
        const isWarning = (line: string) =>
          line.includes('DATABASE_URL leads through a pooler in transaction mode');
        // Nest has one logger per process, so both apps log to the last one's.
        await eventually(async () => expect([...one.log, ...other.log].filter(isWarning)).toHaveLength(2));
        expect([...one.log, ...other.log].find(isWarning)).toContain(
          'set DATABASE_DIRECT_URL to the database itself',
        );
        expect(await stateOf(one)).toBe('lost');
        const listening = `SELECT count(*)::int AS listening FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`;
        expect(await ask(database.url, listening)).toEqual([{ listening: 0 }]);
      });

      it('the doctor names the missing setting, and detects the address of another database', async () => {
        const found = await poolerAsTheDoctorSeesIt(environment);
        expect(found).toMatchObject({
          verdict: 'warning',
          message: expect.stringContaining('set DATABASE_DIRECT_URL to the database itself'),
        });
        const elsewhere = new URL(database.url);
        elsewhere.pathname = '/postgres';
        const misled = {
          ...environment,
          DATABASE_DIRECT_URL: elsewhere.href,
          DATABASE_PREPARED_STATEMENTS: 'false',
        };
        expect(await poolerAsTheDoctorSeesIt(misled)).toMatchObject({
          verdict: 'warning',
          message: expect.stringMatching(/both have to lead to the same database/),
        });
      });

      it('each server bypasses its caches, sees the writes of the other, and works without prepared statements', async () => {
        const projectId = await one.createProject();
        for (let round = 0; round < 4; round += 1)
          await expectSeen(round % 2 ? [one, other] : [other, one], projectId);
        await Promise.all(
          Array.from({ length: 20 }, (_, index) => (index % 2 ? one : other).createProject()),
        );
        // A server notices only when the pooler gives it a connection that lacks its statements, or has
        // somebody else's.
        const warnings = [...one.log, ...other.log].filter((line) =>
          line.includes('set DATABASE_PREPARED_STATEMENTS=false'),
        );
        expect(warnings.length).toBeLessThanOrEqual(2);
      });
    });

    it('no acknowledged write is lost when PostgreSQL crashes, and the pool serves again afterwards', async () => {
      const postgres = await startPostgres({ fsync: true });
      const folder = await createTestDatabase();
      const server = await PgBouncer.before(postgres.url, {
        poolMode: 'transaction',
        poolSize: SHARED_CONNECTIONS,
      });
      const app = await startTestApp({
        database: folder,
        environment: {
          DATABASE_URL: server.urlOf(postgres.url),
          DATABASE_DIRECT_URL: postgres.url,
          DATABASE_PREPARED_STATEMENTS: 'false',
        },
      });
      try {
        const ids = await Promise.all(Array.from({ length: 4 }, () => app.createProject()));
        const acknowledged = new Map<string, number>();
        let isOver = false;
        const writing = ids.map(async (id) => {
          for (let number = 1; !isOver; number += 1) {
            const { status } = await app.send('put', configPath(id)).send({ test_secret_key: keyOf(number) });
            if (status === 200) acknowledged.set(id, number);
            else await wait(20);
          }
        });
        await wait(700);
        await postgres.interrupt();
        const beforeCrash = new Map(acknowledged);
        await postgres.resume();
        isOver = true;
        await Promise.all(writing);
        await eventually(async () => app.send('get', '/health/ready', null).expect(200));
        for (const id of ids) {
          const { body } = await app.send('get', configPath(id)).expect(200);
          const number = acknowledged.get(id) ?? 0;
          expect(beforeCrash.get(id)).toBeGreaterThan(1);
          // The last write may be stored without an acknowledgement.
          expect([maskOf(number), maskOf(number + 1)]).toContain(
            (body as { test_secret_key_masked: string }).test_secret_key_masked,
          );
        }
      } finally {
        await app.close();
        await server.stop();
        await folder.drop();
        await postgres.stop();
      }
    });
  });
