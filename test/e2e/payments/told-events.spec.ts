import { randomUUID } from 'node:crypto';
import type { ProjectId } from '../../../src/common/ids.js';
import type { Schema } from '../../../src/payments/events/event-schemas.js';
import { EVENT_TYPES, type EventType } from '../../../src/payments/events/event-types.js';
import { ConnectionMonitor } from '../../../src/payments/webhooks/monitor/connection-monitor.js';
import { DeliveryObserver } from '../../../src/payments/webhooks/monitor/delivery-observer.js';
import { type AppWithStripe, startAppWithStripe, statusPath } from '../../harness/app-with-stripe.js';
import { execute } from '../../harness/database/rows.js';
import { eventually } from '../../harness/eventually.js';
import { anEvent, aPayment, deliver, receiverPath, signatureOf } from '../../harness/ledger/signed-events.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { subscribe } from '../../harness/stripe/routes/subscription.routes.js';
import { configPath } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

const SECRET = `whsec_${'a'.repeat(32)}`;
const SCOPE = 'tillkeeper:operate';

interface Told {
  type: EventType;
  project_id: string;
  mode: string | null;
  data: Record<string, { version: number }>;
}

let app: AppWithStripe;
let account: StripeAccount;
let projectId: ProjectId;

beforeAll(async () => {
  app = await startAppWithStripe({ environment: { AUTH_OPERATOR_SCOPE: SCOPE } });
});
afterAll(() => app.close());
beforeEach(async () => {
  app.stripe.heal();
  account = app.stripe.addAccount();
  projectId = await app.createProject();
  const body = { test_secret_key: account.keys.test.secret, test_webhook_secret: SECRET };
  await app.send('put', configPath(projectId)).send(body).expect(200);
});

const path = (operation: string) => configPath(projectId).replace(/config$/, operation);
const told = async (types: string) => {
  const { body } = await app.send('get', `${path('events')}?types=${types}`).expect(200);
  const { events } = body as { events: Told[] };
  // Each object has the version that its schema promises.
  for (const { type, data } of events)
    for (const [name, { properties }] of Object.entries<Schema>(EVENT_TYPES[type].data))
      if (properties?.['version'])
        expect(data[name]).toMatchObject({ version: expect.any(Number) as number });
  return events;
};
const expectTold = (types: string, expected: object[]) =>
  eventually(async () => expect(await told(types)).toMatchObject(expected));

describe('subscription.trial_ending', () => {
  const TYPE = 'customer.subscription.trial_will_end';

  const trial = () => {
    const [price] = account.test.all('price').filter(({ recurring }) => recurring);
    if (!price) throw new Error('There is no price to subscribe to.');
    const customer = account.test.create('customer', {}).id;
    return subscribe(account.test, { customer, items: [{ price, quantity: 1 }], metadata: {}, trialDays: 3 });
  };
  const announce = (fields: object) => {
    const id = `evt_${randomUUID().replaceAll('-', '')}`;
    const created = Math.floor(Date.now() / 1_000);
    const event = {
      id,
      object: 'event',
      api_version: '2026-10-28.endive',
      created,
      livemode: false,
      type: TYPE,
    };
    return { ...event, data: { object: fields } };
  };

  it('is sent once, when Stripe announces the end', async () => {
    const subscription = trial();
    const event = announce(subscription);
    await deliver(app, projectId, SECRET, event).expect(200);
    await deliver(app, projectId, SECRET, event).expect(200);
    await app.send('post', path(`webhook-events/${event.id}/replay`)).expect(200);
    await expectTold('subscription.trial_ending,subscription.created', [
      { type: 'subscription.created' },
      {
        type: 'subscription.trial_ending',
        mode: 'test',
        data: {
          subscription: {
            subscription_id: subscription.id,
            status: 'trialing',
            version: 1,
            current_period_end: new Date(Number(subscription.trial_end) * 1_000).toISOString(),
          },
        },
      },
    ]);
  });

  it('is not sent once the trial has ended', async () => {
    const subscription = trial();
    const ended = { ...subscription, status: 'active' };
    await deliver(app, projectId, SECRET, announce(ended)).expect(200);
    await expectTold('subscription.trial_ending,subscription.created', [{ type: 'subscription.created' }]);
  });
});

