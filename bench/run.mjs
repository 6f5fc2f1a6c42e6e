// Measures our server against a bare one and against the usual stack, on both engines.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addProjects, configureAllLikeFirst, FOREIGN_PROJECT } from './databases.mjs';
import { byExtent, ENGINES, isFull } from './extent.mjs';
import { describeMachine, report } from './report.mjs';
import { checkAnswers, ownerToken, projectId } from './requests.mjs';
import { BENCH, DISK_IN_WORDS, inWords, progress, SETTLE_MS, withSession } from './session.mjs';

const SERVERS = ['ours', 'bare', 'usual'];
const METHODS = ['GET', 'PUT'];
const PROJECTS = byExtent({ full: 1_000, quick: 1_000, small: 20 });
const TURNS = byExtent({
  full: { rounds: 5, seconds: 3, warmUpSeconds: 3 },
  quick: { rounds: 2, seconds: 1, warmUpSeconds: 1 },
  small: { rounds: 1, requests: 20 },
});
const IDLE_MS = byExtent({ full: 5_000, quick: 5_000, small: 0 });

const SIZES = byExtent({
  full: { small: 10_000, large: 1_000_000 },
  quick: { small: 10_000, large: 100_000 },
  small: { small: 100, large: 200 },
});
/** With many rounds, a stall of the machine affects a few of them, and not the median. */
const SCALE_TURNS = byExtent({ full: { ...TURNS, rounds: 15 }, quick: TURNS, small: TURNS });
const SCALE_RATE = 300;

const METHOD = [
  'Three servers, each a process of its own: ours as it ships, without its rate limit; `bare.mjs`; `usual/`. One more process makes the load, 20 connections kept alive, each sending its next request when it has its answer.',
  `GET, and PUT of all six credentials, over ${PROJECTS.toLocaleString('en')} projects. Each server first shows that it refuses and masks as it must; one answer that isn't 2xx while measuring ends the run.`,
  'Each PUT writes its entry into the history, chained by an HMAC, in ours and in `bare.mjs`. One access token is used throughout: ours remembers for half a minute that it was verified, the others verify it each time.',
  `After a warm-up the servers take turns, ${inWords(TURNS)}; every number is the median of the rounds, a ratio that of two such medians.`,
  DISK_IN_WORDS,
  `Idle memory: resident, ${IDLE_MS / 1000} s after the first start. The second start opens the database that the first one made; its time runs from the start of the process.`,
  `Many projects: ${SCALE_RATE} requests a second, evenly spaced, to projects drawn at random from all of them; half a minute after they are loaded, two servers of ours take turns, ${inWords(SCALE_TURNS)}.`,
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
  const starts = [];
  for (const engine of Object.keys(ENGINES)) {
    const { installed, megabytes } = await install(session, engine);
    idle.push({ engine, megabytes });
    const servers = {};
    for (const name of SERVERS) {
      const databaseUrl = await (name === 'usual'
        ? session.newDatabase(name, engine)
        : session.copyDatabase(installed, name));
      servers[name] = await prepare(session, name, databaseUrl);
    }
    starts.push({ engine, seconds: servers.ours.firstAnswerMs / 1000 });
    for (const method of METHODS)
      comparisons.push({ engine, method, medians: await compare(session, servers, method) });
    await session.stopAll();
  }
  const scale = ENGINES.postgres ? await measureScale(session) : [];
  const machine = await describeMachine(session.postgresUrl);
  const sizes = Object.fromEntries(
    Object.entries(SIZES).map(([size, count]) => [size, count.toLocaleString('en')]),
  );
  const text = report({
    machine,
    method: METHOD,
    comparisons,
    idle,
    starts,
    scale,
    scaleSizes: sizes,
    minutes: session.minutes,
  });
  process.stdout.write(`\n${text}`);
  if (isFull) writeFileSync(join(BENCH, 'RESULTS.md'), text);
});

/**
 * A database with our schema and data keys, which the bare server uses too, and the memory of the server that
 * made it.
 */
async function install(session, engine) {
  const installed = await session.newDatabase('installed', engine);
  const server = await (await session.start('ours', installed)).answers();
  await sleep(IDLE_MS);
  const megabytes = server.residentMegabytes();
  await session.stop(server);
  return { installed, megabytes };
}

/**
 * A running server whose database has the projects, each configured once, and which gave the right answers.
 */
async function prepare(session, name, databaseUrl) {
  const server = await (await session.start(name, databaseUrl)).answers();
  await addProjects(databaseUrl, PROJECTS);
  await checkAnswers(server, projectId(0), FOREIGN_PROJECT);
  await session.measure({ kind: 'visitAll', url: server.url, token, method: 'PUT', projects: PROJECTS });
  return server;
}

function compare(session, servers, method) {
  const job = ({ url }) => ({ kind: 'saturate', url, token, method, projects: PROJECTS });
  return session.compare(
    method,
    Object.fromEntries(SERVERS.map((name) => [name, job(servers[name])])),
    TURNS,
  );
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
    const job = (size) => ({
      kind: 'pace',
      url: urls[size],
      token,
      method,
      projects: SIZES[size],
      rate: SCALE_RATE,
    });
    const jobs = Object.fromEntries(Object.keys(SIZES).map((size) => [size, job(size)]));
    results.push({ method, ...(await session.compare(method, jobs, SCALE_TURNS)) });
  }
  return results;
}
