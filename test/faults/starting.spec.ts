import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Installation } from '../support/installation.js';
import { rowsOf } from '../support/rows.js';
import type { Environment, ServerProcess } from '../support/server-process.js';
import { testEnvironment } from '../support/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../support/test-database.js';

jest.setTimeout(60_000);

/** A test opens nothing to the network, whatever the server was told. */
const LISTEN_ON_LOOPBACK = `data:text/javascript,${encodeURIComponent(`
  import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function (options, ...rest) { return listen.call(this, { ...options, host: '127.0.0.1' }, ...rest); };
`)}`;

let installation: Installation;
let database: TestDatabase;

beforeAll(() => {
  installation = new Installation();
});
afterAll(() => installation.remove());
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

async function expectRefusal(environment: Environment): Promise<string> {
  const server = installation.start(environment);
  expect((await server.ended).code).toBe(1);
  return server.errors;
}

describe('the first start in development', () => {
  /** As a newcomer has it: nothing is set but where things are. */
  const development = (): Environment => ({ PORT: '0', DATA_DIR: join(database.folder, 'data'), DATABASE_URL: database.url });
  const secretFiles = () => ['master.key', 'token.secret'].map((name) => readFileSync(join(database.folder, 'data', name), 'utf8'));
  const curlOf = (greeting: string) => greeting.split('\n').find((line) => line.startsWith('curl ')) ?? '';

  /** What it prints for people. */
  async function greetingOf(server: ServerProcess): Promise<string> {
    await server.listening();
    // Output is written in order, so what came before the log of this request is there with it.
    await server.until(/"route":"none"/, () => server.send('GET', '/nowhere', { token: null }));
    return server.output
      .split('\n')
      .filter((line) => !line.startsWith('{'))
      .join('\n');
  }

  async function runByShell(command: string): Promise<Record<string, unknown>> {
    const { stdout } = await promisify(execFile)('sh', ['-c', command]);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  it('makes keys that only its user can read, a project, and a call that works as it stands; the next start finds them', async () => {
    const first = installation.start(development());
    const greeting = await greetingOf(first);
    expect(greeting).toContain(`${await first.listening()}/docs`);
    expect(curlOf(greeting)).toMatch(/ -d '\{[^']+\}'$/);
    const saved = await runByShell(curlOf(greeting));
    expect(saved).toMatchObject({ is_active: true, test_secret_key_masked: 'sk_test_...aaaa' });
    const folder = join(database.folder, 'data');
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['master.key', 'token.secret']));
    expect(readdirSync(folder).filter((name) => (statSync(join(folder, name)).mode & 0o077) !== 0)).toEqual([]);
    const secrets = secretFiles();
    for (const secret of secrets) expect(first.output + first.errors).not.toContain(secret.trim());
    await first.stop('SIGTERM');

    const second = installation.start(development());
    const curl = curlOf(await greetingOf(second));
    expect(curl.replace(/Bearer \S+|127\.0\.0\.1:\d+/g, '')).toBe(curlOf(greeting).replace(/Bearer \S+|127\.0\.0\.1:\d+/g, ''));
    expect(/Bearer \S+/.exec(curl)).not.toEqual(/Bearer \S+/.exec(greeting));
    expect(await runByShell(curl)).toMatchObject({ id: saved['id'] });
    expect(secretFiles()).toEqual(secrets);
    expect(await rowsOf(database, 'projects')).toHaveLength(1);
    await second.stop('SIGTERM');
  });

  it('prints nothing and makes no project with SAMPLE_DATA=false, and none where others could reach it', async () => {
    const quiet = installation.start({ ...development(), SAMPLE_DATA: 'false' });
    expect(await greetingOf(quiet)).toBe('');
    await quiet.stop('SIGTERM');
    const open = installation.start({ ...development(), HOST: '0.0.0.0', NODE_OPTIONS: `--import=${LISTEN_ON_LOOPBACK}` });
    expect(await greetingOf(open)).toBe('');
    await open.stop('SIGTERM');
    expect(await rowsOf(database, 'projects')).toEqual([]);
  });
});

describe('a start that can not go on ends with 1 and says', () => {
  it('that the master key is another, and makes no key', async () => {
    const environment = testEnvironment(database);
    const server = installation.start(environment);
    await server.listening();
    await server.stop('SIGTERM');
    const before = await rowsOf(database, 'data_keys');
    expect(before).toHaveLength(2);

    const other = randomBytes(32).toString('base64');
    const errors = await expectRefusal({ ...environment, MASTER_KEY: other });
    expect(errors).toMatch(/^Tillkeeper could not start\. .*Configure the original master key\.\n$/);
    expect(errors).not.toContain(other);
    expect(await rowsOf(database, 'data_keys')).toEqual(before);
  });

  it('that the database is out of reach, without its password', async () => {
    writeFileSync(join(database.folder, 'file'), '');
    const address = engine === 'postgres' ? 'postgres://app:hunter2@127.0.0.1:1/x' : `sqlite:${join(database.folder, 'file', 'x.db')}`;
    const errors = await expectRefusal({ ...testEnvironment(database), DATABASE_URL: address });
    expect(errors).toMatch(/^Tillkeeper could not start\. The (?:database of|SQLite file of) DATABASE_URL .*\([A-Z_]+\)\n$/);
    expect(errors).not.toContain('hunter2');
  });

  if (engine === 'sqlite') {
    it('everything that production lacks, in one list and without any value', async () => {
      const given = { MASTER_KEY: 'c2VudGluZWw=', AUTH_JWT_SECRET: 'sentinel', PORT: 'sentinel' };
      const errors = await expectRefusal({ NODE_ENV: 'production', ...given });
      const [head, ...problems] = errors.trimEnd().split('\n');
      expect(head).toBe('The configuration is not valid:');
      const names = problems.map((problem) => /^- ([A-Z_]+) must /.exec(problem)?.[1]);
      expect(names.sort()).toEqual(['AUTH_JWT_SECRET', 'DATABASE_URL', 'MASTER_KEY', 'PORT', 'PUBLIC_BASE_URL']);
      expect(errors).not.toMatch(/sentinel|c2VudGluZWw/);
    });

    it('that the port is taken', async () => {
      const environment = testEnvironment(database);
      const first = installation.start(environment);
      const { port } = new URL(await first.listening());
      expect(await expectRefusal({ ...environment, PORT: port })).toBe(
        'Tillkeeper could not start. Another process listens on PORT: stop it, or choose another PORT. (EADDRINUSE)\n',
      );
    });
  }
});
