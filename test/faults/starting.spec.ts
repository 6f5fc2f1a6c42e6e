import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { DATA_KEY_PURPOSES } from '../../src/vault/keys/data-key.repository.js';
import { Installation } from '../harness/installation.js';
import { rowsOf } from '../harness/database/rows.js';
import type { Environment, ServerProcess } from '../harness/servers/server-process.js';
import { testEnvironment } from '../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../harness/database/test-database.js';

jest.setTimeout(60_000);

/** Tests listen on loopback only, whatever HOST is. */
const LISTEN_ON_LOOPBACK = `data:text/javascript,${encodeURIComponent(`
  import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function (options, ...rest) { return listen.call(this, { ...options, host: '127.0.0.1' }, ...rest); };
`)}`;

/**
 * Sends SIGUSR1 as soon as a handler exists, and reports whether that was before any other module was loaded.
 */
const SIGNAL_EARLY = `data:text/javascript,${encodeURIComponent(`
  process.once('newListener', function early(name) {
    if (name !== 'SIGUSR1') return process.once('newListener', early);
    console.error(Reflect.getMetadata ? 'late' : 'early');
    setImmediate(() => process.kill(process.pid, name));
  });
`)}`;

let installation: Installation;
let database: TestDatabase;
let umask: number;

beforeAll(() => {
  installation = new Installation();
  // The usual umask of a shell.
  umask = process.umask(0o022);
});
afterAll(() => {
  process.umask(umask);
  return installation.remove();
});
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

/** These tests don't depend on the engine. */
const testOnSqlite = engine === 'sqlite' ? it : it.skip;

testOnSqlite.each(['dist/main.js', 'dist/cli/main.js'])(
  '%s opens no debugger on SIGUSR1 while it starts',
  async (program) => {
    const command: [string, ...string[]] = [
      process.execPath,
      '--import',
      SIGNAL_EARLY,
      join(installation.folder, program),
    ];
    const server = installation.start(
      testEnvironment(database),
      program.includes('cli') ? [...command, '--help'] : command,
    );
    if (!program.includes('cli')) {
      await server.listening();
      await server.stop('SIGTERM');
    }
    expect((await server.ended).code).toBe(0);
    expect(server.errors).toBe('early\n');
  },
);

async function refusalOf(environment: Environment): Promise<string> {
  const server = installation.start(environment);
  expect((await server.ended).code).toBe(1);
  return server.errors;
}

describe('the first start in development', () => {
  /** The environment of a newcomer: only paths are set. */
  const development = (): Environment => ({
    PORT: '0',
    DATA_DIR: join(database.folder, 'data'),
    DATABASE_URL: database.url,
  });
  const secretFiles = () =>
    ['master.key', 'token.secret'].map((name) => readFileSync(join(database.folder, 'data', name), 'utf8'));

  /** Output for people: all lines that are not JSON. */
  const printed = ({ output }: ServerProcess) =>
    output
      .split('\n')
      .filter((line) => !line.startsWith('{'))
      .join('\n');

  async function printedCall(server: ServerProcess): Promise<string> {
    await server.until(/^curl .*\n/m);
    return /^curl .*/m.exec(printed(server))?.[0] ?? '';
  }

  async function expectNoSample(server: ServerProcess): Promise<void> {
    // The log line of this request follows the output of the start.
    await server.until(/"route":"none"/, () => server.send('GET', '/nowhere'));
    expect(printed(server)).toBe('');
    expect(await rowsOf(database, 'projects')).toEqual([]);
  }

  async function runByShell(command: string): Promise<Record<string, unknown>> {
    const { stdout } = await promisify(execFile)('sh', ['-c', command]);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  it('makes keys that only its user can read, a project and a working sample call; the next start reuses them', async () => {
    const first = installation.start(development());
    const call = await printedCall(first);
    expect(printed(first)).toContain(`${await first.listening()}/docs`);
    expect(call).toMatch(/ -d '\{[^']+\}'$/);
    const saved = await runByShell(call);
    expect(saved).toMatchObject({ is_active: true, test_secret_key_masked: 'sk_test_...aaaa' });
    // On SQLite this is the database too, while it is open.
    const files = readdirSync(database.folder, { recursive: true, encoding: 'utf8' });
    const made = ['data/master.key', 'data/token.secret', ...(engine === 'sqlite' ? ['tillkeeper.db'] : [])];
    expect(files).toEqual(expect.arrayContaining(made));
    const isOpenToOthers = (name: string) => (statSync(join(database.folder, name)).mode & 0o077) !== 0;
    expect(files.filter(isOpenToOthers)).toEqual([]);
    const secrets = secretFiles();
    for (const secret of secrets) expect(first.output + first.errors).not.toContain(secret.trim());
    await first.stop('SIGTERM');

    const second = installation.start(development());
    const later = await printedCall(second);
    expect(later).toMatch(/^curl http\S+\/config -H 'Authorization: Bearer \S+'$/);
    expect(later.match(/projects\/(\S+)\/config/)?.[1]).toBe(call.match(/projects\/(\S+)\/config/)?.[1]);
    expect(later).not.toContain(/Bearer \S+/.exec(call)?.[0]);
    expect(await runByShell(later)).toMatchObject({ id: saved['id'] });
    expect(secretFiles()).toEqual(secrets);
    expect(await rowsOf(database, 'projects')).toHaveLength(1);
    await second.stop('SIGTERM');
  });

  testOnSqlite('prints nothing and makes no project where others could reach it', async () => {
    const server = installation.start({
      ...development(),
      HOST: '0.0.0.0',
      NODE_OPTIONS: `--import=${LISTEN_ON_LOOPBACK}`,
    });
    await expectNoSample(server);
    await server.stop('SIGTERM');
  });

  testOnSqlite(
    'prints nothing with SAMPLE_DATA=false, and refuses a port that is taken and a master key that is another',
    async () => {
      const environment = { ...development(), SAMPLE_DATA: 'false' };
      const server = installation.start(environment);
      await expectNoSample(server);
      const keys = await rowsOf(database, 'data_keys');
      expect(keys).toHaveLength(DATA_KEY_PURPOSES.length);

      const { port } = new URL(await server.listening());
      expect(await refusalOf({ ...environment, PORT: port })).toBe(
        'Tillkeeper could not start. Another process listens on PORT: stop it, or choose another PORT. (EADDRINUSE)\n',
      );
      expect(
        await refusalOf({ ...environment, STRIPE_GATEWAY: 'true', STRIPE_GATEWAY_PORT: port, PORT: '0' }),
      ).toBe(
        'The configuration is not valid:\n- Another process listens on STRIPE_GATEWAY_PORT: stop it, or choose another port.\n',
      );
      await server.stop('SIGTERM');

      const other = randomBytes(32).toString('base64');
      const refusal = await refusalOf({ ...environment, MASTER_KEY: other });
      expect(refusal).toMatch(/^Tillkeeper could not start\. .*Configure the original master key\.\n$/);
      expect(refusal).not.toContain(other);
      expect(await rowsOf(database, 'data_keys')).toEqual(keys);
    },
  );
});

