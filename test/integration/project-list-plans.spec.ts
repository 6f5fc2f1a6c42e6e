import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { OwnerId, ProjectId } from '../../src/common/ids.js';
import { Database } from '../../src/database/database.js';
import {
  listProjects,
  type ProjectFilter,
} from '../../src/projects/operator/operator-projects.statements.js';
import { LIST_PROJECTS } from '../../src/payments/ledger/lists/ledger-overview.statements.js';
import { LIST_READABLE } from '../../src/projects/project.statements.js';
import { ALL, OWNED } from '../../src/projects/members/readable-projects.statements.js';
import { explainIn } from '../harness/database/explain.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';

const ownerId = 'developer-1' as OwnerId;
const health = 'unhealthy' as const;
const problem = 'endpoint_silent' as const;
const namePrefix = 'shop';
const id = randomUUID() as ProjectId;

/** Every combination of filters, and the index that gives its projects in order. */
const PLANS: [ProjectFilter, index: string][] = [
  [{}, 'by_creation'],
  [{ ownerId }, 'by_owner'],
  [{ health }, 'by_health'],
  [{ ownerId, health }, 'by_owner_and_health'],
  [{ namePrefix }, 'by_health_and_name'],
  [{ health, namePrefix }, 'by_health_and_name'],
  [{ ownerId, namePrefix }, 'by_owner_health_and_name'],
  [{ ownerId, health, namePrefix }, 'by_owner_health_and_name'],
  [{ problem }, 'by_problems'],
  [{ ownerId, problem }, 'by_owner_and_problems'],
  [{ problem, namePrefix }, 'by_problems_and_name'],
  [{ ownerId, problem, namePrefix }, 'by_owner_problems_and_name'],
];

describe('a list of projects', () => {
  let app: TestApp;
  let database: Database;
  let explain: ReturnType<typeof explainIn>;

  beforeAll(async () => {
    app = await startTestApp();
    database = app.app.get(Database);
    explain = explainIn(database);
    if (database.engine === 'sqlite') return;
    // Rows, so that PostgreSQL has statistics to plan with.
    const dataSource = app.app.get(DataSource);
    await dataSource.query(
      `INSERT INTO projects (id, owner_id, name, search_name, health, problems, created_at, updated_at)
       SELECT gen_random_uuid(), CASE n % 10 WHEN 0 THEN $1 ELSE 'developer-' || n END, 'Shop ' || n, 'shop ' || n,
         (ARRAY['unconfigured', 'unverified', 'unhealthy', 'healthy'])[1 + n / 10 % 4], NULLIF(n % 20, n % 4), now() - n * interval '1 minute', now()
       FROM generate_series(1, 20000) n`,
      [ownerId],
    );
    await dataSource.query('VACUUM ANALYZE projects');
  });
  afterAll(() => app.close());

  /** Names of the indexes by which projects are read, without those of single ids. */
  const indexesIn = (plan: string) => {
    const names = [...plan.matchAll(/(?:USING (?:COVERING )?INDEX|using|on) projects_(\w+)/g)].map(
      ([, name]) => name,
    );
    return [...new Set(names)].filter((name) => name !== 'pk');
  };
  const SCANS = /SCAN (?:projects|p)\b(?! USING)|AUTOMATIC|Seq Scan|Bitmap/;

  it.each(PLANS)('reads one range of an index for %j, on every page', async (filter, index) => {
    const key = filter.namePrefix === undefined ? new Date() : 'shop 1';
    for (const after of [undefined, { key, id }]) {
      const plan = await explain(listProjects(filter, after, 51));
      expect([plan, indexesIn(plan)]).toEqual([plan, [index]]);
      expect(plan).not.toMatch(SCANS);
      // The ranges of a problem, each of at most a page, are merged.
      if (!filter.namePrefix && !filter.problem) expect(plan).not.toMatch(/TEMP B-TREE|Sort/);
    }
  });

  it('finds an id by the primary key, with all other filters', async () => {
    const plan = await explain(listProjects({ id, ownerId, health }, undefined, 51));
    expect(plan).toMatch(/projects_(?:1|pk)/);
    expect(plan).not.toMatch(SCANS);
  });

  it('reads the pages and chunks of all projects, and of those of an owner, in order', async () => {
    const start = [new Date(), id];
    for (const [statement, values, index] of [
      [LIST_READABLE.all, [50, 0], 'by_creation'],
      [LIST_PROJECTS.all, [50, 0], 'by_creation'],
      [LIST_READABLE.subject, [50, 0, ownerId], 'by_owner'],
      [ALL, start, 'by_creation'],
      [OWNED, [...start, ownerId], 'by_owner'],
    ] as const) {
      const plan = await explain({ statement, values });
      expect([plan, indexesIn(plan)]).toEqual([plan, [index]]);
      expect(plan).not.toMatch(SCANS);
    }
    for (const statement of [LIST_READABLE.project, LIST_PROJECTS.project])
      expect(await explain({ statement, values: [50, 0, id] })).not.toMatch(SCANS);
  });
});
