import { Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { inspect } from 'node:util';
import { LedgerService } from '../../src/payments/ledger/ledger.service.js';
import { parseProjectId } from '../../src/common/ids.js';
import { Database } from '../../src/database/database.js';
import { EventLog } from '../../src/payments/events/event-log.js';
import { PaymentsEvents } from '../../src/payments/payments-events.js';
import { PaymentsModule } from '../../src/payments/payments.module.js';
import { StripeConnector } from '../../src/payments/stripe/stripe-connector.js';
import { StripeClients } from '../../src/payments/stripe-config/keys/stripe-clients.js';
import { type AppWithStripe, startAppWithStripe } from '../harness/app-with-stripe.js';
import { deliver } from '../harness/ledger/signed-events.js';
import { eventually } from '../harness/eventually.js';
import { configPath } from '../harness/test-app.js';
import { ShopModule, ShopService } from '../harness/example-module.js';
import { pay } from '../harness/stripe/routes/payment.routes.js';

describe('a module that imports PaymentsModule', () => {
  let app: AppWithStripe;
  let shop: ShopService;

  beforeAll(async () => {
    app = await startAppWithStripe();
    const loaded = await app.app.get(LazyModuleLoader).load(() => ShopModule);
    shop = loaded.get(ShopService);
  });
  afterAll(() => app.close());

  it('saves a key, calls Stripe with it, and gets credentials.invalid when Stripe refuses it', async () => {
    const projectId = await app.createProject();
    const key = app.account.addSecretKey('test');
    expect(await shop.saveTestKey(projectId, key)).toEqual([`sk_test_...${key.slice(-4)}`]);
    const id = await shop.addCustomer(projectId, 'somebody@example.com');
    expect(app.account.test.get('customer', id)).toMatchObject({ email: 'somebody@example.com' });

    app.stripe.mark(key, 'expired');
    await expect(shop.addCustomer(projectId, 'somebody@example.com')).rejects.toMatchObject({
      statusCode: 401,
    });
    await eventually(async () =>
      expect(shop.invalidKeys).toEqual([
        expect.stringContaining(`${projectId} test: Stripe refuses this key`),
      ]),
    );
  });

  it('gets payment.succeeded with the user who paid', async () => {
    const [projectId, secret, user] = [
      await app.createProject(),
      `whsec_${'a'.repeat(32)}`,
      '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11',
    ];
    await app.send('put', configPath(projectId)).send({ test_webhook_secret: secret }).expect(200);
    pay(app.account.test, { amount: 500, currency: 'eur', customer: null, metadata: { user_id: user } });
    const event = app.account.test.all('event').find(({ type }) => type === 'payment_intent.succeeded');
    await deliver(app, projectId, secret, event).expect(200);
    await eventually(async () => expect([...shop.unlocked.values()]).toEqual([`${user} 500 eur`]));
  });

  it('gets the same errors as a client of the API when a key has the wrong form', async () => {
    const projectId = await app.createProject();
    await expect(shop.saveTestKey(projectId, `pk_test_${'a'.repeat(24)}`)).rejects.toMatchObject({
      code: 'validation_failed',
      problems: [{ loc: ['body', 'test_secret_key'] }],
    });
    await expect(shop.addCustomer(projectId, 'somebody@example.com')).rejects.toMatchObject({
      code: 'config_not_found',
    });
  });

  it.each([
    ['StripeConnector', StripeConnector],
    ['LedgerService', LedgerService],
    ['EventLog', EventLog],
  ])('cannot inject %s', async (_, internal) => {
    const Greedy = class {};
    const providers = [{ provide: 'greedy', inject: [internal], useFactory: () => 'got it' }];
    Module({ imports: [PaymentsModule], providers })(Greedy);
    await expect(app.app.get(LazyModuleLoader).load(() => Greedy)).rejects.toThrow(
      `Nest can't resolve dependencies of the greedy`,
    );
  });

  it('does not show the key when it prints the client', async () => {
    const projectId = await app.createProject();
    const key = app.account.addSecretKey('test');
    await shop.saveTestKey(projectId, key);
    const stripe = await app.app.get(StripeClients).for(projectId, 'test');
    expect(inspect(stripe, { depth: 20, showHidden: true })).not.toContain(key);
    const error: unknown = await stripe.customers.retrieve('cus_none').catch((refusal: unknown) => refusal);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(key);
  });

  it('disturbs nobody when its listeners fail', async () => {
    const events = app.app.get(PaymentsEvents);
    const heard: string[] = [];
    events.on('credentials.invalid', () => {
      throw new Error('sk_test_in_a_message');
    });
    events.on('credentials.invalid', () => Promise.reject(new Error('sk_test_in_a_message')));
    events.on('credentials.invalid', ({ reason }) => void heard.push(reason));
    app.log.length = 0;
    const projectId = parseProjectId(await app.createProject());
    if (!projectId) throw new Error('The id of the new project is no UUID.');
    await app.app
      .get(Database)
      .transaction(() =>
        app.app.get(EventLog).add(['credentials.invalid', { projectId, mode: 'test', reason: 'why' }]),
      );
    await eventually(async () => expect(heard.slice(0, 1)).toEqual(['why']));
    await eventually(async () =>
      expect(app.log.join('')).toMatch(/A listener for credentials\.invalid failed with event .* attempt 1/),
    );
    expect(app.log.join('')).not.toContain('sk_test_in_a_message');
  });
});