const HOUR_MS = 3_600_000;
const check = (hours: number) => app.app.get(ConnectionMonitor).check(new Date(Date.now() + hours * HOUR_MS));
const webhook = async () => {
  const { body } = await app.send('get', statusPath(projectId)).expect(200);
  return (body as { test: { webhook: Record<string, unknown> } }).test.webhook;
};
/** The projects that operators see with this filter, among those of this file. */
const listed = async (health: string) => {
  const operator = accessToken({ sub: 'operator-1', scope: SCOPE });
  const { body } = await app.send('get', `/api/v1/operator/projects?health=${health}`, operator).expect(200);
  return (body as { projects: { id: string; problems: string[] }[] }).projects
    .filter(({ id }) => id === projectId)
    .map(({ problems }) => problems);
};

describe('credentials.expiring', () => {
  const NEXT = `whsec_${'n'.repeat(32)}`;
  const replace = (seconds: number) =>
    app
      .send('put', `${configPath(projectId)}?webhook_secret_overlap=${seconds}`)
      .send({ test_webhook_secret: NEXT })
      .expect(200);
  const observed = () => app.app.get(DeliveryObserver).write();

  it('is sent once, if the former secret signed the last delivery and ends within a day', async () => {
    await replace(2 * 24 * 3_600);
    await deliver(app, projectId, SECRET, anEvent()).expect(200);
    await observed();
    await check(0);
    expect(await told('credentials.expiring')).toEqual([]);
    await check(25);
    await check(26);
    const { former_secret_valid_until: validUntil, former_secret_used_at: lastUsedAt } = await webhook();
    await expectTold('credentials.expiring', [
      { mode: 'test', data: { webhook_secret: { valid_until: validUntil, last_used_at: lastUsedAt } } },
    ]);
    expect(await listed('credentials_expiring')).toEqual([['credentials_expiring']]);
    await deliver(app, projectId, NEXT, anEvent()).expect(200);
    await observed();
    expect(await listed('credentials_expiring')).toEqual([]);
  });

  it('is not sent for a former secret that is not in use', async () => {
    await deliver(app, projectId, SECRET, anEvent()).expect(200);
    await replace(3_600);
    await deliver(app, projectId, SECRET, anEvent()).expect(200);
    await deliver(app, projectId, NEXT, anEvent()).expect(200);
    await observed();
    await check(0);
    expect(await told('credentials.expiring')).toEqual([]);
    expect(await webhook()).toMatchObject({ former_secret_used_at: expect.any(String) as string });
  });
});

describe('signatures.failing', () => {
  const LIVE_SECRET = `whsec_${'l'.repeat(32)}`;
  const post = (body: string, signature: string) =>
    app
      .send('post', receiverPath(projectId, 'test'), null)
      .set('content-type', 'application/json')
      .set('stripe-signature', signature)
      .send(body)
      .expect(400);
  const pretty = () => JSON.stringify(anEvent(), null, 2);
  const CASES: [cause: string, send: () => Promise<unknown>][] = [
    ['wrong_secret', () => deliver(app, projectId, `whsec_${'x'.repeat(32)}`, anEvent()).expect(400)],
    ['other_mode', () => deliver(app, projectId, LIVE_SECRET, anEvent()).expect(400)],
    [
      'changed_body',
      () => {
        const body = pretty();
        return post(JSON.stringify(JSON.parse(body)), signatureOf(body, SECRET));
      },
    ],
    ['changed_body', () => post('', signatureOf(pretty(), SECRET))],
  ];

  it.each(CASES)('is sent once for five in a row, and names the cause: %s', async (cause, send) => {
    await app.send('put', configPath(projectId)).send({ live_webhook_secret: LIVE_SECRET }).expect(200);
    for (let index = 0; index < 4; index += 1) await send();
    expect(await webhook()).toMatchObject({ signature_failures: 4, signature_failure_cause: cause });
    expect(await told('signatures.failing')).toEqual([]);
    for (let index = 0; index < 6; index += 1) await send();
    const { signature_failures_since: since } = await webhook();
    await expectTold('signatures.failing', [{ mode: 'test', data: { cause, since } }]);
    expect(await told('signatures.failing')).toHaveLength(1);
    expect(await listed('signatures_failing')).toEqual([['signatures_failing']]);
    await deliver(app, projectId, SECRET, anEvent()).expect(200);
    await check(0);
    expect(await webhook()).toMatchObject({ signature_failures: 0, signature_failure_cause: null });
    expect(await listed('signatures_failing')).toEqual([]);
  });

  it('is not sent while other deliveries are accepted', async () => {
    for (let index = 0; index < 3; index += 1) {
      for (let each = 0; each < 4; each += 1)
        await deliver(app, projectId, `whsec_${'x'.repeat(32)}`, anEvent()).expect(400);
      await webhook();
      await deliver(app, projectId, SECRET, anEvent()).expect(200);
    }
    expect(await told('signatures.failing')).toEqual([]);
  });
});

