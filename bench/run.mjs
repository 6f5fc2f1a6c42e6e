// Measures our server against a bare one and against the usual stack, on both engines. `--quick` is for development and writes no file.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../test/support/postgres-server.mjs';
import { addProjects, configureAllLikeFirst, createDatabase, FOREIGN_PROJECT } from './databases.mjs';
import { describeMachine, report } from './report.mjs';
import { checkAnswers, ownerToken, projectId } from './requests.mjs';
import { startServer } from './servers.mjs';

const QUICK = process.argv.includes('--quick');

const SERVERS = ['ours', 'bare', 'usual'];
const METHODS = ['GET', 'PUT'];
const PROJECTS = 1_000;
const ROUNDS = QUICK ? 2 : 5;
const ROUND_SECONDS = QUICK ? 1 : 3;
const WARM_UP_SECONDS = QUICK ? 1 : 3;
const IDLE_MS = 5_000;

const SIZES = { small: 10_000, large: QUICK ? 100_000 : 1_000_000 };
const SCALE_ROUNDS = QUICK ? 2 : 7;
const SCALE_RATE = 300;

const METHOD = [
  'Three servers, each a process of its own: ours as it ships, without its rate limit; `bare.mjs`; `usual/`. One more process makes the load, 20 connections kept alive, each sending its next request when it has its answer.',
  `GET, and PUT of all six credentials, over ${PROJECTS.toLocaleString('en')} projects. Each server first shows that it refuses and masks as it must; one answer that isn't 2xx while measuring ends the run.`,
  'Each PUT writes its entry into the history, chained by an HMAC, in ours and in `bare.mjs`. One access token is used throughout: ours remembers for half a minute that it was verified, the others verify it each time.',
  `After a warm-up the servers take turns, ${ROUNDS} rounds of ${ROUND_SECONDS} s each; every number is the median of the rounds, a ratio that of two such medians.`,
  'Each commit waits for the disk (`synchronous=FULL`, `fsync=on`); PostgreSQL has a quarter of the memory as `shared_buffers` and pools of 10 connections.',
  `Many projects: ${SCALE_RATE} requests a second, evenly spaced, to projects drawn at random from all of them; two servers of ours take turns, ${SCALE_ROUNDS} rounds.`,
];

const started = Date.now();
const bench = fileURLToPath(new URL('.', import.meta.url));
execFileSync(process.execPath, ['scripts/build-if-needed.mjs'], { cwd: join(bench, '..'), stdio: 'inherit' });
execFileSync(
  join(bench, '../node_modules/.bin/swc'),
  ['usual', '--out-dir', 'usual/dist', '--strip-leading-paths', '--config-file', '../.swcrc', '--quiet'],
  {
    cwd: bench,
    stdio: 'inherit',
  },
);

