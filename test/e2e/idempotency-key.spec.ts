import type { ProjectId } from '../../src/common/ids.js';
import { IdempotencyKeysRepository } from '../../src/payments/idempotency/idempotency-keys.repository.js';
import { type AppWithStripe, endpointsPath, startAppWithStripe } from '../harness/app-with-stripe.js';
import { eventually } from '../harness/eventually.js';
import { execute, rowsOf } from '../harness/database/rows.js';
import { answerLost, down, slow } from '../harness/stripe/faults.js';
import { configPath, STRANGER } from '../harness/test-app.js';

const CREATE = 'POST /v1/webhook_endpoints';

describe('Idempotency-Key', () => {
  let app: AppWithStripe;
  let projectId: ProjectId;

  beforeAll(async () => {
    app = await startAppWithStripe({ environment: { PUBLIC_BASE_URL: 'https://tillkeeper.test' } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    projectId = await newProject();
    app.stripe.requests.length = 0;
  });
  afterEach(async () => {
    app.stripe.heal();
    jest.restoreAllMocks();
    await execute(app.database, 'DELETE FROM idempotency_keys');
  });

  async function newProject(token?: string): Promise<ProjectId> {
    const id = await app.createProject(token);
    const { keys } = app.stripe.addAccount();
    const body = { test_secret_key: keys.test.secret, live_secret_key: keys.live.secret };
    await app.send('put', configPath(id), token).send(body).expect(200);
    return id;
  }
  const create = (key: string, mode = 'test', id = projectId, token?: string) =>
    app.send('post', endpointsPath(id), token).set('idempotency-key', key).send({ mode });
  const asksOfStripe = () => app.stripe.requests.length;
  const keys = () => rowsOf(app.database, 'idempotency_keys');
  const longAgo = (column: string) =>
    execute(app.database, `UPDATE idempotency_keys SET ${column} = '2026-01-01 00:00:00.000'`);

  it('repeats answer and status for a repeated request, without asking Stripe again', async () => {
    const first = await create('one').expect(201);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    const asked = asksOfStripe();
    const again = await create('one').expect(201);
    expect(again.text).toBe(first.text);
    expect(again.headers).toMatchObject({ 'idempotent-replayed': 'true', 'cache-control': 'no-store' });
    expect(again.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    expect(asksOfStripe()).toBe(asked);
    await create('another').expect(200);
  });

  it.each([
    ['gateway-keys', { name: 'Shop', mode: 'test', permissions: { customers: 'read' } }],
    ['connect-links', { mode: 'test', return_url: 'https://example.com/back' }],
  ])('makes one of %s, and shows its secret again', async (kind, body) => {
    const path = endpointsPath(projectId).replace('webhook-endpoints', kind);
    const post = () => app.send('post', path).set('idempotency-key', 'one').send(body);
    const first = await post().expect(201);
    const again = await post().expect(201);
    expect(again.text).toBe(first.text);
    expect((await app.send('get', path).expect(200)).body).toHaveLength(1);
    expect(JSON.stringify(await keys())).not.toContain(first.text.slice(1, 60));
  });

  it('treats equal bodies in other spellings as equal', async () => {
    await create('one').expect(201);
    const { headers } = await app
      .send('post', endpointsPath(projectId))
      .set('idempotency-key', 'one')
      .set('content-type', 'application/json')
      .send(' { "mode" : "test" } ')
      .expect(201);
    expect(headers['idempotent-replayed']).toBe('true');
  });

  it('is refused for another body: 422', async () => {
    await create('one').expect(201);
    const { body } = await create('one', 'live').expect(422);
    const msg = 'was used for another request within the last 24 hours; choose a new key for a new request';
    expect(body).toEqual({ detail: [{ loc: ['header', 'Idempotency-Key'], msg, type: 'value_error' }] });
    await create('two', 'live').expect(201);
  });

  it('is separate for each caller and project', async () => {
    const others = await newProject(STRANGER);
    await create('one').expect(201);
    await create('one').expect(201);
    expect(
      (await create('one', 'test', await newProject()).expect(201)).headers['idempotent-replayed'],
    ).toBeUndefined();
    expect(
      (await create('one', 'live', others, STRANGER).expect(201)).headers['idempotent-replayed'],
    ).toBeUndefined();
    await create('one', 'test', projectId, STRANGER).expect(403);
  });

  it.each([
    ['empty', ''],
    ['256 characters long', 'k'.repeat(256)],
    ['not ASCII', 'clé'],
    ['a tab', 'a\tb'],
  ])('is refused when it is %s: 422', async (_, key) => {
    const { body } = await create(key).expect(422);
    expect(body.detail).toEqual([expect.objectContaining({ loc: ['header', 'Idempotency-Key'] })]);
    expect(asksOfStripe()).toBe(0);
  });

  it.each(['k', 'k'.repeat(255), ' ~!"[{}]; DROP TABLE idempotency_keys --'])('may be %s', async (key) => {
    await create(key).expect(201);
    expect((await create(key).expect(201)).headers['idempotent-replayed']).toBe('true');
  });

  it('stores no errors: of the request, of the server, of Stripe', async () => {
    await create('one', 'banana').expect(422);
    app.stripe.fail(down(500, { retry: false }), { on: CREATE, times: Infinity });
    await create('one', 'live').expect(503);
    expect(await keys()).toEqual([]);
    app.stripe.heal();
    const { headers } = await create('one').expect(201);
    expect(headers['idempotent-replayed']).toBeUndefined();
  });

  it('is busy while the first request runs (409), and then has its answer', async () => {
    let release: (value?: unknown) => void = () => undefined;
    app.stripe.fail(slow(new Promise((resolve) => (release = resolve))), { on: CREATE });
    const first = create('one').then();
    await eventually(async () => expect(asksOfStripe()).toBeGreaterThan(1));
    const busy = await create('one').expect(409);
    expect(busy.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(busy.body.detail).toMatch(/still running/);
    await create('one', 'live').expect(422);
    release();
    expect((await first).status).toBe(201);
    expect((await create('one').expect(201)).text).toBe((await first).text);
  });

  it('lets one of many concurrent requests run', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => create('one')));
    expect(
      answers.filter(({ status, headers }) => status === 201 && !headers['idempotent-replayed']),
    ).toHaveLength(1);
    expect(answers.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
    expect(app.stripe.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('is free again after a crash once the lease has expired, for an equal request only', async () => {
    // Simulates a crash: the key stays claimed, without an answer.
    jest.spyOn(IdempotencyKeysRepository.prototype, 'release').mockResolvedValue();
    app.stripe.fail(answerLost, { on: CREATE, times: Infinity });
    await create('one').expect(503);
    app.stripe.heal();
    await create('one').expect(409);
    await longAgo('lease_until');
    await create('one', 'live').expect(422);
    await create('one').expect(201);
    expect((await create('one').expect(201)).headers['idempotent-replayed']).toBe('true');
  });

  it('stores the answer of the current lease, not of an attempt that outlived its lease', async () => {
    let release: (value?: unknown) => void = () => undefined;
    app.stripe.fail(slow(new Promise((resolve) => (release = resolve))), { on: 'GET /v1/webhook_endpoints' });
    const slowOne = create('one').then();
    await eventually(async () => expect(asksOfStripe()).toBe(1));
    await execute(
      app.database,
      `UPDATE idempotency_keys SET holder = '00000000-0000-4000-8000-000000000000'`,
    );
    release();
    expect((await slowOne).status).toBe(201);
    expect(await keys()).toEqual([expect.objectContaining({ answer: null })]);
  });

  it('returns the result even if it can not be stored', async () => {
    jest.spyOn(IdempotencyKeysRepository.prototype, 'answer').mockRejectedValueOnce(new Error('no'));
    await create('one').expect(201);
    expect(app.log.join()).toContain('could not be stored');
  });

  it('expires after 24 hours, and is swept', async () => {
    await create('one').expect(201);
    await longAgo('created_at');
    expect((await create('one').expect(200)).headers['idempotent-replayed']).toBeUndefined();
    await create('two').expect(200);
    await longAgo('created_at');
    await create('three').expect(200);
    await app.app.get(IdempotencyKeysRepository).sweep();
    expect(await keys()).toHaveLength(1);
  });

  it('and its answer are not readable in the database', async () => {
    const { body } = await create('my-own-key').expect(201);
    const stored = JSON.stringify(await keys());
    expect(stored).toContain('tk1.');
    for (const text of ['my-own-key', body.id, body.url, 'developer-1']) expect(stored).not.toContain(text);
  });
});
