import type { ProjectId } from '../../../src/common/ids.js';
import { EVENT_BATCHES, HANDLED_EVENTS } from '../../../src/payments/webhooks/handled-events.js';
import { ReconcileService } from '../../../src/payments/webhooks/reconcile/reconcile.service.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { deliver } from '../../harness/ledger/signed-events.js';
import { answers, connectionReset, down, type Fault } from '../../harness/stripe/faults.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import type { StripeEvent } from '../../harness/stripe/resources.js';
import { subscribe } from '../../harness/stripe/routes/subscription.routes.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { configPath } from '../../harness/test-app.js';

const SECRET = `whsec_${'a'.repeat(32)}`;
const EVENTS = 'GET /v1/events';
const DAY_S = 24 * 60 * 60;
const NOW = () => Math.floor(Date.now() / 1000);

describe('a reconciliation', () => {
  let app: AppWithStripe;
  let account: StripeAccount;
  let projectId: ProjectId;

  beforeAll(async () => {
    app = await startAppWithStripe();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    app.stripe.heal();
    app.stripe.now = NOW;
    account = app.stripe.addAccount();
    projectId = await app.createProject();
    await put({ test_secret_key: account.keys.test.secret, test_webhook_secret: SECRET }).expect(200);
  });

  const put = (body: object) => app.send('put', configPath(projectId)).send(body);
  const path = (operation: string) => configPath(projectId).replace(/config$/, operation);
  const reconcile = (body: object = {}) =>
    app.send('post', path('reconcile')).send({ mode: 'test', ...body });
  const subscriptions = async () =>
    (await rowsOf(app.database, 'stripe_subscriptions')).filter(({ project_id }) => project_id === projectId);
  const outcomes = async () =>
    (await rowsOf(app.database, 'webhook_events'))
      .filter(({ project_id }) => project_id === projectId)
      .map(({ outcome }) => outcome);
  const knownUntil = async () =>
    (await rowsOf(app.database, 'reconciliations')).find(({ project_id }) => project_id === projectId)
      ?.known_until;
  const setDaysAgo = (table: string, column: string, days: number) => {
    const time = new Date(NOW() * 1000 - days * DAY_S * 1000).toISOString().replace('T', ' ');
    const value = app.database.engine === 'sqlite' ? time.slice(0, -1) : time;
    return execute(
      app.database,
      `UPDATE ${table} SET ${column} = '${value}' WHERE project_id = '${projectId}'`,
    );
  };

  /** Creates a subscription at Stripe, with its customer, invoice and payment. @returns the events */
  function subscription(): StripeEvent[] {
    const { test } = account;
    const before = test.all('event').length;
    const customer = test.create('customer', {});
    const [price] = test.all('price').filter(({ recurring }) => recurring);
    if (!price) throw new Error('There is no price to subscribe to.');
    subscribe(test, { customer: customer.id, items: [{ price, quantity: 1 }], metadata: {}, trialDays: 0 });
    return test.all('event').slice(0, test.all('event').length - before);
  }

  it('applies missed events, and none twice', async () => {
    const events = subscription().filter(({ type }) =>
      /^(?:customer\.subscription|invoice|payment_intent)\./.test(type),
    );
    const [arrived] = events;
    await deliver(app, projectId, SECRET, { ...arrived, livemode: false }).expect(200);
    const { body } = await reconcile().expect(200);
    expect(body).toMatchObject({ mode: 'test', complete: true, failures: [] });
    expect(body.events).toMatchObject({ known: 1, failed: 0 });
    expect(body.events.applied).toBe(body.events.read - 1);
    expect(body.events.applied).toBeGreaterThan(2);
    expect(body.subscriptions).toMatchObject({ compared: 1 });
    const again = (await reconcile().expect(200)).body;
    expect(again.events).toEqual({ ...body.events, known: body.events.read, applied: 0 });
    expect(await outcomes()).toHaveLength(body.events.read);
  });

  it('applies events that were ignored while the key was of another account', async () => {
    const events = subscription().filter(({ type }) => type.startsWith('customer.subscription.'));
    await put({ test_secret_key: app.stripe.addAccount().keys.test.secret }).expect(200);
    for (const event of events) {
      const { body } = await deliver(app, projectId, SECRET, {
        ...event,
        livemode: false,
        account: account.id,
      }).expect(200);
      expect(body.outcome).toBe('ignored');
    }
    await put({ test_secret_key: account.keys.test.secret }).expect(200);
    expect((await reconcile().expect(200)).body).toMatchObject({
      failures: [],
      events: { known: 0, ignored: 0 },
    });
    expect(new Set(await outcomes())).toEqual(new Set(['applied']));
    expect(await subscriptions()).toHaveLength(1);
  });

  it('does not restore a state that an event replaced while the list was loading', async () => {
    for (const event of subscription()) await deliver(app, projectId, SECRET, event).expect(200);
    const [known] = account.test.all('subscription');
    if (!known) throw new Error('There is none.');
    const aSecond = () => new Promise((resolve) => setTimeout(resolve, 1_100));
    const hold: Fault = async ({ perform, send }) => {
      const answer = await perform();
      await aSecond();
      account.test.change('customer.subscription.updated', known, { status: 'past_due' });
      const [updated] = account.test.all('event');
      if (updated) await deliver(app, projectId, SECRET, updated).expect(200);
      await aSecond();
      send({
        ...answer,
        headers: { ...answer.headers, date: new Date(app.stripe.now() * 1_000).toUTCString() },
      });
    };
    app.stripe.fail(hold, { on: 'GET /v1/subscriptions' });
    await reconcile().expect(200);
    expect(await subscriptions()).toMatchObject([{ status: 'past_due' }]);
  });

  it("repairs subscriptions that differ from Stripe's", async () => {
    subscription();
    await reconcile().expect(200);
    const [known] = account.test.all('subscription');
    if (!known) throw new Error('There is no subscription.');
    known.status = 'past_due';
    app.stripe.now = () => NOW() + 10;
    expect((await reconcile().expect(200)).body.subscriptions).toMatchObject({
      compared: 1,
      repaired: 1,
      repaired_ids: [known.id],
    });
    const repaired = await subscriptions();
    expect(repaired).toEqual([expect.objectContaining({ subscription_id: known.id, status: 'past_due' })]);
    app.stripe.now = () => NOW() + 20;
    expect((await reconcile().expect(200)).body.subscriptions).toMatchObject({ compared: 1, repaired: 0 });
    // A second run writes nothing.
    expect(await subscriptions()).toEqual(repaired);
  });

  it.each([null, 'acct_1C'])(
    'restores the lost user of rows without a customer (account %s)',
    async (account_id) => {
      subscription();
      const [known] = account.test.all('subscription');
      if (!known) throw new Error('There is no subscription.');
      Object.assign(known, { customer: null, customer_account: account_id });
      await reconcile().expect(200);
      // Simulates rows of an earlier version, in which only a customer had a user.
      known.metadata = { user_id: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11' };
      for (const table of ['stripe_subscriptions', 'stripe_payments'])
        await execute(
          app.database,
          `UPDATE ${table} SET customer_id = NULL WHERE project_id = '${projectId}'`,
        );
      expect(await subscriptions()).toMatchObject([{ user_id: null }]);
      app.stripe.now = () => NOW() + 10;
      expect((await reconcile().expect(200)).body.subscriptions).toMatchObject({ repaired: 1 });
      expect(await subscriptions()).toMatchObject([
        { user_id: known.metadata['user_id'], customer_id: account_id },
      ]);
      const payments = (await rowsOf(app.database, 'stripe_payments')).filter(
        ({ project_id }) => project_id === projectId,
      );
      expect(payments).toMatchObject([{ user_id: known.metadata['user_id'] }]);
    },
  );

  it('reports subscriptions that Stripe does not have, and keeps them', async () => {
    for (let count = 0; count < 3; count++) subscription();
    await reconcile().expect(200);
    const before = await subscriptions();
    const [newest, middle] = account.test.all('subscription');
    for (const gone of [newest, middle]) account.test.delete('subscription', gone?.id ?? '');
    // Each answer waits for both requests, which proves that they are concurrent.
    let asked = 0;
    let release: () => void = () => undefined;
    const both = new Promise<void>((resolve) => (release = resolve));
    for (const gone of [newest, middle])
      app.stripe.fail(
        async ({ perform, send }) => {
          if (++asked === 2) release();
          send(await perform(both));
        },
        { on: `GET /v1/subscriptions/${gone?.id}` },
      );
    const { body } = await reconcile().expect(200);
    expect(body.subscriptions).toMatchObject({ compared: 1, repaired: 0, missing_at_stripe: 2 });
    expect(new Set(body.subscriptions.missing_at_stripe_ids)).toEqual(new Set([newest?.id, middle?.id]));
    expect(await subscriptions()).toEqual(before);
  });

  it('begins after the last complete run, or at the requested time', async () => {
    await reconcile().expect(200);
    app.stripe.now = () => NOW() - 10 * DAY_S;
    subscription();
    app.stripe.now = NOW;
    expect((await reconcile().expect(200)).body.events.read).toBe(0);
    expect((await reconcile({ since: NOW() - 5 * DAY_S }).expect(200)).body.events.read).toBe(0);
    const all = (await reconcile({ since: '2020-01-01T00:00:00Z' }).expect(200)).body;
    expect(all.events.applied).toBeGreaterThan(2);
    expect(Date.parse(all.since)).toBeGreaterThan(Date.now() - 31 * DAY_S * 1000);
  });

  it('counts unreadable events in each run', async () => {
    account.test.record('invoice.paid', { id: 'in_unreadable', object: 'invoice', status: 'paid' });
    for (let times = 0; times < 2; times += 1)
      expect((await reconcile().expect(200)).body).toMatchObject({
        complete: true,
        events: { unreadable: 1, ignored: 0, failed: 0 },
        failures: [],
      });
  });

  it('misses nothing after a run that began later than the last complete one', async () => {
    app.stripe.now = () => NOW() - 2 * DAY_S;
    subscription();
    app.stripe.now = NOW;
    expect((await reconcile({ since: NOW() - 60 }).expect(200)).body).toMatchObject({
      complete: true,
      events: { read: 0 },
    });
    expect(await knownUntil()).toBeNull();
    expect((await reconcile().expect(200)).body.events.applied).toBeGreaterThan(2);
    expect(await knownUntil()).not.toBeNull();

    await setDaysAgo('stripe_credentials', 'written_at', 4);
    await setDaysAgo('reconciliations', 'known_until', 3);
    expect((await reconcile({ since: NOW() - 2.5 * DAY_S }).expect(200)).body.events.known).toBeGreaterThan(
      2,
    );
    expect((await reconcile().expect(200)).body.events.known).toBeGreaterThan(2);
    await setDaysAgo('reconciliations', 'known_until', 3);
    expect((await reconcile({ since: NOW() - 4 * DAY_S }).expect(200)).body.events.known).toBeGreaterThan(2);
    expect((await reconcile().expect(200)).body.events.read).toBe(0);
  });

  it('does not resume a run that began later than the last complete one', async () => {
    app.stripe.now = () => NOW() - 2 * DAY_S;
    subscription();
    app.stripe.now = NOW;
    app.stripe.fail(down(500, { retry: false }), { on: 'GET /v1/subscriptions' });
    await reconcile({ since: NOW() - 60 }).expect(503);
    expect((await reconcile().expect(200)).body.events.applied).toBeGreaterThan(2);
  });

  it('starts over once the key was stored again, since its account may differ', async () => {
    app.stripe.now = () => NOW() - 2 * DAY_S;
    subscription();
    app.stripe.now = NOW;
    await put({ test_secret_key: app.stripe.addAccount().keys.test.secret }).expect(200);
    expect((await reconcile().expect(200)).body).toMatchObject({ complete: true, events: { read: 0 } });
    await put({ test_secret_key: account.keys.test.secret }).expect(200);
    expect((await reconcile({ since: NOW() - 60 }).expect(200)).body.events.read).toBe(0);
    const { events } = (await reconcile().expect(200)).body;
    expect(events.applied).toBeGreaterThan(2);
    expect((await reconcile().expect(200)).body.events.read).toBe(0);
    // For equal times the order is unknown.
    await setDaysAgo('reconciliations', 'known_until', 1);
    await setDaysAgo('stripe_credentials', 'written_at', 1);
    expect((await reconcile().expect(200)).body.events).toMatchObject({ known: events.read });
  });

  it('does not resume a run from before the key was stored', async () => {
    app.stripe.now = () => NOW() - 2 * DAY_S;
    subscription();
    app.stripe.now = NOW;
    await put({ test_secret_key: app.stripe.addAccount().keys.test.secret }).expect(200);
    app.stripe.fail(down(500, { retry: false }), { on: 'GET /v1/subscriptions' });
    await reconcile().expect(503);
    await put({ test_secret_key: account.keys.test.secret }).expect(200);
    expect((await reconcile().expect(200)).body.events.applied).toBeGreaterThan(2);
  });

  it('retries failed events', async () => {
    await reconcile().expect(200);
    app.stripe.now = () => NOW() - 10 * DAY_S;
    const [event] = subscription().filter(({ type }) => type === 'customer.subscription.created');
    app.stripe.now = NOW;
    await deliver(app, projectId, SECRET, { ...event, livemode: false }).expect(200);
    await execute(
      app.database,
      `UPDATE webhook_events SET outcome = 'failed', failed_at = received_at, failure = 'no' WHERE project_id = '${projectId}'`,
    );
    const { body } = await reconcile().expect(200);
    expect(body.events.applied).toBeGreaterThanOrEqual(1);
    expect(new Set(await outcomes())).toEqual(new Set(['applied']));
  });

  it('reads all pages, and resumes after an interruption', async () => {
    for (let count = 0; count < 27; count++) subscription();
    const cut = new AbortController();
    const service = app.app.get(ReconcileService);
    const readSecondPage = new Promise<void>((resolve) => {
      app.stripe.fail(
        async ({ perform, send }) => {
          cut.abort();
          send(await perform());
          resolve();
        },
        { on: 'GET /v1/subscriptions' },
      );
    });
    const first = await service.reconcile({ projectId, mode: 'test' }, { signal: cut.signal });
    await readSecondPage;
    expect(first.isComplete).toBe(false);
    const pages = app.stripe.requests.filter(
      ({ path: of, query }) => of === '/v1/events' && query.includes('starting_after'),
    );
    expect(pages.length).toBeGreaterThan(0);
    expect(first.events.applied).toBeGreaterThan(100);
    subscription();
    app.stripe.requests.length = 0;
    const cutLate = new AbortController();
    app.stripe.fail(
      async ({ perform, send }) => {
        cutLate.abort();
        send(await perform());
      },
      { on: EVENTS },
    );
    const second = await service.reconcile(
      { projectId, mode: 'test' },
      { since: new Date(0), signal: cutLate.signal },
    );
    expect(second).toMatchObject({ isComplete: false, subscriptions: { compared: 28 } });
    // The events since its start are read at the end. Nothing is compared again.
    const third = (await reconcile({ since: '2020-01-01T00:00:00Z' }).expect(200)).body;
    expect(third).toMatchObject({ complete: true, subscriptions: { compared: 0 } });
    expect(third.events.applied).toBeGreaterThan(2);
    const asked = app.stripe.requests.map(({ method, path: of }) => `${method} ${of}`);
    expect(asked.filter((one) => one === 'GET /v1/subscriptions')).toHaveLength(1);
  });

  describe('with more event types than Stripe lists in one request', () => {
    const typesAsked = () =>
      app.stripe.requests
        .filter(({ path: of }) => of === '/v1/events')
        .map(({ query }) =>
          [...new URLSearchParams(query)]
            .filter(([name]) => name.startsWith('types'))
            .map(([, type]) => type),
        );

    beforeEach(() => {
      app.stripe.requests.length = 0;
      for (const type of HANDLED_EVENTS)
        account.test.record(type, { id: 'obj_unreadable', object: 'unknown' });
    });

    it('lists every type, in several requests', async () => {
      const { body } = await reconcile().expect(200);
      expect(body).toMatchObject({
        complete: true,
        events: { read: HANDLED_EVENTS.length, unreadable: HANDLED_EVENTS.length },
      });
      expect(typesAsked()).toEqual(EVENT_BATCHES);
      expect(
        (await rowsOf(app.database, 'webhook_events')).filter(({ project_id: of }) => of === projectId),
      ).toHaveLength(HANDLED_EVENTS.length);
    });

    it('resumes within the types after an interruption, and lists all types again for newer events', async () => {
      const cut = new AbortController();
      const cutInTheLast: Fault = async ({ perform, send }) => {
        if (typesAsked().length === EVENT_BATCHES.length) cut.abort();
        send(await perform());
      };
      app.stripe.fail(cutInTheLast, { on: EVENTS, times: EVENT_BATCHES.length });
      const first = await app.app
        .get(ReconcileService)
        .reconcile({ projectId, mode: 'test' }, { signal: cut.signal });
      expect(first).toMatchObject({ isComplete: false, subscriptions: { compared: 0 } });
      app.stripe.requests.length = 0;
      expect((await reconcile().expect(200)).body).toMatchObject({ complete: true });
      expect(typesAsked()).toEqual([EVENT_BATCHES.at(-1), ...EVENT_BATCHES]);
    });
  });

  it('starts over when Stripe no longer has the cursor', async () => {
    subscription();
    await reconcile().expect(200);
    await execute(
      app.database,
      `UPDATE reconciliations SET phase = 'events', cursor = 'evt_gone', known_until = NULL WHERE project_id = '${projectId}'`,
    );
    const { body } = await reconcile().expect(200);
    expect(body).toMatchObject({ complete: true, events: { applied: 0 } });
    expect(body.events.known).toBeGreaterThan(2);
  });

  it('reports a refused key, and an unavailable Stripe', async () => {
    await app.send('post', path('reconcile')).send({ mode: 'live' }).expect(404);
    app.stripe.fail(connectionReset, { on: EVENTS, times: Infinity });
    expect((await reconcile().expect(503)).headers['retry-after']).toMatch(/^[1-9]\d*$/);
    app.stripe.heal();
    app.stripe.fail(down(500, { retry: false }), { on: EVENTS });
    await reconcile().expect(503);
    app.stripe.fail(answers(200, {}), { on: EVENTS });
    await reconcile().expect(503);
    await put({ test_secret_key: account.addRestrictedKey('test', ['rak_event_read']) }).expect(200);
    expect((await reconcile().expect(409)).body.detail).toMatch(/permission/);
    await put({ test_secret_key: account.keys.test.secret }).expect(200);
    app.stripe.mark(account.keys.test.secret, 'expired');
    expect((await reconcile().expect(409)).body.detail).toMatch(/has expired at Stripe/);
  });

  it('never overlaps for a project and mode', async () => {
    subscription();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const asked = new Promise<void>((resolve) => {
      app.stripe.fail(
        async ({ perform, send }) => {
          resolve();
          send(await perform(held));
        },
        { on: EVENTS },
      );
    });
    const first = reconcile().then();
    await asked;
    expect((await reconcile().expect(429)).headers['retry-after']).toMatch(/^[1-9]\d*$/);
    release();
    expect((await first).status).toBe(200);
  });

  it.each([
    [{ mode: 'prod' }, ['mode']],
    [{ since: 'yesterday' }, ['since']],
    [{ since: '2026-13-01T00:00:00Z' }, ['since']],
    [{ since: '2026-01-01' }, ['since']],
    [{ since: '9999-01-01T00:00:00Z' }, ['since']],
    [{ since: 99_999_999_999 }, ['since']],
    [{ since: 1.5 }, ['since']],
    [{ since: true }, ['since']],
    [{ modes: 'test' }, ['modes']],
    [{ mode: null, since: '' }, ['mode', 'since']],
  ])('refuses %j', async (body, fields) => {
    const { body: answer } = await reconcile(body).expect(422);
    expect((answer as { detail: { loc: string[] }[] }).detail.map(({ loc }) => loc[1])).toEqual(fields);
    expect(
      app.stripe.requests.filter(({ headers }) => headers.authorization?.includes(account.keys.test.secret)),
    ).toEqual([]);
  });
});
