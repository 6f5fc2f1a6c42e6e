import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';

// For `npm start`: builds when anything that the build is made of is newer than it.
const SOURCES = ['src', 'package.json', '.swcrc', 'nest-cli.json', 'tsconfig.json'];

/** Directories count too: a file deleted from one leaves no other trace. What isn't there (sources, in an image) never changed. */
function lastChange(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => lastChange(`${path}/${name}`)));
}

const built = lastChange('dist/main.js');
if (SOURCES.some((path) => lastChange(path) > built)) {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: ['inherit', process.stderr, 'inherit'] });
  // Half a build must not look like one the next time.
  if (status !== 0) rmSync('dist', { recursive: true, force: true });
  process.exitCode = status ?? 1;
}
