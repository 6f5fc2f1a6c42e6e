import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { broken, slow } from '../../harness/stripe/faults.js';
import { StripeServer } from '../../harness/stripe/stripe-server.js';
import { testEnvironment } from '../../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../../harness/database/test-database.js';
import { openBillingHarness, priceOf, type BillingHarness } from '../../harness/ledger/billing-harness.js';
import { endUserToken } from '../../harness/tokens.js';

const CREATE = 'POST /v1/customers';
const CHECKOUT = '/api/v1/payments/stripe/checkout-session';
const onPostgres = engine === 'postgres' ? describe : describe.skip;

onPostgres('two servers on one database', () => {
  let stripe: StripeServer;
  let database: TestDatabase;
  let apps: AppWithStripe[];
  let till: BillingHarness;

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
  beforeEach(async () => {
    const [app] = apps;
    if (app) till = await openBillingHarness(app);
  });
  afterEach(() => stripe.heal());

  /** Sends `count` requests to each server at once. */
  async function checkOut(count: number, key?: string) {
    const body = {
      price_id: priceOf(till.account, 'monthly').id,
      success_url: 'https://shop.example.com/thanks',
      cancel_url: 'https://shop.example.com/prices',
    };
    const send = (app: AppWithStripe) => {
      const request = app.send('post', CHECKOUT, endUserToken(till.projectId)).send(body);
      return key === undefined ? request : request.set('idempotency-key', key);
    };
    return Promise.all(apps.flatMap((app) => Array.from({ length: count }, () => send(app))));
  }
  const customers = () => till.account.test.all('customer').map(({ id }) => id);
  const sessions = () => till.account.test.all('checkout.session');

  it('create one customer for concurrent checkouts', async () => {
    stripe.fail(slow(100), { on: CREATE, times: 4 });
    const answers = await checkOut(5);
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(customers()).toHaveLength(1);
    expect(new Set(sessions().map(({ customer }) => customer))).toEqual(new Set(customers()));
  });

  it('create one customer even if Stripe fails first and replays the failure', async () => {
    stripe.fail(broken, { on: CREATE, times: 2 });
    const answers = await checkOut(5);
    const again = await checkOut(1);
    expect(again.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 503)).toEqual(
      [],
    );
    expect(customers()).toHaveLength(1);
  });

  it('create one new customer after the old one was deleted', async () => {
    await checkOut(1);
    const [gone = ''] = customers();
    till.account.test.delete('customer', gone);
    const answers = await checkOut(5);
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(customers()).toHaveLength(1);
    expect(customers()).not.toContain(gone);
  });

  it('run once for one Idempotency-Key', async () => {
    const answers = await checkOut(5, 'one');
    expect(
      answers.filter(({ status, headers }) => status === 200 && !headers['idempotent-replayed']),
    ).toHaveLength(1);
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    expect(sessions()).toHaveLength(1);
    const [one, other] = await checkOut(1, 'one');
    expect(one?.text).toBe(other?.text);
    expect(sessions()).toHaveLength(1);
  });
});
