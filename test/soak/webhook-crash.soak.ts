import { deliveryRounds } from '../harness/ledger/delivery-rounds.js';
import { Installation } from '../harness/installation.js';
import { StripeServer } from '../harness/stripe/stripe-server.js';
import { testEnvironment } from '../harness/test-app.js';
import { createTestDatabase, type TestDatabase } from '../harness/database/test-database.js';

jest.setTimeout(30 * 60_000);

const stripe = new StripeServer();
let installation: Installation;
let database: TestDatabase;

beforeAll(async () => {
  await stripe.start();
  installation = new Installation();
  database = await createTestDatabase();
});
afterAll(async () => {
  await installation.remove();
  await database.drop();
  await stripe.stop();
});

it('applies each of 10,000 events once despite 50 kill -9 during deliveries', async () => {
  await deliveryRounds({
    installation,
    database,
    environment: { ...testEnvironment(database), STRIPE_API_BASE: stripe.url },
    secretKey: stripe.addAccount().keys.test.secret,
    kills: 50,
    events: 10_000,
  });
});
