import { randomUUID } from 'node:crypto';
import { execute } from '../../harness/database/rows.js';
import { configPath, OWNER, startTestApp, STRANGER, type TestApp } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

interface Listed {
  id: string;
  created_at: string;
  status: string;
  project_name?: string;
}

describe('the lists of subscriptions and payments', () => {
  let app: TestApp;
  let tea: string;
  let cake: string;
  let foreign: string;

  const at = (second: number) => `2026-01-01 00:00:${String(second).padStart(2, '0')}.000`;
  const count = async (project: string, mode: string, kind: string, status: string, total: number) =>
    execute(
      app.database,
      `INSERT INTO ledger_counts (project_id, mode, kind, status, slot, total) VALUES ('${project}', '${mode}', '${kind}', '${status}', ${(slot += 1)}, ${total})`,
    );
  const time = (text: string) => (app.database.engine === 'postgres' ? `'${text}Z'` : `'${text}'`);

  let slot = 0;
  /** A row as the ledger writes it. */
  async function addPayment(
    project: string,
    mode: string,
    status: string,
    createdAt: string,
    currency = 'usd',
    refunded = 0,
    source = 'stripe',
  ) {
    const id = randomUUID();
    await execute(
      app.database,
      `INSERT INTO stripe_payments (project_id, mode, payment_intent_id, id, user_rank, status, amount_cents, currency, source, refunded_amount_cents, created_at, source_rank, as_of, revision, updated_at)
       VALUES ('${project}', '${mode}', 'pi_${id}', '${id}', 0, '${status}', 2000, '${currency}', '${source}', ${refunded}, ${time(createdAt)}, 1, ${time(createdAt)}, 1, ${time(createdAt)})`,
    );
    await count(project, mode, 'payment', status, 1);
    if (!['succeeded', 'refunded', 'partially_refunded'].includes(status)) return id;
    await execute(
      app.database,
      `INSERT INTO ledger_revenue (project_id, mode, currency, slot, payments, gross_cents, net_cents, out_of_band_cents)
       VALUES ('${project}', '${mode}', '${currency}', ${(slot += 1)}, 1, 2000, ${2000 - refunded}, ${source === 'stripe' ? 0 : 2000})`,
    );
    return id;
  }
  async function addSubscription(project: string, mode: string, status: string, createdAt: string) {
    const id = randomUUID();
    await execute(
      app.database,
      `INSERT INTO stripe_subscriptions (project_id, mode, subscription_id, id, status, quantity, created_at, as_of, revision, updated_at)
       VALUES ('${project}', '${mode}', 'sub_${id}', '${id}', '${status}', 1, ${time(createdAt)}, ${time(createdAt)}, 1, ${time(createdAt)})`,
    );
    await count(project, mode, 'subscription', status, 1);
    return id;
  }
  const get = async (path: string, token = OWNER) =>
    (await app.send('get', `/api/v1/payments/${path}`, token).expect(200)).body as never;
  const payments = async (path: string, token = OWNER) =>
    ((await get(path, token)) as { payments: Listed[] }).payments.map(({ id }) => id);
  const subscriptions = async (path: string, token = OWNER) =>
    ((await get(path, token)) as { subscriptions: Listed[] }).subscriptions.map(({ id }) => id);

  const ids: Record<string, string> = {};

  beforeAll(async () => {
    app = await startTestApp();
    tea = await app.createProject(OWNER, 'Tea');
    cake = await app.createProject(OWNER, 'Cake');
    foreign = await app.createProject(STRANGER, 'Foreign');
    ids.first = await addPayment(tea, 'test', 'succeeded', at(1));
    ids.live = await addPayment(tea, 'live', 'partially_refunded', at(2), 'eur', 500);
    ids.refused = await addPayment(cake, 'test', 'requires_payment_method', at(3));
    ids.last = await addPayment(cake, 'test', 'succeeded', at(4), 'usd', 0, 'out_of_band');
    ids.foreign = await addPayment(foreign, 'test', 'succeeded', at(5));
    ids.active = await addSubscription(tea, 'test', 'active', at(1));
    ids.trialing = await addSubscription(cake, 'live', 'trialing', at(2));
    ids.canceled = await addSubscription(tea, 'test', 'canceled', at(3));
  });
  afterAll(() => app.close());

  it('show the rows of a project, in test mode by default', async () => {
    expect(await payments(`stripe/projects/${tea}/payments`)).toEqual([ids.first]);
    expect(await payments(`stripe/projects/${tea}/payments?test_mode=false`)).toEqual([ids.live]);
    expect(await get(`stripe/projects/${cake}/payments`)).toMatchObject({
      payments: [{ source: 'out_of_band' }, { source: 'stripe' }],
    });
    expect(await subscriptions(`stripe/projects/${tea}/subscriptions`)).toEqual([ids.canceled, ids.active]);
    expect(await get(`stripe/projects/${tea}/subscriptions?page=2&page_size=1`)).toMatchObject({
      subscriptions: [{ id: ids.active, is_test_mode: true, project_id: tea }],
      total: 2,
      page: 2,
      page_size: 1,
    });
  });

  it('show the subscription of a payment once it is stored, and the status of a dispute', async () => {
    const [first, last] = [String(ids.first), String(ids.last)];
    await execute(
      app.database,
      `UPDATE stripe_payments SET subscription_id = '${ids.active}' WHERE id = '${first}'`,
    );
    await execute(
      app.database,
      `UPDATE stripe_payments SET subscription_id = '${randomUUID()}' WHERE id = '${last}'`,
    );
    for (const [nth, status] of ['needs_response', 'lost'].entries())
      await execute(
        app.database,
        `INSERT INTO stripe_disputes (project_id, mode, dispute_id, id, payment_intent_id, status, amount_cents, currency, created_at, as_of, revision)
         VALUES ('${tea}', 'test', 'dp_${nth}', '${randomUUID()}', 'pi_${first}', '${status}', 1, 'usd', ${time(at(nth))}, ${time(at(nth))}, 1)`,
      );
    const { payments: listed } = (await get('transactions?test_mode=true')) as { payments: Listed[] };
    expect(listed[0]).toMatchObject({ id: last, subscription_id: null, dispute_status: null });
    expect(listed[2]).toMatchObject({ id: first, subscription_id: ids.active, dispute_status: 'lost' });
  });

  it('show all projects and both modes of a developer, newest first', async () => {
    expect(await payments('transactions')).toEqual([ids.last, ids.refused, ids.live, ids.first]);
    expect(await subscriptions('subscriptions')).toEqual([ids.canceled, ids.trialing, ids.active]);
    expect(await get('transactions?page_size=1')).toMatchObject({
      payments: [
        {
          project_name: 'Cake',
          provider: 'stripe',
          amount_cents: 2000,
          source: 'out_of_band',
          refunded_amount_cents: 0,
        },
      ],
      total: 4,
    });
  });

  it('filter by project, mode and status, and count the filtered rows', async () => {
    expect(await payments(`transactions?project_id=${tea.toUpperCase()}`)).toEqual([ids.live, ids.first]);
    expect(await payments('transactions?test_mode=true')).toEqual([ids.last, ids.refused, ids.first]);
    expect(await payments('transactions?test_mode=false')).toEqual([ids.live]);
    expect(await get(`transactions?status=succeeded&project_id=${cake}`)).toMatchObject({
      payments: [{ id: ids.last }],
      total: 1,
    });
    expect(await subscriptions('subscriptions?status=trialing&test_mode=false')).toEqual([ids.trialing]);
    expect(await get('subscriptions?status=paused')).toMatchObject({ subscriptions: [], total: 0 });
  });

  it("are empty for another owner's project", async () => {
    expect(await get(`transactions?project_id=${foreign}`)).toMatchObject({ payments: [], total: 0 });
    expect(await get(`subscriptions?project_id=${randomUUID()}`)).toMatchObject({
      subscriptions: [],
      total: 0,
    });
    expect(await payments('transactions', STRANGER)).toEqual([ids.foreign]);
  });

  it('page without gaps or repetitions if times are equal', async () => {
    const token = accessToken({ sub: `paging-${randomUUID()}` });
    const project = await app.createProject(token);
    const added: string[] = [];
    for (let number = 0; number < 12; number++)
      added.push(await addPayment(project, number % 2 ? 'live' : 'test', 'succeeded', at(number % 3)));
    const pages: string[] = [];
    for (const page of [1, 2, 3])
      pages.push(...(await payments(`transactions?page=${page}&page_size=5`, token)));
    expect(pages).toEqual(await payments('transactions?page_size=100', token));
    expect([...pages].sort()).toEqual(added.sort());
    for (const page of ['999999999', '1000000000', '9'.repeat(30)])
      expect(await get(`transactions?page=${page}&page_size=100`, token)).toMatchObject({
        payments: [],
        total: 12,
        page: Number(page),
      });
  });

  it('report all invalid parameters at once', async () => {
    const path =
      '/api/v1/payments/transactions?project_id=1&test_mode=maybe&status=paid&page=0&page_size=101';
    const { body } = (await app.send('get', path).expect(422)) as {
      body: { detail: { loc: string[]; msg: string }[] };
    };
    expect(body.detail.map(({ loc }) => loc.join('.')).sort()).toEqual(
      ['page', 'page_size', 'project_id', 'status', 'test_mode'].map((name) => `query.${name}`),
    );
    expect(body.detail.find(({ loc }) => loc[1] === 'status')?.msg).toContain('partially_refunded');
    await app.send('get', `/api/v1/payments/stripe/projects/${tea}/payments?test_mode=2`).expect(422);
    await app.send('get', `/api/v1/payments/stripe/projects/${tea}/payments?test_mode=True`).expect(200);
    await app.send('get', '/api/v1/payments/stats?test_mode=').expect(422);
  });

  it('hide the rows of a deleted project', async () => {
    const token = accessToken({ sub: `hiding-${randomUUID()}` });
    const project = await app.createProject(token);
    await addPayment(project, 'live', 'succeeded', at(1));
    expect(await get('stats', token)).toMatchObject({
      total_projects: 1,
      total_payments: 1,
      total_revenue_cents: 2000,
    });
    await app.send('delete', `/api/v1/projects/${project}`, token).expect(204);
    expect(await get('transactions', token)).toMatchObject({ payments: [], total: 0 });
    expect(await get('stats', token)).toMatchObject({
      total_projects: 0,
      total_payments: 0,
      total_revenue_cents: 0,
      currency: 'usd',
    });
  });

  it('give statistics of both modes or of live mode, without adding up currencies', async () => {
    expect(await get('stats')).toEqual({
      total_projects: 2,
      projects_with_config: 0,
      projects_with_test: 0,
      projects_with_live: 0,
      total_subscriptions: 3,
      active_subscriptions: 2,
      total_payments: 4,
      successful_payments: 3,
      total_revenue_cents: 4000,
      net_revenue_cents: 4000,
      out_of_band_revenue_cents: 2000,
      currency: 'usd',
      revenue_by_currency: [
        {
          currency: 'usd',
          successful_payments: 2,
          total_revenue_cents: 4000,
          net_revenue_cents: 4000,
          out_of_band_revenue_cents: 2000,
        },
        {
          currency: 'eur',
          successful_payments: 1,
          total_revenue_cents: 2000,
          net_revenue_cents: 1500,
          out_of_band_revenue_cents: 0,
        },
      ],
    });
    expect(await get('stats?test_mode=false')).toMatchObject({
      total_subscriptions: 1,
      active_subscriptions: 1,
      total_payments: 1,
      total_revenue_cents: 2000,
      net_revenue_cents: 1500,
      currency: 'eur',
    });
  });

  it('show the configuration of each project', async () => {
    const token = accessToken({ sub: `configuring-${randomUUID()}` });
    const one = await app.createProject(token, 'One');
    const two = await app.createProject(token, 'Two');
    const key = `sk_test_${'a'.repeat(24)}`;
    await app
      .send('put', configPath(one), token)
      .send({ test_secret_key: key, live_publishable_key: `pk_live_${'b'.repeat(24)}` })
      .expect(200);
    const { projects, total } = (await get('projects', token)) as {
      projects: Record<string, unknown>[];
      total: number;
    };
    expect(total).toBe(2);
    expect(projects.map(({ id }) => id)).toEqual([two, one]);
    expect(projects[0]).toMatchObject({
      name: 'Two',
      has_payment_config: false,
      test_configured_at: null,
      is_active: true,
    });
    const config = (await app.send('get', configPath(one), token)).body as Record<string, unknown>;
    expect(projects[1]).toMatchObject({
      has_payment_config: true,
      has_test_credentials: true,
      has_live_credentials: false,
      test_configured_at: config.test_configured_at,
      live_configured_at: config.live_configured_at,
    });
    expect(await get('stats', token)).toMatchObject({
      total_projects: 2,
      projects_with_config: 1,
      projects_with_test: 1,
      projects_with_live: 0,
    });
    await app.send('delete', configPath(one), token).expect(204);
    expect(await get('stats', token)).toMatchObject({ projects_with_config: 0, projects_with_test: 0 });
  });
});
