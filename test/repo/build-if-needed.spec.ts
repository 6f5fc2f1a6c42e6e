import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Deletes the output first, as Nest's build does. */
const BUILD = `rm -rf dist; mkdir dist; echo new > dist/main.js; exit $(cat status)`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tillkeeper-build-'));
  cpSync('scripts/build-if-needed.mjs', join(folder, 'build-if-needed.mjs'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { build: BUILD } }));
});
afterEach(() => rmSync(folder, { recursive: true }));

function buildIfNeeded() {
  const { status, stderr } = spawnSync(process.execPath, ['build-if-needed.mjs'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, says: stderr };
}

function have({ build = '', builder = false, fails = false }): void {
  if (build) {
    mkdirSync(join(folder, build));
    writeFileSync(join(folder, build, 'main.js'), 'old');
    utimesSync(join(folder, build, 'main.js'), 1, 1);
  }
  if (builder) mkdirSync(join(folder, 'node_modules/.bin/nest'), { recursive: true });
  writeFileSync(join(folder, 'status'), fails ? '1' : '0');
}

const built = () =>
  existsSync(join(folder, 'dist/main.js'))
    ? readFileSync(join(folder, 'dist/main.js'), 'utf8').trim()
    : undefined;

it('builds once when the sources are newer', () => {
  have({ build: 'dist', builder: true });
  expect([buildIfNeeded().status, built()]).toEqual([0, 'new']);
  have({ fails: true });
  expect([buildIfNeeded().status, built(), existsSync(join(folder, 'dist-before'))]).toEqual([
    0,
    'new',
    false,
  ]);
});

it('keeps the last good build when the next one fails or is interrupted', () => {
  have({ build: 'dist-before', builder: true, fails: true });
  mkdirSync(join(folder, 'dist'));
  expect([buildIfNeeded().status, built(), existsSync(join(folder, 'dist-before'))]).toEqual([
    1,
    'old',
    false,
  ]);
});

it('starts the existing build with a notice where nothing can be built', () => {
  have({ build: 'dist' });
  expect(buildIfNeeded()).toEqual({
    status: 0,
    says: expect.stringMatching(/needs the development packages/) as string,
  });
  expect(built()).toBe('old');
});

it('names the missing package where no build exists or can be made', () => {
  have({});
  expect(buildIfNeeded()).toEqual({
    status: 1,
    says: expect.stringMatching(/^There is no build yet.*npm ci/) as string,
  });
});

it('prints the flags of Node on request, without the debugger flag where Node lacks it', () => {
  have({ build: 'dist' });
  const print = (...options: string[]) =>
    spawnSync(process.execPath, ['build-if-needed.mjs', ...options], { cwd: folder, encoding: 'utf8' })
      .stdout;
  const isKnown = process.allowedNodeEnvironmentFlags.has('--disable-sigusr1');
  expect([print(), print('--print-flags').trim()]).toEqual([
    '',
    `${isKnown ? '--disable-sigusr1 ' : ''}--max-semi-space-size=8`,
  ]);
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  for (const name of ['start', 'cli'])
    expect(scripts[name]).toMatch(/^flags=\$\(.*--print-flags\) && exec node \$flags dist/);
  expect(readFileSync('Dockerfile', 'utf8')).toMatch(
    /^CMD \["node", "--disable-sigusr1", "--max-semi-space-size=8", "dist\/main\.js"\]$/m,
  );
});
