import { DataSource } from 'typeorm';
import type { OwnerId } from '../../../src/common/ids.js';
import { Database } from '../../../src/database/database.js';
import { LedgerOverviewService } from '../../../src/payments/ledger/lists/ledger-overview.service.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const COUNT = 2_500;

interface Project {
  id: string;
  name: string;
}

describe('a developer with many projects', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
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
      `INSERT INTO ledger_days (project_id, mode, day, currency, slot, payments, gross_cents, refunded_cents, net_cents)
       SELECT id, 'test', '2026-01-02', 'usd', 0, 2, 20, 5, 15 FROM projects`,
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

  it('pages as asked', async () => {
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

  it('gets totals and statistics of all of them', async () => {
    expect((await app.send('get', '/api/v1/payments/transactions')).body).toMatchObject({ total: 2 * COUNT });
    expect((await app.send('get', '/api/v1/payments/stats')).body).toMatchObject({
      total_projects: COUNT,
      total_payments: 2 * COUNT,
    });
    const { body } = await app.send('get', '/api/v1/payments/stats/series?from=2026-01-02&to=2026-01-02');
    expect(body).toMatchObject({
      points: [{ revenue: [{ gross_revenue_cents: 20 * COUNT, net_revenue_cents: 15 * COUNT }] }],
    });
  });

  it('lets other requests in between', async () => {
    let turns = 0;
    let isRunning = true;
    const turn = () => {
      turns += 1;
      if (isRunning) setImmediate(turn);
    };
    setImmediate(turn);
    await app.app.get(LedgerOverviewService).statistics('developer-1' as OwnerId, true);
    isRunning = false;
    // The event loop turns between chunks of 500 projects.
    expect(turns).toBeGreaterThanOrEqual(COUNT / 500 - 1);
  });
});
