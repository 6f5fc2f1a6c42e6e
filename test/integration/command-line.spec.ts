import { runCommand } from '../support/command-line.js';
import { Installation } from '../support/installation.js';
import { tablesOf } from '../support/rows.js';
import { testEnvironment } from '../support/test-app.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

jest.setTimeout(60_000);

let installation: Installation;
let database: TestDatabase;

const tillkeeper = (...args: string[]) => runCommand(installation, testEnvironment(database), ...args);

beforeAll(async () => {
  installation = new Installation();
  database = await createTestDatabase();
});
afterAll(async () => {
  await installation.remove();
  await database.drop();
});

it('explains itself, and what it was asked wrongly', async () => {
  const help = await tillkeeper('--help');
  expect(help).toMatchObject({ code: 0, errors: '' });
  expect(help.output).toContain('Exit codes: 0 done, 1 failed or found something, 2 wrong usage');
  expect(await tillkeeper()).toMatchObject({ code: 2, output: '' });
  expect(await tillkeeper('migrat')).toMatchObject({ code: 2, output: '', errors: expect.stringContaining('Did you mean migrate?') });
  expect(await tillkeeper('migrate', '--jsn')).toMatchObject({ code: 2, output: '' });
});

it('migrates once', async () => {
  const { code, output } = await tillkeeper('migrate', '--json');
  expect(code).toBe(0);
  const { migrations } = JSON.parse(output) as { migrations: string[] };
  expect(migrations[0]).toMatch(/^Initial\d+$/);
  expect(await tablesOf(database)).toContain('data_keys');
  expect(await tillkeeper('migrate')).toEqual({ code: 0, output: 'The schema is up to date.\n', errors: '' });
});

it('fails with 1 and says why, as one JSON document where that was asked for', async () => {
  const environment = { ...testEnvironment(database), DATABASE_URL: 'hunter2' };
  const reason = 'DATABASE_URL must be sqlite:<path of a file> or postgres://';
  const told = await runCommand(installation, environment, 'migrate');
  expect(told).toMatchObject({ code: 1, output: '', errors: expect.stringContaining(reason) });
  const { code, output, errors } = await runCommand(installation, environment, 'migrate', '--json');
  expect({ code, errors }).toEqual({ code: 1, errors: '' });
  expect(JSON.parse(output)).toEqual({ error: expect.stringContaining(reason) });
  expect(told.errors + output).not.toContain('hunter2');
});
