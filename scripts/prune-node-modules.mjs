// For the Dockerfile: deletes from the node_modules of a production install what Node never loads, then loads
// every package once.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

const FOLDER = 'node_modules';

/** Types, source maps, sources, documentation, and files for or from a compiler. */
const FILES = /\.(?:[cm]?ts|map|flow|tsbuildinfo|md|markdown|c|cc|cpp|h|hpp|o|a|d|mk)$/i;
/** Licences must stay with the code. */
const LEGAL = /licen[cs]e|notice|copying|copyright/i;
/** Folders by their path in a package. */
const FOLDERS = new RegExp(
  `^(?:tests?|__tests__|docs?|examples?|benchmarks?|build/Release/(?:\\.deps|obj|obj\\.target)|prebuilds/(?!${process.platform}-${process.arch}$)[^/]+)$`,
);

/** Loads every dependency; better-sqlite3 loads its native module when a database is opened. */
const LOAD = `
  import { readFileSync } from 'node:fs';
  const names = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).dependencies);
  for (const name of names) await import(name);
  if (names.includes('better-sqlite3')) new (await import('better-sqlite3')).default(':memory:').close();
  process.exit();`;

if (existsSync(join(FOLDER, 'typescript'))) {
  console.error(
    `${FOLDER} has development packages, which need what is deleted here: install with npm ci --omit=dev --omit=optional.`,
  );
  process.exit(1);
}

const before = sizeOf(FOLDER);
prune(FOLDER);
console.log(`${FOLDER}: ${before} MB before, ${sizeOf(FOLDER)} MB now`);
const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', LOAD], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.exitCode = status ?? 1;

function prune(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (isUnused(path, entry)) rmSync(path, { recursive: true });
    else if (entry.isDirectory()) prune(path);
  }
}

function isUnused(path, entry) {
  if (entry.isDirectory()) return FOLDERS.test(pathInPackage(path));
  return entry.isFile() && FILES.test(entry.name) && !LEGAL.test(entry.name);
}

/** `node_modules/@nestjs/core/test` as `test` */
function pathInPackage(path) {
  const parts = path.split(sep);
  const [scope = '', ...rest] = parts.slice(parts.lastIndexOf(FOLDER) + 1);
  return (scope.startsWith('@') ? rest.slice(1) : rest).join('/');
}

/** @returns megabytes */
function sizeOf(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Math.round(
    files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0) / 1_000_000,
  );
}
