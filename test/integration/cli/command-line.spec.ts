import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand, runInProcess } from '../../harness/command-line.js';
import { Installation } from '../../harness/installation.js';
import { rowsOf, tablesOf } from '../../harness/database/rows.js';
import { testEnvironment } from '../../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../../harness/database/test-database.js';

jest.setTimeout(60_000);

let installation: Installation;
let database: TestDatabase;

const tillkeeper = (...args: string[]) => runInProcess(testEnvironment(database), ...args);

beforeAll(async () => {
  installation = new Installation();
  database = await createTestDatabase();
});
afterAll(async () => {
  await installation.remove();
  await database.drop();
});

it('prints help, and explains wrong usage', async () => {
  const help = await runCommand(installation, testEnvironment(database), '--help');
  expect(help).toMatchObject({ code: 0, errors: '' });
  expect(help.output).toContain('Exit codes: 0 done, 1 failed or found something, 2 wrong usage');
  expect(await tillkeeper()).toMatchObject({ code: 2, output: '' });
  expect(await tillkeeper('migrat')).toMatchObject({
    code: 2,
    output: '',
    errors: expect.stringContaining('Did you mean migrate?'),
  });
  expect(await tillkeeper('migrate', '--jsn')).toMatchObject({ code: 2, output: '' });
  expect((await tillkeeper('help', 'keys', 'retire')).output).toContain(
    'tillkeeper keys retire [options] <id>',
  );
});

it('reports wrong usage as JSON with --json', async () => {
  const { code, output, errors } = await tillkeeper('keys', 'retire', '--json');
  expect({ code, errors }).toEqual({ code: 2, errors: '' });
  expect(JSON.parse(output)).toEqual({ error: `missing required argument 'id'` });
});

it('can be interrupted right after its start', async () => {
  const interrupt = `process.on('newListener', (name) => name === 'SIGINT' && setImmediate(() => process.kill(process.pid, name)))`;
  const environment = {
    ...testEnvironment(database),
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(interrupt)}`,
  };
  const { code, output, errors } = await runCommand(installation, environment, 'migrate', '--json');
  expect({ code, errors }).toEqual({ code: 130, errors: '' });
  expect(JSON.parse(output)).toEqual({ error: expect.stringMatching(/^Interrupted/) });
  expect(await tablesOf(database)).toEqual([]);
});

it('migrates the schema once', async () => {
  const { code, output } = await tillkeeper('migrate', '--json');
  expect(code).toBe(0);
  const { migrations, data_keys_made } = JSON.parse(output) as {
    migrations: string[];
    data_keys_made: string[];
  };
  expect(migrations[0]).toMatch(/^Initial\d+$/);
  expect(data_keys_made).toEqual(['seal', 'fingerprint', 'token', 'audit']);
  expect(await rowsOf(database, 'data_keys')).toHaveLength(4);
  expect(await tillkeeper('migrate')).toEqual({ code: 0, output: 'The schema is up to date.\n', errors: '' });
});

(engine === 'sqlite' ? it : it.skip)('makes a database that only its user can read', async () => {
  const file = join(database.folder, 'new.db');
  const umask = process.umask(0o022);
  const migrated = await runInProcess(
    { ...testEnvironment(database), DATABASE_URL: `sqlite:${file}` },
    'migrate',
  );
  process.umask(umask);
  expect(migrated).toMatchObject({ code: 0, errors: '' });
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
});

it('requires only the settings that a command uses, and makes no key', async () => {
  const folder = join(installation.folder, 'data');
  const run = (NODE_ENV: string, ...args: string[]) =>
    runInProcess({ NODE_ENV, DATA_DIR: folder, DATABASE_URL: database.url }, ...args);
  const refused = await run('production', 'keys', 'verify');
  for (const command of ['migrate', 'keys status', 'audit anchor'])
    expect(await run('production', ...command.split(' '))).toMatchObject({ code: 0, errors: '' });
  expect(await run('development', 'keys', 'status')).toMatchObject({ code: 0, errors: '' });
  expect(existsSync(folder)).toBe(false);
  expect(refused).toMatchObject({ code: 1, errors: expect.stringContaining('MASTER_KEY must be set') });
  expect(refused.errors).not.toMatch(/PUBLIC_BASE_URL|AUTH_/);
});

it('creates neither a database nor a master key for a command that needs them', async () => {
  const folder = join(installation.folder, 'elsewhere');
  const run = (DATABASE_URL: string, ...args: string[]) =>
    runInProcess({ NODE_ENV: 'development', DATA_DIR: folder, DATABASE_URL }, ...args);
  const noDatabase = await run(`sqlite:${join(folder, 'wrong.db')}`, 'keys', 'status');
  const noKey = [await run(database.url, 'audit', 'verify'), await run(database.url, 'reconcile')];
  expect(noDatabase).toEqual({
    code: 1,
    output: '',
    errors: 'There is no database at the path of DATABASE_URL.\n',
  });
  for (const each of noKey)
    expect(each).toMatchObject({ code: 1, errors: expect.stringContaining('No master key is configured') });
  expect(existsSync(folder)).toBe(false);
});

it('refuses a day that does not exist', async () => {
  for (const day of ['2020-02-30', '2021-02-29'])
    expect(await tillkeeper('audit', 'prune', '--before', `${day}T00:00:00Z`)).toMatchObject({
      code: 2,
      output: '',
    });
});

it('exits with 1 and the reason, with --json as one JSON document', async () => {
  const environment = { ...testEnvironment(database), DATABASE_URL: 'hunter2' };
  const reason = 'DATABASE_URL must be sqlite:<path of a file> or postgres://';
  const told = await runInProcess(environment, 'migrate');
  expect(told).toMatchObject({ code: 1, output: '', errors: expect.stringContaining(reason) });
  const { code, output, errors } = await runInProcess(environment, 'migrate', '--json');
  expect({ code, errors }).toEqual({ code: 1, errors: '' });
  expect(JSON.parse(output)).toEqual({ error: expect.stringContaining(reason) });
  expect(told.errors + output).not.toContain('hunter2');
});
