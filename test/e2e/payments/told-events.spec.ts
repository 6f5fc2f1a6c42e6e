import { randomUUID } from 'node:crypto';
import type { ProjectId } from '../../../src/common/ids.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { deliver } from '../../harness/ledger/signed-events.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { subscribe } from '../../harness/stripe/routes/subscription.routes.js';
import { configPath } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

const SECRET = `whsec_${'a'.repeat(32)}`;
const SCOPE = 'tillkeeper:operate';

interface Told {
  type: string;
  project_id: string;
  mode: string | null;
  data: object;
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
const told = async (types: string) =>
  ((await app.send('get', `${path('events')}?types=${types}`).expect(200)).body as { events: Told[] }).events;
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
