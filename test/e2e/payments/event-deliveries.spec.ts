import type { ServerResponse } from 'node:http';
import { Client } from 'pg';
import { Database, toTimestamp } from '../../../src/database/database.js';
import { DeliveriesRepository } from '../../../src/payments/events/delivery/deliveries.repository.js';
import { DeliveryWorker } from '../../../src/payments/events/delivery/delivery-worker.js';
import { NameServers } from '../../../src/payments/events/delivery/receiver-addresses.js';
import { RETRY_DELAYS_MS } from '../../../src/payments/events/delivery/retries.js';
import { DeliveriesService } from '../../../src/payments/events/delivery-log/deliveries.service.js';
import { DestinationHealth } from '../../../src/payments/events/destinations/destination-health.js';
import { EventRetention } from '../../../src/payments/events/event-retention.js';
import { EventLog } from '../../../src/payments/events/event-log.js';
import type { ProjectId } from '../../../src/common/ids.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { engine } from '../../harness/database/test-database.js';
import { eventually } from '../../harness/eventually.js';
import { EventReceiver } from '../../harness/servers/event-receiver.js';
import { OWNER } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

jest.setTimeout(60_000);

interface Attempt {
  at: string;
  status: number | null;
  error: string | null;
}
interface Delivery {
  id: string;
  type: string;
  state: string;
  attempts: Attempt[];
  next_attempt_at: string | null;
  response: string | null;
}
interface Page {
  deliveries: Delivery[];
  next_cursor: string | null;
}

const NOBODY = '00000000-0000-4000-8000-000000000000';
const OPERATORS = '/api/v1/operator/event-destinations';
const SCOPE = 'till:operate';
const OPERATOR = accessToken({ sub: 'operator-1', scope: SCOPE });
const METRICS_TOKEN = 'm'.repeat(32);
const HOUR_MS = 3_600_000;

let app: AppWithStripe;
let receiver: EventReceiver;
let projectId: ProjectId;

beforeAll(async () => {
  app = await startAppWithStripe({ environment: { AUTH_OPERATOR_SCOPE: SCOPE, METRICS_TOKEN } });
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await new EventReceiver().start();
  projectId = await app.createProject();
});
afterEach(async () => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  for (const { id } of (await app.send('get', OPERATORS, OPERATOR)).body as { id: string }[])
    await app.send('delete', `${OPERATORS}/${id}`, OPERATOR).expect(204);
  // With its destinations, so that no retry reaches the next test.
  await app.send('delete', `/api/v1/projects/${projectId}`).expect(204);
  await receiver.stop();
});

/** Attempts without an answer would end after 15 s, on a slow machine before the test. */
const attemptsNeverEnd = () =>
  jest.spyOn(AbortSignal, 'timeout').mockReturnValue(new AbortController().signal);

const destinations = (of: string = projectId) => `/api/v1/payments/stripe/projects/${of}/event-destinations`;
const create = async (fields: object = {}, at = destinations(), token = OWNER) =>
  (
    (
      await app
        .send('post', at, token)
        .send({ url: receiver.url, ...fields })
        .expect(201)
    ).body as { id: string }
  ).id;
const emit = async (count = 1, of: ProjectId = projectId) => {
  const log = app.app.get(EventLog);
  const ids: string[] = [];
  await app.app.get(Database).transaction(function* () {
    for (let version = 1; version <= count; version += 1)
      ids.push(
        (yield* log.add(['config.updated', { projectId: of, mode: null, config: { version, fields: [] } }]))
          .id,
      );
  });
  return ids;
};
const published = (count: number) =>
  eventually(async () => {
    const { body } = await app.send('get', `/api/v1/payments/stripe/projects/${projectId}/events`);
    expect((body as { events: object[] }).events).toHaveLength(count);
  });
const list = async (id: string, query = '', at = destinations(), token = OWNER) =>
  (await app.send('get', `${at}/${id}/deliveries${query}`, token).expect(200)).body as Page;
