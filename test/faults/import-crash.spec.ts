import { createTestDatabase, type TestDatabase } from '../harness/database/test-database.js';
import { Installation } from '../harness/installation.js';
import { interruptedImport } from '../harness/interrupted-import.js';

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

it('completes an import after a kill -9, without a project or an entry of the history twice', async () => {
  expect(await interruptedImport(installation, database, { lines: 800, killAt: 1 })).toBeGreaterThan(0);
});
