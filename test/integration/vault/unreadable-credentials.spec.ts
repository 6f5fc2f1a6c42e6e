import { type AppWithStripe, startAppWithStripe, statusPath } from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { execute } from '../../harness/database/rows.js';
import { anEvent, deliver } from '../../harness/ledger/signed-events.js';
import { configPath } from '../../harness/test-app.js';
import { endUserToken } from '../../harness/tokens.js';

const SECRET = `whsec_${'w'.repeat(32)}`;
const KEY_UNREADABLE =
  'The stored test secret key can not be opened: it was altered in the database. Store it again.';
/** The answer to an end user, without a word about the owner's database. */
const OUT_OF_ORDER =
  'Payments do not work in this project at the moment; its owner has to look at its Stripe settings.';
const SECRET_UNREADABLE =
  'The stored test webhook secret can not be opened: it was altered in the database. Store it again.';

let app: AppWithStripe;
let projectId: string;

beforeAll(async () => {
  app = await startAppWithStripe();
  projectId = await app.createProject();
  await app
    .send('put', configPath(projectId))
    .send({ test_secret_key: app.account.keys.test.secret, test_webhook_secret: SECRET })
    .expect(200);
  // Replaces sealed values like an attacker with write access: well-formed, but not sealed by us.
  const alter = (kind: string) =>
    execute(
      app.database,
      `UPDATE stripe_credentials SET sealed = substr(sealed, 1, length(sealed) - 8) || 'AAAAAAAA' WHERE project_id = '${projectId}' AND kind = '${kind}'`,
    );
  await alter('secret_key');
  await alter('webhook_secret');
  // The maximum age of caches.
  await eventually(() => deliver(app, projectId, SECRET, anEvent({ type: 'product.created' })).expect(500));
});
afterAll(() => app.close());

const project = (path: string) => configPath(projectId).replace(/config$/, path);
const stripe = (path: string) => `/api/v1/payments/stripe/${path}`;

it('a damaged credential leaves the configuration readable, and the status explains it', async () => {
  const { body } = await app.send('get', configPath(projectId)).expect(200);
  expect(body).toMatchObject({
    is_active: true,
    test_secret_key_masked: expect.stringMatching(/^sk_test_\.\.\./),
  });
  const { body: status } = await app.send('get', statusPath(projectId)).expect(200);
  expect(status).toMatchObject({
    test: {
      state: 'invalid',
      last_error: KEY_UNREADABLE,
      webhook: { last_failure_reason: SECRET_UNREADABLE },
    },
    live: { state: 'not_configured', last_error: null },
  });
});

it.each([
  [
    'webhook endpoints',
    KEY_UNREADABLE,
    () => app.send('post', project('webhook-endpoints')).send({ mode: 'test' }),
  ],
  ['reconcile', KEY_UNREADABLE, () => app.send('post', project('reconcile')).send({ mode: 'test' })],
  ['my payments', OUT_OF_ORDER, () => app.send('get', stripe('my-payments'), endUserToken(projectId))],
  [
    'checkout',
    OUT_OF_ORDER,
    () =>
      app
        .send('post', stripe('checkout-session'), endUserToken(projectId))
        .send({ price_id: 'price_1', success_url: 'https://shop.test/', cancel_url: 'https://shop.test/' }),
  ],
] as const)('a damaged secret key gives 409 with advice when it is used: %s', async (_name, detail, send) => {
  await send().expect(409, { detail });
});

it('a damaged webhook secret gives 500, so that Stripe retries', async () => {
  const { body } = await deliver(app, projectId, SECRET, anEvent({ type: 'product.created' })).expect(500);
  expect(body).toEqual({
    detail: 'Signatures can not be checked here at the moment, so the event is to be sent again.',
  });
});

it('a damaged credential is replaced by a PUT, and destroyed by a DELETE', async () => {
  await app.send('put', configPath(projectId)).send({ test_webhook_secret: SECRET }).expect(200);
  await deliver(app, projectId, SECRET, anEvent({ type: 'product.created' })).expect(200);
  await app.send('delete', configPath(projectId)).expect(204);
});