const only = async (id: string) => {
  const { deliveries } = await list(id);
  expect(deliveries).toHaveLength(1);
  return deliveries[0] as Delivery;
};
const settled = (id: string, state: string, attempts = 1) =>
  eventually(async () => {
    const delivery = await only(id);
    expect([delivery.state, delivery.attempts.length]).toEqual([state, attempts]);
    return delivery;
  });

describe('the log of a destination', () => {
  it('has each delivery with its attempts and the beginning of the answer', async () => {
    receiver.answerWith(200, `${'é'.repeat(40_000)}\0`);
    const id = await create();
    const [event] = await emit();
    const delivery = await settled(id, 'delivered');
    expect(delivery).toEqual({
      id: event,
      type: 'config.updated',
      state: 'delivered',
      attempts: [
        { at: expect.stringMatching(/Z$/), status: 200, duration_ms: expect.any(Number), error: null },
      ],
      next_attempt_at: null,
      response: expect.any(String),
      created_at: expect.stringMatching(/Z$/),
    });
    expect(Buffer.byteLength(delivery.response ?? '')).toBe(64 * 1024);
  });

  it('hides the secrets of the destination in an answer', async () => {
    receiver.answerWith(500, 'You sent example-key-1');
    const id = await create({ headers: { 'X-Api-Key': 'example-key-1' } });
    await emit();
    expect((await settled(id, 'pending')).response).toBe('You sent [hidden]');
  });

  it('filters by state and type, and has pages', async () => {
    const id = await create();
    const events = await emit(5);
    await app.send('post', `${destinations()}/${id}/test`).expect(200);
    await eventually(async () =>
      expect((await list(id, '?state=delivered&type=config.updated')).deliveries).toHaveLength(5),
    );
    expect((await list(id, '?type=destination.test')).deliveries).toHaveLength(1);
    for (const query of ['?state=failed', '?state=pending', '?type=payment.failed'])
      expect([query, (await list(id, query)).deliveries]).toEqual([query, []]);
    const seen: string[] = [];
    let page = await list(id, '?type=config.updated&limit=2');
    for (; ; page = await list(id, `?type=config.updated&limit=2&cursor=${page.next_cursor}`)) {
      seen.push(...page.deliveries.map((delivery) => delivery.id));
      if (page.next_cursor === null) break;
    }
    expect(seen).toEqual(events.toReversed());
  });

  it('has shorter pages of large answers', async () => {
    receiver.answerWith(500, 'x'.repeat(70_000));
    const id = await create({ enabled: false });
    for (let count = 0; count < 18; count += 1)
      await app.send('post', `${destinations()}/${id}/test`).expect(200);
    const first = await list(id, '?limit=100');
    expect(first.deliveries).toHaveLength(16);
    const rest = await list(id, `?limit=100&cursor=${first.next_cursor}`);
    expect([rest.deliveries.length, rest.next_cursor]).toEqual([2, null]);
  });

  it.each(['state=lost', 'type=payment', 'cursor=1', 'limit=0', 'limit=101', 'page=1'])(
    'refuses ?%s',
    async (query) => {
      const id = await create();
      await app.send('get', `${destinations()}/${id}/deliveries?${query}`).expect(422);
    },
  );

  it('belongs to its project', async () => {
    const id = await create();
    const [event] = await emit();
    await settled(id, 'delivered');
    const other = destinations(await app.createProject());
    const since = { since: '2026-01-01T00:00:00Z' };
    await app.send('get', `${other}/${id}/deliveries`).expect(404);
    await app.send('post', `${other}/${id}/deliveries/${event}/retry`).expect(404);
    await app.send('post', `${other}/${id}/recover`).send(since).expect(404);
    await app.send('post', `${other}/${id}/test`).expect(404);
    await app.send('get', `${OPERATORS}/${id}/deliveries`, OPERATOR).expect(404);
    expect(receiver.received).toHaveLength(1);
  });
});

