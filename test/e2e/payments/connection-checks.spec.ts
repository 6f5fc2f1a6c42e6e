import type { ProjectId } from '../../../src/common/ids.js';
import { WebhookEndpointsRepository } from '../../../src/payments/webhooks/endpoints/webhook-endpoints.repository.js';
import { ConnectionChecksRepository } from '../../../src/payments/webhooks/monitor/connection-checks.repository.js';
import { ConnectionMonitor } from '../../../src/payments/webhooks/monitor/connection-monitor.js';
import {
  type AppWithStripe,
  endpointsPath,
  startAppWithStripe,
  statusPath,
} from '../../harness/app-with-stripe.js';
import { runInProcess } from '../../harness/command-line.js';
import { eventually } from '../../harness/eventually.js';
import { connectionReset } from '../../harness/stripe/faults.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { configPath, testEnvironment } from '../../harness/test-app.js';

const BASE = 'https://tillkeeper.test';
const HOUR_MS = 3_600_000;
const LIST = 'GET /v1/webhook_endpoints';

interface Status {
  test: { state: string; checked_at: string | null; webhook: { endpoint_problem: string | null } };
}

let app: AppWithStripe;
let account: StripeAccount;
let projectId: ProjectId;

beforeEach(async () => {
  app = await startAppWithStripe({ environment: { PUBLIC_BASE_URL: BASE } });
  account = app.account;
  projectId = await app.createProject();
  await app
    .send('put', configPath(projectId))
    .send({ test_secret_key: account.keys.test.secret })
    .expect(200);
});
afterEach(() => app.close());

const check = (hours: number) => app.app.get(ConnectionMonitor).check(new Date(Date.now() + hours * HOUR_MS));
const makeEndpoint = () => app.send('post', endpointsPath(projectId)).send({ mode: 'test' });
const status = async () => (await app.send('get', statusPath(projectId)).expect(200)).body as Status;
const events = async () => {
  const { body } = await app.send('get', `/api/v1/payments/stripe/projects/${projectId}/events`).expect(200);
  return (body as { events: { type: string; mode: string; data: object }[] }).events.filter(({ type }) =>
    /^(?:credentials|endpoint)\./.test(type),
  );
};
const expectEvents = (expected: object[]) =>
  eventually(async () => {
    const told = await events();
    expect(told).toMatchObject(expected);
    expect(told).toHaveLength(expected.length);
  });
const asked = () => app.stripe.requests.filter(({ method, path }) => `${method} ${path}` === LIST).length;

it('asks Stripe about each key once a day, and tells each change of the verdict once', async () => {
  expect((await status()).test.checked_at).toBeNull();
  await check(0);
  await check(1);
  await check(22);
  expect(asked()).toBe(1);
  // The verdict is stored after the answer of the call that found it.
  await eventually(async () => expect((await status()).test.state).toBe('valid'));
  const { checked_at: firstAt } = (await status()).test;
  app.stripe.mark(account.keys.test.secret, 'expired');
  await check(24);
  await eventually(async () => expect((await status()).test.state).toBe('invalid'));
  const { checked_at: refusedAt } = (await status()).test;
  expect(Date.parse(String(refusedAt)) - Date.parse(String(firstAt))).toBeGreaterThan(23 * HOUR_MS);
  await check(48);
  app.stripe.mark(account.keys.test.secret, 'active');
  await check(72);
  await eventually(async () => expect((await status()).test.state).toBe('valid'));
  await check(96);
  await expectEvents([
    { type: 'credentials.invalid', mode: 'test' },
    { type: 'credentials.recovered', mode: 'test' },
  ]);
});

it('leaves a key alone that was just stored', async () => {
  await app.app.get(ConnectionMonitor).task.run();
  expect(asked()).toBe(0);
});

it('concludes nothing while Stripe is unreachable, and asks again an hour later', async () => {
  await check(0);
  app.stripe.fail(connectionReset, { times: Infinity });
  await check(24);
  const before = asked();
  await check(24.5);
  expect(asked()).toBe(before);
  await eventually(async () => expect((await status()).test.state).toBe('valid'));
  app.stripe.heal();
  await check(25);
  expect(asked()).toBe(before + 1);
  expect(await events()).toEqual([]);
});

it('tells once what is wrong with the endpoint made here, and once that it works again', async () => {
  const { body } = await makeEndpoint().expect(201);
  const { id } = body as { id: string };
  const atStripe = () => account.test.all('webhook_endpoint')[0] ?? {};
  const found = async () => (await status()).test.webhook.endpoint_problem;
  await check(24);
  expect(await found()).toBeNull();
  Object.assign(atStripe(), { status: 'disabled' });
  await check(48);
  await check(72);
  expect(await found()).toBe('disabled');
  Object.assign(atStripe(), { status: 'enabled' });
  await check(96);
  expect(await found()).toBeNull();
  for (const [day, [change, problem]] of (
    [
      [{ url: 'https://elsewhere.test/' }, 'other_url'],
      [{ enabled_events: ['charge.succeeded'] }, 'missing_events'],
    ] as const
  ).entries()) {
    Object.assign(atStripe(), change);
    await check(120 + day * 24);
    expect(await found()).toBe(problem);
    // Repairs it at once.
    await makeEndpoint().expect(200);
    expect(await found()).toBeNull();
  }
  account.test.delete('webhook_endpoint', id);
  await check(240);
  expect(await found()).toBe('missing');
  const disabled = (problem: string) => ({ type: 'endpoint.disabled', data: { endpoint: { id }, problem } });
  const recovered = { type: 'endpoint.recovered', data: { endpoint: { id } } };
  await expectEvents([
    disabled('disabled'),
    recovered,
    disabled('other_url'),
    recovered,
    disabled('missing_events'),
    recovered,
    disabled('missing'),
  ]);
});

