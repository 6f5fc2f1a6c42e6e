import { createTestDatabase, engine, type TestDatabase } from '../harness/database/test-database.js';
import { Installation } from '../harness/installation.js';
import { eventCrashRounds } from '../harness/servers/event-crash-rounds.js';

jest.setTimeout(30 * 60_000);

/** SQLite is for one server. */
const SERVERS = engine === 'postgres' ? 2 : 1;

let installation: Installation;
let database: TestDatabase;

beforeAll(async () => {
  installation = new Installation();
  database = await createTestDatabase();
});
afterAll(async () => {
  await installation.remove();
  await database.drop();
});

it('delivers every event at least once, despite 60 kill -9 of servers and receiver', async () => {
  const events = await eventCrashRounds({ installation, database, servers: SERVERS, kills: 60 });
  expect(events).toBeGreaterThan(0);
});