it('is measured: attempts by result, pending deliveries, and the age of the oldest', async () => {
  const read = async () => {
    const { text } = await app.send('get', '/metrics', METRICS_TOKEN).expect(200);
    const valueOf = (sample: string) =>
      Number(text.split(`\ntillkeeper_event_${sample} `)[1]?.split('\n')[0]);
    return {
      delivered: valueOf('attempts_total{result="delivered"}'),
      failed: valueOf('attempts_total{result="failed"}'),
      pending: valueOf('deliveries_pending'),
      age: valueOf('deliveries_oldest_age_seconds'),
    };
  };
  const before = await read();
  const id = await create();
  await emit();
  await settled(id, 'delivered');
  const due = jest.spyOn(app.app.get(DeliveriesRepository), 'due').mockResolvedValue([]);
  receiver.answerWith(500);
  await emit();
  await eventually(async () => expect(await read()).toMatchObject({ pending: before.pending + 1 }));
  expect((await read()).age).toBeGreaterThan(0);
  due.mockRestore();
  await eventually(async () => {
    const { delivered, failed } = await read();
    expect([delivered - before.delivered, failed - before.failed]).toEqual([1, 1]);
  });
  // A failing destination waits for its receiver, and not for us.
  expect(await read()).toMatchObject({ pending: before.pending + 1, age: 0 });
  await app.send('put', `${destinations()}/${id}`).send({ enabled: false }).expect(200);
  expect(await read()).toMatchObject({ pending: before.pending });
});

