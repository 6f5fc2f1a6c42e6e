import { FailedLoginsRepository } from '../../src/accounts/attempts/failed-logins.repository.js';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { VERSION } from '../../src/config/settings.js';
import { Database } from '../../src/database/database.js';
import { IdempotencySweeper } from '../../src/payments/idempotency/idempotency-keys.repository.js';
import type { DurableEvent } from '../../src/payments/payments-events.js';
import { ConnectService } from '../../src/payments/connect/connect.service.js';
import { DestinationHealth } from '../../src/payments/events/destinations/destination-health.js';
import { EventRetention } from '../../src/payments/events/event-retention.js';
import { EventLog } from '../../src/payments/events/event-log.js';
import { ConnectionMonitor } from '../../src/payments/webhooks/monitor/connection-monitor.js';
import { WebhookSweeper } from '../../src/payments/webhooks/events/webhook-sweeper.js';
import { type AppWithStripe, startAppWithStripe } from '../harness/app-with-stripe.js';
import { eventually } from '../harness/eventually.js';
import { anEvent, deliver } from '../harness/ledger/signed-events.js';
import { connectionReset } from '../harness/stripe/faults.js';
import { configPath, startTestApp } from '../harness/test-app.js';
import { engine } from '../harness/database/test-database.js';

const TOKEN = 'm'.repeat(32);
const SECRET = `whsec_${'w'.repeat(32)}`;

/** Prometheus' own checker, in Debian's package `prometheus`. */
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

