import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { type AppWithStripe, startAppWithStripe } from '../harness/app-with-stripe.js';
import { type Application, startApplication } from '../harness/story/application.js';
import { tellStory } from '../harness/story/story.js';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('a client generated from the OpenAPI document', () => {
  let app: AppWithStripe;
  let application: Application;
  let baseUrl: string;

  beforeAll(async () => {
    application = await startApplication();
    const port = await freePort();
    baseUrl = `http://127.0.0.1:${port}`;
    app = await startAppWithStripe({
      environment: {
        PORT: String(port),
        PUBLIC_BASE_URL: baseUrl,
        AUTH_BUILTIN: 'true',
        AUTH_REGISTRATION: 'open',
      },
    });
  });
  afterAll(async () => {
    application.stop();
    await app.close();
  });

  it('runs the whole story, and the ledger has the expected rows', async () => {
    const told: string[] = [];
    const tell = (sentence: string) => told.push(sentence);
    const { stats, payments } = await tellStory(baseUrl, app.stripe, tell, application);
    const succeeded = payments.filter(({ status }) =>
      ['succeeded', 'partially_refunded', 'refunded'].includes(status),
    );
    const sum = (of: (payment: (typeof payments)[number]) => number) =>
      succeeded.reduce((total, payment) => total + of(payment), 0);
    expect(stats).toMatchObject({
      total_projects: 1,
      projects_with_test: 1,
      total_subscriptions: 1,
      active_subscriptions: 0,
      total_payments: payments.length,
      successful_payments: succeeded.length,
      total_revenue_cents: sum(({ amount_cents }) => amount_cents),
      net_revenue_cents: sum(
        ({ amount_cents, refunded_amount_cents = 0 }) => amount_cents - refunded_amount_cents,
      ),
      currency: 'usd',
    });
    expect(payments).toEqual(
      expect.arrayContaining([expect.objectContaining({ status: 'refunded', refunded_amount_cents: 2_000 })]),
    );
    expect(told).toContainEqual(expect.stringMatching(/hears of it, .*: payment\.refunded of 2000 usd, pi_/));
    expect(told).toHaveLength(12);
  });
});