it('replaces an endpoint whose API version is from before 2018', async () => {
  const { body } = await makeEndpoint().expect(201);
  Object.assign(account.test.all('webhook_endpoint')[0] ?? {}, { api_version: '2017-12-14' });
  await check(24);
  expect((await status()).test.webhook.endpoint_problem).toBe('old_version');
  const { body: replaced } = await makeEndpoint().expect(201);
  expect((replaced as { id: string }).id).not.toBe((body as { id: string }).id);
  await check(48);
  expect((await status()).test.webhook.endpoint_problem).toBeNull();
});

it('concludes nothing of an endpoint that was replaced or repaired while Stripe was asked', async () => {
  const { body } = await makeEndpoint().expect(201);
  const { id } = body as { id: string };
  const checks = app.app.get(ConnectionChecksRepository);
  const tenant = { projectId, mode: 'test' } as const;
  const now = new Date();
  await checks.record(tenant, { id: 'we_replaced', problem: 'missing' }, now);
  await checks.record(tenant, { id, problem: 'disabled' }, now, new Date(now.getTime() - 5_000));
  expect((await status()).test.webhook.endpoint_problem).toBeNull();
  expect(await events()).toEqual([]);
});

it('goes on with other projects after an unexpected error, which is logged once', async () => {
  const other = await app.createProject();
  await app.send('put', configPath(other)).send({ test_secret_key: account.keys.test.secret }).expect(200);
  const find = jest.spyOn(app.app.get(WebhookEndpointsRepository), 'find');
  find.mockRejectedValueOnce(new TypeError('broken'));
  await check(0);
  await check(0);
  await check(0.5);
  expect(asked()).toBe(1);
  expect(app.log.filter((line) => line.includes('1 stored keys could not be checked'))).toHaveLength(1);
  await check(2);
  expect(asked()).toBe(2);
  find.mockRestore();
});

it('asks once a day for a simulated month, and tells each of its incidents once', async () => {
  await makeEndpoint().expect(201);
  const endpoint = account.test.all('webhook_endpoint')[0] ?? {};
  const incidents: Record<number, () => void> = {
    3: () => app.stripe.mark(account.keys.test.secret, 'expired'),
    6: () => app.stripe.mark(account.keys.test.secret, 'active'),
    12: () => Object.assign(endpoint, { status: 'disabled' }),
    15: () => Object.assign(endpoint, { status: 'enabled' }),
    20: () => app.stripe.fail(connectionReset, { times: Infinity }),
    21: () => app.stripe.heal(),
  };
  const before = asked();
  const days: number[] = [];
  for (let hour = 24; hour < 31 * 24; hour += 6) {
    if (hour % 24 === 0) incidents[hour / 24]?.();
    const asks = asked();
    await check(hour);
    if (asked() > asks) days.push(Math.floor(hour / 24));
  }
  const { id } = endpoint as { id: string };
  await expectEvents([
    { type: 'credentials.invalid' },
    { type: 'credentials.recovered' },
    { type: 'endpoint.disabled', data: { endpoint: { id }, problem: 'disabled' } },
    { type: 'endpoint.recovered', data: { endpoint: { id } } },
  ]);
  // Each day, and after failures more often.
  expect(new Set(days).size).toBe(30);
  expect(asked() - before).toBeLessThan(60);
});

it('tillkeeper endpoints move leads every endpoint to another PUBLIC_BASE_URL', async () => {
  await makeEndpoint().expect(201);
  const environment = {
    ...testEnvironment(app.database),
    ...app.environment,
    PUBLIC_BASE_URL: 'https://moved.test',
  };
  const { code, output } = await runInProcess(environment, 'endpoints', 'move', '--json');
  const url = expect.stringMatching(/^https:\/\/moved\.test\//) as string;
  expect(JSON.parse(output)).toEqual({
    endpoints: [{ project_id: projectId, mode: 'test', url, error: null }],
  });
  expect(code).toBe(0);
  expect(account.test.all('webhook_endpoint')).toEqual([expect.objectContaining({ url, status: 'enabled' })]);
  app.stripe.mark(account.keys.test.secret, 'expired');
  const failed = await runInProcess(environment, 'endpoints', 'move');
  expect(failed).toMatchObject({ code: 1, output: expect.stringContaining('has expired at Stripe') });
});
