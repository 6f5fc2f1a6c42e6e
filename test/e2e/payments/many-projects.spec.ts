import { DataSource } from 'typeorm';
import { systemActor } from '../../../src/common/actor.js';
import type { OwnerId, ProjectId } from '../../../src/common/ids.js';
import { Database } from '../../../src/database/database.js';
import { LedgerOverviewService } from '../../../src/payments/ledger/lists/ledger-overview.service.js';
import { ServiceAccountsService } from '../../../src/projects/service-accounts/service-accounts.service.js';
import { startTestApp, STRANGER, type TestApp } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

const COUNT = 2_500;
const SCOPE = 'till:operate';

interface Project {
  id: string;
  name: string;
}

describe('a developer with many projects', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ environment: { AUTH_OPERATOR_SCOPE: SCOPE } });
    const numbers =
      app.app.get(Database).engine === 'postgres'
        ? `SELECT n, ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid AS id FROM generate_series(1, ${COUNT}) n`
        : `WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < ${COUNT})
           SELECT n, '00000000-0000-4000-8000-' || printf('%012d', n) AS id FROM t`;
    const dataSource = app.app.get(DataSource);
    await dataSource.query(
      `INSERT INTO projects (id, owner_id, name, search_name, created_at, updated_at)
       SELECT t.id, CASE WHEN t.n % 2 = 0 THEN 'developer-1' ELSE 'developer-2' END, 'Shop ' || t.n, 'shop ' || t.n,
         '2026-01-01 00:00:00.000', '2026-01-01 00:00:00.000' FROM (${numbers}) t`,
    );
    await dataSource.query(
      `INSERT INTO project_members (project_id, subject, role, created_at)
       SELECT id, 'developer-1', 'viewer', created_at FROM projects WHERE owner_id = 'developer-2'`,
    );
    await dataSource.query(
      `INSERT INTO ledger_counts (project_id, mode, kind, status, slot, total)
       SELECT id, 'test', 'payment', 'succeeded', 0, 2 FROM projects`,
    );
    await dataSource.query(
      `INSERT INTO ledger_days (project_id, mode, day, currency, slot, payments, gross_cents, refunded_cents, disputes, disputed_cents, net_cents)
       SELECT id, 'test', '2026-01-02', 'usd', 0, 2, 20, 5, 1, 4, 15 FROM projects`,
    );
  });
  afterAll(() => app.close());

  const NAMES = Array.from({ length: COUNT }, (_, index) => `Shop ${COUNT - index}`);

  it.each([
    ['/api/v1/projects/', (body: unknown) => body as Project[]],
    ['/api/v1/projects', (body: unknown) => body as Project[]],
    ['/api/v1/payments/projects', (body: unknown) => (body as { projects: Project[] }).projects],
  ])('gets the newest 1,000 of %s, and a link to the next ones', async (path, projectsOf) => {
    const pages: Project[][] = [];
    const links: (string | undefined)[] = [];
    for (let next: string | undefined = path; next;) {
      const { body, headers }: { body: unknown; headers: unknown } = await app.send('get', next).expect(200);
      pages.push(projectsOf(body));
      const link: string | undefined = (headers as Record<string, string>)['link'];
      links.push(link);
      next = /^<([^>]+)>; rel="next"$/.exec(link ?? '')?.[1];
    }
    expect(pages.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(pages.flat().map(({ name }) => name)).toEqual(NAMES);
    expect(links).toEqual([
      `<${path}?page=2&page_size=1000>; rel="next"`,
      `<${path}?page=3&page_size=1000>; rel="next"`,
      undefined,
    ]);
  });

  it('gets the requested page', async () => {
    const { body, headers } = await app
      .send('get', '/api/v1/payments/projects?page=2&page_size=3')
      .expect(200);
    expect(body).toMatchObject({ total: COUNT, projects: [{ name: NAMES[3] }, {}, { name: NAMES[5] }] });
    expect(headers['link']).toBe('</api/v1/payments/projects?page=3&page_size=3>; rel="next"');
    const last = await app.send('get', `/api/v1/projects/?page=${COUNT}&page_size=1`).expect(200);
    expect(last.body).toMatchObject([{ name: 'Shop 1', role: 'viewer' }]);
    expect(last.headers['link']).toBeUndefined();
    for (const query of ['page=9999999999', 'page=99999999999999999999&page_size=1000'])
      expect((await app.send('get', `/api/v1/projects/?${query}`).expect(200)).body).toEqual([]);
    for (const query of ['page=0', 'page_size=1001', 'page_size=0', 'page=x', 'limit=1'])
      for (const path of ['projects/', 'payments/projects'])
        await app.send('get', `/api/v1/${path}?${query}`).expect(422);
  });

  it('gets totals and statistics of all projects', async () => {
    expect((await app.send('get', '/api/v1/payments/transactions')).body).toMatchObject({ total: 2 * COUNT });
    expect((await app.send('get', '/api/v1/payments/stats')).body).toMatchObject({
      total_projects: COUNT,
      total_payments: 2 * COUNT,
    });
    const { body } = await app.send('get', '/api/v1/payments/stats/series?from=2026-01-02&to=2026-01-02');
    expect(body).toMatchObject({
      points: [
        { revenue: [{ gross_revenue_cents: 20 * COUNT, disputes: COUNT, disputed_cents: 4 * COUNT }] },
      ],
    });
  });

  const accountOf = async (holder: string | null, role: 'viewer' | 'admin') => {
    const account = { name: 'Backend', role, expiresAt: null, networks: [], requestsPerMinute: null };
    const accounts = app.app.get(ServiceAccountsService);
    return (await accounts.create(holder as ProjectId | null, account, systemActor('test'))).key;
  };
  const totalsOf = async (token: string, query = '') => {
    const bodyOf = async (path: string) =>
      (await app.send('get', `/api/v1/payments/${path}${query}`, token).expect(200)).body as unknown;
    const [payments, subscriptions, series] = [
      (await bodyOf('transactions')) as { total: number },
      (await bodyOf('subscriptions')) as { total: number },
      (await bodyOf('stats/series')) as { points: unknown[] },
    ];
    expect(series.points).toHaveLength(30);
    return [payments.total, subscriptions.total];
  };

  it('gives an operator all projects of all owners', async () => {
    const person = accessToken({ sub: 'developer-2', scope: SCOPE });
    const [admin, viewer] = [await accountOf(null, 'admin'), await accountOf(null, 'viewer')];
    for (const [token, roles] of [
      [person, ['admin', 'owner', 'admin']],
      [admin, ['admin', 'admin', 'admin']],
      [viewer, ['viewer', 'viewer', 'viewer']],
    ] as const) {
      const first = await app.send('get', '/api/v1/projects/?page_size=3', token).expect(200);
      expect(first.body).toMatchObject(roles.map((role, index) => ({ name: NAMES[index], role })));
      expect(first.headers['link']).toBe('</api/v1/projects/?page=2&page_size=3>; rel="next"');
      const last = await app.send('get', '/api/v1/payments/projects?page=3', token).expect(200);
      expect(last.body).toMatchObject({ total: COUNT });
      expect((last.body as { projects: Project[] }).projects.map(({ name }) => name)).toEqual(
        NAMES.slice(2_000),
      );
      expect(await totalsOf(token)).toEqual([2 * COUNT, 0]);
      const { body } = await app.send('get', '/api/v1/payments/stats', token).expect(200);
      expect(body).toMatchObject({ total_projects: COUNT, total_payments: 2 * COUNT });
    }
  });

  it('gives a service account its project and nothing else', async () => {
    const [projectId, other] = [
      '00000000-0000-4000-8000-000000000007',
      '00000000-0000-4000-8000-000000000008',
    ];
    const key = await accountOf(projectId, 'viewer');
    const { body, headers } = await app.send('get', '/api/v1/projects/', key).expect(200);
    expect(body).toMatchObject([{ id: projectId, name: 'Shop 7', role: 'viewer' }]);
    expect(headers['link']).toBeUndefined();
    expect((await app.send('get', '/api/v1/projects/?page=2', key).expect(200)).body).toEqual([]);
    expect((await app.send('get', '/api/v1/payments/projects', key).expect(200)).body).toMatchObject({
      total: 1,
      projects: [{ id: projectId }],
    });
    expect(await totalsOf(key)).toEqual([2, 0]);
    expect(await totalsOf(key, `?project_id=${projectId}`)).toEqual([2, 0]);
    expect(await totalsOf(key, `?project_id=${other}`)).toEqual([0, 0]);
    const stats = await app.send('get', '/api/v1/payments/stats', key).expect(200);
    expect(stats.body).toMatchObject({ total_projects: 1, total_payments: 2 });
  });

  it('shows nobody a deleted project', async () => {
    const id = await app.createProject(STRANGER, 'Closed');
    const [key, operator] = [await accountOf(id, 'admin'), await accountOf(null, 'admin')];
    await app.send('delete', `/api/v1/projects/${id}`, STRANGER).expect(204);
    await app.send('get', '/api/v1/projects/', key).expect(401);
    const { body } = await app.send('get', '/api/v1/projects/?page_size=1', operator).expect(200);
    expect(body).toMatchObject([{ name: NAMES[0] }]);
    expect(await totalsOf(operator, `?project_id=${id}`)).toEqual([0, 0]);
  });

  it('does not delay other requests', async () => {
    let turns = 0;
    let isRunning = true;
    const turn = () => {
      turns += 1;
      if (isRunning) setImmediate(turn);
    };
    setImmediate(turn);
    await app.app
      .get(LedgerOverviewService)
      .statistics({ kind: 'developer', sub: 'developer-1' as OwnerId }, true);
    isRunning = false;
    // The event loop turns between chunks of 500 projects.
    expect(turns).toBeGreaterThanOrEqual(COUNT / 500 - 1);
  });
});
