import { setTimeout as wait } from 'node:timers/promises';
import type { ProjectId } from '../../src/common/ids.js';
import { StripeClients } from '../../src/payments/stripe-config/keys/stripe-clients.js';
import { type AppWithStripe, startAppWithStripe } from '../harness/app-with-stripe.js';
import { eventually } from '../harness/eventually.js';
import { describeWithPgBouncer, PgBouncer } from '../harness/servers/pgbouncer.js';
import { startPostgres } from '../harness/jest/postgres-server.mjs';
import { StripeServer } from '../harness/stripe/stripe-server.js';
import { configPath, testEnvironment } from '../harness/test-app.js';
import { createTestDatabase, engine } from '../harness/database/test-database.js';

const ROUNDS = 20;
const PROJECTS = 8;
const SEEN_WITHIN_MS = 2_000;

jest.setTimeout(ROUNDS * 60_000);

const maskOf = (number: number) => `sk_test_...${String(number).padStart(4, '0')}`;

async function crashRounds(
  environment: (url: string) => Record<string, string>,
  before?: (url: string) => Promise<PgBouncer>,
) {
  const postgres = await startPostgres({ fsync: true });
  const stripe = await new StripeServer().start();
  const folder = await createTestDatabase();
  const bouncer = await before?.(postgres.url);
  const shared = {
    ...testEnvironment(folder),
    DATABASE_URL: bouncer?.urlOf(postgres.url) ?? postgres.url,
    ...environment(postgres.url),
  };
  const apps = await Promise.all(
    [1, 2].map(() => startAppWithStripe({ stripe, database: folder, environment: shared })),
  );
  const [writer, reader] = apps as [AppWithStripe, AppWithStripe];
  const ids: ProjectId[] = [];
  for (let count = 0; count < PROJECTS; count += 1) ids.push(await writer.createProject());
  const acknowledged = new Map<ProjectId, number>();
  const sent = new Map<ProjectId, number>();
  let total = 0;
  let slowest = 0;

  const write = async (id: ProjectId): Promise<boolean> => {
    const number = (sent.get(id) ?? 0) + 1;
    sent.set(id, number);
    const key = `sk_test_${'k'.repeat(20)}${String(number).padStart(4, '0')}`;
    const { status } = await writer.send('put', configPath(id)).send({ test_secret_key: key });
    if (status === 200) acknowledged.set(id, number);
    return status === 200;
  };
  const usedBy = async (app: AppWithStripe, id: ProjectId): Promise<string | undefined> => {
    const stripeClient = await app.app.get(StripeClients).for(id, 'test');
    await stripeClient.customers.list().catch(() => undefined);
    return stripe.requests.at(-1)?.headers.authorization;
  };

  for (let round = 0; round < ROUNDS; round += 1) {
    let isOver = false;
    const writing = ids.map(async (id) => {
      while (!isOver) {
        if (await write(id)) total += 1;
        else await wait(20);
      }
    });
    const using = ids.map(async (id) => {
      while (!isOver) await usedBy(reader, id).catch(() => wait(20));
    });
    await wait(200 + 600 * Math.random());
    await postgres.interrupt();
    await postgres.resume();
    isOver = true;
    await Promise.all([...writing, ...using]);
    await eventually(async () => writer.send('get', '/health/ready', null).expect(200), 20_000);
    for (const id of ids) {
      const { body } = await writer.send('get', configPath(id)).expect(200);
      // `null`: the first crash came before the first write.
      const mask = (body as { test_secret_key_masked: string } | null)?.test_secret_key_masked;
      const stored = Number(mask?.slice(-4) ?? 0);
      // No acknowledged write is lost. A write without an answer may be stored nevertheless.
      expect(stored).toBeGreaterThanOrEqual(acknowledged.get(id) ?? 0);
      expect(stored).toBeLessThanOrEqual(sent.get(id) ?? 0);
      if (mask !== undefined) expect(mask).toBe(maskOf(stored));
    }
    const [first] = ids as [ProjectId];
    await eventually(() => write(first).then((isWritten) => expect(isWritten).toBe(true)));
    const startedAt = performance.now();
    const key = `Bearer sk_test_${'k'.repeat(20)}${String(acknowledged.get(first)).padStart(4, '0')}`;
    await eventually(async () => expect(await usedBy(reader, first)).toBe(key), SEEN_WITHIN_MS);
    slowest = Math.max(slowest, performance.now() - startedAt);
  }
  console.info(
    `${ROUNDS} crashes, ${total} acknowledged writes, none lost; the slowest change was seen after ${Math.round(slowest)} ms`,
  );
  expect(total).toBeGreaterThan(ROUNDS);
  for (const app of apps) await app.close();
  await bouncer?.stop();
  await folder.drop();
  await stripe.stop();
  await postgres.stop();
}

if (engine === 'sqlite') it.skip('is for PostgreSQL', () => undefined);
else {
  it('loses no acknowledged write when PostgreSQL crashes, and shows changes within two seconds afterwards', () =>
    crashRounds(() => ({})));

  describeWithPgBouncer('behind a pooler in transaction mode', () => {
    it('loses no acknowledged write when PostgreSQL crashes behind PgBouncer, and shows changes within two seconds afterwards', () =>
      crashRounds(
        (url) => ({ DATABASE_DIRECT_URL: url, DATABASE_PREPARED_STATEMENTS: 'false' }),
        (url) => PgBouncer.before(url, { poolMode: 'transaction', poolSize: 5 }),
      ));
  });
}
