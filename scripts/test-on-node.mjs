// For `npm run test:node -- <version> [arguments of Jest]`: installs and tests the project under another
// Node, in a temporary folder that is deleted afterwards. Node comes from the npm registry.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Milliseconds for an interrupted step to end by itself. */
const GRACE_MS = 10_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const [version = '', ...jestArguments] = process.argv.slice(2);
if (!/^\d+(\.\d+){0,2}$/.test(version)) {
  console.error('Name a version of Node: npm run test:node -- 24');
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), `tillkeeper-node-${version}-`));
/** Folder in npm's archive. */
const node = join(folder, 'package');
const project = join(folder, 'project');
let step;
let isInterrupted = false;
for (const name of SIGNALS) process.on(name, interrupt);

try {
  const archive = (
    await run('npm', ['pack', `node-${process.platform}-${process.arch}@${version}`, '--silent'], folder)
  ).trim();
  await run('tar', ['-xzf', archive], folder);
  await copyTrackedFiles();

  console.log(`Tests on Node ${(await run(join(node, 'bin/node'), ['--version'], folder)).trim()}`);
  const environment = environmentOf(node);
  await run('npm', ['ci'], project, { env: environment, stdio: 'inherit' });
  await run('npm', ['test', '--', ...jestArguments], project, { env: environment, stdio: 'inherit' });
} catch (error) {
  if (!isInterrupted) console.error(error.message);
  process.exitCode = isInterrupted ? 130 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/**
 * Copies the tracked files, including uncommitted changes. They are tracked in the copy too, for tests that
 * ask git.
 */
async function copyTrackedFiles() {
  const files = (await run('git', ['ls-files', '-z'], process.cwd()))
    .split('\0')
    .filter((file) => file && existsSync(file));
  for (const file of files) cpSync(file, join(project, file), { recursive: true });
  await run('git', ['init', '--quiet'], project);
  await run('git', ['add', '--all'], project);
}

/**
 * The environment without the variables that npm sets for this folder. Native modules compile against the
 * headers of the other Node.
 */
function environmentOf(home) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(?!config_)|npm_config_local_prefix$|INIT_CWD$|NODE$)/i.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    PATH: [join(home, 'bin'), process.env.PATH].join(delimiter),
    npm_config_nodedir: home,
  };
}

/**
 * Runs a program in its own process group, which an interruption ends as a whole.
 * @returns its output
 */
function run(program, args, cwd, { env = process.env, stdio = ['ignore', 'pipe', 'inherit'] } = {}) {
  if (isInterrupted) throw new Error('Interrupted.');
  return new Promise((resolve, reject) => {
    let printed = '';
    step = spawn(program, args, { cwd, env, stdio, detached: true });
    step.stdout?.setEncoding('utf8').on('data', (text) => (printed += text));
    step.on('error', reject).on('close', (code, signal) => {
      if (code === 0) resolve(printed);
      else reject(new Error(`${[program, ...args].join(' ')} ended with ${code ?? signal}.`));
    });
  });
}

function interrupt() {
  if (isInterrupted) return;
  isInterrupted = true;
  end('SIGTERM');
  setTimeout(end, GRACE_MS, 'SIGKILL').unref();
}

function end(signal) {
  try {
    process.kill(-step.pid, signal);
  } catch {
    // It has ended already.
  }
}