describe('a failed start says', () => {
  it('that the database can not be reached, without its password', async () => {
    writeFileSync(join(database.folder, 'file'), '');
    const address =
      engine === 'postgres'
        ? 'postgres://app:hunter2@127.0.0.1:1/x'
        : `sqlite:${join(database.folder, 'file', 'x.db')}`;
    const refusal = await refusalOf({ ...testEnvironment(database), DATABASE_URL: address });
    expect(refusal).toMatch(
      /^Tillkeeper could not start\. The (?:database of|SQLite file of) DATABASE_URL .*\([A-Z_]+\)\n$/,
    );
    expect(refusal).not.toContain('hunter2');
  });

  if (engine === 'postgres') {
    it.each([
      ['LOGIN CONNECTION LIMIT 0', /has too many connections: raise max_connections.*\(53300\)/],
      ['NOLOGIN', /admits no such connection: its pg_hba\.conf.*\(28000\)/],
    ])(
      'why the database refuses a role with %s, in one line and without a stack',
      async (attribute, reason) => {
        const url = new URL(database.url);
        const role = `refused_${url.pathname.slice(1)}`;
        url.username = role;
        const administrator = new Client({ connectionString: database.url });
        await administrator.connect();
        await administrator.query(`CREATE ROLE ${role} ${attribute}`);
        const server = installation.start({
          ...testEnvironment(database),
          DATABASE_URL: url.href,
          LOG_LEVEL: 'info',
        });
        await server.ended;
        await administrator.query(`DROP ROLE ${role}`);
        await administrator.end();
        expect(server.errors).toMatch(reason);
        expect(server.errors.trimEnd().split('\n')).toHaveLength(1);
        expect(server.output.trimEnd().split('\n')).toEqual([
          expect.stringMatching(
            /"msg":"Tillkeeper [\d.]+ on Node\.js v\d.* with PostgreSQL and master keys from: local"/,
          ),
        ]);
      },
    );
  }

  testOnSqlite('everything that production lacks, in one list and without any value', async () => {
    const given = { MASTER_KEY: 'c2VudGluZWw=', AUTH_JWT_SECRET: 'sentinel', PORT: 'sentinel' };
    const refusal = await refusalOf({ NODE_ENV: 'production', ...given });
    const [head, ...problems] = refusal.trimEnd().split('\n');
    expect(head).toBe('The configuration is not valid:');
    const names = problems.map((problem) => /^- ([A-Z_]+) must /.exec(problem)?.[1]);
    expect(names.sort()).toEqual([
      'AUTH_JWT_SECRET',
      'DATABASE_URL',
      'MASTER_KEY',
      'PORT',
      'PUBLIC_BASE_URL',
    ]);
    expect(refusal).not.toMatch(/sentinel|c2VudGluZWw/);
  });
});
