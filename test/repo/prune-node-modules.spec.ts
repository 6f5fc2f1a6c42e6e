import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const HERE = `${process.platform}-${process.arch}`;
const NEEDED = [
  'till/package.json',
  'till/index.js',
  'till/LICENSE.md',
  'till/third-party-licenses.md',
  'till/lib/test/index.js',
  'till/lib/page.html',
  'till/build/Release/till.node',
  `till/prebuilds/${HERE}/till.node`,
  '@till/core/package.json',
  '@till/core/node_modules/test/package.json',
  '@till/docs/index.js',
];
const UNUSED = [
  'till/index.d.ts',
  'till/index.js.map',
  'till/src/index.mts',
  'till/README.md',
  'till/test/index.js',
  'till/docs/page.html',
  'till/deps/till.c',
  'till/build/Release/obj.target/till.node',
  'till/build/Release/obj/gen/till.h',
  'till/prebuilds/plan9-mips/till.node',
  '@till/core/test/index.js',
  '@till/core/node_modules/test/docs/page.html',
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tillkeeper-prune-'));
  for (const file of [...NEEDED, ...UNUSED])
    put(`node_modules/${file}`, file.endsWith('package.json') ? '{ "main": "index.js" }' : '');
  put('package.json', JSON.stringify({ dependencies: { till: '*' } }));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(file: string, text = ''): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

function prune() {
  const { status, stderr } = spawnSync(process.execPath, [resolve('scripts/prune-node-modules.mjs')], {
    cwd: folder,
    encoding: 'utf8',
  });
  const files = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile(),
  );
  const left = files.map(({ parentPath, name }) =>
    join(parentPath, name).slice(join(folder, 'node_modules/').length),
  );
  return { status, stderr, left: left.sort() };
}

it('deletes files that Node never loads, but no licence', () => {
  expect(prune()).toEqual({ status: 0, stderr: '', left: NEEDED.toSorted() });
});

it('fails when a package does not load afterwards', () => {
  put('node_modules/till/index.js', `require('./test/index.js');`);
  expect(prune()).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("Cannot find module './test/index.js'") as string,
  });
});

it('refuses an install with development packages', () => {
  put('node_modules/typescript/package.json', '{}');
  expect(prune()).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('--omit=dev --omit=optional') as string,
  });
  expect(prune().left).toHaveLength(NEEDED.length + UNUSED.length + 1);
});
