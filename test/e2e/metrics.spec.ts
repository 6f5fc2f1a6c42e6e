import { type AppWithStripe, startAppWithStripe } from '../support/app-with-stripe.js';
import { eventually } from '../support/eventually.js';
import { anEvent, deliver } from '../support/signed-events.js';
import { connectionReset } from '../support/stripe/faults.js';
import { configPath, startTestApp } from '../support/test-app.js';
import { engine } from '../support/test-database.js';

const TOKEN = 'm'.repeat(32);
const SECRET = `whsec_${'w'.repeat(32)}`;

describe('/metrics', () => {
  let app: AppWithStripe;
  const metrics = async () => (await app.send('get', '/metrics', TOKEN).expect(200)).text;
  /** The samples of a metric, `name{labels}` and value. */
  const samples = async (name: string) =>
    new Map((await metrics()).match(new RegExp(`^${name}\\b.* \\S+$`, 'gm'))?.map((line) => line.split(/ (?=\S+$)/) as [string, string]));
  const increase = async (name: string, labels: string, action: () => Promise<unknown>) => {
    const value = async () => Number((await samples(name)).get(`${name}{${labels}}`) ?? 0);
    const before = await value();
    await action();
    return (await value()) - before;
  };

  beforeAll(async () => {
    app = await startAppWithStripe({ environment: { METRICS_TOKEN: TOKEN } });
  });
  afterAll(() => app.close());

  it("answers the operator's token in Prometheus' format", async () => {
    const { headers } = await app.send('get', '/metrics', TOKEN).expect(200);
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(await samples('tillkeeper_credentials_invalid_total')).toEqual(
      new Map([
        ['tillkeeper_credentials_invalid_total{mode="test"}', '0'],
        ['tillkeeper_credentials_invalid_total{mode="live"}', '0'],
      ]),
    );
  });

  it('is closed to everybody else, developers too', async () => {
    await app.send('get', '/metrics', null).expect(401).expect('www-authenticate', 'Bearer');
    await app
      .send('get', '/metrics')
      .expect(401)
      .expect('www-authenticate', /^Bearer error="invalid_token"/);
  });

  it('counts requests by route and status, and times them', async () => {
    const projectId = await app.createProject();
    const route = 'method="GET",route="/api/v1/payments/stripe/projects/:project_id/config"';
    const get = () => app.send('get', configPath(projectId)).expect(200);
    expect(await increase('tillkeeper_http_requests_total', `${route},status="200"`, get)).toBe(1);
    expect(await increase('tillkeeper_http_request_duration_seconds_count', route, get)).toBe(1);
    const nowhere = () => app.send('get', `/nowhere/${projectId}?sk_test_secret`).expect(404);
    expect(await increase('tillkeeper_http_requests_total', 'method="GET",route="none",status="404"', nowhere)).toBe(1);
  });

  it('counts calls of Stripe by outcome', async () => {
    const projectId = await app.createProject();
    const validate = (secretKey: string) => () =>
      app
        .send('post', `/api/v1/payments/stripe/projects/${projectId}/validate-credentials`)
        .send({ secret_key: secretKey, is_test_mode: true });
    const calls = 'tillkeeper_stripe_calls_total';
    expect(await increase(calls, 'outcome="succeeded"', validate(app.account.keys.test.secret))).toBeGreaterThan(0);
    expect(await increase(calls, 'outcome="refused"', validate(`sk_test_${'x'.repeat(24)}`))).toBeGreaterThan(0);
    app.stripe.fail(connectionReset, { times: 10 });
    expect(await increase(calls, 'outcome="unreachable"', validate(app.account.keys.test.secret))).toBeGreaterThan(0);
    app.stripe.heal();
  });

  it('counts webhooks by outcome', async () => {
    const projectId = await app.createProject();
    await app
      .send('put', configPath(projectId))
      .send({ test_secret_key: app.account.keys.test.secret, test_webhook_secret: SECRET })
      .expect(200);
    const event = anEvent({ type: 'product.created' });
    const send = (secret: string) => () => deliver(app, projectId, secret, event);
    expect(await increase('tillkeeper_webhooks_total', 'outcome="ignored"', send(SECRET))).toBe(1);
    const unreadable = anEvent({ type: 'invoice.paid', data: { object: { object: 'invoice', status: 'paid' } } });
    const sendUnreadable = () => deliver(app, projectId, SECRET, unreadable);
    expect(await increase('tillkeeper_webhooks_total', 'outcome="unreadable"', sendUnreadable)).toBe(1);
    expect(await increase('tillkeeper_webhooks_total', 'outcome="duplicate"', send(SECRET))).toBe(1);
    expect(await increase('tillkeeper_webhooks_total', 'outcome="refused"', send(`whsec_${'v'.repeat(32)}`))).toBe(1);
  });

  it('tells how the process is', async () => {
    expect((await samples('nodejs_eventloop_lag_p99_seconds')).size).toBe(1);
    const states = ['busy', 'idle', 'waiting'].map((state) => `tillkeeper_database_connections{state="${state}"}`);
    expect([...(await samples('tillkeeper_database_connections')).keys()]).toEqual(engine === 'postgres' ? states : []);
  });

  it('tells whether changes made by other processes arrive', async () => {
    const name = 'tillkeeper_change_notifications_arriving';
    await eventually(async () => expect(await samples(name)).toEqual(new Map([[name, '1']])));
    await app.send('get', '/health/ready', null).expect(200, { status: 'ok', change_notifications: 'arriving' });
  });

  it('tells nothing of a tenant', async () => {
    const projectId = await app.createProject(undefined, 'Corner shop of the metrics');
    await app.send('get', configPath(projectId)).expect(200);
    const text = await metrics();
    for (const secret of [projectId, 'Corner', 'developer-1', app.account.id, SECRET]) expect(text).not.toContain(secret);
  });
});

describe('/metrics without METRICS_TOKEN', () => {
  it('is not there', async () => {
    const app = await startTestApp();
    try {
      await app.send('get', '/metrics', TOKEN).expect(404);
    } finally {
      await app.close();
    }
  });
});

describe('the log of a request', () => {
  it('has its id, and its trace where it has one', async () => {
    const app = await startTestApp();
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const id = '4bf92f3577b34da6a3ce929d0e0e4736';
    const send = (traceparent: string) =>
      app.send('get', '/health/live', null).set('x-request-id', id).set('traceparent', traceparent).expect(200);
    await send(`00-${trace}-b7ad6b7169203331-01`);
    await send('made up');
    const lines = app.log.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ requestId }) => requestId === id);
    expect(lines.map(({ traceId }) => traceId)).toEqual([trace, undefined]);
    await app.close();
  });
});