describe('sending again', () => {
  it('sends one delivery again, at once', async () => {
    receiver.answerWith(500);
    const id = await create();
    const [event = ''] = await emit();
    const { next_attempt_at: next } = await settled(id, 'pending');
    expect(Date.parse(next ?? '')).toBeGreaterThan(Date.now());
    receiver.answerWith(204);
    const retry = (delivery: string) =>
      app.send('post', `${destinations()}/${id}/deliveries/${delivery}/retry`);
    expect((await retry(event).expect(200)).body).toMatchObject({ id: event, state: 'pending' });
    const { attempts } = await settled(id, 'delivered', 2);
    expect(attempts.map(({ status }) => status)).toEqual([500, 204]);
    // A delivered event too.
    await retry(event).expect(200);
    await settled(id, 'delivered', 3);
    expect(receiver.received.map(({ body }) => body.id)).toEqual([event, event, event]);
    expect((await retry(NOBODY).expect(404)).body).toEqual({
      detail: 'The destination has no delivery of this event.',
    });
  });

  it('shows no next attempt while it makes one', async () => {
    const held: ServerResponse[] = [];
    receiver.answer = (response) => held.push(response);
    const id = await create();
    await emit();
    await eventually(async () => expect(held.length).toBe(1));
    expect(await only(id)).toMatchObject({ state: 'pending', attempts: [], next_attempt_at: null });
    held[0]?.writeHead(500).end();
    const { next_attempt_at: next } = await settled(id, 'pending');
    expect(Date.parse(next ?? '') - Date.now()).toBeLessThan(6_000);
  });

  it('sends a delivery again that is just being attempted', async () => {
    const held: ServerResponse[] = [];
    receiver.answer = (response) => held.push(response);
    const id = await create();
    const [event] = await emit();
    await eventually(async () => expect(held.length).toBe(1));
    await app.send('post', `${destinations()}/${id}/deliveries/${event}/retry`).expect(200);
    receiver.answerWith(204);
    held[0]?.writeHead(204).end();
    await eventually(async () => expect(receiver.received).toHaveLength(2));
    await settled(id, 'delivered');
  });

  it('recovers what a destination missed, once', async () => {
    const since = new Date().toISOString();
    const [early = ''] = await emit();
    await published(1);
    const id = await create({ event_types: ['config.updated'] });
    const change = (fields: object) => app.send('put', `${destinations()}/${id}`).send(fields).expect(200);
    await change({ enabled: false });
    const missed = await emit(2);
    await published(3);
    await change({ enabled: true });
    const [late = ''] = await emit();
    await published(4);
    const recover = async (from: string) =>
      (await app.send('post', `${destinations()}/${id}/recover`).send({ since: from }).expect(200))
        .body as object;
    expect(await recover(since)).toEqual({ deliveries: 3, has_more: false });
    expect(await recover(since)).toEqual({ deliveries: 0, has_more: false });
    await eventually(async () => {
      const { deliveries } = await list(id, '?state=delivered');
      expect(deliveries.map((delivery) => delivery.id)).toEqual([late, ...missed.toReversed(), early]);
    });
  });

  it('recovers no news about the destination itself', async () => {
    const since = new Date().toISOString();
    receiver.answerWith(410);
    const id = await create();
    await emit();
    await settled(id, 'failed');
    await published(2);
    const other = await create({ enabled: false });
    const recover = async (of: string) =>
      (await app.send('post', `${destinations()}/${of}/recover`).send({ since }).expect(200)).body as object;
    expect(await recover(id)).toMatchObject({ deliveries: 1 });
    expect(await recover(other)).toMatchObject({ deliveries: 2 });
  });

  it('recovers in small transactions', async () => {
    const since = new Date().toISOString();
    await emit(1_100);
    await eventually(async () => expect(await app.app.get(EventLog).hasUnpublished()).toBe(false));
    const id = await create({ event_types: ['config.updated'], enabled: false });
    const recover = async () =>
      (await app.send('post', `${destinations()}/${id}/recover`).send({ since }).expect(200)).body as object;
    const transaction = jest.spyOn(app.app.get(Database), 'transaction');
    expect(await recover()).toEqual({ deliveries: 1_100, has_more: false });
    expect(transaction.mock.calls.length).toBeGreaterThanOrEqual(3);
    await execute(
      app.database,
      `UPDATE event_deliveries SET state = 'failed', due_at = NULL WHERE destination_id = '${id}'`,
    );
    expect(await recover()).toEqual({ deliveries: 1_100, has_more: false });
  });

  it.each([{}, { since: 'yesterday' }, { since: '2099-01-01T00:00:00Z' }, { since: 1 }, { since: null }])(
    'refuses to recover with %j',
    async (body) => {
      const id = await create();
      await app.send('post', `${destinations()}/${id}/recover`).send(body).expect(422);
    },
  );

  it('tests a destination once, also a disabled one', async () => {
    receiver.answerWith(503, 'Later');
    const id = await create({ event_types: ['payment.failed'], enabled: false });
    const { body } = await app.send('post', `${destinations()}/${id}/test`).expect(200);
    expect(body).toMatchObject({
      type: 'destination.test',
      state: 'failed',
      attempts: [{ status: 503, error: 'The receiver answered 503.' }],
      next_attempt_at: null,
      response: 'Later',
    });
    expect(receiver.received.map((each) => each.body)).toMatchObject([
      { type: 'destination.test', project_id: projectId, data: { destination: { id } } },
    ]);
    expect((await app.send('get', `${destinations()}/${id}`).expect(200)).body).toMatchObject({
      failing_since: null,
    });
    expect(await only(id)).toEqual(body);
    // Nobody pulls it.
    const { body: pulled } = await app.send('get', `/api/v1/payments/stripe/projects/${projectId}/events`);
    expect(pulled).toMatchObject({ events: [] });
  });

  it('counts the failure of a repeated test neither', async () => {
    receiver.answerWith(410);
    const id = await create();
    const { body } = await app.send('post', `${destinations()}/${id}/test`).expect(200);
    const { id: event } = body as Delivery;
    await app.send('post', `${destinations()}/${id}/deliveries/${event}/retry`).expect(200);
    await settled(id, 'failed', 2);
    expect((await app.send('get', `${destinations()}/${id}`).expect(200)).body).toMatchObject({
      enabled: true,
      failing_since: null,
    });
  });

  it('does the same for destinations of the operator', async () => {
    receiver.answerWith(500);
    const id = await create({ event_types: ['config.updated'] }, OPERATORS, OPERATOR);
    const [event = ''] = await emit();
    await eventually(async () => {
      const { deliveries } = await list(id, '', OPERATORS, OPERATOR);
      expect(deliveries).toMatchObject([{ id: event, state: 'pending', attempts: [{ status: 500 }] }]);
    });
    receiver.answerWith(204);
    await app.send('post', `${OPERATORS}/${id}/deliveries/${event}/retry`, OPERATOR).expect(200);
    await eventually(async () =>
      expect((await list(id, '?state=delivered', OPERATORS, OPERATOR)).deliveries).toHaveLength(1),
    );
    const since = { since: new Date(Date.now() - 1_000).toISOString() };
    await app.send('post', `${OPERATORS}/${id}/recover`, OPERATOR).send(since).expect(200);
    const { body } = await app.send('post', `${OPERATORS}/${id}/test`, OPERATOR).expect(200);
    expect(body).toMatchObject({ type: 'destination.test', state: 'delivered' });
    const test = receiver.received.find((each) => each.body.type === 'destination.test');
    expect(test?.body).toMatchObject({ project_id: null });
  });

  it('makes one destination of the operator for one Idempotency-Key of a caller', async () => {
    const post = (sub: string, url = receiver.url) =>
      app
        .send('post', OPERATORS, accessToken({ sub, scope: SCOPE }))
        .set('idempotency-key', 'one')
        .send({ url });
    const first = await post('operator-1').expect(201);
    const again = await post('operator-1').expect(201);
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotent-replayed']).toBe('true');
    await post('operator-1', `${receiver.url}/other`).expect(422);
    const other = await post('operator-2').expect(201);
    expect(other.text).not.toBe(first.text);
    expect((await app.send('get', OPERATORS, OPERATOR)).body).toHaveLength(2);
  });
});

