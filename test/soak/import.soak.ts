import { createTestDatabase, type TestDatabase } from '../harness/database/test-database.js';
import { Installation } from '../harness/installation.js';
import { interruptedImport } from '../harness/interrupted-import.js';

jest.setTimeout(60 * 60_000);

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

it('completes an import of 100,000 lines after a kill -9 half way, and does nothing twice', async () => {
  const stored = await interruptedImport(installation, database, { lines: 100_000, killAt: 50_000 });
  console.info(`${stored} projects were stored when it was killed`);
});
