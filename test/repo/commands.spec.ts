import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { systemActor } from '../../src/common/actor.js';
import type { ProjectId } from '../../src/common/ids.js';
import { ServiceAccountsService } from '../../src/projects/service-accounts/service-accounts.service.js';
import { type AppWithStripe, startAppWithStripe } from '../harness/app-with-stripe.js';
import { runInProcess } from '../harness/command-line.js';
import { type CommandBlock, commandBlocks, inlineCommands } from '../harness/documented-commands.js';
import { Installation } from '../harness/installation.js';
import { ProjectCopy } from '../harness/project-copy.js';
import { StripeServer } from '../harness/stripe/stripe-server.js';
import { configPath, OWNER, STRANGER, testEnvironment } from '../harness/test-app.js';
import { createTestDatabase, type TestDatabase } from '../harness/database/test-database.js';
import { endUserToken, TOKEN_SECRET } from '../harness/tokens.js';

jest.setTimeout(180_000);

const scripts = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> })
  .scripts;

/** For a machine without curl, and for programs that a page assumes. */
const CURL = `
  const [, ...words] = process.argv;
  const request = { headers: {} };
  let url;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-X') request.method = words.shift();
    else if (word === '-H') { const [name, ...value] = words.shift().split(': '); request.headers[name] = value.join(': '); }
    else if (word === '-d') { request.body = words.shift(); request.method ??= 'POST'; }
    else if (!word.startsWith('-')) url = word;
  }
  fetch(url, request).then(async (response) => {
    process.stdout.write(await response.text());
    process.exitCode = response.ok ? 0 : 22;
  });`;
const PROGRAMS = `
  if command -v curl >/dev/null; then curl() { command curl --silent --show-error --fail-with-body "$@"; }
  else curl() { "$NODE" -e "$CURL" -- "$@"; }; fi
  jq() { "$NODE" -p 'JSON.parse(fs.readFileSync(0, "utf8"))'"$(printf %s "$2")"; }
  uuidgen() { "$NODE" -p 'crypto.randomUUID()'; }
  pass() { echo 'correct horse battery staple'; }
  npx() { shift; "$NODE" "$PROGRAM" "$@"; }
  set -e
`;

/** Runs a command like a reader of the page. @throws if it fails @returns its output */
async function shell(
  command: string,
  environment: Record<string, string | undefined> = {},
  cwd = tmpdir(),
): Promise<string> {
  const env = { PATH: process.env.PATH, NODE: process.execPath, CURL, ...environment };
  const { stdout } = await promisify(execFile)('sh', ['-c', PROGRAMS + command], { cwd, env });
  return stdout;
}