describe('a receiver', () => {
  it('that answers 410 gets nothing more until it is enabled again', async () => {
    receiver.answerWith(410);
    const id = await create();
    await emit();
    await settled(id, 'failed');
    const read = async () => (await app.send('get', `${destinations()}/${id}`).expect(200)).body as object;
    await eventually(async () =>
      expect(await read()).toMatchObject({ enabled: false, disabled_reason: 'gone' }),
    );
    const watched = await new EventReceiver().start();
    await create({ url: watched.url });
    await emit();
    await eventually(async () =>
      expect(watched.received.map(({ body }) => body.type)).toContain('config.updated'),
    );
    await watched.stop();
    expect(receiver.received).toHaveLength(1);
    receiver.answerWith(204);
    await app.send('put', `${destinations()}/${id}`).send({ enabled: true }).expect(200);
    expect(await read()).toMatchObject({ enabled: true, disabled_reason: null, failing_since: null });
    await emit();
    await eventually(async () => expect(receiver.received).toHaveLength(2));
  });

  it('that is busy gets the event again when it asks for it', async () => {
    receiver.answer = (response) => response.writeHead(429, { 'retry-after': '3600' }).end();
    const id = await create();
    await emit();
    const { attempts, next_attempt_at: next } = await settled(id, 'pending');
    expect(Object.keys(attempts[0] ?? {}).sort()).toEqual(['at', 'duration_ms', 'error', 'status']);
    expect(Date.parse(next ?? '') - Date.now()).toBeGreaterThan(3_500_000);
  });

  it('that redirects is not followed', async () => {
    const target = await new EventReceiver().start();
    receiver.answer = (response) => response.writeHead(307, { location: target.url }).end();
    const id = await create();
    await emit();
    const { attempts } = await settled(id, 'pending');
    expect(attempts).toMatchObject([{ status: 307, error: expect.stringMatching(/redirects/) }]);
    expect(target.received).toEqual([]);
    await target.stop();
  });

  it('whose name leads elsewhere later gets nothing', async () => {
    const servers = app.app.get(NameServers);
    const found = jest.spyOn(servers, 'addressesOf').mockResolvedValue(['127.0.0.1']);
    const id = await create({ url: `http://rebound.example:${receiver.port}/` });
    found.mockResolvedValue(['127.0.0.1', '10.0.0.1']);
    await emit();
    const { attempts } = await settled(id, 'pending');
    expect(attempts).toMatchObject([{ status: null, error: expect.stringMatching(/not public/) }]);
    expect(receiver.received).toEqual([]);
    found.mockRestore();
  });

  it('that never answers delays none of forty-nine others', async () => {
    attemptsNeverEnd();
    const held: ServerResponse[] = [];
    receiver.answer = (response, path) =>
      path === '/dead' ? held.push(response) : response.writeHead(204).end();
    const projects = [projectId];
    while (projects.length < 4) projects.push(await app.createProject());
    const paths = Array.from({ length: 50 }, (_, index) => (index === 0 ? '/dead' : `/${index}`));
    for (const [index, path] of paths.entries()) {
      const at = destinations(projects[index % projects.length]);
      await create({ url: new URL(path, receiver.url).href }, at);
    }
    for (const each of projects) await emit(10, each);
    const countOf = (path: string) => receiver.received.filter((each) => each.path === path).length;
    await eventually(async () => {
      expect(paths.slice(1).map(countOf)).toEqual(Array.from({ length: 49 }, () => 10));
    }, 50_000);
    expect(held.length).toBe(5);
    receiver.answer = (response) => response.writeHead(204).end();
    for (const response of held) response.writeHead(204).end();
  });
});

