import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { isBuiltin } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { satisfies } from 'semver';
import { loadSettings } from '../../src/config/load-settings.js';
import { isVariableName } from '../../src/config/variables.js';
import { HealthController } from '../../src/monitoring/health.controller.js';

const dockerfile = readFileSync('Dockerfile', 'utf8').replaceAll('\\\n', ' ');
const compose = readFileSync('compose.yaml', 'utf8');
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  dependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
};

interface LockedPackage {
  dev?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
  engines?: { node?: string };
}
const { packages: locked } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, LockedPackage>;
};

const instructions = (name: string) =>
  [...dockerfile.matchAll(new RegExp(`^${name} +(.+)$`, 'gm'))].map(([, rest = '']) => rest);
const pathOf = (of: unknown): unknown =>
  typeof of === 'function' ? Reflect.getMetadata(PATH_METADATA, of) : undefined;
const list = (json: string) => JSON.parse(json) as string[];

/** The content of a top-level `key:` of compose.yaml, without comments. */
function under(text: string, key: string): string {
  const found = [...text.matchAll(new RegExp(`^( *)${key}:\\n((?:\\1 +.*\\n|\\n)*)`, 'gm'))];
  const [[, indent = '', rest = ''] = []] = found.sort(([, a = ''], [, b = '']) => a.length - b.length);
  return rest.replaceAll(/^ *#.*\n/gm, '').replaceAll(new RegExp(`^${indent}  `, 'gm'), '');
}

const service = (name: string) => under(under(compose, 'services'), name);
function environmentOf(name: string): Map<string, string> {
  const lines = under(service(name), 'environment').matchAll(/^(\w+): '?(.*?)'?$/gm);
  return new Map([...lines].map(([, key = '', value = '']) => [key, value]));
}

describe('the image', () => {
  const [last = ''] = dockerfile.split(/^FROM /m).slice(-1);

  it("starts the build's output as an unprivileged user", () => {
    expect(list(instructions('CMD').at(-1) ?? '')).toEqual([
      'node',
      '--disable-sigusr1',
      '--max-semi-space-size=8',
      'dist/main.js',
    ]);
    expect(existsSync('src/main.ts')).toBe(true);
    expect(last).toMatch(/^USER node$/m);
    expect(last.indexOf('USER node')).toBeGreaterThan(last.lastIndexOf('COPY'));
  });

  it('uses one supported Node version in all stages', () => {
    const majors = instructions('FROM').map(
      (from) => /^node:(\d+)-[\w.-]+(?:@sha256:[0-9a-f]{64})?(?: AS \w+)?$/.exec(from)?.[1],
    );
    expect(new Set(majors).size).toBe(1);
    expect(Number(majors[0])).toBeGreaterThanOrEqual(22);
    // Even versions have long-term support.
    expect(Number(majors[0]) % 2).toBe(0);
    expect(readFileSync('.nvmrc', 'utf8').trim()).toBe(majors[0]);
  });

  it('has a health check that passes for 200 and fails otherwise', async () => {
    const [check = ''] = instructions('HEALTHCHECK');
    const [, controller, handler] = /\$\{process\.env\.PORT\}\/(\w+)\/(\w+)/.exec(check) ?? [];
    const handlers = Object.values(Object.getOwnPropertyDescriptors(HealthController.prototype)).map(
      ({ value }): unknown => value,
    );
    expect(pathOf(HealthController)).toBe(controller);
    expect(handlers.map(pathOf)).toContain(handler);

    expect(check).toMatch(/^--start-period=60s /);
    const [program = '', ...options] = list(/CMD (\[.*)/.exec(check)?.[1] ?? '[]');
    const server = createServer((request, response) =>
      response.writeHead(request.url === `/${controller}/${handler}` ? status : 500).end(),
    );
    let status = 200;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const env = { PATH: process.env.PATH, PORT: String((server.address() as AddressInfo).port) };
    const ends = () =>
      new Promise<number | null>((resolve) =>
        spawn(program, options, { env, stdio: 'ignore' }).on('close', resolve),
      );
    expect(await ends()).toBe(0);
    status = 503;
    expect(await ends()).toBe(1);
    await new Promise((resolve) => server.close(resolve));
    expect(await ends()).toBe(1);
  });

  it('sets only variables that the program reads', () => {
    const names = [...(instructions('ENV')[0] ?? '').matchAll(/(\w+)=/g)].map(([, name = '']) => name);
    expect(names.filter((name) => !isVariableName(name))).toEqual([]);
    expect(names).toContain('PORT');
  });

  it('copies only files that exist and that .dockerignore allows', () => {
    const ignore = readFileSync('.dockerignore', 'utf8').split('\n');
    expect(ignore).toContain('*');
    const copied = instructions('COPY')
      .filter((copy) => !copy.startsWith('--from'))
      .flatMap((copy) => copy.split(' ').slice(0, -1));
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied)
      expect([path, existsSync(path), ignore.includes(`!${path}`)]).toEqual([path, true, true]);
    expect(ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1))).toEqual(
      [...new Set(copied)].sort(),
    );
  });

  it('has no optional packages, and only files that Node loads', () => {
    const [dependencies = ''] = dockerfile.split(/^FROM /m).slice(1);
    expect([...dependencies.matchAll(/^RUN (.+)$/gm)].map(([, command]) => command)).toEqual([
      'npm ci --omit=dev --omit=optional',
      'node scripts/prune-node-modules.mjs',
    ]);
    const optional = Object.entries(locked).filter(([, { dev, optional }]) => optional && !dev);
    // For Cloudflare's workers, not for Node.
    expect(optional.map(([path]) => path)).toEqual(['node_modules/pg-cloudflare']);
  });

  it('loads native modules while building, since a wrong binary would end the process', () => {
    const native = Object.keys(manifest.dependencies).filter(
      (name) => locked[`node_modules/${name}`]?.hasInstallScript,
    );
    expect(native).toEqual(expect.arrayContaining(['argon2', 'better-sqlite3']));
    expect(native.filter((name) => !manifest.allowScripts[name])).toEqual([]);
  });

  it.each(['20.19.0', '22.13.0', '24.11.0', '26.0.0'])(
    'has no package with an engine warning on Node %s',
    (node) => {
      const production = Object.entries(locked).filter(([path, { dev }]) => path !== '' && !dev);
      expect(production.length).toBeGreaterThan(200);
      expect(
        production.filter(([, { engines }]) => !satisfies(node, engines?.node ?? '*')).map(([path]) => path),
      ).toEqual([]);
    },
  );

  it('needs no development package at run time', () => {
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
      /(?<!\.spec)\.ts$/.test(name),
    );
    const imported = sources.flatMap((name) =>
      [
        ...readFileSync(join('src', name), 'utf8').matchAll(
          /^(?:import|export) (?!type )[^;]*?from '([^'.][^']*)'|import\('([^'.][^']*)'\)|^import '([^'.][^']*)'/gm,
        ),
      ]
        .map(([, from, dynamic, bare]) => from ?? dynamic ?? bare ?? '')
        .filter((specifier) => !isBuiltin(specifier))
        .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? ''),
    );
    expect(imported).toEqual(expect.arrayContaining(['stripe', 'argon2', 'commander']));
    expect([...new Set(imported)].filter((name) => !(name in manifest.dependencies))).toEqual([]);
  });
});