describe('npm run', () => {
  const NOT_RUN: Readonly<Record<string, string>> = {
    check: 'its own command, which runs before every release',
    lint: 'part of check',
    format: 'prettier --check of the same files is part of check',
    test: 'runs this test',
    'test:sqlite': 'runs this test',
    'test:postgres': 'the same with the other engine',
    'test:node': 'installs another Node: test-on-node.spec.ts runs it with a stand-in for npm',
    'test:mutation': 'takes hours',
    'test:soak': 'takes hours',
    'images:pin': 'needs Docker: pin-images.spec.ts runs it with a stand-in',
  };

  const small = (name: string) => async () => {
    const { code, output } = await copy.run(`npm run ${name} -- --small --engine sqlite`);
    expect(output).toContain(name === 'bench:clients' ? 'A cached StripeClients.for:' : '## Targets');
    expect(code).toBe(0);
  };

  const RUN: Readonly<Record<string, () => Promise<void>>> = {
    prepare: async () => expect(await copy.run('npm run prepare')).toMatchObject({ code: 0 }),
    build: async () => {
      const { code, output } = await copy.run('npm run build');
      expect(output).toContain('Successfully compiled');
      expect(code).toBe(0);
    },
    start: async () => {
      const server = copy.start('npm start', { PORT: '0' });
      const [firstCall] = await server.until(/^curl .*/m);
      expect(JSON.parse(await shell(firstCall))).toMatchObject({ is_active: true });
      await server.stop();
    },
    cli: async () => {
      const status = await copy.run('npm run cli -- keys status');
      expect(status.output).toContain('seal');
      expect(status.code).toBe(0);
    },
    typeorm: async () => {
      expect((await copy.run('npm run typeorm -- migration:show')).output).toContain('[X] ');
      expect((await copy.run('npm run typeorm -- migration:revert')).output).toContain('has been reverted');
    },
    'stripe:local': async () => {
      const stripe = copy.start('npm run stripe:local -- 0');
      const [, url = ''] = await stripe.until(/answers on (http\S+?)\. /);
      expect(await (await fetch(`${url}/v1/balance`)).json()).toHaveProperty('error');
      await stripe.stop();
    },
    demo: async () => {
      const { code, output } = await copy.run('npm run demo');
      expect(output).toContain('in a signed event: payment.refunded');
      expect(code).toBe(0);
    },
    'api:types': async () => expect(await copy.run('npm run api:types')).toMatchObject({ code: 0 }),
    // In the real folder, since npm lists no packages behind a link.
    sbom: async () => {
      const file = join(copy.folder, 'sbom.json');
      execFileSync('npm', ['run', '--silent', 'sbom', '--', '--output-file', file], { stdio: 'ignore' });
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ bomFormat: 'CycloneDX' });
    },
    bench: small('bench'),
    'bench:webhooks': small('bench:webhooks'),
    'bench:events': small('bench:events'),
    'bench:import': small('bench:import'),
    'bench:operators': small('bench:operators'),
    'bench:clients': small('bench:clients'),
    'bench:gateway': small('bench:gateway'),
  };

  let copy: ProjectCopy;
  beforeAll(() => {
    copy = new ProjectCopy();
  });
  afterAll(() => copy.remove());

  it('runs or excuses every script', () => {
    expect([...Object.keys(RUN), ...Object.keys(NOT_RUN)].sort()).toEqual(Object.keys(scripts).sort());
  });

  it.each(Object.entries(RUN))('%s', (_name, run) => run());

  it('covers every npm command of the documentation', () => {
    const all = [
      ...commandBlocks().flatMap(({ commands }) => commands),
      ...inlineCommands().map(({ command }) => command),
    ];
    const npm = all
      .flatMap((command) => command.split(' && '))
      .filter((command) => command.startsWith('npm '));
    const names = npm.map((command) => /^npm (?:run )?([\w:]+)/.exec(command)?.[1] ?? command);
    expect(npm.length).toBeGreaterThan(5);
    expect(names.filter((name) => name !== 'ci' && !(name in scripts))).toEqual([]);
  });

  it('config-docs.mjs --check accepts README and .env.example', async () => {
    expect(await copy.run('node scripts/config-docs.mjs --check')).toEqual({ code: 0, output: '' });
  });
});

/** Commands that can't run in a test. */
const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [/^docker /, 'needs Docker'],
  [
    /^mkdir -m 700 secrets$|^openssl rand -base64 32 > secrets|^cat > \.env <<END/,
    'prepares the files for Docker, which container.spec.ts checks',
  ],
  [/^npm /, 'run above'],
  [/^node scripts\/config-docs\.mjs$/, 'run above with --check'],
  [/^node (?:--disable-sigusr1 --max-semi-space-size=8 )?dist\/main\.js$/, 'what npm start runs'],
];
const isNotRun = (command: string) => NOT_RUN.some(([pattern]) => pattern.test(command));

