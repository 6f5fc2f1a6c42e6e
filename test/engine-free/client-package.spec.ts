import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type AppWithStripe, startAppWithStripe } from '../harness/app-with-stripe.js';
import { eventually } from '../harness/eventually.js';
import { makeGatewayKey, portOf } from '../harness/gateway.js';
import { OWNER } from '../harness/test-app.js';

const PACKAGE = resolve('packages/client');
const BIN = resolve('node_modules/.bin');
const DEPENDENCIES = ['openapi-fetch', 'openapi-typescript-helpers'];
/** Large, and not part of the package: taken from this installation. */
const LINKED = ['stripe', '@types'];

const run = promisify(execFile);
/** No registry answers at this address, so that nothing comes from elsewhere. */
const npm = (args: string[], cwd: string) =>
  run('npm', [...args, '--offline', '--ignore-scripts', '--registry=http://127.0.0.1:9'], { cwd });

/** A project of somebody else, with the packed package and nothing else of ours. */
let folder: string;
let app: AppWithStripe;
let environment: Record<string, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tillkeeper-client-'));
  app = await startAppWithStripe({ environment: { STRIPE_GATEWAY: 'true' } });
  expect(await install()).toBe(5);
  const projectId = await app.createProject();
  const { body: user } = await app
    .send('post', `/api/v1/projects/${projectId}/end-user-tokens`)
    .send({ user_id: 'grace' });
  environment = {
    PATH: process.env.PATH ?? '',
    TILLKEEPER_URL: `http://127.0.0.1:${portOf(app)}`,
    TILLKEEPER_TOKEN: OWNER,
    PROJECT_ID: projectId,
    STRIPE_KEY: app.account.keys.test.secret,
    GATEWAY_KEY: (await makeGatewayKey(app, projectId, { customers: 'write' })).key,
    END_USER_TOKEN: (user as { access_token: string }).access_token,
    PRICE_ID: app.account.test.all('price')[0]?.id ?? '',
    EVENT_SECRET: `whsec_${Buffer.alloc(32, 'k').toString('base64')}`,
  };
}, 120_000);
afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

/** Builds, packs and installs the package, and compiles the examples. @returns how many there are */
async function install(): Promise<number> {
  await run(join(BIN, 'tsc'), ['--project', join(PACKAGE, 'tsconfig.build.json')]);
  const sources = [PACKAGE, ...DEPENDENCIES.map((name) => resolve('node_modules', name))];
  await npm(['pack', ...sources, '--pack-destination', folder], folder);
  const packed = readdirSync(folder).map((name) => `./${name}`);
  const manifest = { name: 'shop', version: '1.0.0', type: 'module', private: true };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  await npm(['install', ...packed, '--legacy-peer-deps', '--no-audit', '--no-fund'], folder);
  for (const name of LINKED) symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name));

  const examples = [...readFileSync(join(PACKAGE, 'README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)];
  examples.forEach(([, text = ''], nth) => writeFileSync(join(folder, `example-${nth + 1}.ts`), text));
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    types: ['node'],
    skipLibCheck: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  await run(join(BIN, 'tsc'), [], { cwd: folder });
  return examples.length;
}

/** Runs an example in a process of its own. @returns what it printed */
async function example(nth: number, more: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run(process.execPath, [`example-${nth}.js`], {
    cwd: folder,
    env: { ...environment, ...more },
  });
  return stdout.trim();
}

it('has compiled modules with types, and neither sources nor tests', () => {
  const files = readdirSync(join(folder, 'node_modules/@tillkeeper/client'), {
    recursive: true,
    encoding: 'utf8',
  });
  expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts']));
  expect(files.filter((name) => /spec|^src|tsconfig|\.map$/.test(name))).toEqual([]);
});

it('stores credentials, and shows the mask', async () => {
  expect(await example(1)).toMatch(/^sk_test_\.\.\.\w{4} "[^"]+"$/);
});

it('uses Stripe through the gateway', async () => {
  expect(await example(2)).toMatch(/^cus_\w+ ada@example\.com$/);
});

it('does a repeated request once', async () => {
  expect(await example(3)).toBe('true');
});

it('has typed errors', async () => {
  expect(await example(4)).toMatch(/^body\.test_secret_key must start with sk_test_/);
  expect(await example(4, { TILLKEEPER_TOKEN: 'wrong' })).toMatch(/^unauthenticated .+ [\w-]+$/);
});

it('verifies events', async () => {
  const port = await freePort();
  const receiver = spawn(process.execPath, ['example-5.js'], {
    cwd: folder,
    env: { ...environment, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((done) => receiver.once('close', done));
  let printed = '';
  let complaints = '';
  receiver.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
  receiver.stdout.on('data', (text: Buffer) => (printed += text.toString()));
  const body = JSON.stringify({ id: 'event-1', type: 'payment.succeeded', data: {} });
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const signature = createHmac('sha256', Buffer.alloc(32, 'k'))
    .update(`event-1.${timestamp}.${body}`)
    .digest('base64');
  const deliver = (text: string) =>
    fetch(`http://127.0.0.1:${port}`, {
      method: 'POST',
      headers: {
        'webhook-id': 'event-1',
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      },
      body: text,
    });
  try {
    await eventually(async () => expect((await deliver(body)).status).toBe(204));
    expect((await deliver(`${body} `)).status).toBe(400);
    const aborted = connect(port, '127.0.0.1');
    await new Promise<void>((sent) =>
      aborted.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{', () => sent()),
    );
    aborted.resetAndDestroy();
    await eventually(async () => expect(complaints).toContain('aborted'));
    expect((await deliver(body)).status).toBe(204);
    expect(printed).toBe('payment.succeeded event-1\n'.repeat(2));
  } finally {
    receiver.kill();
    await ended;
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
