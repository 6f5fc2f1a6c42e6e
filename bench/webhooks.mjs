// Measures deliveries of webhooks: our server against a bare one on both engines, and on PostgreSQL against
// the sync engine that Supabase publishes. Then what a developer sees of 5,000,000 payments.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addPayments, addProjects, query } from './databases.mjs';
import { DeliveryStream, MIX_IN_WORDS } from './deliveries.mjs';
import { byExtent, ENGINES, isFull } from './extent.mjs';
import { describeMachine, table, verdictTable } from './report.mjs';
import { ownerToken, projectId } from './requests.mjs';
import { BENCH, DISK_IN_WORDS, inWords, progress, SETTLE_MS, withSession } from './session.mjs';

const OURS = 'ours';
const BARE = 'bare webhooks';
const PEER = 'sync engine';
const SERVERS = { sqlite: [OURS, BARE], postgres: [OURS, BARE, PEER] };
/** The sync engine has no target, since it does less for an event. */
const BARE_TARGET = 0.8;
const PROJECTS = byExtent({ full: 100, quick: 100, small: 5 });
const TURNS = byExtent({
  full: { rounds: 7, seconds: 4, warmUpSeconds: 4 },
  quick: { rounds: 2, seconds: 1, warmUpSeconds: 1 },
  small: { rounds: 1, requests: 20 },
});

const SIZES = byExtent({
  full: { small: 10_000, large: 5_000_000 },
  quick: { small: 10_000, large: 100_000 },
  small: { small: 100, large: 200 },
});
const SIZE_TARGET = 1.3;
const SIZE_TURNS = byExtent({ full: { ...TURNS, rounds: 5, seconds: 3 }, quick: TURNS, small: TURNS });
const SIZE_RATE = 100;
const PAGES = {
  'payments of the developer': 'payments/transactions',
  'payments of a project': `payments/stripe/projects/${projectId(0)}/payments`,
  statistics: 'payments/stats',
};

const METHOD = [
  'Three servers, each a process of its own: ours as it ships; `webhook-bare.mjs`, which does the same by hand with as little SQL as that takes; and `@supabase/stripe-sync-engine` in a Fastify server of ten lines, which has one tenant, writes the object of each event whatever became of that event before, and keeps neither payloads nor statistics.',
  `One more process makes the load, 20 connections kept alive, each sending its next delivery when it has its answer: ${MIX_IN_WORDS}, over ${PROJECTS} projects. Half of the new events are payments, the others subscriptions that are created and updated; Stripe need not be asked for anything.`,
  'Every delivery is signed anew when it is sent. A forged one that is not refused with 400, or any other that is not answered with 200, ends the run.',
  `After a warm-up the servers take turns, ${inWords(TURNS)}; every number is the median of the rounds, a ratio that of two such medians.`,
  DISK_IN_WORDS,
  `Many payments: all of one developer with ${PROJECTS} projects. ${SIZE_RATE} requests a second for a first page, evenly spaced; half a minute after they are loaded, two servers of ours take turns, ${inWords(SIZE_TURNS)}.`,
];

await withSession(async (session) => {
  const deliveries = [];
  for (const engine of Object.keys(ENGINES)) {
    const names = SERVERS[engine];
    const configured = await session.configuredDatabase(engine, PROJECTS);
    const jobs = {};
    for (const name of names) {
      // The sync engine creates its own schema, whose functions belong to this role.
      if (name === PEER) await query(session.postgresUrl, 'CREATE ROLE postgres');
      const databaseUrl = await (name === PEER
        ? session.newDatabase(name, engine)
        : session.copyDatabase(configured, name));
      const server = await (await session.start(name, databaseUrl)).answers();
      await checkAnswers(server);
      jobs[name] = { kind: 'deliver', url: server.url, projects: PROJECTS };
    }
    deliveries.push({ engine, medians: await session.compare(ENGINES[engine], jobs, TURNS) });
    await session.stopAll();
  }
  const pages = ENGINES.postgres ? await measurePages(session) : [];
  const text = report(deliveries, pages, await describeMachine(session.postgresUrl), session.minutes);
  process.stdout.write(`\n${text}`);
  if (isFull) writeFileSync(join(BENCH, 'WEBHOOKS.md'), text);
});

