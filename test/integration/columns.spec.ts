import { columnNames, columns, columnValues, inserted, type RowOf } from '../../src/database/columns.js';
import { Database, query, sql } from '../../src/database/database.js';
import type { ProjectId } from '../../src/common/ids.js';
import { WebhookRefusalEntity } from '../../src/payments/webhooks/refusals/webhook-refusal.entity.js';
import { ProjectEntity } from '../../src/projects/project.entity.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';

let app: TestApp;
let database: Database;

beforeAll(async () => {
  app = await startTestApp();
  database = app.app.get(Database);
});
afterAll(() => app.close());

const NOW = new Date('2026-02-03T04:05:06.789Z');
const ALL = '$1, $2, $3, $4, $5, $6';

it('reads written rows with the types of the entity, from an update too', async () => {
  const refusal = {
    projectId: '00000000-0000-4000-8000-000000000001' as ProjectId,
    mode: 'test',
    reason: 'no_signature',
    count: 9_007_199_254_740_991,
    firstAt: NOW,
    lastAt: NOW,
  };
  const list = columnNames(WebhookRefusalEntity);
  await database.query(
    sql<never>(`INSERT INTO webhook_refusals (${list}) VALUES (${ALL})`),
    columnValues(WebhookRefusalEntity, refusal as unknown as RowOf<WebhookRefusalEntity>),
  );
  const read = sql<RowOf<WebhookRefusalEntity>>(
    `SELECT ${columns(WebhookRefusalEntity, { of: 'r' })} FROM webhook_refusals r`,
  );
  expect(await database.query(read, [])).toEqual([refusal]);
  const last = columns(WebhookRefusalEntity, { only: ['lastAt', 'count'] });
  const raise = sql<Pick<WebhookRefusalEntity, 'count' | 'lastAt'>>(
    `UPDATE webhook_refusals SET count = 2 RETURNING ${last}`,
  );
  expect(await database.transaction(() => query(raise, []))).toEqual([{ count: 2, lastAt: NOW }]);
  const total = sql<{ total: number; rows: number }>(
    'SELECT sum(count) AS total, count(*) AS rows FROM webhook_refusals',
  );
  expect(await database.query(total, [])).toEqual([{ total: 2, rows: 1 }]);
});

it('reads computed flags and times with the types that the statement gives them', async () => {
  const computed = sql<{ isLate: boolean; never: boolean | null; last: Date; none: Date | null }>(
    `SELECT count(*) > 0 AS "isLate", max(count) > NULL AS never, max(last_at) AS last,
       (SELECT max(created_at) FROM projects) AS none FROM webhook_refusals`,
    undefined,
    { computed: { isLate: Boolean, never: Boolean, last: Date, none: Date } },
  );
  expect(await database.query(computed, [])).toEqual([{ isLate: true, never: null, last: NOW, none: null }]);
});

it('lists columns to insert, and the parameters for them', () => {
  expect(inserted(ProjectEntity, ['id', 'ownerId'])).toBe('(id, owner_id) VALUES ($1, $2)');
});

it('names columns by their properties', () => {
  expect(columns(ProjectEntity, { of: 'p', only: ['ownerId', 'deletedAt'] })).toBe(
    'p.owner_id AS "ownerId", p.deleted_at AS "deletedAt"',
  );
  expect(columnNames(ProjectEntity, ['id', 'createdAt'])).toBe('id, created_at');
});