describe('reconcile.repaired and endpoint.silent', () => {
  const reconcile = async () =>
    (await app.send('post', path('reconcile')).send({ mode: 'test' }).expect(200)).body as {
      events: { applied: number };
    };
  const atStripe = () => {
    const { data } = aPayment();
    account.test.record('payment_intent.succeeded', (data as { object: never }).object);
  };
  /** A run checks one key, and this file has made a few. */
  const checkAll = async (hours: number) => {
    for (let run = 0; run < 20; run += 1) await check(hours);
  };
  const receivedAt = (id: string, hours: number) => {
    const time = new Date(Date.now() + hours * HOUR_MS).toISOString().replace('T', ' ');
    return execute(
      app.database,
      `UPDATE webhook_events SET received_at = '${app.database.engine === 'sqlite' ? time.slice(0, -1) : time}'
       WHERE project_id = '${projectId}' AND id = '${id}'`,
    );
  };
  /** Ten events that arrived in the last ten days, the last one an hour ago. */
  const arrived = async () => {
    for (let days = 0; days < 10; days += 1) {
      const event = anEvent();
      await deliver(app, projectId, SECRET, event).expect(200);
      await receivedAt(event.id, -24 * days - 1);
    }
  };

  it('tells once what a run repaired', async () => {
    const event = aPayment();
    await deliver(app, projectId, SECRET, event).expect(200);
    atStripe();
    atStripe();
    await reconcile();
    await reconcile();
    await expectTold('reconcile.repaired', [
      { mode: 'test', data: { reconcile: { missed_events: 2, repaired_subscriptions: 0 } } },
    ]);
  });

  it('tells that events stopped arriving, once, and that they arrive again', async () => {
    await arrived();
    atStripe();
    await checkAll(24);
    expect(await told('endpoint.silent')).toEqual([]);
    await checkAll(96);
    await checkAll(120);
    await expectTold('endpoint.silent,endpoint.recovered', [
      { type: 'endpoint.silent', mode: 'test', data: { endpoint: { id: null }, missed_events: 1 } },
    ]);
    expect(await webhook()).toMatchObject({ silent_since: expect.any(String) as string });
    expect(await listed('endpoint_silent')).toEqual([['endpoint_silent']]);
    const event = anEvent();
    await deliver(app, projectId, SECRET, event).expect(200);
    await receivedAt(event.id, 121);
    await checkAll(122);
    await expectTold('endpoint.silent,endpoint.recovered', [
      { type: 'endpoint.silent' },
      { type: 'endpoint.recovered', data: { endpoint: { id: null } } },
    ]);
    expect(await listed('endpoint_silent')).toEqual([]);
  });

  it('ends the silence of a configuration that is deleted, without telling that events arrive again', async () => {
    await arrived();
    atStripe();
    await checkAll(96);
    await expectTold('endpoint.silent', [{ type: 'endpoint.silent' }]);
    const event = anEvent();
    await deliver(app, projectId, SECRET, event).expect(200);
    await receivedAt(event.id, 97);
    await app.send('delete', configPath(projectId)).expect(204);
    await eventually(async () => {
      expect(await webhook()).toMatchObject({ silent_since: null });
      expect(await listed('endpoint_silent')).toEqual([]);
    });
    await check(98);
    expect(await told('endpoint.recovered')).toEqual([]);
  });

  it('raises no alarm for a project that is quiet at Stripe too', async () => {
    await arrived();
    await checkAll(96);
    await checkAll(240);
    expect(await told('endpoint.silent')).toEqual([]);
    expect((await webhook())['silent_since']).toBeNull();
  });
});