const token = ownerToken();
const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-bench-'));
const load = fork(join(bench, 'load.mjs'));
const postgres = await startPostgres({
  fsync: true,
  settings: { shared_buffers: `${Math.round(totalmem() / 4 / 2 ** 20)}MB`, max_wal_size: '8GB' },
});
const running = new Set();
try {
  const comparisons = [];
  const idle = [];
  for (const engine of ['sqlite', 'postgres']) {
    const servers = {};
    for (const name of SERVERS) servers[name] = await prepare(name, engine, idle);
    for (const method of METHODS) comparisons.push({ engine, method, medians: await compare(servers, method) });
    await stopAll();
  }
  const scale = await measureScale();
  const machine = await describeMachine(postgres.url);
  const minutes = (Date.now() - started) / 60_000;
  const sizes = Object.fromEntries(Object.entries(SIZES).map(([size, count]) => [size, count.toLocaleString('en')]));
  const text = report({ machine, method: METHOD, comparisons, idle, scale, scaleSizes: sizes, minutes });
  process.stdout.write(`\n${text}`);
  if (!QUICK) writeFileSync(join(bench, 'RESULTS.md'), text);
} finally {
  load.kill();
  await stopAll();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** A running server whose database has the projects, each configured once, and which gave the right answers. */
async function prepare(name, engine, idle) {
  const databaseUrl = engine === 'sqlite' ? `sqlite:${join(folder, `${name}.db`)}` : await createDatabase(postgres.url, name);
  // The bare server has our schema and data keys, which only our server makes.
  if (name === 'bare') await stop(await (await start('ours', databaseUrl)).answers());
  const server = await start(name, databaseUrl);
  if (name === 'ours') {
    await sleep(IDLE_MS);
    idle.push({ engine, megabytes: server.residentMegabytes() });
  }
  await server.answers();
  await addProjects(databaseUrl, PROJECTS);
  await checkAnswers(server, projectId(0), FOREIGN_PROJECT);
  await measure({ kind: 'visitAll', url: server.url, token, method: 'PUT', projects: PROJECTS });
  return server;
}

async function compare(servers, method) {
  const rounds = Object.fromEntries(SERVERS.map((name) => [name, []]));
  const job = { kind: 'saturate', token, method, projects: PROJECTS };
  for (const name of SERVERS) await measure({ ...job, url: servers[name].url, seconds: WARM_UP_SECONDS });
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of SERVERS) {
      const result = await measure({ ...job, url: servers[name].url, seconds: ROUND_SECONDS });
      rounds[name].push(result);
      progress(
        `${method} ${name}: ${result.requestsPerSecond.toFixed(0)} requests/s, p50 ${result.p50.toFixed(2)} ms, p99 ${result.p99.toFixed(2)} ms`,
      );
    }
  }
  return Object.fromEntries(SERVERS.map((name) => [name, medianOf(rounds[name])]));
}

async function measureScale() {
  const servers = {};
  for (const [size, count] of Object.entries(SIZES)) {
    const databaseUrl = await createDatabase(postgres.url, size);
    servers[size] = await (await start('ours', databaseUrl)).answers();
    await addProjects(databaseUrl, count);
    await checkAnswers(servers[size], projectId(0), FOREIGN_PROJECT);
    const before = Date.now();
    await configureAllLikeFirst(databaseUrl);
    progress(`${count} configured projects in ${((Date.now() - before) / 1000).toFixed(0)} s`);
  }
  const results = [];
  for (const method of METHODS) {
    const rounds = { small: [], large: [] };
    const job = { kind: 'pace', token, method, rate: SCALE_RATE, seconds: ROUND_SECONDS };
    for (const size of Object.keys(SIZES))
      await measure({ ...job, url: servers[size].url, projects: SIZES[size], seconds: WARM_UP_SECONDS });
    for (let round = 0; round < SCALE_ROUNDS; round++) {
      for (const size of Object.keys(SIZES)) {
        const result = await measure({ ...job, url: servers[size].url, projects: SIZES[size] });
        rounds[size].push(result);
        progress(`${method} with ${SIZES[size]} projects: p50 ${result.p50.toFixed(2)} ms, p99 ${result.p99.toFixed(2)} ms`);
      }
    }
    results.push({ method, small: medianOf(rounds.small), large: medianOf(rounds.large) });
  }
  return results;
}

async function measure(job) {
  load.send(job);
  const [{ result, error }] = await once(load, 'message');
  if (error) throw new Error(`The load failed: ${error}`);
  if (result.failures > 0) throw new Error(`${job.method} of ${job.url}: ${result.failures} requests failed.`);
  return result;
}

function medianOf(rounds) {
  const median = (name) => rounds.map((round) => round[name]).sort((a, b) => a - b)[Math.floor(rounds.length / 2)];
  return { requestsPerSecond: median('requestsPerSecond'), p50: median('p50'), p99: median('p99') };
}

async function start(name, databaseUrl) {
  const server = await startServer(name, databaseUrl);
  running.add(server);
  return server;
}

async function stop(server) {
  running.delete(server);
  await server.stop();
}

async function stopAll() {
  await Promise.all([...running].map(stop));
}

function progress(line) {
  process.stderr.write(`${line}\n`);
}
