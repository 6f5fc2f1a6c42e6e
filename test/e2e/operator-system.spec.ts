import { hostname } from 'node:os';
import { vaultServices } from '../../src/cli/keys/vault-services.js';
import { VERSION } from '../../src/config/settings.js';
import { KeyringNodesRepository } from '../../src/vault/keys/keyring-nodes.repository.js';
import type { components } from '../../packages/client/src/api.js';
import { rowsOf } from '../harness/database/rows.js';
import { eventually } from '../harness/eventually.js';
import { anEvent, aPayment, deliver } from '../harness/ledger/signed-events.js';
import { EchoServer } from '../harness/servers/echo-server.js';
import { configPath, startTestApp, type TestApp } from '../harness/test-app.js';
import { accessToken } from '../harness/tokens.js';

const SCOPE = 'till:operate';
const PERSON = accessToken({ sub: 'operator-1', scope: SCOPE });
type State = components['schemas']['OperatorSystemResponse'];

describe('GET /api/v1/operator/system', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ environment: { AUTH_OPERATOR_SCOPE: SCOPE } });
  });
  afterAll(() => app.close());

  const read = async () =>
    (await app.send('get', '/api/v1/operator/system', PERSON).expect(200)).body as State;

  it('names the running processes with their versions, and no ended one', async () => {
    const nodes = app.app.get(KeyringNodesRepository);
    const [own] = await nodes.list();
    if (!own) throw new Error('The process reported nothing.');
    const ended = { ...own, id: '00000000-0000-4000-8000-000000000001', name: 'ended 1' };
    await nodes.upsert({ ...ended, answeredAt: new Date(Date.now() - 4 * 60_000) });
    const older = { ...own, id: '00000000-0000-4000-8000-000000000002', name: 'older 1', version: '0.0.9' };
    await nodes.upsert({ ...older, missing: ['aaaaaaaaaaaa'], answeredAt: new Date() });
    const { version, change_notifications, processes } = await read();
    expect({ version, change_notifications }).toEqual({ version: VERSION, change_notifications: 'arriving' });
    const names = processes.map(({ name, version: runs, lacks }) => [name, runs, lacks]);
    expect(names).toContainEqual([`${hostname()} ${process.pid}`, VERSION, []]);
    expect(names).toContainEqual(['older 1', '0.0.9', ['aaaaaaaaaaaa']]);
    expect(names.some(([name]) => name === 'ended 1')).toBe(false);
    await nodes.remove(ended.id);
    await nodes.remove(older.id);
  });

  it('counts the rows that are still under a former key', async () => {
    const id = await app.createProject();
    await app
      .send('put', configPath(id))
      .send({ test_webhook_secret: `whsec_${'a'.repeat(32)}` })
      .expect(200);
    const { data_keys: before } = await read();
    expect(before).toMatchObject([{ state: 'primary', rows: null }]);
    const { rotation, keyring } = vaultServices(app.app);
    const next = await rotation.publish();
    await keyring.sync();
    const patience = { milliseconds: 5_000, signal: new AbortController().signal };
    await eventually(() => rotation.makePrimary(next, patience));
    const { data_keys: after } = await read();
    expect(after).toMatchObject([
      { id: next, state: 'primary', rows: null },
      { id: before[0]?.id, state: 'superseded', rows: 1 },
    ]);
  });

  it('counts events of Stripe that arrived but are not applied', async () => {
    const id = await app.createProject();
    const secret = `whsec_${'c'.repeat(32)}`;
    await app.send('put', configPath(id)).send({ test_webhook_secret: secret }).expect(200);
    expect((await read()).backlogs.webhooks).toEqual({ waiting: 0, oldest_at: null });
    const unreadable = anEvent({ type: 'invoice.paid', data: { object: { id: 'in_1', object: 'invoice' } } });
    for (const event of [aPayment(), unreadable]) await deliver(app, id, secret, event).expect(200);
    const [{ received_at } = {}] = (
      (await app.send('get', configPath(id).replace(/config$/, 'webhook-events?outcome=unreadable')))
        .body as { events: { received_at: string }[] }
    ).events;
    expect((await read()).backlogs.webhooks).toEqual({ waiting: 1, oldest_at: received_at });
  });

  it('counts events that wait for a destination', async () => {
    expect((await read()).backlogs.event_deliveries).toEqual({ waiting: 0, oldest_at: null });
    const receiver = await new EchoServer().start();
    receiver.answer = (_, response) => {
      response.statusCode = 503;
      response.end();
    };
    const id = await app.createProject();
    await app
      .send('post', configPath(id).replace(/config$/, 'event-destinations'))
      .send({ url: receiver.url })
      .expect(201);
    await app
      .send('put', configPath(id))
      .send({ test_webhook_secret: `whsec_${'b'.repeat(32)}` })
      .expect(200);
    await eventually(async () => {
      const { waiting, oldest_at } = (await read()).backlogs.event_deliveries;
      // Those to a failing destination wait by intent, and have no age.
      expect({ waiting: waiting > 0, oldest_at }).toEqual({ waiting: true, oldest_at: null });
      const [destination] = await rowsOf(app.database, 'event_destinations');
      expect(destination?.['failing_since']).not.toBeNull();
    });
    await receiver.stop();
  });
});