describe('/metrics', () => {
  let app: AppWithStripe;
  const metrics = async () => (await app.send('get', '/metrics', TOKEN).expect(200)).text;
  /** The samples of a metric, `name{labels}` and value. */
  const samples = async (name: string) =>
    new Map(
      (await metrics())
        .match(new RegExp(`^${name}\\b.* \\S+$`, 'gm'))
        ?.map((line) => line.split(/ (?=\S+$)/) as [string, string]),
    );
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

  it('refuses everybody else, developers too', async () => {
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
    expect(
      await increase('tillkeeper_http_requests_total', 'method="GET",route="none",status="404"', nowhere),
    ).toBe(1);
  });

  it('counts calls to Stripe by outcome', async () => {
    const projectId = await app.createProject();
    const validate = (secretKey: string) => () =>
      app
        .send('post', `/api/v1/payments/stripe/projects/${projectId}/validate-credentials`)
        .send({ secret_key: secretKey, is_test_mode: true });
    const calls = 'tillkeeper_stripe_calls_total';
    expect(
      await increase(calls, 'outcome="succeeded"', validate(app.account.keys.test.secret)),
    ).toBeGreaterThan(0);
    expect(await increase(calls, 'outcome="refused"', validate(`sk_test_${'x'.repeat(24)}`))).toBeGreaterThan(
      0,
    );
    app.stripe.fail(connectionReset, { times: 10 });
    expect(
      await increase(calls, 'outcome="unreachable"', validate(app.account.keys.test.secret)),
    ).toBeGreaterThan(0);
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
    const unreadable = anEvent({
      type: 'invoice.paid',
      data: { object: { object: 'invoice', status: 'paid' } },
    });
    const sendUnreadable = () => deliver(app, projectId, SECRET, unreadable);
    expect(await increase('tillkeeper_webhooks_total', 'outcome="unreadable"', sendUnreadable)).toBe(1);
    expect(await increase('tillkeeper_webhooks_total', 'outcome="duplicate"', send(SECRET))).toBe(1);
    expect(
      await increase('tillkeeper_webhooks_total', 'outcome="refused"', send(`whsec_${'v'.repeat(32)}`)),
    ).toBe(1);
  });

  it('has metrics of the process', async () => {
    expect((await samples('nodejs_eventloop_lag_p99_seconds')).size).toBe(1);
    const states = ['busy', 'idle', 'waiting'].map(
      (state) => `tillkeeper_database_connections{state="${state}"}`,
    );
    expect([...(await samples('tillkeeper_database_connections')).keys()]).toEqual(
      engine === 'postgres' ? states : [],
    );
  });

  it('reports whether notifications of other processes arrive', async () => {
    const name = 'tillkeeper_change_notifications_arriving';
    await eventually(async () => expect(await samples(name)).toEqual(new Map([[name, '1']])));
    await app
      .send('get', '/health/ready', null)
      .expect(200, { status: 'ok', change_notifications: 'arriving' });
  });

  it('reports version, Node, engine and pool size', async () => {
    const name = 'tillkeeper_build_info';
    expect(await samples(name)).toEqual(
      new Map([[`${name}{version="${VERSION}",node="${process.version}",engine="${engine}"}`, '1']]),
    );
    const size = 'tillkeeper_database_pool_size';
    expect(await samples(size)).toEqual(new Map(engine === 'postgres' ? [[size, '10']] : []));
  });

  it('counts failed logins by reason', async () => {
    const limited = await startTestApp({
      environment: { METRICS_TOKEN: TOKEN, RATE_LIMIT_PER_MINUTE: '1000' },
    });
    const logIn = (password: string) =>
      limited.send('post', '/api/v1/auth/login', null).send({ email: 'ada@example.com', password });
    const failures = async () =>
      (await limited.send('get', '/metrics', TOKEN).expect(200)).text.match(
        /^tillkeeper_login_failures_total\{.*$/gm,
      );
    try {
      expect(await failures()).toEqual([
        'tillkeeper_login_failures_total{reason="wrong"} 0',
        'tillkeeper_login_failures_total{reason="limited"} 0',
      ]);
      const password = 'correct horse battery';
      await limited
        .send('post', '/api/v1/auth/register', null)
        .send({ email: 'ada@example.com', password })
        .expect(201);
      await logIn(password).expect(200);
      await Promise.all(Array.from({ length: 10 }, () => logIn('wrong horse battery').expect(401)));
      for (let round = 0; round < 2; round += 1) await logIn(password).expect(429);
      expect(await failures()).toEqual([
        'tillkeeper_login_failures_total{reason="wrong"} 10',
        'tillkeeper_login_failures_total{reason="limited"} 2',
      ]);
    } finally {
      await limited.close();
    }
  });

  it('reports size and age of the outbox, and answers without the database', async () => {
    const [waiting, age] = ['tillkeeper_outbox_events', 'tillkeeper_outbox_oldest_age_seconds'];
    const ofPayments = '{event="payment.succeeded"}';
    const ofSubscriptions = '{event="subscription.created"}';
    expect((await samples(waiting)).get(`${waiting}${ofPayments}`)).toBe('0');
    expect((await samples(age)).get(`${age}${ofPayments}`)).toBe('0');
    const log = app.app.get(EventLog);
    const add = (minutesAgo: number) =>
      app.app
        .get(Database)
        .transaction(() =>
          log.add(
            ['payment.succeeded', { projectId: randomUUID(), mode: 'test' }] as unknown as DurableEvent,
            new Date(Date.now() - minutesAgo * 60_000),
          ),
        );
    for (const minutes of [5, 60, 30]) await add(minutes);
    expect((await samples(waiting)).get(`${waiting}${ofPayments}`)).toBe('3');
    expect((await samples(waiting)).get(`${waiting}${ofSubscriptions}`)).toBe('0');
    const seconds = Number((await samples(age)).get(`${age}${ofPayments}`));
    expect(seconds).toBeGreaterThanOrEqual(3_600);
    expect(seconds).toBeLessThan(3_700);
    const away = jest.spyOn(log, 'backlog').mockRejectedValue(new Error('The database is away.'));
    expect(await samples(waiting)).toEqual(new Map());
    expect((await samples('tillkeeper_build_info')).size).toBe(1);
    away.mockRestore();
  });

  it('reports the last success of each periodic task', async () => {
    const name = 'tillkeeper_task_last_success_timestamp_seconds';
    const successes = async () =>
      new Map(
        [...(await samples(name))].map(([sample, value]) => [
          /task="(\w+)"/.exec(sample)?.[1],
          Number(value),
        ]),
      );
    expect([...(await successes()).keys()]).toEqual([
      'connect_completions',
      'connection_checks',
      'data_keys',
      'delivery_notes',
      'delivery_observations',
      'destination_health',
      'event_deliveries',
      'event_publication',
      'event_retention',
      'failed_logins',
      'gateway_usage',
      'idempotency_keys',
      'outbox',
      'webhook_payloads',
      'webhook_secrets',
    ]);
    const begun = Date.now() / 1_000;
    await app.app.get(IdempotencySweeper).task.run();
    await app.app.get(WebhookSweeper).task.run();
    await app.app.get(EventRetention).task.run();
    await app.app.get(ConnectionMonitor).task.run();
    await app.app.get(ConnectService).interrupted.run();
    await app.app.get(DestinationHealth).task.run();
    await app.app.get(FailedLoginsRepository, { strict: false }).sweep.run();
    await eventually(async () => {
      const { webhook_secrets: swept, ...others } = Object.fromEntries(await successes()) as Record<
        string,
        number
      >;
      // This task runs once a minute, first at the start.
      expect(swept).toBeGreaterThan(begun - 3_600);
      for (const at of Object.values(others)) expect(at).toBeGreaterThanOrEqual(begun);
    });
  });

  it("follows Prometheus' rules for names, units and help", async () => {
    const ours = `${(await metrics())
      .split('\n')
      .filter((line) => line.includes('tillkeeper_'))
      .join('\n')}\n`;
    const types = [...ours.matchAll(/^# TYPE (\S+) (\w+)$/gm)];
    expect(types.length).toBeGreaterThan(10);
    for (const [, name = '', type] of types) {
      expect(ours).toMatch(new RegExp(`^# HELP ${name} [A-Z].*\\.$`, 'm'));
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect(name).not.toMatch(
        /_(?:count|sum|bucket)$|milliseconds|minutes|hours|percent|kilobytes|megabytes/,
      );
    }
    if (hasPromtool)
      expect(execFileSync('promtool', ['check', 'metrics'], { input: ours, encoding: 'utf8' })).toBe('');
    else
      console.warn(
        'promtool is not in the PATH (Debian: apt-get install prometheus): it was not asked about the metrics.',
      );
  });

  it('reveals nothing of a tenant', async () => {
    const projectId = await app.createProject(undefined, 'Corner shop of the metrics');
    await app.send('get', configPath(projectId)).expect(200);
    const text = await metrics();
    for (const secret of [projectId, 'Corner', 'developer-1', app.account.id, SECRET])
      expect(text).not.toContain(secret);
  });
});

describe('/metrics without METRICS_TOKEN', () => {
  it('does not exist', async () => {
    const app = await startTestApp();
    try {
      await app.send('get', '/metrics', TOKEN).expect(404);
    } finally {
      await app.close();
    }
  });
});

describe('the log of a request', () => {
  it('has its id, and its trace if it has one', async () => {
    const app = await startTestApp();
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const id = '4bf92f3577b34da6a3ce929d0e0e4736';
    const send = (traceparent: string) =>
      app
        .send('get', '/health/live', null)
        .set('x-request-id', id)
        .set('traceparent', traceparent)
        .expect(200);
    await send(`00-${trace}-b7ad6b7169203331-01`);
    await send('made up');
    const lines = app.log
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ requestId }) => requestId === id);
    expect(lines.map(({ traceId }) => traceId)).toEqual([trace, undefined]);
    await app.close();
  });
});
