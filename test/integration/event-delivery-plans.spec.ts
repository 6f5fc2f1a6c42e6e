import { DataSource } from 'typeorm';
import { Database, textFor } from '../../src/database/database.js';
import { CLAIM, FIND_EVENTS } from '../../src/payments/events/delivery/deliveries.statements.js';
import { explainIn } from '../harness/database/explain.js';
import { engine } from '../harness/database/test-database.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';

const DESTINATION = '00000000-0000-4000-8000-000000000000';
const NOW = new Date();
const PENDING = 20_000;

let app: TestApp;
let dataSource: DataSource;

beforeAll(async () => {
  app = await startTestApp();
  dataSource = app.app.get(DataSource);
  if (engine === 'sqlite') return;
  // Rows, so that PostgreSQL has statistics to plan with.
  for (const text of [
    `INSERT INTO events (id, type, data, attempts, created_at, seq)
     SELECT gen_random_uuid(), 'config.updated', '{}', 0, now(), n FROM generate_series(1, ${PENDING}) AS n`,
    `INSERT INTO event_deliveries (destination_id, event_id, day, type, state, attempts, due_at, log, created_at)
     SELECT '${DESTINATION}', id, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'), type, 'pending', 0, now(), '[]', now()
     FROM events`,
    'VACUUM ANALYZE events, event_deliveries',
  ])
    await dataSource.query(text);
});
afterAll(() => app.close());

it.each([
  ['the next deliveries', CLAIM, [DESTINATION, NOW, NOW, 5]],
  ['their events', FIND_EVENTS, ['[]']],
])('reads %s by indexes, however many are pending', async (_, statement, values) => {
  const call = { statement, values };
  const plan = engine === 'sqlite' ? await explainIn(app.app.get(Database))(call) : await genericPlan(call);
  expect(plan).toMatch(/Index Scan|USING INDEX/);
  // Partitions without rows may be read as a whole.
  expect(plan).not.toMatch(/SCAN event|Seq Scan on event(?!.*rows=1 )/);
});

/** As the server prepares it: without the values. */
async function genericPlan({ statement }: { statement: typeof CLAIM | typeof FIND_EVENTS }): Promise<string> {
  const rows: Record<string, string>[] = await dataSource.query(
    `EXPLAIN (GENERIC_PLAN) ${textFor(statement, engine)}`,
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}
