import type Stripe from 'stripe';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { LedgerHarness } from '../../harness/ledger/ledger-harness.js';
import { rowsOf } from '../../harness/database/rows.js';
import { deliver } from '../../harness/ledger/signed-events.js';
import { dispute, renew } from '../../harness/stripe/life.js';
import { asOldGeneration } from '../../harness/stripe/old-generation.js';
import { idOf, type StripeEvent } from '../../harness/stripe/resources.js';
import { refund } from '../../harness/stripe/routes/payment.routes.js';
import { subscribe } from '../../harness/stripe/routes/subscription.routes.js';
import { configPath, OWNER, STRANGER } from '../../harness/test-app.js';
import {
  recordInLedger,
  openBillingHarness,
  priceOf,
  type BillingHarness,
} from '../../harness/ledger/billing-harness.js';

const SECRET = `whsec_${'a'.repeat(32)}`;
const USER = '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11';
const URL = 'https://shop.example.com/';
const REASON = expect.stringMatching(/another project here/) as string;

let app: AppWithStripe;
/** A project on the account that `neighbour` uses too. */
let seller: BillingHarness;
let neighbour: LedgerHarness;

beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());
const clock = () => Math.floor(Date.now() / 1_000);
beforeEach(async () => {
  app.stripe.heal();
  app.stripe.now = clock;
  seller = await openBillingHarness(app);
  neighbour = await LedgerHarness.open(app, seller.account);
  for (const { projectId } of [seller, neighbour])
    await app.send('put', configPath(projectId)).send({ test_webhook_secret: SECRET }).expect(200);
});
afterEach(async () => expect(await neighbour.statistics()).toEqual(await neighbour.recount()));

const data = () => seller.account.test;
const send = (projectId: string, event: StripeEvent) => deliver(app, projectId, SECRET, event).expect(200);
const eventsOf = async (projectId: string) =>
  (await rowsOf(app.database, 'webhook_events')).filter((row) => row['project_id'] === projectId);
const mine = async (projectId: string) =>
  (await app.send('get', `${configPath(projectId).replace('/config', '')}/subscriptions`).expect(200)).body
    .subscriptions as unknown[];

async function buy(order: object = {}): Promise<void> {
  const price_id = priceOf(seller.account, 'monthly').id;
  const { body } = await seller
    .post('checkout-session', { price_id, success_url: URL, cancel_url: URL, ...order }, USER)
    .expect(200);
  app.stripe.completeCheckout(body.session_id as string);
}

/** Events of a subscription and a payment, from the checkout to a lost dispute. */
async function live(): Promise<void> {
  await buy();
  await buy({ mode: 'payment', price_id: priceOf(seller.account, 'setup').id });
  const [subscription] = data().all('subscription');
  if (subscription) renew(data(), subscription);
  for (const charge of data().all('charge')) {
    refund(data(), charge, { amount: 100 });
    const disputed = dispute(data(), charge);
    disputed.metadata = {};
    data().change('charge.dispute.closed', disputed, { status: 'lost' });
  }
}

describe.each(['new', 'old'] as const)(
  'events of the %s generation about objects of another project',
  (generation) => {
    it.each([
      ['in order', (events: StripeEvent[]) => events],
      ['backwards', (events: StripeEvent[]) => events.toReversed()],
    ])('are recorded as ignored, with the reason: %s', async (_, inOrder) => {
      await live();
      const events = inOrder(neighbour.events()).map((one) =>
        generation === 'new' ? one : asOldGeneration(data(), one),
      );
      for (const event of events) await send(neighbour.projectId, event);
      expect(await neighbour.states()).toEqual({ subscriptions: [], payments: [] });
      expect(await neighbour.disputes()).toEqual([]);
      expect(await neighbour.statistics()).toEqual({});
      expect(
        (await eventsOf(neighbour.projectId)).filter(({ outcome }) => outcome === 'ignored'),
      ).not.toEqual([]);
      for (const event of events) await send(seller.projectId, event);
      expect(await mine(seller.projectId)).toHaveLength(1);
      expect((await eventsOf(seller.projectId)).filter(({ reason }) => reason !== null)).toEqual([]);
    });
  },
);

