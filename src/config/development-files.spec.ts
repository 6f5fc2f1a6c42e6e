import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { transformFileSync } from '@swc/core';
import { ConfigurationError } from './environment.js';
import { loadSettings } from './load-settings.js';
import { masterKeys } from './rules.js';
import { SecretFile } from './secret-file.js';
import type { Settings } from './settings.js';

const KEY = Buffer.alloc(32, 7).toString('base64');

let folder: string;
let dataDir: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'development-files-'));
  dataDir = join(folder, 'new', 'data');
});
afterEach(() => rmSync(folder, { recursive: true }));

function secretsOf({ masterKeys, accessTokens }: Settings): string[] {
  return [
    ...masterKeys.flatMap((source) =>
      source.provider === 'local' ? source.keys.map((key) => key.reveal()) : [],
    ),
    accessTokens.kind === 'hs256' ? (accessTokens.secrets[0]?.reveal() ?? '') : '',
  ];
}

function place(name: string, text: string): void {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, name), text);
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

it('creates both secrets at the first start, readable by the owner only, and reuses them', () => {
  const first = loadSettings({ DATA_DIR: dataDir });
  expect(readdirSync(dataDir).sort()).toEqual(['master.key', 'token.secret']);
  expect([dataDir, join(dataDir, 'master.key'), join(dataDir, 'token.secret')].map(modeOf)).toEqual([
    0o700, 0o600, 0o600,
  ]);
  const [key, secret] = secretsOf(first);
  expect([key, secret]).toEqual(
    ['master.key', 'token.secret'].map((name) => readFileSync(join(dataDir, name), 'utf8')),
  );
  expect(key).not.toBe(secret);
  expect(secretsOf(loadSettings({ DATA_DIR: dataDir }))).toEqual([key, secret]);
});

it('creates different secrets for different folders', () => {
  const [one, other] = ['one', 'other'].map((name) =>
    secretsOf(loadSettings({ DATA_DIR: join(folder, name) })),
  );
  expect(one?.[0]).not.toBe(other?.[0]);
  expect(one?.[1]).not.toBe(other?.[1]);
});

it('creates only secrets that are not configured', () => {
  loadSettings({ DATA_DIR: dataDir, MASTER_KEY: KEY });
  expect(readdirSync(dataDir)).toEqual(['token.secret']);

  const jwks = { AUTH_JWKS_URI: 'https://id.example.com/keys', AUTH_ISSUER: 'i', AUTH_AUDIENCE: 'a' };
  const other = join(folder, 'other');
  loadSettings({ DATA_DIR: other, ...jwks });
  expect(readdirSync(other)).toEqual(['master.key']);
});

it.each([
  ['test', { NODE_ENV: 'test' }],
  ['production', { NODE_ENV: 'production', DATABASE_URL: 'sqlite:x', PUBLIC_BASE_URL: 'https://x' }],
  ['an unknown environment', { NODE_ENV: 'staging' }],
  ['development with another problem', { PORT: 'x' }],
])('creates nothing in %s', (_, given) => {
  expect(() => loadSettings({ DATA_DIR: dataDir, ...given })).toThrow(ConfigurationError);
  expect(existsSync(dataDir)).toBe(false);
});

it.each([
  ['master.key', 'c2hvcnQ=', 'MASTER_KEY'],
  ['token.secret', 'short', 'AUTH_JWT_SECRET'],
  ['master.key', '', 'MASTER_KEY'],
])('keeps an unusable %s (%j), and creates nothing', (name, text, variable) => {
  place(name, text);
  expect(() => loadSettings({ DATA_DIR: dataDir })).toThrow(
    expect.objectContaining({ problems: [expect.stringContaining(`set ${variable}.`)] }),
  );
  expect(readdirSync(dataDir)).toEqual([name]);
  expect(readFileSync(join(dataDir, name), 'utf8')).toBe(text);
});

it('does not write through a dangling link', () => {
  mkdirSync(dataDir, { recursive: true });
  symlinkSync(join(folder, 'elsewhere'), join(dataDir, 'master.key'));
  expect(() => loadSettings({ DATA_DIR: dataDir })).toThrow(/^- DATA_DIR .+ master\.key/m);
  expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
});

it('reports a data folder that is a file, once for each secret', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    expect(() => loadSettings({ DATA_DIR: path })).toThrow(
      /DATA_DIR .+ master\.key .+\n- DATA_DIR .+ token\.secret [^/]+$/,
    );
  }
});

it('uses the file of a process that was faster', () => {
  place('unrelated', '');
  const path = join(dataDir, 'master.key');
  const late = new SecretFile({ path, parse: masterKeys, advice: 'unused', mayCreate: true });
  writeFileSync(path, KEY);
  expect(late.open().map((key) => key.reveal())).toEqual([KEY]);
  expect(readFileSync(path, 'utf8')).toBe(KEY);
  expect(readdirSync(dataDir).sort()).toEqual(['master.key', 'unrelated']);
});

it('gives concurrently starting processes equal secrets', async () => {
  const module = compiled();
  // Starts all at one time; otherwise the first would finish before the second is up.
  const script = `
    import { loadSettings } from ${JSON.stringify(module)};
    while (Date.now() < ${Date.now() + 1000});
    const { masterKeys, accessTokens } = loadSettings(${JSON.stringify({ DATA_DIR: dataDir })});
    console.log(masterKeys[0].keys[0].reveal(), accessTokens.secrets[0].reveal());`;
  const start = (): Promise<{ stdout: string }> =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  const printed = await Promise.all(Array.from({ length: 4 }, async () => (await start()).stdout.trim()));
  const stored = ['master.key', 'token.secret']
    .map((name) => readFileSync(join(dataDir, name), 'utf8'))
    .join(' ');
  expect(printed).toEqual(printed.map(() => stored));
  expect(readdirSync(dataDir).sort()).toEqual(['master.key', 'token.secret']);
});

/** Compiles the configuration to modules for plain Node. */
function compiled(): string {
  const sources = [
    ...readdirSync(__dirname).map((name) => join(__dirname, name)),
    join(__dirname, '../common/secret.ts'),
  ];
  for (const source of sources.filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))) {
    const { code } = transformFileSync(source);
    const target = join(folder, basename(join(source, '..')), basename(source, '.ts'));
    mkdirSync(join(target, '..'), { recursive: true });
    writeFileSync(`${target}.js`, code);
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return pathToFileURL(join(folder, 'config/load-settings.js')).href;
}
