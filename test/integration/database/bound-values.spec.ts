import Sqlite from 'better-sqlite3';
import { Connection } from 'pg';
import { type AppWithStripe, endpointsPath, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { rowsOf } from '../../harness/database/rows.js';
import { anEvent, aPayment, deliver } from '../../harness/ledger/signed-events.js';
import { configPath } from '../../harness/test-app.js';
import { accessToken, endUserToken } from '../../harness/tokens.js';

/** Ends a string literal, an identifier or a statement if it is concatenated into one. */
const HOSTILE = `sentinel'"; --`;
const SECRET = `whsec_${'a'.repeat(32)}`;

let app: AppWithStripe;
/** Every statement text that a driver receives, without the values of its parameters. */
const texts: string[] = [];

beforeAll(async () => {
  app = await startAppWithStripe({ environment: { PUBLIC_BASE_URL: 'https://till.test' } });
  const { prepare, exec } = Sqlite.prototype;
  jest.spyOn(Sqlite.prototype, 'prepare').mockImplementation(function (this: Sqlite.Database, text) {
    texts.push(text);
    return prepare.call(this, text);
  });
  jest.spyOn(Sqlite.prototype, 'exec').mockImplementation(function (this: Sqlite.Database, text) {
    texts.push(text);
    return exec.call(this, text);
  });
  const { parse, query } = Connection.prototype;
  jest.spyOn(Connection.prototype, 'parse').mockImplementation(function (this: Connection, call, more) {
    texts.push(call.text);
    parse.call(this, call, more);
  });
  jest.spyOn(Connection.prototype, 'query').mockImplementation(function (this: Connection, text) {
    texts.push(text);
    query.call(this, text);
  });
});
afterAll(async () => {
  jest.restoreAllMocks();
  await app.close();
});

const holds = async (table: string) => JSON.stringify(await rowsOf(app.database, table)).includes('sentinel');

it('no operation puts input into the text of a statement', async () => {
  const account = { email: `o'sentinel@example.com`, password: HOSTILE };
  await app
    .send('post', '/api/v1/auth/register', null)
    .send({ ...account, full_name: HOSTILE })
    .expect(201);
  await app.send('post', '/api/v1/auth/login', null).send(account).expect(200);

  const developer = accessToken({ sub: HOSTILE });
  const send = (method: 'get' | 'put' | 'post' | 'delete', path: string) =>
    app.send(method, path, developer).set('user-agent', HOSTILE);
  const project = { name: HOSTILE, description: HOSTILE };
  const { body } = await send('post', '/api/v1/projects').send(project).expect(201);
  const { id } = body as { id: string };
  const path = `/api/v1/projects/${id}`;
  await send('put', path).send(project).expect(200);
  await send('get', '/api/v1/projects').expect(200);
  for (const wrong of [encodeURIComponent(HOSTILE), `${id}'`])
    await send('get', `/api/v1/projects/${wrong}`).expect(422);

  const { keys } = app.account;
  const config = { test_secret_key: keys.test.secret, test_webhook_secret: SECRET };
  await send('put', configPath(id)).send(config).expect(200);
  await send('put', configPath(id)).set('if-match', `"${HOSTILE}`).send({});
  await send('get', `${configPath(id)}/history`).expect(200);

  const event = aPayment();
  const payment = (event as unknown as { data: { object: Record<string, unknown> } }).data.object;
  Object.assign(payment, { description: HOSTILE, currency: 'usd', metadata: { user_id: HOSTILE } });
  await deliver(app, id, SECRET, event).expect(200);
  await deliver(app, id, SECRET, aPayment({ id: `evt_${HOSTILE}` })).expect(400);
  await deliver(app, id, SECRET, anEvent({ type: HOSTILE.replaceAll(' ', '') })).expect(200);
  const events = configPath(id).replace(/config$/, 'webhook-events');
  await send('get', `${events}?type=${encodeURIComponent(HOSTILE)}`).expect(200);
  await send('get', `${events}?outcome=${encodeURIComponent(HOSTILE)}`).expect(422);
  await send('post', `${events}/${encodeURIComponent(HOSTILE)}/replay`);
  await send('post', endpointsPath(id)).set('idempotency-key', HOSTILE).send({ mode: 'test' });
  const query = `status=${encodeURIComponent(HOSTILE)}&project_id=${encodeURIComponent(HOSTILE)}`;
  await send('get', `/api/v1/payments/transactions?${query}`).expect(422);
  for (const list of ['subscriptions', 'transactions', 'projects', 'stats'])
    await send('get', `/api/v1/payments/${list}`).expect(200);

  const buyer = endUserToken(id, HOSTILE);
  const ofBuyer = (operation: string) => `/api/v1/payments/stripe/${operation}?test_mode=true`;
  await app.send('get', ofBuyer('my-payments'), buyer).expect(200);
  await app.send('get', ofBuyer('my-subscription'), buyer);
  const urls = { success_url: 'https://shop.test/', cancel_url: 'https://shop.test/' };
  await app
    .send('post', ofBuyer('checkout-session'), buyer)
    .set('idempotency-key', HOSTILE)
    .send({ ...urls, price_id: app.account.test.all('price')[0]?.id, metadata: { note: HOSTILE } });
  await send('delete', path).expect(204);

  expect(texts.filter((text) => /sentinel/i.test(text))).toEqual([]);
  // The inputs did reach the database.
  expect(texts.length).toBeGreaterThan(30);
  for (const table of ['accounts', 'projects', 'audit_entries', 'webhook_events', 'stripe_payments'])
    expect([table, await holds(table)]).toEqual([table, true]);
});