it('deletes old events though old deliveries can not be deleted', async () => {
  const [event] = await emit();
  await published(1);
  const deliveries = app.app.get(DeliveriesRepository);
  jest.spyOn(deliveries, 'keepDays').mockRejectedValue(new Error('The table is locked.'));
  jest.spyOn(deliveries, 'forget').mockRejectedValue(new Error('The table is locked.'));
  const future = new Date(Date.now() + 31 * 24 * HOUR_MS);
  await expect(app.app.get(EventRetention).sweep(future)).rejects.toMatchObject({ name: 'AggregateError' });
  expect((await rowsOf(app.database, 'events')).map(({ id }) => id)).not.toContain(event);
});

it('delays nobody, though as many destinations are slow as can be served at once', async () => {
  attemptsNeverEnd();
  const held: ServerResponse[] = [];
  receiver.answer = (response, path) =>
    path === '/slow' ? held.push(response) : response.writeHead(204).end();
  const projects: ProjectId[] = [];
  while (projects.length < 7) projects.push(await app.createProject());
  const url = new URL('/slow', receiver.url).href;
  const slowOnes = Array.from({ length: 100 }, (_, index) => projects[index % projects.length]);
  await Promise.all(
    projects.map(async (project) => {
      for (const each of slowOnes) if (each === project) await create({ url }, destinations(project));
      await emit(1, project);
    }),
  );
  await eventually(async () => expect(held.length).toBe(100));
  await create();
  await emit();
  await eventually(async () => expect(receiver.received.map(({ path }) => path)).toContain('/events'));
  for (const response of held) response.writeHead(204).end();
  for (const project of projects) await app.send('delete', `/api/v1/projects/${project}`).expect(204);
});

it('goes on after an unexpected error, later and with one message', async () => {
  const next = jest
    .spyOn(app.app.get(DeliveriesRepository), 'next')
    .mockRejectedValue(new Error('The database has a fault.'));
  const id = await create();
  await emit();
  await eventually(async () => expect(next).toHaveBeenCalled());
  for (let run = 0; run < 5; run += 1) await app.app.get(DeliveryWorker).task.run();
  expect(next).toHaveBeenCalledTimes(1);
  expect(app.log.filter((line) => line.includes(`could not be sent to destination ${id}`))).toHaveLength(1);
});

it('tries the next event at once after a failure, since the destination may answer', async () => {
  receiver.answerWith(500);
  const id = await create();
  await emit();
  await settled(id, 'pending');
  receiver.answerWith(204);
  await emit();
  const times = await eventually(async () => {
    const { deliveries } = await list(id);
    expect(deliveries.map(({ state }) => state)).toContain('delivered');
    return deliveries.map(({ attempts: [first] }) => Date.parse(first?.at ?? ''));
  });
  expect(Math.max(...times) - Math.min(...times)).toBeLessThan(4_900);
});