describe('an object', () => {
  const created = (project_id: string) => {
    const customer = data().create('customer', {}).id;
    const items = [{ price: priceOf(seller.account, 'monthly'), quantity: 1 }];
    return subscribe(data(), { customer, items, metadata: { user_id: USER, project_id }, trialDays: 0 });
  };
  const event = ({ id }: Stripe.Subscription) =>
    neighbour.events().find((one) => (one.data.object as { id: string }).id === id) as StripeEvent;
  const outcome = async (subscription: Stripe.Subscription) =>
    (await send(neighbour.projectId, event(subscription))).body.outcome as string;

  it('is foreign in any letter case, even if the other project was deleted', async () => {
    await expect(outcome(created(seller.projectId.toUpperCase()))).resolves.toBe('ignored');
    await app.send('delete', `/api/v1/projects/${seller.projectId}`).expect(204);
    await expect(outcome(created(seller.projectId))).resolves.toBe('ignored');
    expect((await eventsOf(neighbour.projectId)).map(({ reason }) => reason)).toEqual([REASON, REASON]);
  });

  it.each(['site-7', '', '00000000-0000-4000-8000-000000000000', '{"id":1}'])(
    'is not foreign with the text %j as project_id',
    async (text) => {
      await expect(outcome(created(text))).resolves.toBe('applied');
      await expect(outcome(created(neighbour.projectId.toUpperCase()))).resolves.toBe('applied');
      expect(await mine(neighbour.projectId)).toHaveLength(2);
    },
  );

  it('inherits from its subscription at Stripe, as an invoice', async () => {
    const subscription = created(seller.projectId);
    const invoice = data().get('invoice', idOf(subscription.latest_invoice));
    Object.assign(invoice, {
      parent: { subscription_details: { subscription: subscription.id, metadata: {} } },
    });
    data().record('invoice.paid', invoice);
    const [paid] = data().all('event');
    expect((await send(neighbour.projectId, paid as StripeEvent)).body.outcome).toBe('ignored');
    expect(await neighbour.states()).toEqual({ subscriptions: [], payments: [] });
  });
});

describe.each([
  ['names the project', () => ({ project_id: neighbour.projectId })],
  ['names none', () => ({})],
])('a subscription that was foreign, and whose newer metadata %s,', (_, ownMetadata) => {
  it('counts with its invoices, even after a move to the other project and back', async () => {
    const customer = data().create('customer', {}).id;
    const items = [{ price: priceOf(seller.account, 'monthly'), quantity: 1 }];
    const subscription = subscribe(data(), { customer, items, metadata: {}, trialDays: 0 });
    const start = app.stripe.now() - 1_000;
    const earlier = new Set(neighbour.events().map(({ id }) => id));
    let said = 0;
    const say = async (second: number, metadata: object) => {
      const [event] = neighbour.events().filter(({ type }) => type === 'customer.subscription.created');
      const object = { ...(event?.data.object as Stripe.Subscription), metadata };
      const id = `evt_${(said += 1)}${subscription.id}`;
      const update = {
        ...(event as StripeEvent),
        id,
        type: 'customer.subscription.updated',
        created: start + second,
        data: { object },
      };
      return (await send(neighbour.projectId, update)).body.outcome as string;
    };
    const move = (second: number, metadata: Stripe.Metadata) => {
      Object.assign(subscription, { metadata });
      return say(second, metadata);
    };
    const foreign = { project_id: seller.projectId };
    const payments = async (): Promise<unknown[]> => {
      renew(data(), subscription);
      const told = neighbour
        .events()
        .filter(({ id, type }) => !earlier.has(id) && type.startsWith('invoice.'));
      for (const event of told) await send(neighbour.projectId, event);
      for (const { id } of told) earlier.add(id);
      return (await neighbour.payments()).map(({ status }) => status);
    };
    await expect(move(10, foreign)).resolves.toBe('ignored');
    await expect(move(30, ownMetadata())).resolves.toBe('applied');
    // Stripe is asked for the current owner, and its response is applied.
    await expect(say(20, foreign)).resolves.toBe('applied');
    await expect(payments()).resolves.toEqual(['succeeded']);
    await expect(move(40, foreign)).resolves.toBe('ignored');
    expect(await neighbour.subscriptions()).toEqual([]);
    await expect(payments()).resolves.toEqual(['succeeded']);
    // Both events have one timestamp.
    await expect(move(40, ownMetadata())).resolves.toBe('applied');
    expect(await neighbour.subscriptions()).toHaveLength(1);
    await expect(payments()).resolves.toEqual(['succeeded', 'succeeded']);
  });
});

describe('a reconciliation', () => {
  it('skips objects of another project, and removes stored ones', async () => {
    // The stored row says nothing about a time before the last event, whose payments would be this project's.
    const second = app.stripe.now();
    app.stripe.now = () => second;
    await live();
    const [subscription] = data().all('subscription');
    if (!subscription) throw new Error('There is none.');
    // A row written before owners were checked.
    await recordInLedger(app, neighbour.projectId, { ...subscription, metadata: { user_id: USER } });
    expect(await mine(neighbour.projectId)).toHaveLength(1);
    const reconcile = () =>
      app
        .send('post', configPath(neighbour.projectId).replace(/config$/, 'reconcile'))
        .send({ mode: 'test' })
        .expect(200);
    expect((await reconcile()).body).toMatchObject({
      complete: true,
      failures: [],
      subscriptions: { compared: 1, missing_at_stripe: 0 },
    });
    expect(await neighbour.states()).toEqual({ subscriptions: [], payments: [] });
    expect(await neighbour.statistics()).toEqual({});
    expect((await reconcile()).body.subscriptions).toMatchObject({ compared: 1, repaired: 0 });
  });
});

