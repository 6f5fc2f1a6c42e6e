import type { ProjectId } from '../../../src/common/ids.js';
import { DeliveryNotes } from '../../../src/payments/webhooks/events/delivery-notes.js';
import { WebhookSweeper } from '../../../src/payments/webhooks/events/webhook-sweeper.js';
import { type AppWithStripe, startAppWithStripe, statusPath } from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import {
  anEvent,
  aPaidInvoice,
  aPayment,
  deliver,
  type EventBody,
} from '../../harness/ledger/signed-events.js';
import { down } from '../../harness/stripe/faults.js';
import { subscribe } from '../../harness/stripe/routes/subscription.routes.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { configPath, OWNER, STRANGER } from '../../harness/test-app.js';
import { engine } from '../../harness/database/test-database.js';

const SECRET = `whsec_${'a'.repeat(32)}`;
const DAY_MS = 86_400_000;

interface Listed {
  events: {
    id: string;
    received_at: string;
    duplicate_count: number;
    replayable: boolean;
    reason: string;
    last_failure_at: string;
  }[];
  total: number;
  refusals: object[];
}

interface WebhookStatus {
  last_event_at: string;
  last_failure_at: string;
  last_failure_reason: string;
}

describe('webhook events', () => {
  let app: AppWithStripe;
  let account: StripeAccount;
  let projectId: ProjectId;

  beforeAll(async () => {
    app = await startAppWithStripe();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    app.stripe.heal();
    account = app.stripe.addAccount();
    projectId = await app.createProject();
    await app
      .send('put', configPath(projectId))
      .send({ test_secret_key: account.keys.test.secret, test_webhook_secret: SECRET })
      .expect(200);
  });

  const send = (event: EventBody) => deliver(app, projectId, SECRET, event);
  const eventsPath = () => configPath(projectId).replace(/config$/, 'webhook-events');
  const list = async (query = '') =>
    (await app.send('get', `${eventsPath()}${query}`).expect(200)).body as Listed;
  const ofProject = async (table: string) =>
    (await rowsOf(app.database, table)).filter((row) => row['project_id'] === projectId);
  const status = async () =>
    (await app.send('get', statusPath(projectId)).expect(200)).body.test.webhook as WebhookStatus;

  /** Makes the database refuse writes to a table for the project. @returns a function that ends it */
  async function refuse(table: string): Promise<() => Promise<void>> {
    const name = `refuse_${table}`;
    const trigger = `CREATE TRIGGER ${name} BEFORE INSERT ON ${table} FOR EACH ROW WHEN (NEW.project_id = '${projectId}')`;
    if (engine === 'sqlite')
      await execute(app.database, `${trigger} BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    else {
      const raise = `BEGIN RAISE EXCEPTION 'refused'; END`;
      await execute(
        app.database,
        `CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ ${raise} $$`,
      );
      await execute(app.database, `${trigger} EXECUTE FUNCTION refuse()`);
    }
    return () =>
      execute(
        app.database,
        engine === 'sqlite' ? `DROP TRIGGER ${name}` : `DROP TRIGGER ${name} ON ${table}`,
      );
  }

  describe('about a subscription or a payment', () => {
    const about = (type: string, object: object, fields: Partial<EventBody> = {}) =>
      anEvent({ type, data: { object: { metadata: {}, ...object } }, ...fields });
    const ids = async (query: string) => (await list(query)).events.map(({ id }) => id);
    const charge = {
      ...{ id: 'ch_1', object: 'charge', payment_intent: 'pi_1', captured: true, amount: 1_000 },
      ...{ amount_captured: 1_000, amount_refunded: 400, currency: 'usd' },
    };

    it('are found by its id, with every outcome, and name it', async () => {
      const payment = aPayment();
      (payment['data'] as { object: { id: string } }).object.id = 'pi_1';
      const refund = about('charge.refunded', charge);
      const unreadable = about('charge.refunded', { ...charge, amount_refunded: 'half' });
      const ignored = about('charge.captured', charge);
      for (const event of [payment, refund, unreadable, ignored, aPayment()]) await send(event).expect(200);
      const found = await ids('?object_id=pi_1');
      expect(found.sort()).toEqual([payment, refund, unreadable, ignored].map(({ id }) => id).sort());
      expect(await ids('?object_id=pi_1&outcome=unreadable')).toEqual([unreadable.id]);
      expect(await ids('?object_id=pi_1&type=charge.captured&mode=test')).toEqual([ignored.id]);
      expect(await list('?object_id=pi_1&page=2&page_size=3')).toMatchObject({ total: 4, events: [{}] });
      for (const query of ['mode=live', 'type=charge.expired', 'outcome=failed'])
        expect(await list(`?object_id=pi_1&${query}`)).toMatchObject({ total: 0, events: [] });
      expect(await list('?object_id=pi_0')).toMatchObject({ total: 0, events: [] });
      expect((await list('?object_id=pi_1')).events[0]).toMatchObject({
        payment_intent_id: 'pi_1',
        subscription_id: null,
      });
    });

    it('keep the ids that a failed delivery named, and learn others when they are applied', async () => {
      const data = account.test;
      const [price] = data.all('price').filter(({ lookup_key }) => lookup_key === 'monthly');
      const customer = data.create('customer', {}).id;
      if (!price) throw new Error('There is no monthly price.');
      const { id } = subscribe(data, {
        customer,
        items: [{ price, quantity: 1 }],
        metadata: {},
        trialDays: 0,
      });
      const [paid] = data.all('event').filter(({ type }) => type === 'invoice.paid');
      const [intent] = data.all('payment_intent');
      app.stripe.fail(down(503, { retry: false }), { on: /invoice_payments/ });
      await send({ ...paid } as EventBody).expect(500);
      expect((await list(`?object_id=${id}`)).events).toMatchObject([
        { id: paid?.id, outcome: 'failed', subscription_id: id, payment_intent_id: null },
      ]);
      await send({ ...paid } as EventBody).expect(200);
      for (const objectId of [id, intent?.id])
        expect((await list(`?object_id=${objectId}`)).events).toMatchObject([
          { id: paid?.id, outcome: 'applied', subscription_id: id, payment_intent_id: intent?.id },
        ]);
      // As after an update of a server that did not know the ids.
      await execute(
        app.database,
        'UPDATE webhook_events SET subscription_id = NULL, payment_intent_id = NULL',
      );
      expect(await list(`?object_id=${id}`)).toMatchObject({ total: 0 });
      await app.send('post', `${eventsPath()}/${paid?.id}/replay`).expect(200);
      expect(await ids(`?object_id=${id}`)).toEqual([paid?.id]);
    });
  });

  describe('of an unknown form', () => {
    /** A paid invoice without its amount. */
    const unreadable = () => {
      const event = aPaidInvoice();
      delete (event['data'] as { object: { total?: number } }).object.total;
      return event;
    };

    it.each<[string, () => EventBody]>([
      ['without a field', unreadable],
      ['of another kind', () => aPayment({ type: 'payment_intent.succeeded' })],
      ['with an amount that is a text', () => aPayment()],
    ])('are unreadable, and shown: %s', async (what, make) => {
      const event = make();
      const { object } = event['data'] as { object: Record<string, unknown> };
      if (what === 'of another kind') object['object'] = 'charge';
      if (what === 'with an amount that is a text') object['amount'] = '10.00';
      for (let times = 0; times < 2; times += 1)
        expect((await send(event).expect(200)).body).toEqual({ received: true, outcome: 'unreadable' });
      const reason = expect.stringMatching(/"(total|object|amount)"/) as string;
      const shown = {
        id: event.id,
        outcome: 'unreadable',
        reason,
        last_failure_reason: reason,
        replayable: true,
        duplicate_count: 0,
      };
      expect((await list('?outcome=unreadable')).events).toEqual([expect.objectContaining(shown)]);
      expect(await list('?outcome=ignored')).toMatchObject({ total: 0 });
      expect(await status()).toMatchObject({
        unreadable_events: 1,
        last_failure_reason: reason,
        last_failure_at: expect.any(String),
      });
      const replay = await app.send('post', `${eventsPath()}/${event.id}/replay`).expect(200);
      expect(replay.body).toMatchObject({ outcome: 'unreadable', reason });
      expect(await ofProject('stripe_payments')).toEqual([]);
    });

    it.each<[string, Partial<EventBody>]>([
      ['data.object', { data: { object: null } }],
      ['data.object', { data: { object: 'pi_1' } }],
      ['data.object', { data: undefined }],
      ['created', { created: undefined }],
      ['created', { created: 'today' }],
      ['livemode', { livemode: 'no' }],
      ['object', { object: 'happening' }],
    ])(
      'are unreadable, not refused, as long as they have an id and a type: %s of %j',
      async (field, fields) => {
        const event = { ...aPayment(), ...fields };
        for (let times = 0; times < 2; times += 1)
          expect((await send(event).expect(200)).body).toEqual({ received: true, outcome: 'unreadable' });
        const shown = {
          id: event.id,
          outcome: 'unreadable',
          reason: expect.stringContaining(`"${field}"`) as string,
          replayable: true,
        };
        expect((await list()).events).toEqual([expect.objectContaining(shown)]);
        await app.send('post', `${eventsPath()}/${event.id}/replay`).expect(200);
        expect((await send({ ...event, type: 'product.updated' }).expect(200)).body.outcome).toBe('ignored');
        for (const without of ['id', 'type']) await send({ ...event, [without]: undefined }).expect(400);
        expect(await ofProject('stripe_payments')).toEqual([]);
      },
    );

    it('are read again with the next delivery, since a later version may know the form', async () => {
      const event = unreadable();
      await send(event).expect(200);
      const readable = { ...event, data: aPaidInvoice({ id: event.id })['data'] };
      expect((await send(readable).expect(200)).body.outcome).toBe('applied');
      expect(await status()).toMatchObject({ unreadable_events: 0 });
      expect((await list()).events).toEqual([
        expect.objectContaining({
          outcome: 'applied',
          reason: null,
          last_failure_reason: expect.any(String),
        }),
      ]);
    });

    it('become unreadable with a replay, though an earlier version applied them', async () => {
      const event = unreadable();
      await send(event).expect(200);
      await execute(
        app.database,
        `UPDATE webhook_events SET outcome = 'applied', reason = NULL, failed_at = NULL, failure = NULL WHERE id = '${event.id}'`,
      );
      await app.send('post', `${eventsPath()}/${event.id}/replay`).expect(200);
      expect(await list('?outcome=unreadable')).toMatchObject({ total: 1 });
    });
  });

  it.each([
    ['a lone surrogate', '\\ud800'],
    ['NUL', '\\u0000'],
  ])('whose id and type have %s have U+FFFD for it', async (_what, written) => {
    const event = aPayment();
    const payload = (type: string) =>
      JSON.stringify({ ...event, type })
        .replaceAll('?', written)
        .replace(event.id, `${event.id}${written}`);
    for (const [type, outcome] of [
      ['payment_intent.succeeded', 'applied'],
      ['payment_intent.succeeded?', 'duplicate'],
    ] as const)
      expect((await deliver(app, projectId, SECRET, payload(type)).expect(200)).body.outcome).toBe(outcome);
    expect((await list()).events).toEqual([
      expect.objectContaining({ id: `${event.id}\ufffd`, outcome: 'applied' }),
    ]);
    await app.send('post', `${eventsPath()}/${encodeURIComponent(`${event.id}\ufffd`)}/replay`).expect(200);
  });

  it('are applied once in 100 concurrent deliveries', async () => {
    const event = aPayment();
    const answers = await Promise.all(Array.from({ length: 100 }, () => send(event)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(answers.filter(({ body }) => body.outcome === 'applied')).toHaveLength(1);
    expect(await ofProject('stripe_payments')).toHaveLength(1);
    expect((await list()).events).toEqual([
      expect.objectContaining({ id: event.id, outcome: 'applied', duplicate_count: 99, reason: null }),
    ]);
  });

  it('are applied once if delivered to two servers concurrently', async () => {
    const other = await startAppWithStripe({
      database: app.database,
      environment: app.environment,
      stripe: app.stripe,
    });
    try {
      const events = Array.from({ length: 10 }, () => aPayment());
      const answers = await Promise.all(
        events.flatMap((event) =>
          Array.from({ length: 10 }, (_, index) =>
            deliver(index % 2 ? app : other, projectId, SECRET, event),
          ),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(answers.filter(({ body }) => body.outcome === 'applied')).toHaveLength(events.length);
      expect(await ofProject('stripe_payments')).toHaveLength(events.length);
      expect((await list()).events.map(({ duplicate_count }) => duplicate_count)).toEqual(
        events.map(() => 9),
      );
    } finally {
      await other.close();
    }
  });

  it('write only their failure when the database refuses, and are applied with the next delivery', async () => {
    const event = aPayment();
    const allow = await refuse('stripe_payments');
    for (let attempt = 0; attempt < 2; attempt++)
      expect((await send(event).expect(500)).body.detail).toBe(
        'The event could not be processed, and is to be sent again.',
      );
    await allow();
    expect(await ofProject('stripe_payments')).toEqual([]);
    const events = (await ofProject('events')).map(({ type }) => String(type));
    expect(events.filter((type) => type.startsWith('payment.'))).toEqual([]);
    const [failed] = (await list('?outcome=failed')).events;
    expect(failed).toMatchObject({
      id: event.id,
      outcome: 'failed',
      reason: expect.stringMatching(/our side/),
      duplicate_count: 0,
    });
    expect(await status()).toMatchObject({
      last_failure_at: failed?.last_failure_at,
      last_failure_reason: failed?.reason,
    });

    expect((await send(event).expect(200)).body.outcome).toBe('applied');
    expect((await list()).events).toEqual([
      expect.objectContaining({
        outcome: 'applied',
        reason: null,
        last_failure_at: failed?.last_failure_at,
        last_failure_reason: failed?.reason,
      }),
    ]);
    expect(await ofProject('stripe_payments')).toHaveLength(1);
    expect(app.log.join('')).not.toContain('refused');
  });

  it('are recorded as failed later, if the failure could not be stored at once', async () => {
    const event = aPayment();
    const allow = await refuse('webhook_events');
    await send(event).expect(500);
    await app.app.get(DeliveryNotes).write();
    expect((await list()).events).toEqual([]);
    await allow();
    await eventually(async () =>
      expect((await list()).events).toEqual([expect.objectContaining({ id: event.id, outcome: 'failed' })]),
    );
    await app.send('post', `${eventsPath()}/${event.id}/replay`).expect(200);
    expect(await ofProject('stripe_payments')).toHaveLength(1);
  });

  it('stay open while Stripe refuses the key, and are applied by a replay afterwards', async () => {
    app.stripe.mark(account.keys.test.secret, 'expired');
    const event = aPaidInvoice();
    expect((await send(event).expect(500)).body.detail).toMatch(/has expired at Stripe/);
    const [open] = (await list('?outcome=open')).events;
    expect(open).toMatchObject({ id: event.id, reason: expect.stringMatching(/store a new one/) });
    await app.send('post', `${eventsPath()}/${event.id}/replay`).expect(409);
    await app
      .send('put', configPath(projectId))
      .send({ test_secret_key: account.addSecretKey('test') })
      .expect(200);
    const { body } = await app.send('post', `${eventsPath()}/${event.id}/replay`).expect(200);
    expect(body).toMatchObject({ outcome: 'applied', reason: null });
    expect(await ofProject('stripe_payments')).toHaveLength(1);
    expect((await send(event).expect(200)).body.outcome).toBe('duplicate');
  });

  it('are retried while Stripe is down, and a failed replay reverts nothing', async () => {
    const event = aPaidInvoice();
    const fail = () => app.stripe.fail(down(503, { retry: false }), { on: /invoice_payments/ });
    fail();
    expect((await send(event).expect(500)).body.detail).toMatch(/can not be reached/);
    expect((await list('?outcome=failed')).total).toBe(1);
    expect((await send(event).expect(200)).body.outcome).toBe('applied');
    fail();
    await app.send('post', `${eventsPath()}/${event.id}/replay`).expect(503);
    expect((await list('?outcome=applied')).total).toBe(1);
  });

  it('change nothing when replayed after they were applied', async () => {
    const event = aPayment();
    await send(event).expect(200);
    const before = [await ofProject('stripe_payments'), await rowsOf(app.database, 'ledger_revenue')];
    for (let attempt = 0; attempt < 2; attempt++)
      await app.send('post', `${eventsPath()}/${event.id}/replay`).expect(200);
    expect([await ofProject('stripe_payments'), await rowsOf(app.database, 'ledger_revenue')]).toEqual(
      before,
    );
  });

  it('of one tenant do not wait for the Stripe of another', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const asked = Promise.all(
      Array.from({ length: 20 }, () => {
        return new Promise<void>((resolve) => {
          app.stripe.fail(
            async ({ perform, send }) => {
              resolve();
              send(await perform(held));
            },
            { on: /invoice_payments/ },
          );
        });
      }),
    );
    const slow = Array.from({ length: 20 }, () => send(aPaidInvoice()).then(({ status }) => status));
    await asked;
    const other = await app.createProject();
    await app.send('put', configPath(other)).send({ test_webhook_secret: SECRET }).expect(200);
    for (let count = 0; count < 5; count++) await deliver(app, other, SECRET, aPayment()).expect(200);
    release();
    expect(await Promise.all(slow)).toEqual(slow.map(() => 200));
  });

  it('never cross modes', async () => {
    const liveSecret = `whsec_${'l'.repeat(32)}`;
    await app.send('put', configPath(projectId)).send({ live_webhook_secret: liveSecret }).expect(200);
    const live = aPayment({ livemode: true });
    await send(live).expect(400);
    await deliver(app, projectId, liveSecret, live, { mode: 'live' }).expect(200);
    await deliver(app, projectId, liveSecret, aPayment(), { mode: 'live' }).expect(400);
    expect((await ofProject('stripe_payments')).map(({ mode }) => mode)).toEqual(['live']);
  });

  it('show the time of the last event and the last failure in the status', async () => {
    expect(await status()).toMatchObject({
      last_event_at: null,
      last_failure_at: null,
      last_failure_reason: null,
    });
    await send(anEvent()).expect(200);
    const [event] = (await list()).events;
    expect(await status()).toMatchObject({ last_event_at: event?.received_at, last_failure_at: null });
    await deliver(app, projectId, `whsec_${'b'.repeat(32)}`, anEvent()).expect(400);
    const { last_failure_at: at, last_failure_reason: reason, last_event_at: last } = await status();
    expect(reason).toMatch(/does not match the stored webhook secret/);
    expect(at >= last).toBe(true);
    const { body } = await app.send('get', statusPath(projectId)).expect(200);
    expect(body.live.webhook).toMatchObject({ last_event_at: null, last_failure_at: null });
  });

  it('without a signature cause no write to the database', async () => {
    const write = jest.spyOn(app.app.get(DeliveryNotes), 'write').mockResolvedValue(true);
    const before = JSON.stringify([
      await rowsOf(app.database, 'webhook_events'),
      await rowsOf(app.database, 'webhook_refusals'),
    ]);
    for (let count = 0; count < 50; count++)
      await deliver(app, projectId, `whsec_${'b'.repeat(32)}`, aPayment()).expect(400);
    expect(
      JSON.stringify([
        await rowsOf(app.database, 'webhook_events'),
        await rowsOf(app.database, 'webhook_refusals'),
      ]),
    ).toBe(before);
    write.mockRestore();
    expect((await list()).refusals).toEqual([
      expect.objectContaining({ mode: 'test', reason: 'wrong_signature', count: 50 }),
    ]);
  });

  it('lose their payload after the retention, and are deleted long after that', async () => {
    const [old, older, recent] = [aPayment(), aPayment(), aPayment()];
    for (const event of [old, older, recent]) await send(event).expect(200);
    const sweep = (days: number) => app.app.get(WebhookSweeper).sweep(new Date(Date.now() + days * DAY_MS));
    const age = (event: EventBody, days: number) => {
      const time = new Date(Date.now() - days * DAY_MS)
        .toISOString()
        .replace('T', ' ')
        .replace('Z', engine === 'postgres' ? '+00' : '');
      return execute(
        app.database,
        `UPDATE webhook_events SET received_at = '${time}' WHERE id = '${event.id}'`,
      );
    };
    await age(old, 31);
    await age(older, 91);
    await sweep(0);
    const replayable = async () =>
      Object.fromEntries((await list()).events.map(({ id, replayable }) => [id, replayable]));
    expect(await replayable()).toEqual({ [recent.id]: true, [old.id]: false });
    expect((await ofProject('webhook_events')).find(({ id }) => id === old.id)).toMatchObject({
      sealed: null,
      key_id: null,
    });
    for (const [method, what] of [
      ['post', 'replay'],
      ['get', 'payload'],
    ] as const)
      await app
        .send(method, `${eventsPath()}/${old.id}/${what}`)
        .expect(410, { detail: 'The payload of this event is not kept any more.' });
    expect((await send(old).expect(200)).body.outcome).toBe('duplicate');
    await sweep(28);
    expect(await replayable()).toEqual({ [recent.id]: true, [old.id]: false });
    await sweep(60);
    expect(await replayable()).toEqual({ [recent.id]: false });
    expect(await ofProject('stripe_payments')).toHaveLength(3);
  });

  it('shows the payload as Stripe sent it, and records who read it', async () => {
    const event = aPayment();
    await send(event).expect(200);
    const payload = (id: string, token = OWNER) => app.send('get', `${eventsPath()}/${id}/payload`, token);
    const { body, headers } = await payload(event.id).expect(200);
    expect(body).toEqual(JSON.parse(JSON.stringify(event)));
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
    });
    for (const id of ['evt_unknown', 'nonsense', '%00']) await payload(id).expect(404);
    await payload(event.id, STRANGER).expect(403);
    const history = await app.send('get', `${configPath(projectId)}/history?page_size=2`).expect(200);
    const { entries } = history.body as { entries: object[] };
    expect(entries).toMatchObject([
      {
        action: 'webhook_payload.read',
        actor: { subject: 'developer-1' },
        ip: '127.0.0.1',
        mode: 'test',
        webhook_event_id: event.id,
        request_id: headers['x-request-id'],
      },
      { action: 'config.created', webhook_event_id: null },
    ]);
  });
});

it('stores no payloads with a retention of 0 days', async () => {
  const app = await startAppWithStripe({ environment: { WEBHOOK_RETENTION_DAYS: '0' } });
  try {
    const projectId = await app.createProject();
    await app.send('put', configPath(projectId)).send({ test_webhook_secret: SECRET }).expect(200);
    const event = aPayment();
    await deliver(app, projectId, SECRET, event).expect(200);
    const path = configPath(projectId).replace(/config$/, 'webhook-events');
    expect((await app.send('get', path).expect(200)).body.events).toEqual([
      expect.objectContaining({ outcome: 'applied', replayable: false }),
    ]);
    await app.send('post', `${path}/${event.id}/replay`).expect(410);
  } finally {
    await app.close();
  }
});
