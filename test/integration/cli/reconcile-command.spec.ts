import Sqlite from 'better-sqlite3';
import type { ProjectId } from '../../../src/common/ids.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { runInProcess, startCommand } from '../../harness/command-line.js';
import { Installation } from '../../harness/installation.js';
import { slow } from '../../harness/stripe/faults.js';
import { TcpProxy } from '../../harness/servers/tcp-proxy.js';
import { configPath } from '../../harness/test-app.js';

jest.setTimeout(60_000);

const EVENTS = 'GET /v1/events';
const SUBSCRIPTIONS = 'GET /v1/subscriptions';
const TENANTS = 12;
const AT_ONCE = 10;

let installation: Installation;
let app: AppWithStripe;
let projectIds: ProjectId[];

beforeAll(() => {
  installation = new Installation();
});
afterAll(() => installation.remove());
beforeEach(async () => {
  app = await startAppWithStripe();
  projectIds = [];
  for (let count = 0; count < TENANTS; count++) {
    const projectId = await app.createProject();
    const body = { test_secret_key: app.stripe.addAccount().keys.test.secret };
    await app.send('put', configPath(projectId)).send(body).expect(200);
    projectIds.push(projectId);
  }
  app.stripe.requests.length = 0;
});
afterEach(() => app.close());

const requests = (endpoint: string) =>
  app.stripe.requests.filter(({ method, path }) => `${method} ${path}` === endpoint);
/** Requests by tenant, in the order of their first requests: the SDK may retry. */
const keysOf = (endpoint: string) => [
  ...new Set(requests(endpoint).map(({ headers }) => headers.authorization)),
];

/** Holds every answer to `endpoint` until `count` requests have arrived and `then` has resolved. */
function holdUntilAsked(
  endpoint: string,
  count: number,
  then: () => Promise<unknown> = async () => undefined,
): void {
  let asked = 0;
  let release: (ready: unknown) => void = () => undefined;
  const all = new Promise((resolve) => (release = resolve));
  app.stripe.fail(
    (exchange) => {
      if (++asked === count) release(then());
      return slow(all)(exchange);
    },
    { on: endpoint, times: Infinity },
  );
}

it('reconciles ten tenants at once, and a slow Stripe for one delays no other', async () => {
  let release: (ready: unknown) => void = () => undefined;
  const othersDone = new Promise((resolve) => (release = resolve));
  app.stripe.fail(slow(othersDone), { on: EVENTS });
  holdUntilAsked(EVENTS, AT_ONCE - 1);
  let compared = 0;
  app.stripe.fail(
    async ({ perform, send }) => {
      send(await perform());
      if (++compared === TENANTS - 1) release(undefined);
    },
    { on: SUBSCRIPTIONS, times: Infinity },
  );
  const { code, output, errors } = await runInProcess(app.environment, 'reconcile', '--json');
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(keysOf(EVENTS)).toHaveLength(TENANTS);
  expect(keysOf(SUBSCRIPTIONS)).toHaveLength(TENANTS);
  expect(keysOf(SUBSCRIPTIONS).at(-1)).toBe(keysOf(EVENTS)[0]);
  const { projects } = JSON.parse(output) as { projects: { project_id: string; complete: boolean }[] };
  expect(projects.map(({ project_id: id }) => id)).toEqual(projectIds.toSorted());
  expect(projects.every(({ complete }) => complete)).toBe(true);
});

it('works on at most ten tenants, and starts none after an interruption', async () => {
  const command = startCommand(installation, app.environment, 'reconcile', '--json');
  holdUntilAsked(EVENTS, AT_ONCE, async () => {
    command.signal('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 500));
  });
  expect(await command.ended).toEqual({ code: 130, signal: null });
  expect(JSON.parse(command.output)).toEqual({ error: expect.stringMatching(/^Interrupted/) });
  expect(command.errors).toBe('');
  expect(keysOf(EVENTS)).toHaveLength(AT_ONCE);
  expect(keysOf(SUBSCRIPTIONS)).toEqual([]);
});

it('fails when the database becomes unavailable', async () => {
  const { url, breakDown, end } = await breakableDatabase();
  try {
    holdUntilAsked(EVENTS, 1, breakDown);
    const environment = { ...app.environment, DATABASE_URL: url };
    const { code, output, errors } = await runInProcess(
      environment,
      'reconcile',
      '--json',
      '--project',
      projectIds[0] ?? '',
    );
    expect({ code, errors }).toEqual({ code: 1, errors: '' });
    expect(JSON.parse(output)).toEqual({ error: expect.stringMatching(/database/i) });
    expect(keysOf(SUBSCRIPTIONS)).toEqual([]);
  } finally {
    await end();
  }
});

async function breakableDatabase(): Promise<{
  url: string;
  breakDown: () => Promise<unknown>;
  end: () => Promise<unknown>;
}> {
  const { engine, url } = app.database;
  if (engine === 'postgres') {
    const proxy = await TcpProxy.to(url);
    let closed: Promise<void> | undefined;
    const close = () => (closed ??= proxy.close());
    return { url: proxy.url, breakDown: close, end: close };
  }
  const file = new Sqlite(url.replace('sqlite:', ''));
  return { url, breakDown: async () => file.exec('BEGIN IMMEDIATE'), end: async () => file.close() };
}
