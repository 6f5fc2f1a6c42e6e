import { runInProcess } from '../harness/command-line.js';
import { deliveryRounds } from '../harness/ledger/delivery-rounds.js';
import { Installation } from '../harness/installation.js';
import { rowsOf } from '../harness/database/rows.js';
import type { Environment } from '../harness/servers/server-process.js';
import { aPayment } from '../harness/ledger/signed-events.js';
import { StripeServer } from '../harness/stripe/stripe-server.js';
import { testEnvironment } from '../harness/test-app.js';
import { createTestDatabase, type TestDatabase } from '../harness/database/test-database.js';

jest.setTimeout(120_000);

const stripe = new StripeServer();
let installation: Installation;
let database: TestDatabase;
let environment: Environment;

beforeAll(async () => {
  await stripe.start();
  installation = new Installation();
  database = await createTestDatabase();
  environment = { ...testEnvironment(database), STRIPE_API_BASE: stripe.url };
});
afterAll(async () => {
  await installation.remove();
  await database.drop();
  await stripe.stop();
});

it('applies each event once when the sender retries after kill -9 during deliveries', async () => {
  const account = stripe.addAccount();
  const projectId = await deliveryRounds({
    installation,
    database,
    environment,
    secretKey: account.keys.test.secret,
    kills: 1,
    events: 45,
  });

  // The command line fetches events that were never delivered.
  const { type, data } = aPayment();
  account.test.record(type, (data as { object: object }).object);
  const reconcile = (...args: string[]) => runInProcess(environment, 'reconcile', ...args);
  const { code, output } = await reconcile('--json');
  expect(code).toBe(0);
  expect(JSON.parse(output)).toEqual({
    projects: [
      expect.objectContaining({
        project_id: projectId,
        mode: 'test',
        complete: true,
        events: { read: 1, known: 0, applied: 1, ignored: 0, unreadable: 0, failed: 0 },
      }),
    ],
  });
  expect(await rowsOf(database, 'stripe_payments')).toHaveLength(31);

  stripe.mark(account.keys.test.secret, 'expired');
  const failed = await reconcile('--project', projectId, '--mode', 'test', '--since', '2026-01-01T00:00:00Z');
  expect(failed).toMatchObject({ code: 1, output: expect.stringContaining('has expired at Stripe') });

  const unknown = await reconcile('--project', '00000000-0000-4000-8000-000000000000');
  expect(unknown).toMatchObject({ code: 1, errors: expect.stringContaining('There is no such project') });
});
