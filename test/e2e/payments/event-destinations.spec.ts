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
