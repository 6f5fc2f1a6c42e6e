// Measures `tillkeeper import` as operators run it: the whole process, on either engine, on a file and on the same file
// again.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../test/harness/jest/postgres-server.mjs';
import { createDatabase } from './databases.mjs';
import { byExtent, ENGINES, isFull } from './extent.mjs';
import { describeMachine, table } from './report.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SIZES = byExtent({ full: [10_000, 100_000], quick: [10_000], small: [200] });
/** On SQLite an import leaves most of the time to the server, so that more lines take very long. */
const MAX_ON_SQLITE = 10_000;
const TARGET = 500;
const FIELDS = ['test', 'live'].flatMap((mode) => [
  [`${mode}_secret_key`, `sk_${mode}_`],
  [`${mode}_publishable_key`, `pk_${mode}_`],
  [`${mode}_webhook_secret`, 'whsec_'],
]);

execFileSync(process.execPath, ['scripts/build-if-needed.mjs'], { cwd: ROOT, stdio: 'inherit' });
const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-bench-'));
const postgres = ENGINES.postgres && (await startPostgres({ fsync: true }));
try {
  const rows = [];
  for (const lines of SIZES) {
    const file = await writeTenants(lines);
    for (const engine of Object.keys(ENGINES)) {
      if (engine === 'sqlite' && lines > MAX_ON_SQLITE) continue;
      const run = await installation(engine, lines);
      const first = await run(file);
      const again = await run(file);
      if (first.created !== lines || again.unchanged !== lines)
        throw new Error('Not every line was imported.');
      rows.push({ engine, lines, first, again });
    }
  }
  const text = report(rows, await describeMachine(postgres?.url));
  if (isFull) writeFileSync(join(ROOT, 'bench/IMPORT.md'), text);
  console.log(text);
} finally {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Projects with all six credentials. */
async function writeTenants(lines) {
  const path = join(folder, `${lines}.csv`);
  const file = createWriteStream(path);
  file.write(`project_id,owner_id,name,${FIELDS.map(([field]) => field).join(',')}\n`);
  for (let line = 0; line < lines; line++) {
    const keys = FIELDS.map(([, prefix]) => prefix + randomBytes(24).toString('hex'));
    const isRoomy = file.write(`${randomUUID()},developer-${line % 500},"Shop ${line}",${keys.join(',')}\n`);
    if (!isRoomy) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  return path;
}

async function installation(engine, lines) {
  const name = `import_${lines}`;
  const url =
    engine === 'sqlite' ? `sqlite:${join(folder, `${name}.db`)}` : await createDatabase(postgres.url, name);
  const env = {
    PATH: process.env.PATH,
    NODE_ENV: 'test',
    DATA_DIR: folder,
    DATABASE_URL: url,
    MASTER_KEY: randomBytes(32).toString('base64'),
    AUTH_JWT_SECRET: randomBytes(32).toString('base64'),
  };
  const cli = (...args) =>
    spawn(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...args], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  await output(cli('migrate'));
  return async (file) => {
    const started = performance.now();
    const process = cli('import', file, '--json');
    const peak = watchMemory(process.pid);
    const summary = JSON.parse(await output(process));
    const seconds = (performance.now() - started) / 1_000;
    return { ...summary, perSecond: lines / seconds, megabytes: peak() };
  };
}

async function output(process) {
  let text = '';
  process.stdout.on('data', (chunk) => (text += chunk));
  const [code] = await once(process, 'close');
  if (code !== 0) throw new Error(`The command ended with ${code}: ${text}`);
  return text;
}

/** @returns a function that gives the most memory that the process had, in MB; NaN where there is no /proc */
function watchMemory(pid) {
  let peak = NaN;
  const timer = setInterval(() => {
    try {
      peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
    } catch {
      // The process has ended, or the system has no /proc.
    }
  }, 100);
  return () => {
    clearInterval(timer);
    return peak;
  };
}

function report(rows, machine) {
  const number = (value) => Math.round(value).toLocaleString('en');
  const slowest = Math.min(
    ...rows.filter(({ engine }) => engine === 'postgres').map(({ first }) => first.perSecond),
  );
  return (
    [
      '# Imports, measured',
      '`npm run bench:import` made this file.',
      table(['Machine', ''], machine),
      '`tillkeeper import` of projects with six credentials each, as a process of its own, its start included; then the same file again. Each commit waits for the disk (`synchronous=FULL`, `fsync=on`). On SQLite an import leaves three quarters of the time to the server beside it.',
      ...(slowest < Infinity
        ? [
            `On PostgreSQL at least ${TARGET} projects a second are the target: ${slowest >= TARGET ? 'reached' : 'missed'}.`,
          ]
        : []),
      '## Targets',
      table(
        ['Engine', 'Lines', 'File', 'Projects/s', 'Projects/s again', 'Peak memory'],
        rows.map(({ engine, lines, first, again }) => [
          ENGINES[engine],
          number(lines),
          `${number(statSync(join(folder, `${lines}.csv`)).size / 2 ** 20)} MB`,
          number(first.perSecond),
          number(again.perSecond),
          `${number(Math.max(first.megabytes, again.megabytes))} MB`,
        ]),
      ),
    ].join('\n\n') + '\n'
  );
}