describe("a user of both projects cannot reach the other one's subscription", () => {
  it.each(['cancel-subscription', 'update-subscription', 'customer-portal', 'checkout-session'])(
    '%s',
    async (operation) => {
      await buy();
      const [subscription] = data().all('subscription');
      if (!subscription) throw new Error('There is none.');
      const shop = await openBillingHarness(app, seller.account);
      await recordInLedger(app, shop.projectId, { ...subscription, metadata: { user_id: USER } });
      expect((await shop.get('my-subscription', USER).expect(200)).body).toMatchObject({
        subscription_id: subscription.id,
      });
      const body = {
        price_id: priceOf(seller.account, 'monthly').id,
        new_price_id: priceOf(seller.account, 'yearly').id,
      };
      const answer = await shop.post(
        operation,
        { ...body, success_url: URL, cancel_url: URL, return_url: URL },
        USER,
      );
      expect(answer.status).toBe(operation === 'checkout-session' ? 200 : 404);
      expect(data().get('subscription', subscription.id)).toMatchObject({
        status: 'active',
        cancel_at_period_end: false,
      });
      expect((await shop.get('my-subscription', USER).expect(200)).body).toBeNull();
      if (operation === 'checkout-session')
        expect(data().all('checkout.session')[0]?.customer).not.toBe(subscription.customer);
    },
  );
});

describe('the warning account_shared', () => {
  const validate = (projectId: string, secret_key: string, token = OWNER) =>
    app
      .send('post', configPath(projectId).replace(/config$/, 'validate-credentials'), token)
      .send({ secret_key })
      .expect(200);
  const shown = async (projectId: string, token = OWNER) => {
    const { body, headers } = await app.send('get', configPath(projectId), token).expect(200);
    const fields = (body.warnings as { code: string; field: string }[])
      .filter(({ code }) => code === 'account_shared')
      .map(({ field }) => field);
    return { fields, etag: headers['etag'] as string };
  };

  it('is on both configurations of one owner once Stripe named the account for both keys, until a key is removed', async () => {
    const { secret, legacySecret } = seller.account.keys.test;
    await validate(seller.projectId, secret);
    // The account id in a key's text is no proof.
    expect((await shown(seller.projectId)).fields).toEqual([]);
    const before = await shown(seller.projectId);
    await app
      .send('put', `${configPath(neighbour.projectId)}?validate=true`)
      .send({ test_secret_key: legacySecret })
      .expect(200);
    for (const { projectId } of [seller, neighbour])
      expect((await shown(projectId)).fields).toEqual(['test_secret_key']);
    expect((await shown(seller.projectId)).etag).not.toBe(before.etag);
    await app
      .send('put', configPath(neighbour.projectId))
      .send({ test_secret_key: app.stripe.addAccount().keys.test.secret })
      .expect(200);
    expect((await shown(seller.projectId)).fields).toEqual([]);
    // Stripe has already named the account of this key.
    const { body } = await app
      .send('put', configPath(neighbour.projectId))
      .send({ test_secret_key: legacySecret })
      .expect(200);
    expect(body.warnings).toContainEqual(expect.objectContaining({ code: 'account_shared' }));
    await app.send('delete', configPath(neighbour.projectId)).expect(204);
    expect((await shown(seller.projectId)).fields).toEqual([]);
  });

  it('changes the ETag under one version, when it comes and when it goes', async () => {
    const { secret, legacySecret } = seller.account.keys.test;
    const path = configPath(seller.projectId);
    const get = (tag: string) => app.send('get', path).set('If-None-Match', tag);
    await validate(seller.projectId, secret);
    const alone = (await shown(seller.projectId)).etag;
    await get(alone).expect(304);
    await app
      .send('put', `${configPath(neighbour.projectId)}?validate=true`)
      .send({ test_secret_key: legacySecret })
      .expect(200);
    const { etag: shared } = (await get(alone).expect(200)).headers;
    expect(shared).toBe(alone.replace(/"$/, '-test"'));
    await get('*').expect(304);
    await app.send('delete', configPath(neighbour.projectId)).expect(204);
    const { body, headers } = await get(shared as string).expect(200);
    expect(headers['etag']).toBe(alone);
    expect(JSON.stringify(body.warnings)).not.toContain('account_shared');
    await get(alone).expect(304);
    // A writer that has seen the warning has seen the credentials.
    await app
      .send('put', path)
      .set('If-Match', shared as string)
      .send({})
      .expect(200);
    await app.send('put', path).set('If-Match', '"7-other"').send({}).expect(412);
  });

  it('does not reveal projects of other owners, or of the other mode', async () => {
    const { test, live: liveKeys } = seller.account.keys;
    await validate(seller.projectId, test.secret);
    const strangers = await app.createProject(STRANGER);
    await app
      .send('put', `${configPath(strangers)}?validate=true`, STRANGER)
      .send({ test_secret_key: test.secret })
      .expect(200);
    const ofLive = await app.createProject();
    await app
      .send('put', `${configPath(ofLive)}?validate=true`)
      .send({ live_secret_key: liveKeys.secret })
      .expect(200);
    for (const [projectId, token] of [[seller.projectId], [strangers, STRANGER], [ofLive]] as const)
      expect((await shown(projectId, token)).fields).toEqual([]);
  });
});
