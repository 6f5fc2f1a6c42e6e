import { crashRounds } from '../harness/ledger/crash-rounds.js';
import { Installation } from '../harness/installation.js';
import { createTestDatabase, type TestDatabase } from '../harness/database/test-database.js';

jest.setTimeout(120_000);

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

it('keeps every acknowledged write, and no partial one, after kill -9 during writes', async () => {
  expect(await crashRounds(installation, database, 3)).toBeGreaterThan(0);
});