describe('compose.yaml', () => {
  it('gives the servers valid settings, given .env and secrets/', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-compose-'));
    const masterKey = join(folder, 'master.key');
    writeFileSync(masterKey, `${randomBytes(32).toString('base64')}\n`);
    const given: Record<string, string> = {
      POSTGRES_PASSWORD: 'a'.repeat(48),
      AUTH_JWT_SECRET: randomBytes(32).toString('hex'),
    };
    const fill = (text: string) =>
      text.replaceAll(
        /\$\{(\w+)(?::-(.*?)|:\?.*?)?\}/g,
        (_, variable: string, fallback?: string) => given[variable] ?? fallback ?? '',
      );
    const environment = Object.fromEntries(
      [...environmentOf('app')].map(([name, value]) => [name, fill(value)]),
    );
    expect(Object.keys(environment).filter((name) => !isVariableName(name))).toEqual([]);
    expect(environment['MASTER_KEY_FILE']).toBe('/run/secrets/master_key');
    const settings = loadSettings({
      NODE_ENV: 'production',
      PORT: '3000',
      DATA_DIR: '/data',
      ...environment,
      MASTER_KEY_FILE: masterKey,
    });
    rmSync(folder, { recursive: true });
    expect(settings).toMatchObject({
      host: '0.0.0.0',
      publicBaseUrl: 'https://localhost',
      trustProxy: 1,
      authBuiltin: true,
      authRegistration: 'closed',
    });
    expect(settings.database).toHaveProperty('url');
  });

  it('has two servers with a read-only file system, and a proxy that finds them', () => {
    expect(service('app')).toMatch(/^read_only: true$/m);
    expect(service('app')).toMatch(/^ +replicas: 2$/m);
    expect(service('app')).toMatch(/^cap_drop:\n {2}- ALL$/m);
    const caddyfile = readFileSync('deploy/Caddyfile', 'utf8');
    expect(/name (\w+)\n\s+port (\d+)/.exec(caddyfile)?.slice(1)).toEqual([
      'app',
      /PORT=(\d+)/.exec(dockerfile)?.[1],
    ]);
    expect(service('proxy')).toContain('./deploy/Caddyfile:/etc/caddy/Caddyfile:ro');
  });

  it('rotates logs, and restarts the servers after the database', () => {
    expect(compose).toMatch(
      /^x-logging: &logging\n {2}driver: json-file\n {2}options:\n {4}max-size: 10m\n {4}max-file: '5'$/m,
    );
    const names = [...under(compose, 'services').matchAll(/^(\w+):$/gm)].map(([, name = '']) => name);
    expect(names).toEqual(['app', 'database', 'proxy']);
    for (const name of names)
      expect([name, service(name)]).toEqual([name, expect.stringMatching(/^logging: \*logging$/m)]);
    expect(under(service('app'), 'depends_on')).toMatch(
      /^database:\n {2}condition: service_healthy\n {2}restart: true$/m,
    );
    expect(under(service('proxy'), 'depends_on')).toMatch(
      /^app:\n {2}condition: service_healthy\n {2}restart: false$/m,
    );
  });

  it('contains no secret', () => {
    expect(compose).not.toMatch(/(?:PASSWORD|SECRET|KEY|TOKEN): +(?!\$\{|\/run\/secrets\/)/);
  });
});
