import { createHmac, randomUUID } from 'node:crypto';
import { endUserId } from '../../../src/auth/caller.js';
import type { ProjectId } from '../../../src/common/ids.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import {
  anEvent,
  aPayment,
  deliver,
  type EventBody,
  receiverPath,
  signatureOf,
} from '../../harness/ledger/signed-events.js';
import { answers } from '../../harness/stripe/faults.js';
import { startAppWithStripe, type AppWithStripe } from '../../harness/app-with-stripe.js';
import { configPath, OWNER, STRANGER } from '../../harness/test-app.js';

const SECRET = `whsec_${'a'.repeat(32)}`;
const LIVE_SECRET = `whsec_${'l'.repeat(32)}`;
const NOW = () => Math.floor(Date.now() / 1000);
const eventsPath = (projectId: string) => configPath(projectId).replace(/config$/, 'webhook-events');

interface Listed {
  events: {
    id: string;
    outcome: string;
    duplicate_count: number;
    reason: string | null;
    type: string;
    mode: string;
  }[];
  total: number;
  refusals: { mode: string; reason: string; count: number }[];
}

describe('the webhook receiver', () => {
  let app: AppWithStripe;
  let projectId: ProjectId;

  beforeAll(async () => {
    app = await startAppWithStripe();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    projectId = await app.createProject();
    await app
      .send('put', configPath(projectId))
      .send({
        test_secret_key: app.account.keys.test.secret,
        test_webhook_secret: SECRET,
        live_webhook_secret: LIVE_SECRET,
      })
      .expect(200);
  });

  const objectOf = ({ data }: EventBody) => (data as { object: object }).object;
  const list = async (query = '') =>
    (await app.send('get', `${eventsPath(projectId)}${query}`).expect(200)).body as Listed;
  const post = (body: string | Buffer | undefined, signature?: string, mode = 'test') => {
    const contentType = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json';
    const request = app.send('post', receiverPath(projectId, mode), null).set('content-type', contentType);
    return (signature === undefined ? request : request.set('stripe-signature', signature)).send(body);
  };

  it('applies an event that Stripe signed, and counts repeated deliveries', async () => {
    const event = anEvent();
    expect((await deliver(app, projectId, SECRET, event).expect(200)).body).toEqual({
      received: true,
      outcome: 'ignored',
    });
    expect((await deliver(app, projectId, SECRET, event).expect(200)).body).toEqual({
      received: true,
      outcome: 'duplicate',
    });
    const { events, total } = await list();
    expect(total).toBe(1);
    expect(events).toEqual([
      expect.objectContaining({
        id: event.id,
        type: event.type,
        mode: 'test',
        outcome: 'ignored',
        duplicate_count: 1,
        replayable: true,
      }),
    ]);
  });

  it.each([
    'text/plain',
    'application/json; charset=utf-16',
    'application/x-www-form-urlencoded',
    'application/x-raw',
    'nonsense',
  ])('reads the received bytes, sent as %s', async (contentType) => {
    const body = `${JSON.stringify(anEvent(), null, 3)}\r\n`;
    await app
      .send('post', receiverPath(projectId, 'test'), null)
      .set('content-type', contentType)
      .set('stripe-signature', signatureOf(body, SECRET))
      .send(body)
      .expect(200);
  });

  it('accepts raw bytes in no other operation', async () => {
    await app
      .send('put', configPath(projectId))
      .set('content-type', 'application/x-raw')
      .send('{}')
      .expect(415);
  });

  describe('refuses, without storing anything,', () => {
    const body = JSON.stringify(anEvent());
    const valid = () => signatureOf(body, SECRET);
    const hex = (signature: string) => signature.replace(/^.*v1=/, '');

    it.each<[string, string, () => string | undefined]>([
      ['no signature', 'missing_signature', () => undefined],
      ['an empty signature', 'missing_signature', () => ''],
      ['a signature without a time', 'malformed_signature', () => `v1=${hex(valid())}`],
      ['a signature with two times', 'malformed_signature', () => `t=${NOW()},${valid()}`],
      [
        'a signature with a malformed time',
        'malformed_signature',
        () => valid().replace(/t=\d+/, `t=${NOW()}.0`),
      ],
      ['a signature of another scheme than v1', 'malformed_signature', () => valid().replace('v1=', 'v0=')],
      [
        'more than 32 signatures',
        'malformed_signature',
        () => `t=${NOW()}${`,v1=${'0'.repeat(64)}`.repeat(33)}`,
      ],
      ['nonsense', 'malformed_signature', () => ',=,,t'],
      ['an empty v1', 'wrong_signature', () => `t=${NOW()},v1=`],
      ['a v1 that is too short', 'wrong_signature', () => valid().slice(0, -2)],
      ['a v1 that is too long', 'wrong_signature', () => `${valid()}00`],
      ['a v1 that is not hexadecimal', 'wrong_signature', () => `t=${NOW()},v1=${'é'.repeat(64)}`],
      [
        'a signature with another secret',
        'wrong_signature',
        () => signatureOf(body, `whsec_${'b'.repeat(32)}`),
      ],
      [
        'a signature with the secret of the other mode',
        'wrong_signature',
        () => signatureOf(body, LIVE_SECRET),
      ],
      ['a signature of another body', 'wrong_signature', () => signatureOf(`${body} `, SECRET)],
      ['a signature of another time', 'wrong_signature', () => valid().replace(/t=\d+/, `t=${NOW() - 7}`)],
      ['an old signature', 'too_old', () => signatureOf(body, SECRET, NOW() - 302)],
      ['a signature from the future', 'from_the_future', () => signatureOf(body, SECRET, NOW() + 310)],
    ])('%s', async (_, reason, signature) => {
      const { body: answer } = await post(body, signature()).expect(400);
      expect(answer).toEqual({ detail: expect.stringMatching(/^[A-Z].+\.$/) as string });
      const { events, refusals } = await list();
      expect(events).toEqual([]);
      expect(refusals).toEqual([expect.objectContaining({ mode: 'test', reason, count: 1 })]);
    });

    it.each([
      ['nothing', ''],
      ['null', 'null'],
      ['a list', '[1]'],
      ['half of an event', body.slice(0, -1)],
      ['two events', `${body}${body}`],
      ['an empty object', '{}'],
      ['a malformed id', JSON.stringify(anEvent({ id: 'evt 1' }))],
      ['an id of 256 characters', JSON.stringify(anEvent({ id: 'evt_'.padEnd(256, 'a') }))],
      ['a number as its id', JSON.stringify({ ...anEvent(), id: 1 })],
      ['no type', JSON.stringify(anEvent({ type: undefined }))],
      ['5,000 levels of arrays', `{"object":"event","data":${'['.repeat(5_000)}`],
      ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ])('%s instead of an event', async (_, payload) => {
      const signature = Buffer.isBuffer(payload) ? signatureOfBytes(payload) : signatureOf(payload, SECRET);
      await post(payload, signature).expect(400);
      const { events, refusals } = await list();
      expect(events).toEqual([]);
      expect(refusals).toEqual([expect.objectContaining({ reason: 'unreadable', count: 1 })]);
    });

    it.each([
      ['test', SECRET, true],
      ['live', LIVE_SECRET, false],
    ])('an event of the other mode at the URL of %s', async (mode, secret, livemode) => {
      await deliver(app, projectId, secret, anEvent({ livemode }), { mode }).expect(400);
      const { events, refusals } = await list();
      expect(events).toEqual([]);
      expect(refusals).toEqual([expect.objectContaining({ mode, reason: 'wrong_mode' })]);
      expect((await list(`?mode=${mode === 'test' ? 'live' : 'test'}`)).refusals).toEqual([]);
    });

    it('a body larger than 1 MB', async () => {
      const large = anEvent({ data: { object: { id: 'cus_1', text: 'a'.repeat(1024 * 1024) } } });
      await deliver(app, projectId, SECRET, large).expect(413);
      const fits = anEvent({ data: { object: { id: 'cus_1', text: 'a'.repeat(1024 * 1024 - 1_000) } } });
      await deliver(app, projectId, SECRET, fits).expect(200);
    });
  });

  it('accepts a valid signature among invalid ones, up to 300 seconds off either way', async () => {
    const wrong = `v1=${'0'.repeat(64)}`;
    for (const timestamp of [NOW() - 295, NOW() + 295]) {
      const body = JSON.stringify(anEvent());
      const [time, right] = signatureOf(body, SECRET, timestamp).split(',');
      await post(body, [time, wrong, right, wrong, 'v0=x', 'v2='].join(',')).expect(200);
    }
  });

  it('accepts a signature of the replaced secret during its overlap', async () => {
    const next = `whsec_${'n'.repeat(32)}`;
    await deliver(app, projectId, SECRET, anEvent()).expect(200);
    await app.send('put', configPath(projectId)).send({ test_webhook_secret: next }).expect(200);
    await deliver(app, projectId, next, anEvent()).expect(200);
  });

  it("refuses a signature of another project's secret", async () => {
    const other = await app.createProject();
    const otherSecret = `whsec_${'o'.repeat(32)}`;
    await app.send('put', configPath(other)).send({ test_webhook_secret: otherSecret }).expect(200);
    const event = anEvent();
    await deliver(app, projectId, otherSecret, event).expect(400);
    await deliver(app, other, SECRET, event).expect(400);
    await deliver(app, other, otherSecret, event).expect(200);
    expect((await list()).events).toEqual([]);
    await app.send('get', eventsPath(other), STRANGER).expect(403);
  });

  it('separates events of both modes, even with one id', async () => {
    const id = anEvent().id;
    for (const [mode, secret, livemode] of [
      ['test', SECRET, false],
      ['live', LIVE_SECRET, true],
    ] as const)
      expect(
        (await deliver(app, projectId, secret, anEvent({ id, livemode }), { mode }).expect(200)).body.outcome,
      ).toBe('ignored');
    expect((await list('?mode=live')).events.map(({ mode }) => mode)).toEqual(['live']);
    expect((await list()).total).toBe(2);
  });

  it.each([
    [
      'thin events',
      {
        object: 'v2.core.event',
        created: '2026-11-21T09:30:00.000Z',
        data: undefined,
        type: 'v1.billing.meter.no_meter_found',
      },
    ],
    ['unknown types', { type: 'future.thing.happened' }],
    ['events of a connected account', { type: 'invoice.paid', account: 'acct_1BBBBBBBBBBBBBBB' }],
    [
      'events with a __proto__ member',
      { type: 'customer.updated', data: JSON.parse('{"object":{"metadata":{"__proto__":{"a":1}}}}') },
    ],
  ])('acknowledges %s, and records them as ignored', async (_, fields) => {
    const event = anEvent(fields);
    expect((await deliver(app, projectId, SECRET, event).expect(200)).body).toEqual({
      received: true,
      outcome: 'ignored',
    });
    expect((await list()).events).toEqual([
      expect.objectContaining({ id: event.id, outcome: 'ignored', reason: expect.any(String) }),
    ]);
  });

  describe('an event that names', () => {
    const other = 'acct_1BBBBBBBBBBBBBBB';
    const own = () => app.account.id;
    const validate = () =>
      app
        .send('post', configPath(projectId).replace('config', 'validate-credentials'))
        .send({ secret_key: app.account.keys.test.secret })
        .expect(200);
    const thin = {
      object: 'v2.core.event',
      created: '2026-11-21T09:30:00.000Z',
      data: undefined,
      type: 'v1.billing.meter.no_meter_found',
    };

    it.each<[string, object]>([
      ['another account', { account: other }],
      ['the context of another account', { context: other }],
      ['an account connected to its own', { context: `acct_1AAAAAAAAAAAAAAA/${other}` }],
      ['another account in a thin event', { ...thin, context: other }],
      ['an organisation', { context: 'org_1AAAAAAAAAAAAAAA' }],
    ])('%s: 200 and ignored in either mode', async (_, fields) => {
      await app
        .send('put', configPath(projectId))
        .send({ live_secret_key: app.account.keys.live.secret })
        .expect(200);
      for (const livemode of [true, false]) {
        const event = anEvent({ type: 'invoice.paid', livemode, ...fields });
        for (const outcome of ['ignored', 'duplicate'])
          expect(
            (await deliver(app, projectId, LIVE_SECRET, event, { mode: 'live' }).expect(200)).body,
          ).toEqual({
            received: true,
            outcome,
          });
        const { events } = await list('?mode=live');
        expect(events[0]).toMatchObject({
          id: event.id,
          outcome: 'ignored',
          reason: expect.stringMatching(/another Stripe account/) as string,
        });
      }
    });

    it.each<[string, () => object]>([
      ['its own account', () => ({ account: own() })],
      ['its own context', () => ({ context: own() })],
      ['a platform that leads to its own account', () => ({ account: own(), context: `${other}/${own()}` })],
      ['nothing', () => ({ account: null, context: null })],
    ])('%s: applied, and never of the wrong mode', async (_, fields) => {
      await validate();
      expect((await deliver(app, projectId, SECRET, aPayment(fields())).expect(200)).body.outcome).toBe(
        'applied',
      );
      await deliver(app, projectId, SECRET, aPayment({ ...fields(), livemode: true })).expect(400);
    });

    it("an account, if Stripe and the key name different ones: Stripe's counts", async () => {
      const { id } = app.stripe.addAccount();
      const key = app.account.addSecretKey('test');
      await app.send('put', configPath(projectId)).send({ test_secret_key: key }).expect(200);
      expect(
        (await deliver(app, projectId, SECRET, aPayment({ account: own() })).expect(200)).body.outcome,
      ).toBe('applied');
      const named = answers(200, { id, object: 'account' });
      app.stripe.fail(named, { on: 'GET /v1/account' });
      await app
        .send('put', `${configPath(projectId)}?validate=true`)
        .send({ test_secret_key: key })
        .expect(200);
      expect(
        (await deliver(app, projectId, SECRET, aPayment({ account: id })).expect(200)).body.outcome,
      ).toBe('applied');
      expect(
        (await deliver(app, projectId, SECRET, aPayment({ account: own() })).expect(200)).body.outcome,
      ).toBe('ignored');
    });

    describe("an account, while the key's account is unknown:", () => {
      const put = (key: string) =>
        app.send('put', configPath(projectId)).send({ test_secret_key: key }).expect(200);
      const outcomeOf = async (event: EventBody) =>
        (await deliver(app, projectId, SECRET, event).expect(200)).body.outcome as string;

      it('Stripe is asked once for each key', async () => {
        await put(app.account.keys.test.legacySecret);
        const asked = () => app.stripe.requests.filter(({ path }) => path.startsWith('/v1/account')).length;
        const before = asked();
        await expect(outcomeOf(aPayment({ account: own() }))).resolves.toBe('applied');
        await expect(outcomeOf(aPayment({ context: own() }))).resolves.toBe('applied');
        await expect(outcomeOf(aPayment({ account: other }))).resolves.toBe('ignored');
        expect(asked() - before).toBe(1);
      });

      it('the event stays open until Stripe answers', async () => {
        await put(app.account.keys.test.legacySecret);
        app.stripe.fail(answers(500, {}), { on: 'GET /v1/account', times: 2 });
        const event = aPayment({ account: own() });
        await deliver(app, projectId, SECRET, event).expect(500);
        expect((await list()).events[0]).toMatchObject({ id: event.id, outcome: 'failed' });
        await expect(outcomeOf(event)).resolves.toBe('applied');
      });

      it('the event stays open without a key', async () => {
        const send = (event: EventBody) => deliver(app, projectId, LIVE_SECRET, event, { mode: 'live' });
        const waiting = aPayment({ account: own(), livemode: true });
        await send(waiting).expect(500);
        expect((await list()).events[0]).toMatchObject({ id: waiting.id, outcome: 'open' });
        // Only connected accounts send events of the other mode.
        expect((await send(aPayment({ account: other })).expect(200)).body.outcome).toBe('ignored');
        await app
          .send('put', configPath(projectId))
          .send({ live_secret_key: app.account.keys.live.legacySecret })
          .expect(200);
        expect((await send(waiting).expect(200)).body.outcome).toBe('applied');
      });
    });

    it('another account is applied by a later delivery, once the project has that account', async () => {
      const account = app.stripe.addAccount();
      const event = aPayment({ account: account.id });
      for (const outcome of ['ignored', 'duplicate'])
        expect((await deliver(app, projectId, SECRET, event).expect(200)).body.outcome).toBe(outcome);
      await app
        .send('put', configPath(projectId))
        .send({ test_secret_key: account.keys.test.secret })
        .expect(200);
      for (const outcome of ['applied', 'duplicate'])
        expect((await deliver(app, projectId, SECRET, event).expect(200)).body.outcome).toBe(outcome);
    });

    it('another account is refused for its mode by a replay, once the project has that account', async () => {
      const account = app.stripe.addAccount();
      const event = anEvent({ account: account.id, livemode: true });
      await deliver(app, projectId, SECRET, event).expect(200);
      await app
        .send('put', configPath(projectId))
        .send({ test_secret_key: account.keys.test.secret })
        .expect(200);
      await app.send('post', `${eventsPath(projectId)}/${event.id}/replay`).expect(400);
    });
  });

  it('answers 422, then 404, before it checks the signature', async () => {
    const send = (path: string) => app.send('post', path, null).send('{}');
    const { body } = await send(receiverPath('nope', 'prod')).expect(422);
    expect(body.detail).toEqual([
      { loc: ['path', 'project_id'], msg: 'must be a UUID', type: 'uuid_parsing' },
      { loc: ['path', 'mode'], msg: 'must be test or live', type: 'enum' },
    ]);
    await send(receiverPath(projectId, 'Test')).expect(422);
    await send(receiverPath(randomUUID(), 'test')).expect(404);
    await app.send('delete', `/api/v1/projects/${projectId}`).expect(204);
    await deliver(app, projectId, SECRET, anEvent()).expect(404);
    await deliver(app, projectId.toUpperCase(), SECRET, anEvent()).expect(404);
  });

  it.each([
    ['lone surrogates', '\ud800', '\ufffd'],
    ['the other halves, in capitals', '\udfff', '\ufffd'],
    ['NUL', '\0', '\ufffd'],
    ['emoji and an escaped backslash', '\u{1f600}\\ud800', '\u{1f600}\\ud800'],
  ])(
    'stores an event with %s anywhere alike on both engines, and recognises a repeated delivery',
    async (_, odd, stored) => {
      const user = randomUUID();
      const event = aPayment();
      const object = {
        ...objectOf(event),
        customer: `cus_${odd}`,
        description: `a${odd}b`,
        currency: 'usd',
        [`key${odd}`]: [{ [odd]: odd }],
        metadata: { user_id: `${user}${odd}`, [odd]: odd },
      };
      const more = {
        [`top${odd}`]: odd,
        request: { id: odd, idempotency_key: odd },
        data: { object, previous_attributes: { [odd]: odd } },
      };
      // Some senders write escapes in upper case.
      const body = JSON.stringify({ ...event, ...more }).replaceAll('\\udfff', '\\uDFFF');
      expect((await deliver(app, projectId, SECRET, body).expect(200)).body.outcome).toBe('applied');
      expect((await deliver(app, projectId, SECRET, body).expect(200)).body.outcome).toBe('duplicate');
      expect(
        (await rowsOf(app.database, 'stripe_payments')).filter((row) => row['project_id'] === projectId),
      ).toEqual([
        expect.objectContaining({
          user_id: endUserId(projectId, `${user}${stored}`),
          description: `a${stored}b`,
          customer_id: `cus_${stored}`,
        }),
      ]);
      await app.send('post', `${eventsPath(projectId)}/${event.id}/replay`).expect(200);
    },
  );

  it('stores an object whose id has a lone surrogate', async () => {
    const payment = aPayment();
    const event = { ...payment, data: { object: { ...objectOf(payment), id: 'pi_\ud800' } } };
    expect((await deliver(app, projectId, SECRET, event).expect(200)).body.outcome).toBe('applied');
    const rows = (await rowsOf(app.database, 'stripe_payments')).filter(
      (row) => row['project_id'] === projectId,
    );
    expect(rows).toEqual([expect.objectContaining({ payment_intent_id: 'pi_\ufffd' })]);
  });

  it('stores an answer of Stripe alike', async () => {
    const account = app.stripe.addAccount({ name: 'Shop \ud800\0' });
    const key = account.keys.test.secret;
    await app
      .send('put', `${configPath(projectId)}?validate=true`)
      .send({ test_secret_key: key })
      .expect(200);
    const { body } = await app.send('get', `${configPath(projectId)}/status`).expect(200);
    expect(body.test).toMatchObject({ account_name: 'Shop \ufffd' });
  });

  it('answers one 404 for every URL without a secret, so that strangers learn nothing about projects', async () => {
    const answerOf = async (id: string, mode: string) => {
      const { status, text, headers } = await app
        .send('post', receiverPath(id, mode), null)
        .set('stripe-signature', 't=1,v1=0')
        .send('{}');
      return {
        status,
        text,
        headers: { ...(headers as Record<string, string>), 'x-request-id': '', date: '' },
      };
    };
    const unknown = await answerOf(randomUUID(), 'test');
    expect(unknown).toMatchObject({
      status: 404,
      text: expect.stringMatching(/receives no events/) as string,
    });
    const project = await app.createProject();
    const answers = { bare: await answerOf(project, 'test') };
    await app
      .send('put', configPath(project))
      .send({ test_secret_key: app.account.keys.test.secret, live_webhook_secret: LIVE_SECRET });
    const withoutSecret = await answerOf(project, 'test');
    expect((await answerOf(project, 'live')).status).toBe(400);
    await app.send('delete', `${configPath(project)}/live`).expect(204);
    const withoutMode = await answerOf(project, 'live');
    await app.send('put', configPath(project)).send({ live_webhook_secret: LIVE_SECRET }).expect(200);
    await app.send('delete', configPath(project)).expect(204);
    const deactivated = await answerOf(project, 'live');
    await app.send('delete', `/api/v1/projects/${project}`).expect(204);
    const deleted = await answerOf(project, 'live');
    for (const answer of [answers.bare, withoutSecret, withoutMode, deactivated, deleted])
      expect(answer).toEqual(unknown);
  });

  it('accepts a burst of 256 concurrent deliveries from one address', async () => {
    const answers = await Promise.all(
      Array.from({ length: 256 }, () => deliver(app, projectId, SECRET, anEvent())),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('applies a changed configuration to the next delivery', async () => {
    await deliver(app, projectId, SECRET, anEvent()).expect(200);
    await app.send('delete', `${configPath(projectId)}/test`).expect(204);
    await deliver(app, projectId, SECRET, anEvent()).expect(404);
    await app.send('put', configPath(projectId)).send({ test_webhook_secret: SECRET }).expect(200);
    await deliver(app, projectId.toUpperCase(), SECRET, anEvent()).expect(200);
  });

  it('seals payloads', async () => {
    const event = anEvent({ data: { object: { id: 'cus_1', email: 'somebody@example.com' } } });
    await deliver(app, projectId, SECRET, event).expect(200);
    const [row] = (await rowsOf(app.database, 'webhook_events')).filter(({ id }) => id === event.id);
    expect(row?.['sealed']).toMatch(/^tk1\./);
    expect(JSON.stringify(row)).not.toContain('somebody');
  });

  describe('the list', () => {
    it('has filters and pages, newest first', async () => {
      const sent: string[] = [];
      for (let number = 0; number < 5; number++) {
        const event = anEvent({ type: number % 2 ? 'customer.created' : 'customer.updated' });
        await deliver(app, projectId, SECRET, event).expect(200);
        sent.unshift(event.id);
        await execute(
          app.database,
          `UPDATE webhook_events SET received_at = '2026-01-01 00:00:0${number}.000' WHERE id = '${event.id}'`,
        );
      }
      const ids = ({ events }: Listed) => events.map(({ id }) => id);
      expect(ids(await list())).toEqual(sent);
      expect(ids(await list('?page_size=2'))).toEqual(sent.slice(0, 2));
      const second = await list('?page=2&page_size=2');
      expect(ids(second)).toEqual(sent.slice(2, 4));
      expect(second).toMatchObject({ total: 5, page: 2, page_size: 2 });
      expect(ids(await list('?page=9'))).toEqual([]);
      expect(await list('?type=customer.created')).toMatchObject({ total: 2 });
      expect(await list('?type=customer')).toMatchObject({ total: 0 });
      for (const [outcome, total] of Object.entries({
        applied: 0,
        ignored: 5,
        unreadable: 0,
        failed: 0,
        open: 0,
      }))
        expect(await list(`?outcome=${outcome}`)).toMatchObject({ total });
      expect(await list('?mode=live&outcome=ignored')).toMatchObject({ total: 0, events: [] });
    });

    it('reports all errors of the query', async () => {
      const { body } = await app
        .send('get', `${eventsPath(projectId)}?mode=prod&outcome=bad&page=0&page_size=101`)
        .expect(422);
      const fields = (body as { detail: { loc: string[] }[] }).detail.map(({ loc }) => loc[1]).sort();
      expect(fields).toEqual(['mode', 'outcome', 'page', 'page_size']);
    });
  });

  describe('a replay', () => {
    const replay = (id: string, token = OWNER) =>
      app.send('post', `${eventsPath(projectId)}/${id}/replay`, token);

    it('handles the event again', async () => {
      const event = anEvent();
      await deliver(app, projectId, SECRET, event).expect(200);
      const { body } = await replay(event.id).expect(200);
      expect(body).toMatchObject({ id: event.id, outcome: 'ignored', duplicate_count: 0 });
    });

    it('requires an event of this project with its payload', async () => {
      const event = anEvent();
      await replay(event.id).expect(404);
      await replay('%00').expect(404);
      await deliver(app, projectId, SECRET, event).expect(200);
      await replay(event.id, STRANGER).expect(403);
      const other = await app.createProject();
      await app.send('post', `${eventsPath(other)}/${event.id}/replay`).expect(404);
      await execute(
        app.database,
        `UPDATE webhook_events SET sealed = NULL, key_id = NULL WHERE id = '${event.id}'`,
      );
      expect((await replay(event.id).expect(410)).body.detail).toMatch(/not kept any more/);
      expect((await list()).events).toEqual([expect.objectContaining({ replayable: false })]);
    });
  });
});

/** Stripe's SDK would decode them. */
function signatureOfBytes(bytes: Buffer): string {
  const time = NOW();
  return `t=${time},v1=${createHmac('sha256', SECRET).update(`${time}.`).update(bytes).digest('hex')}`;
}