it('waits between attempts to a dead destination, also when new events come', async () => {
  receiver.answerWith(500);
  const id = await create();
  const since = new Date(Date.now() - 120_000).toISOString().replace(/[TZ]/g, ' ').trim();
  await execute(app.database, `UPDATE event_destinations SET failing_since = '${since}' WHERE id = '${id}'`);
  await emit();
  await settled(id, 'pending');
  await emit();
  await published(2);
  const rows = await rowsOf(app.database, 'event_destinations');
  const row = rows.find((each) => each['id'] === id);
  const timeOf = (column: string) => Date.parse(toTimestamp(row?.[column] as Date | string));
  expect(timeOf('next_due_at') - timeOf('last_failure_at')).toBeGreaterThanOrEqual(4_900);
  expect(receiver.received).toHaveLength(1);
});

(engine === 'postgres' ? it : it.skip)(
  'delivers an event that is published while the worker finds nothing',
  async () => {
    const id = await create();
    const due = jest.spyOn(app.app.get(DeliveriesRepository), 'due').mockResolvedValue([]);
    await execute(app.database, `UPDATE event_destinations SET next_due_at = now() WHERE id = '${id}'`);
    const worker = new Client({ connectionString: app.database.url });
    await worker.connect();
    await worker.query(`BEGIN; SELECT FROM event_destinations WHERE id = '${id}' FOR UPDATE`);
    await emit();
    await eventually(async () => {
      const waiting = await app.database.run(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%event_destinations%'",
      );
      expect(waiting).not.toEqual([]);
    });
    await worker.query(`UPDATE event_destinations SET next_due_at = NULL WHERE id = '${id}'; COMMIT`);
    await worker.end();
    due.mockRestore();
    await eventually(async () => expect(receiver.received).toHaveLength(1));
  },
);

it('retries by the table, then fails; warns after one and three days, and disables after five', async () => {
  receiver.answerWith(500);
  const id = await create({ event_types: ['config.updated'] });
  jest.useFakeTimers({
    now: Date.now(),
    doNotFake: [
      'nextTick',
      'setImmediate',
      'setInterval',
      'clearInterval',
      'setTimeout',
      'clearTimeout',
      'queueMicrotask',
      'performance',
    ],
  });
  const start = Date.now();
  const deliveries = app.app.get(DeliveriesService);
  const worker = app.app.get(DeliveryWorker);
  const health = app.app.get(DestinationHealth);
  const filter = { state: null, type: 'config.updated' as const, before: null, limit: 10 };
  const log = app.app.get(EventLog);
  const sent = async () => {
    const { events } = await log.pull(projectId, { after: 0, types: null, limit: 100 });
    return events.map(({ type }) => type);
  };
  const versions = async () => {
    const { events } = await log.pull(projectId, { after: 0, types: null, limit: 100 });
    return events.flatMap(
      ({ data }) => (JSON.parse(data) as { destination?: { version: number } }).destination?.version ?? [],
    );
  };
  await emit();
  for (const [index, delay] of [...RETRY_DELAYS_MS, undefined].entries()) {
    const row = await eventually(async () => {
      const [found] = (await deliveries.list(projectId, id, filter)).deliveries;
      expect(found?.attempts).toBe(index + 1);
      return found;
    });
    expect(row?.state).toBe(delay === undefined ? 'failed' : 'pending');
    if (delay === undefined || !row?.dueAt) break;
    const waits = row.dueAt.getTime() - Date.now();
    expect(waits).toBeGreaterThanOrEqual(delay);
    expect(waits).toBeLessThanOrEqual(delay * 1.1 + 1_000);
    // Nothing is sent before.
    jest.setSystemTime(row.dueAt.getTime() - 1);
    await worker.task.run();
    expect((await deliveries.list(projectId, id, filter)).deliveries[0]?.attempts).toBe(index + 1);
    jest.setSystemTime(row.dueAt);
    worker.wake();
    await health.check(new Date());
  }
  expect(receiver.received).toHaveLength(RETRY_DELAYS_MS.length + 1);
  await eventually(async () =>
    expect(await sent()).toEqual(['config.updated', 'destination.failing', 'destination.failing']),
  );
  jest.setSystemTime(start + 120 * HOUR_MS + 60_000);
  await health.check(new Date());
  await health.check(new Date());
  await eventually(async () => expect((await sent()).slice(3)).toEqual(['destination.disabled']));
  expect(await versions()).toEqual([2, 3, 4]);
});