describe('config.updated', () => {
  it('names what changed, and goes to destinations of the mode that changed', async () => {
    const body = { url: 'https://unknown.invalid/', mode: 'live', event_types: ['config.updated'] };
    const created = await app.send('post', path('event-destinations')).send(body).expect(201);
    const { id } = created.body as { id: string };
    const { test, live } = app.stripe.addAccount().keys;
    const put = (keys: object) => app.send('put', configPath(projectId)).send(keys).expect(200);
    await put({ live_secret_key: live.secret });
    await put({ test_secret_key: test.secret, live_webhook_secret: SECRET });
    await app.send('delete', `${configPath(projectId)}/test`).expect(204);
    await app.send('delete', configPath(projectId)).expect(204);
    const of = (version: number, mode: string | null, ...fields: string[]) => ({
      mode,
      data: { config: { version, fields } },
    });
    await expectTold('config.updated', [
      of(1, 'test', 'test_secret_key', 'test_webhook_secret'),
      of(2, 'live', 'live_secret_key'),
      of(3, null, 'test_secret_key', 'live_webhook_secret'),
      of(4, 'test', 'test_secret_key', 'test_webhook_secret'),
    ]);
    await expectTold('config.deleted', [of(5, null, 'live_secret_key', 'live_webhook_secret')]);
    const log = await app.send('get', `${path('event-destinations')}/${id}/deliveries`).expect(200);
    expect((log.body as { deliveries: object[] }).deliveries).toHaveLength(2);
  });
});

describe('member.added and member.removed', () => {
  const members = (suffix = '') => `/api/v1/projects/${projectId}/members${suffix}`;

  it('are sent once for each person who joins or leaves', async () => {
    await app.send('post', members()).send({ subject: 'grace', role: 'viewer' }).expect(201);
    await app.send('post', members()).send({ subject: 'grace', role: 'viewer' }).expect(409);
    await app.send('put', members('/grace')).send({ role: 'admin' }).expect(200);
    await app.send('post', `/api/v1/projects/${projectId}/transfer`).send({ subject: 'grace' }).expect(204);
    await app.send('delete', members('/developer-1')).expect(204);
    const operator = accessToken({ sub: 'operator-1', scope: SCOPE });
    await app
      .send('post', `/api/v1/operator/projects/${projectId}/transfer`, operator)
      .send({ subject: 'developer-1' })
      .expect(204);
    const of = (type: string, subject: string, role: string) => ({
      type,
      project_id: projectId,
      mode: null,
      data: { member: { subject, role } },
    });
    await expectTold('member.added,member.removed', [
      of('member.added', 'grace', 'viewer'),
      of('member.removed', 'developer-1', 'admin'),
      of('member.added', 'developer-1', 'owner'),
    ]);
    const versions = (await told('member.added,member.removed')).map(
      ({ data }) => data['member']?.version ?? 0,
    );
    expect(versions).toEqual([...new Set(versions)].sort((one, other) => one - other));
  });

  it('are sent for an invitation that is accepted, and for an account that is deleted', async () => {
    const address = `ann-${projectId}@example.com`;
    const { body: registered } = await app
      .send('post', '/api/v1/auth/register', null)
      .send({ email: address, password: 'correct horse battery', full_name: 'Ann' })
      .expect(201);
    const { access_token: token } =
      (registered as { tokens?: { access_token: string } }).tokens ??
      (registered as { access_token: string });
    const { body } = await app.send('post', members()).send({ email: address, role: 'admin' }).expect(201);
    const { invite_url: invitation } = body as { invite_url: string };
    await app
      .send('post', '/api/v1/projects/invitations/accept', token)
      .send({ token: invitation })
      .expect(200);
    await app.send('delete', '/api/v1/auth/me', token).expect(204);
    await expectTold('member.added,member.removed', [
      { type: 'member.added', data: { member: { role: 'admin' } } },
      { type: 'member.removed', data: { member: { role: 'admin' } } },
    ]);
  });
});
