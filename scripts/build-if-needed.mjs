import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';

// For `npm start`: builds if a source is newer than the build.
const BUILDER = 'node_modules/.bin/nest';
/** The last good build, during another build. */
const BEFORE = 'dist-before';
const SOURCES = [
  'src',
  'scripts/bundle.mjs',
  'package.json',
  '.swcrc',
  'nest-cli.json',
  'tsconfig.json',
  'console/src',
  'console/index.html',
  'console/package.json',
  'console/vite.config.ts',
];

/**
 * Directories count too, since a deleted file leaves no other trace. Missing sources (in an image) count as
 * unchanged.
 */
function lastChange(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => lastChange(`${path}/${name}`)));
}

function build() {
  if (existsSync('dist')) renameSync('dist', BEFORE);
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], {
    stdio: ['inherit', process.stderr, 'inherit'],
  });
  if (status === 0) rmSync(BEFORE, { recursive: true, force: true });
  else restore();
  return status ?? 1;
}

/** A partial build must not be taken for a complete one at the next start. */
function restore() {
  rmSync('dist', { recursive: true, force: true });
  if (existsSync(BEFORE)) renameSync(BEFORE, 'dist');
}

// The last build was interrupted.
if (existsSync(BEFORE)) restore();

const built = lastChange('dist/main.js');
if (SOURCES.some((path) => lastChange(path) > built)) {
  if (existsSync(BUILDER)) {
    process.exitCode = build();
  } else if (built > 0) {
    console.error(
      'The sources are newer than the build, and building needs the development packages (npm ci): this is the build that is there.',
    );
  } else {
    console.error(
      'There is no build yet, and building needs the development packages: install them with npm ci, without --omit=dev.',
    );
    process.exitCode = 1;
  }
}

// Without this flag Node opens its debugger on SIGUSR1 until the program is loaded; Node 20 lacks it.
const NO_DEBUGGER = '--disable-sigusr1';
// Loading the modules fills the young generation up to its limit, and an idle process never shrinks it: 8 MiB
// instead of 16 save 15 MB.
const SMALL_HEAP = '--max-semi-space-size=8';
const flags = process.allowedNodeEnvironmentFlags.has(NO_DEBUGGER) ? [NO_DEBUGGER, SMALL_HEAP] : [SMALL_HEAP];
if (process.argv.includes('--print-flags')) console.log(flags.join(' '));
