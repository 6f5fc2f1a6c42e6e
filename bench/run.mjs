// Measures our server against a bare one and against the usual stack, on both engines. `--quick` is for development and writes no file.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addProjects, configureAllLikeFirst, FOREIGN_PROJECT } from './databases.mjs';
import { describeMachine, report } from './report.mjs';
import { checkAnswers, ownerToken, projectId } from './requests.mjs';
import { BENCH, DISK_IN_WORDS, progress, SETTLE_MS, withSession } from './session.mjs';

const QUICK = process.argv.includes('--quick');

const SERVERS = ['ours', 'bare', 'usual'];
const METHODS = ['GET', 'PUT'];
const PROJECTS = 1_000;
const TURNS = QUICK ? { rounds: 2, seconds: 1, warmUpSeconds: 1 } : { rounds: 5, seconds: 3, warmUpSeconds: 3 };
const IDLE_MS = 5_000;

const SIZES = { small: 10_000, large: QUICK ? 100_000 : 1_000_000 };
/** So many that the median says nothing of a machine's stalls, which fall into some rounds of either server. */
const SCALE_TURNS = QUICK ? TURNS : { ...TURNS, rounds: 15 };
const SCALE_RATE = 300;

const METHOD = [
  'Three servers, each a process of its own: ours as it ships, without its rate limit; `bare.mjs`; `usual/`. One more process makes the load, 20 connections kept alive, each sending its next request when it has its answer.',
  `GET, and PUT of all six credentials, over ${PROJECTS.toLocaleString('en')} projects. Each server first shows that it refuses and masks as it must; one answer that isn't 2xx while measuring ends the run.`,
  'Each PUT writes its entry into the history, chained by an HMAC, in ours and in `bare.mjs`. One access token is used throughout: ours remembers for half a minute that it was verified, the others verify it each time.',
  `After a warm-up the servers take turns, ${TURNS.rounds} rounds of ${TURNS.seconds} s each; every number is the median of the rounds, a ratio that of two such medians.`,
  DISK_IN_WORDS,
  `Many projects: ${SCALE_RATE} requests a second, evenly spaced, to projects drawn at random from all of them; half a minute after they are loaded, two servers of ours take turns, ${SCALE_TURNS.rounds} rounds of ${SCALE_TURNS.seconds} s each.`,
];

const token = ownerToken();
execFileSync(
  join(BENCH, '../node_modules/.bin/swc'),
  ['usual', '--out-dir', 'usual/dist', '--strip-leading-paths', '--config-file', '../.swcrc', '--quiet'],
  { cwd: BENCH, stdio: 'inherit' },
);

await withSession(async (session) => {
  const comparisons = [];
  const idle = [];
  for (const engine of ['sqlite', 'postgres']) {
    const servers = {};
    for (const name of SERVERS) servers[name] = await prepare(session, name, engine, idle);
    for (const method of METHODS) comparisons.push({ engine, method, medians: await compare(session, servers, method) });
    await session.stopAll();
  }
  const scale = await measureScale(session);
  const machine = await describeMachine(session.postgresUrl);
  const sizes = Object.fromEntries(Object.entries(SIZES).map(([size, count]) => [size, count.toLocaleString('en')]));
  const text = report({ machine, method: METHOD, comparisons, idle, scale, scaleSizes: sizes, minutes: session.minutes });
  process.stdout.write(`\n${text}`);
  if (!QUICK) writeFileSync(join(BENCH, 'RESULTS.md'), text);
});

/** A running server whose database has the projects, each configured once, and which gave the right answers. */
async function prepare(session, name, engine, idle) {
  const databaseUrl = await session.newDatabase(name, engine);
  // The bare server has our schema and data keys, which only our server makes.
  if (name === 'bare') await session.stop(await (await session.start('ours', databaseUrl)).answers());
  const server = await session.start(name, databaseUrl);
  if (name === 'ours') {
    await sleep(IDLE_MS);
    idle.push({ engine, megabytes: server.residentMegabytes() });
  }
  await server.answers();
  await addProjects(databaseUrl, PROJECTS);
  await checkAnswers(server, projectId(0), FOREIGN_PROJECT);
  await session.measure({ kind: 'visitAll', url: server.url, token, method: 'PUT', projects: PROJECTS });
  return server;
}

function compare(session, servers, method) {
  const job = ({ url }) => ({ kind: 'saturate', url, token, method, projects: PROJECTS });
  return session.compare(method, Object.fromEntries(SERVERS.map((name) => [name, job(servers[name])])), TURNS);
}

async function measureScale(session) {
  const urls = {};
  for (const [size, count] of Object.entries(SIZES)) {
    const databaseUrl = await session.newDatabase(size);
    const server = await (await session.start('ours', databaseUrl)).answers();
    urls[size] = server.url;
    await addProjects(databaseUrl, count);
    await checkAnswers(server, projectId(0), FOREIGN_PROJECT);
    const before = Date.now();
    await configureAllLikeFirst(databaseUrl);
    progress(`${count} configured projects in ${((Date.now() - before) / 1000).toFixed(0)} s`);
  }
  await sleep(SETTLE_MS);
  const results = [];
  for (const method of METHODS) {
    const job = (size) => ({ kind: 'pace', url: urls[size], token, method, projects: SIZES[size], rate: SCALE_RATE });
    const jobs = Object.fromEntries(Object.keys(SIZES).map((size) => [size, job(size)]));
    results.push({ method, ...(await session.compare(method, jobs, SCALE_TURNS)) });
  }
  return results;
}