/** Sends some of the deliveries one after the other. */
async function checkAnswers({ name, url }) {
  const stream = new DeliveryStream(PROJECTS);
  for (let count = 0; count < 100; count++) {
    const { path, expected, ...request } = stream.next();
    const response = await fetch(url + path, request);
    const text = await response.text();
    if (response.status !== expected)
      throw new Error(`"${name}" answered ${response.status}, not ${expected}: ${text}`);
  }
}

async function measurePages(session) {
  const token = ownerToken();
  const urls = {};
  for (const [size, count] of Object.entries(SIZES)) {
    const databaseUrl = await session.newDatabase(size);
    const server = await (await session.start(OURS, databaseUrl)).answers();
    await addProjects(databaseUrl, PROJECTS);
    const before = Date.now();
    await addPayments(databaseUrl, PROJECTS, count);
    progress(`${count} payments in ${((Date.now() - before) / 1000).toFixed(0)} s`);
    urls[size] = server.url;
    await checkPages(server, token, count);
  }
  await sleep(SETTLE_MS);
  const results = [];
  for (const [what, path] of Object.entries(PAGES)) {
    const job = (size) => ({
      kind: 'pace',
      url: urls[size],
      token,
      path: `/api/v1/${path}`,
      rate: SIZE_RATE,
    });
    const jobs = Object.fromEntries(Object.keys(SIZES).map((size) => [size, job(size)]));
    results.push({ what, medians: await session.compare(what, jobs, SIZE_TURNS) });
  }
  return results;
}

/** Checks the results: the statistics have every payment. */
async function checkPages({ url }, token, count) {
  const answers = {};
  for (const [what, path] of Object.entries(PAGES)) {
    const response = await fetch(`${url}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
    answers[what] = await response.json();
    if (response.status !== 200)
      throw new Error(`"${what}" was answered with ${response.status}: ${JSON.stringify(answers[what])}`);
  }
  const { total, ...page } = answers['payments of the developer'];
  if (total !== count)
    throw new Error(`The list has ${total} payments, not ${count}: ${JSON.stringify(page).slice(0, 500)}`);
}

function report(deliveries, pages, machine, minutes) {
  const verdicts = [
    ...deliveries.flatMap(({ engine, medians }) =>
      SERVERS[engine]
        .filter((name) => name !== OURS)
        .map((name) => {
          const ratio = medians[OURS].requestsPerSecond / medians[name].requestsPerSecond;
          const target =
            name === BARE
              ? [`≥ ${BARE_TARGET.toFixed(1)}`, ratio.toFixed(2), ratio >= BARE_TARGET]
              : ['', ratio.toFixed(2)];
          return [`${ENGINES[engine]}: ours / ${name}`, ...target];
        }),
    ),
    ...pages.map(({ what, medians: { small, large } }) => {
      const ratio = large.p99 / small.p99;
      return [
        `p99 of ${what}, ${countOf('large')} / ${countOf('small')} payments`,
        `≤ ${SIZE_TARGET}`,
        ratio.toFixed(2),
        ratio <= SIZE_TARGET,
      ];
    }),
  ];
  const sections = [
    '# Webhooks, measured',
    `\`npm run bench:webhooks\` made this file in ${minutes.toFixed(1)} minutes.`,
    table(['Machine', ''], machine),
    '## Method',
    METHOD.map((line) => `- ${line}`).join('\n'),
    '## Targets',
    verdictTable(verdicts),
    ...deliveries.flatMap(({ engine, medians }) => [
      `## Deliveries on ${ENGINES[engine]}`,
      table(
        ['Server', 'Deliveries/s', 'p50 ms', 'p99 ms', 'ours / this'],
        Object.entries(medians).map(([name, { requestsPerSecond, p50, p99 }]) => [
          name,
          requestsPerSecond.toFixed(0),
          p50.toFixed(2),
          p99.toFixed(2),
          (medians[OURS].requestsPerSecond / requestsPerSecond).toFixed(2),
        ]),
      ),
    ]),
  ];
  if (pages.length > 0) {
    const rows = pages.flatMap(({ what, medians }) =>
      Object.entries(medians).map(([size, { p50, p99 }]) => [
        what,
        countOf(size),
        p50.toFixed(2),
        p99.toFixed(2),
      ]),
    );
    sections.push(
      '## Many payments on PostgreSQL',
      table(['First page', 'Payments', 'p50 ms', 'p99 ms'], rows),
    );
  }
  return `${sections.join('\n\n')}\n`;
}

function countOf(size) {
  return SIZES[size].toLocaleString('en');
}
