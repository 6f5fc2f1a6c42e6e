import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { Database } from '../../../src/database/database.js';
import { PAGE } from '../../../src/history/history.statements.js';
import { explainIn } from '../../harness/database/explain.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const id = randomUUID();
const PAGE_OF = [id, 50, 0];

const SCANS = /SCAN audit_entries\b(?! USING)|Seq Scan/;
const SORTS = /TEMP B-TREE|Sort/;

/** Every filter with the index that it needs. With one condition, the index also has the order. */
const PLANS = [
  ['ofAll', [], /audit_entries_(?:pk|1)\b/, [SCANS, SORTS]],
  ['ofAction', ['config.updated'], /audit_entries_of_action/, [SCANS, SORTS]],
  ['ofSubject', ['developer-1'], /audit_entries_of_subject/, [SCANS, SORTS]],
  ['ofBoth', ['config.updated', 'developer-1'], /audit_entries_of_(?:action|subject)/, [SCANS]],
] as const;

describe('a page of the history', () => {
  let app: TestApp;
  let explain: ReturnType<typeof explainIn>;

  beforeAll(async () => {
    app = await startTestApp();
    const database = app.app.get(Database);
    explain = explainIn(database);
    if (database.engine === 'sqlite') return;
    // Rows, so that PostgreSQL has statistics to plan with.
    const dataSource = app.app.get(DataSource);
    await dataSource.query(
      `INSERT INTO audit_entries (project_id, seq, at, actor_kind, subject, action, result, details, key_id, mac)
       SELECT $1, n, now(), 'person', 'developer-' || n % 20, CASE n % 50 WHEN 0 THEN 'config.updated' ELSE 'project.updated' END,
         'done', '{}', 'none', 'none' FROM generate_series(1, 20000) n`,
      [id],
    );
    await dataSource.query('VACUUM ANALYZE audit_entries');
  });
  afterAll(() => app.close());

  it.each(PLANS)('%s reads an index', async (filter, values, index, avoided) => {
    const plan = await explain({ statement: PAGE[filter], values: [...PAGE_OF, ...values] });
    expect(plan).toMatch(index);
    for (const pattern of avoided) expect(plan).not.toMatch(pattern);
  });
});