describe('the documentation', () => {
  const blocks = commandBlocks().map((block) => ({ ...block, first: block.commands[0]?.slice(0, 60) ?? '' }));
  const isCli = ({ commands }: CommandBlock) =>
    commands.some((command) => /(?:^|\| )npx tillkeeper /.test(command));
  const isNode = ({ commands }: CommandBlock) => commands.every((command) => command.startsWith('node -e '));
  const isHttp = ({ commands }: CommandBlock) =>
    commands.every((command) => /^(?:[A-Z_]+=(?:\S+|\$\(.*\))$|curl )/s.test(command));
  const isRunnable = (block: CommandBlock) => [isCli, isNode, isHttp].some((is) => is(block));

  it('mentions only known commands in sentences', () => {
    const unknown = inlineCommands()
      .flatMap(({ page, command }) => command.split(' && ').map((part) => ({ page, command: part })))
      .filter(({ command }) => !isNotRun(command) && !command.startsWith('npx tillkeeper'));
    expect(unknown).toEqual([]);
  });

  it('shows only command blocks that run here or are excused', () => {
    const unknown = blocks.filter((block) => !isRunnable(block) && !block.commands.every(isNotRun));
    expect(unknown.map(({ page, commands }) => ({ page, commands }))).toEqual([]);
    expect(blocks.filter(isHttp).length).toBeGreaterThan(8);
    expect(blocks.filter(isCli).length).toBeGreaterThan(3);
  });

  describe('calls the API with', () => {
    let app: AppWithStripe;
    let project: string;
    let variables: Record<string, string>;

    beforeAll(async () => {
      app = await startAppWithStripe({ environment: { STRIPE_GATEWAY: 'true' } });
      project = await app.createProject();
      const origin = (await app.app.getUrl()).replace('[::1]', '127.0.0.1');
      variables = {
        TILLKEEPER: origin,
        PROJECT: project,
        TOKEN: OWNER,
        CONFIG: origin + configPath(project),
        USER_TOKEN: endUserToken(project),
        // Names in docs/auth.md.
        PROJECT_ID: project,
        DEVELOPER_TOKEN: OWNER,
        TILLKEEPER_KEY: await keyOf(project as ProjectId),
        PLATFORM_KEY: await keyOf(null),
        COLLEAGUES_TOKEN: STRANGER,
        INVITATION: await invitation(),
        GATEWAY_KEY: await gatewayKey(),
      };
    });
    afterAll(() => app.close());

    /** @returns the token of an open invitation */
    async function invitation(): Promise<string> {
      const invited = { email: 'linus@example.com', role: 'viewer' };
      const { body } = await app
        .send('post', `/api/v1/projects/${project}/members`)
        .send(invited)
        .expect(201);
      return new URL((body as { invite_url: string }).invite_url).hash.slice(1);
    }

    /** @returns a key with which the gateway lets customers be made */
    async function gatewayKey(): Promise<string> {
      const { body } = await app
        .send('post', configPath(project).replace(/config$/, 'gateway-keys'))
        .send({ name: 'Worker', mode: 'test', permissions: { customers: 'write' } })
        .expect(201);
      return (body as { key: string }).key;
    }

    /** @returns the key of a new service account of the project, or of the operator */
    async function keyOf(projectId: ProjectId | null): Promise<string> {
      const account = { name: 'Backend', expiresAt: null, networks: [], requestsPerMinute: null };
      const accounts = app.app.get(ServiceAccountsService);
      return (await accounts.create(projectId, { ...account, role: 'admin' }, systemActor('test'))).key;
    }

    /** Stores keys of an account in both modes, independent of the previous block. */
    async function configure(): Promise<number> {
      const { test, live } = app.account.keys;
      const keys = {
        test_secret_key: test.secret,
        test_publishable_key: test.publishable,
        live_secret_key: live.secret,
        live_publishable_key: live.publishable,
      };
      const { headers } = await app.send('put', configPath(project)).send(keys).expect(200);
      return Number(/\d+/.exec(headers['etag'] ?? '')?.[0]);
    }

    it.each(blocks.filter(isHttp))('$first in $page', async ({ text }) => {
      const version = await configure();
      const [price] = app.account.test.all('price');
      const given = text
        .replaceAll(/^(TILLKEEPER|PROJECT|TOKEN)=.*$/gm, (_, name: string) => `${name}='${variables[name]}'`)
        .replaceAll('operator/projects/$PROJECT_ID', `operator/projects/${randomUUID()}`)
        .replaceAll('https://pay.example.com', '$TILLKEEPER')
        .replaceAll('If-Match: "7"', `If-Match: "${version}"`)
        .replaceAll('tkg_test_…', '$GATEWAY_KEY')
        .replaceAll(/price_a+/g, price?.id ?? '');
      await shell(
        `${given}\nexpected=$TILLKEEPER${configPath(project)}; test "$CONFIG" = "$expected"`,
        variables,
      );
    });
  });

  describe('uses the command line with', () => {
    let database: TestDatabase;
    let installation: Installation;
    let stripe: StripeServer;
    let environment: Record<string, string | undefined>;
    let folder: string;
    let formerKey = '';
    let recipient = '';

    beforeAll(async () => {
      database = await createTestDatabase();
      installation = new Installation();
      stripe = await new StripeServer().start();
      folder = mkdtempSync(join(tmpdir(), 'tillkeeper-commands-'));
      environment = {
        ...testEnvironment(database),
        AUTH_BUILTIN: 'true',
        LOG_LEVEL: 'error',
        STRIPE_API_BASE: stripe.url,
      };
      await run('npx tillkeeper migrate');
      await prepareMove();
    });
    afterAll(async () => {
      rmSync(folder, { recursive: true });
      await installation.remove();
      await stripe.stop();
      await database.drop();
    });

    /** The files that docs/guide/move-in.md names. */
    async function prepareMove(): Promise<void> {
      const key = await generateIdentity();
      recipient = await identityToRecipient(key);
      writeFileSync(join(folder, 'identity.txt'), key);
      const { secret } = stripe.addAccount().keys.live;
      const rows = ['project_id,owner_id,name,live_secret_key', `${randomUUID()},developer-1,Shop,${secret}`];
      writeFileSync(join(folder, 'tenants.csv'), rows.join('\n'));
    }

    async function run(shown: string): Promise<string> {
      const command = shown
        .replace('age1…', recipient)
        .replace(/\b(?:tenants\.csv|refused\.jsonl|projects\.age|identity\.txt)/g, `${folder}/$&`)
        .replace(/ > (\S+)$/, '')
        .replace('<former id>', formerKey)
        .replace('<command>', 'doctor')
        .replace('$(date +%F)', '2026-11-21')
        .replace('/backups/', `${folder}/`)
        .replace('--anchor ', `--anchor ${folder}/`);
      // The same person can't be added twice.
      if (command.includes('| npx')) {
        const piped = command.replace('ada@example.com', 'grace@example.com');
        return shell(piped, { ...environment, PROGRAM: join(installation.folder, 'dist/cli/main.js') });
      }
      const words = command.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')) ?? [];
      const { code, output, errors } = await runInProcess(environment, ...words.slice(2));
      expect({ command, code, said: code === 0 ? '' : output + errors }).toEqual({
        command,
        code: 0,
        said: '',
      });
      const file = / > (\S+)$/.exec(shown)?.[1];
      if (file) writeFileSync(join(folder, file), output);
      return output;
    }

    it.each(blocks.filter(isCli))('$first in $page', async ({ commands }) => {
      const { output } = await runInProcess(environment, 'keys', 'status', '--json');
      formerKey =
        (JSON.parse(output) as { data_keys: { id: string; purpose: string }[] }).data_keys.find(
          ({ purpose }) => purpose === 'seal',
        )?.id ?? '';
      for (const command of commands) await run(command);
    });

    it.each(
      [...new Set(inlineCommands().map(({ command }) => command))].filter((command) =>
        command.startsWith('npx tillkeeper '),
      ),
    )('%s', async (command) => void (await run(command)));
  });

  it.each(blocks.filter(isNode))('makes a token in $page', async ({ text }) => {
    const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-token-'));
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data/token.secret'), TOKEN_SECRET);
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'dir');
    cpSync('package.json', join(folder, 'package.json'));
    try {
      expect(await shell(text, {}, folder)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
