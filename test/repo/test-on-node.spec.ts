import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../harness/eventually.js';

/** Replaces npm, which would download and compile for minutes. Records its arguments and folder. */
const NPM = `#!/bin/sh
printf '%s|' "$PWD" "$npm_config_nodedir" "$(command -v node)" "$@" >> "$LOG"
echo "$npm_package_name" >> "$LOG"
case $1 in
pack) mkdir -p package/bin && ln -s "$NODE_HERE" package/bin/node && tar -czf node.tgz package && rm -r package && echo node.tgz ;;
ci) git ls-files >> "$LOG" ;;
test) [ -z "$HANGS" ] || { touch "$LOG.hangs"; sleep 600; }; exit "\${STATUS:-0}" ;;
esac
`;

let folder: string;
const log = () => readFileSync(join(folder, 'log'), 'utf8');
const left = () => readdirSync(join(folder, 'tmp'));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tillkeeper-test-on-node-'));
  for (const name of ['bin', 'tmp']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'bin/npm'), NPM);
  chmodSync(join(folder, 'bin/npm'), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

function start(args: string[], environment: Record<string, string> = {}) {
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    TMPDIR: join(folder, 'tmp'),
    LOG: join(folder, 'log'),
    NODE_HERE: process.execPath,
    npm_config_nodedir: '/elsewhere',
    npm_package_name: 'tillkeeper',
    ...environment,
  };
  const child = spawn(process.execPath, ['scripts/test-on-node.mjs', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, ended: new Promise<number | null>((resolve) => child.on('close', resolve)) };
}

it('installs and tests the tracked files under the given Node, and leaves nothing behind', async () => {
  expect(await start(['24', 'test/engine-free/docs', '--maxWorkers=1']).ended).toBe(0);
  const [pack = '', ci = '', ...rest] = log().trimEnd().split('\n');
  expect(pack.split('|').slice(3)).toEqual([
    'pack',
    `node-${process.platform}-${process.arch}@24`,
    '--silent',
    'tillkeeper',
  ]);
  const [cwd = '', home = '', node, ...command] = ci.split('|');
  expect([cwd, node]).toEqual([join(home, '../project'), join(home, 'bin/node')]);
  expect(home.startsWith(join(folder, 'tmp'))).toBe(true);
  expect(command).toEqual(['ci', '']);
  const tracked = spawnSync('git', ['ls-files'], { encoding: 'utf8' }).stdout.trimEnd().split('\n');
  expect(rest.slice(0, -1)).toEqual(tracked);
  expect(rest.at(-1)).toBe(
    [cwd, home, node, 'test', '--', 'test/engine-free/docs', '--maxWorkers=1', ''].join('|'),
  );
  expect(left()).toEqual([]);
});

it('fails when a test fails', async () => {
  expect(await start(['22'], { STATUS: '1' }).ended).toBe(1);
  expect(left()).toEqual([]);
});

it('stops its processes when it is interrupted, and leaves nothing behind', async () => {
  const { child, ended } = start(['22'], { HANGS: 'yes' });
  await eventually(async () => expect(existsSync(join(folder, 'log.hangs'))).toBe(true));
  child.kill('SIGTERM');
  expect(await ended).toBe(130);
  expect(left()).toEqual([]);
});

it.each([[[]], [['lts']], [['24; ls']]])('asks for a version: %j', async (args) => {
  expect(await start(args).ended).toBe(2);
  expect(existsSync(join(folder, 'log'))).toBe(false);
});
