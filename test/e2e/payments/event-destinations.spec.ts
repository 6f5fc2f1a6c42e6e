import { Webhook } from 'standardwebhooks';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { EventReceiver } from '../../harness/servers/event-receiver.js';
import { LedgerHarness } from '../../harness/ledger/ledger-harness.js';
import { simulateLifecycle } from '../../harness/ledger/ledger-life.js';

interface Destination {
  id: string;
  secret: string;
}

let app: AppWithStripe;
let receiver: EventReceiver;
let ledger: LedgerHarness;

beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await new EventReceiver().start();
  ledger = await LedgerHarness.open(app);
});
afterEach(() => receiver.stop());

const pathOf = (projectId: string = ledger.projectId) =>
  `/api/v1/payments/stripe/projects/${projectId}/event-destinations`;
const create = async (fields: object = {}) =>
  (
    await app
      .send('post', pathOf())
      .send({ url: receiver.url, ...fields })
      .expect(201)
  ).body as Destination;
const pull = async (query = '') =>
  (await app.send('get', `/api/v1/payments/stripe/projects/${ledger.projectId}/events${query}`).expect(200))
    .body as { events: { id: string; type: string }[]; next_cursor: string };

describe('a destination', () => {
  it('gets the events of its project, signed by Standard Webhooks', async () => {
    const { secret } = await create({ headers: { 'X-Api-Key': 'example-key' } });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    simulateLifecycle(ledger.account.test);
    await ledger.applyAll();
    await eventually(async () =>
      expect(receiver.received.map(({ body }) => body.type)).toEqual(
        expect.arrayContaining(['subscription.created', 'payment.succeeded', 'payment.refunded']),
      ),
    );
    for (const { headers, text, body } of receiver.received) {
      expect(new Webhook(secret).verify(text, headers as Record<string, string>)).toEqual(body);
      expect(headers).toMatchObject({
        'webhook-id': body.id,
        'content-type': 'application/json',
        'x-api-key': 'example-key',
      });
      expect(body.project_id).toBe(ledger.projectId);
    }
  });
});

describe('the settings of a destination', () => {
  const KEY = `sk_live_${'a'.repeat(24)}`;
  const read = async (id: string) => (await app.send('get', `${pathOf()}/${id}`).expect(200)).body as object;
  const history = async () => {
    const path = `/api/v1/payments/stripe/projects/${ledger.projectId}/config/history`;
    const { entries } = (await app.send('get', path).expect(200)).body as { entries: { action: string }[] };
    return entries.filter(({ action }) => action.startsWith('event_destination.'));
  };

  it.each([
    ['url', { url: `https://example.com/?k=${KEY}` }],
    ['url', { url: `https://example.com/${KEY.replaceAll('_', '%5f')}` }],
    ['url', { url: `https://example.com/tki_${'a'.repeat(24)}` }],
    ['headers', { headers: { [KEY]: 'x' } }],
    ['description', { description: KEY }],
  ])('refuse a key where it would be shown: in %s', async (field, body) => {
    const { id } = await create();
    for (const request of [app.send('post', pathOf()), app.send('put', `${pathOf()}/${id}`)]) {
      const { body: answer, text } = await request.send({ url: receiver.url, ...body }).expect(422);
      expect(answer).toMatchObject({ detail: [{ loc: ['body', field], type: 'value_error' }] });
      expect(text).not.toContain('aaaa');
    }
  });

  it('are trimmed, and have a history of what changed', async () => {
    const { id } = await create({ url: ` ${receiver.url} `, headers: { 'X-Api-Key': 'one' } });
    expect(await read(id)).toMatchObject({ url: receiver.url });
    const put = (body: object) => app.send('put', `${pathOf()}/${id}`).send(body).expect(200);
    const before = await read(id);
    await put({});
    await put({ url: receiver.url, headers: { 'X-Api-Key': 'one' }, enabled: true, event_types: null });
    expect(await read(id)).toEqual(before);
    await put({ headers: { 'X-Api-Key': 'two' }, mode: 'live', enabled: true });
    await put({ url: 'https://example.com:8443/secret' });
    const created = { action: 'event_destination.created', fields: [], event_destination_host: null };
    const updated = { action: 'event_destination.updated', event_destination_id: id };
    const named = (...fields: string[]) => fields.map((field) => ({ field, last_four: null }));
    expect(await history()).toMatchObject([
      {
        ...updated,
        fields: named('url'),
        event_destination_host: { before: `127.0.0.1:${receiver.port}`, after: 'example.com:8443' },
      },
      { ...updated, fields: named('mode', 'headers'), event_destination_host: null },
      created,
    ]);
  });

  it('make one destination for one Idempotency-Key', async () => {
    const post = () => app.send('post', pathOf()).set('idempotency-key', 'one').send({ url: receiver.url });
    const first = await post().expect(201);
    const again = await post().expect(201);
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect((await app.send('get', pathOf())).body).toHaveLength(1);
  });
});

describe('rotation', () => {
  const rotate = (id: string, overlap?: number) =>
    app
      .send('post', `${pathOf()}/${id}/rotate`)
      .send(overlap === undefined ? {} : { overlap_seconds: overlap });
  const tested = () => {
    const test = receiver.received.find(({ body }) => body.type === 'destination.test');
    if (!test) throw new Error('No test event arrived.');
    return test;
  };

  it('lets each former secret sign until its overlap ends', async () => {
    const { id, secret } = await create();
    const secrets = [secret];
    for (const overlap of [600, 3_600, 60]) {
      const { body } = await rotate(id, overlap).expect(200);
      secrets.push((body as Destination).secret);
    }
    await app.send('post', `${pathOf()}/${id}/test`).expect(200);
    const { headers, text } = tested();
    for (const each of secrets)
      expect(new Webhook(each).verify(text, headers as Record<string, string>)).toBeDefined();
    const { body } = await app.send('get', `${pathOf()}/${id}`).expect(200);
    const ends = Date.parse((body as { former_secret_expires_at: string }).former_secret_expires_at);
    expect(ends - Date.now()).toBeGreaterThan(3_500_000);
  });

  it('has at most five former secrets, and ends them all without an overlap', async () => {
    const { id } = await create();
    for (let count = 0; count < 5; count += 1) await rotate(id).expect(200);
    await rotate(id).expect(409);
    const { body } = await rotate(id, 0).expect(200);
    expect(body).toMatchObject({ former_secret_expires_at: null });
    await app.send('post', `${pathOf()}/${id}/test`).expect(200);
    expect(String(tested().headers['webhook-signature']).split(' ')).toHaveLength(1);
  });
});

describe('GET …/events', () => {
  it('has the same events, and continues at the cursor', async () => {
    simulateLifecycle(ledger.account.test);
    await ledger.applyAll();
    await eventually(async () =>
      expect((await pull('?types=subscription.created,payment.refunded')).events.length).toBeGreaterThan(2),
    );
    const all = await pull();
    const paged: string[] = [];
    let cursor = '0';
    for (;;) {
      const page = await pull(`?limit=3&cursor=${cursor}`);
      if (page.events.length === 0) break;
      paged.push(...page.events.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(all.events.map(({ id }) => id));
    expect(await pull(`?cursor=${all.next_cursor}`)).toEqual({ events: [], next_cursor: all.next_cursor });
  });
});
