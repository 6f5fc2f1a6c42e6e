// Measures events that leave the server: deliveries per second against a bare loop with the same reads and writes,
// what a destination adds to an incoming webhook, and the next claim among many pending deliveries.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addDeliveries, addProjects, wakeDestinations } from './databases.mjs';
import { byExtent, ENGINES, isFull } from './extent.mjs';
import { startApp } from './product.mjs';
import { describeMachine, table, verdictTable } from './report.mjs';
import { operatorToken, ownerToken, projectId } from './requests.mjs';
import { TOKEN_SECRET } from './servers.mjs';
import { BENCH, DISK_IN_WORDS, inWords, progress, SETTLE_MS, withSession } from './session.mjs';

const TARGETS = { rate: 0.7, webhook: 1.25, claim: 1.5 };
/** Loopback receivers are allowed outside of production only. */
const ENVIRONMENT = { NODE_ENV: 'test' };

const DESTINATIONS = byExtent({ full: 20, quick: 20, small: 2 });
const ROUNDS = byExtent({ full: 7, quick: 3, small: 1 });
const EVENTS = byExtent({ full: 10_000, quick: 3_000, small: 40 });

const PROJECTS = byExtent({ full: 100, quick: 100, small: 5 });
const WEBHOOK_RATE = byExtent({ full: 50, quick: 50, small: 1_000 });
const WEBHOOK_TURNS = byExtent({
  full: { rounds: 7, seconds: 6, warmUpSeconds: 3 },
  quick: { rounds: 3, seconds: 2, warmUpSeconds: 1 },
  small: { rounds: 1, requests: 20 },
});

const PENDING = byExtent({
  full: { few: 20_000, many: 1_000_000 },
  quick: { few: 20_000, many: 200_000 },
  small: { few: 100, many: 200 },
});
const CLAIMS = byExtent({ full: 300, quick: 200, small: 5 });
const PER_CLAIM = 5;

const receiver = await startReceiver();

await withSession(async (session) => {
  const rates = [];
  const webhooks = [];
  const claims = [];
  for (const engine of Object.keys(ENGINES)) {
    rates.push({ engine, ...(await measureRates(session, engine)) });
    webhooks.push({ engine, ...(await measureWebhooks(session, engine)) });
    await session.stopAll();
    claims.push({ engine, ...(await measureClaims(session, engine)) });
  }
  const text = report(
    { rates, webhooks, claims },
    await describeMachine(session.postgresUrl),
    session.minutes,
  );
  process.stdout.write(`\n${text}`);
  if (isFull) writeFileSync(join(BENCH, 'EVENTS.md'), text);
}).finally(() => receiver.close());

/** @returns the medians of events per second */
async function measureRates(session, engine) {
  const databaseUrl = await session.newDatabase('rates', engine);
  const server = await (await session.start('ours', databaseUrl, { environment: ENVIRONMENT })).answers();
  await addProjects(databaseUrl, DESTINATIONS);
  const projects = Array.from({ length: DESTINATIONS }, (_, number) => projectId(number));
  const destinations = [];
  for (const project of projects) destinations.push(await addDestination(server.url, project));
  const senders = {
    ours: () => wakeDestinations(databaseUrl),
    bare: async () => {
      const env = { DATABASE_URL: databaseUrl, RECEIVER: receiver.url, DESTINATIONS: destinations.join() };
      const [code] = await once(fork(join(BENCH, 'event-bare.mjs'), { env }), 'exit');
      if (code !== 0) throw new Error('The bare loop failed.');
    },
  };
  const rounds = { ours: [], bare: [] };
  for (let round = 0; round <= ROUNDS; round++)
    for (const [name, send] of Object.entries(senders)) {
      await addDeliveries(databaseUrl, { destinations, projects, count: EVENTS });
      const [rate] = await Promise.all([receiver.rateOf(EVENTS), send()]);
      progress(`${ENGINES[engine]}, ${name}: ${rate.toFixed(0)} events/s`);
      // The first round warms up.
      if (round > 0) rounds[name].push(rate);
    }
  await session.stop(server);
  return { ours: median(rounds.ours), bare: median(rounds.bare) };
}

/** @returns the medians of webhooks by the number of destinations */
async function measureWebhooks(session, engine) {
  const configured = await session.configuredDatabase(engine, PROJECTS);
  const jobs = {};
  for (const name of ['none', 'one']) {
    const databaseUrl = await session.copyDatabase(configured, `webhooks ${name}`);
    const server = await (await session.start('ours', databaseUrl, { environment: ENVIRONMENT })).answers();
    if (name === 'one') await addDestination(server.url);
    jobs[name] = { kind: 'pace', method: 'deliver', url: server.url, projects: PROJECTS, rate: WEBHOOK_RATE };
  }
  return session.compare(`${ENGINES[engine]}, webhooks with destinations`, jobs, WEBHOOK_TURNS);
}

/** @returns the medians of the 99th percentile in milliseconds, by the number of pending deliveries */
async function measureClaims(session, engine) {
  const apps = {};
  const measured = { few: [], many: [] };
  try {
    for (const [size, count] of Object.entries(PENDING)) {
      const databaseUrl = await session.newDatabase(`claims ${size}`, engine);
      const app = await startApp({
        DATA_DIR: mkdtempSync(join(session.folder, 'claims-')),
        DATABASE_URL: databaseUrl,
        AUTH_JWT_SECRET: TOKEN_SECRET,
        SAMPLE_DATA: 'false',
      });
      await addProjects(databaseUrl, 1);
      // The worker finds nothing, since the destination is not told of its deliveries.
      const destination = await addDestination(app.url, projectId(0));
      await addDeliveries(databaseUrl, { destinations: [destination], projects: [projectId(0)], count });
      apps[size] = { close: app.close, claim: claimer(app.deliveries, destination) };
    }
    await sleep(SETTLE_MS);
    for (let round = 0; round <= ROUNDS; round++)
      for (const [size, { claim }] of Object.entries(apps)) {
        const p99 = await p99Of(claim);
        progress(`${ENGINES[engine]}, a claim among ${size}: p99 ${p99.toFixed(2)} ms`);
        if (round > 0) measured[size].push(p99);
      }
  } finally {
    for (const { close } of Object.values(apps)) await close();
  }
  return { few: median(measured.few), many: median(measured.many) };
}

/** Each claim records the attempts of the one before. */
function claimer(deliveries, destination) {
  let tried = [];
  return async () => {
    const round = await deliveries.next(destination, tried, () => PER_CLAIM);
    if (round.deliveries.length < PER_CLAIM) throw new Error('Too few deliveries are pending.');
    const attempt = { at: new Date(), durationMs: 1, status: 204, error: null, response: '' };
    tried = round.deliveries.map((delivery) => ({ delivery, attempt }));
  };
}

async function p99Of(work) {
  const times = [];
  for (let count = 0; count < CLAIMS; count++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)];
}

/** @param [project] the operator's without it */
async function addDestination(url, project) {
  const path = project
    ? `/api/v1/payments/stripe/projects/${project}/event-destinations`
    : '/api/v1/operator/event-destinations';
  const response = await fetch(url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${project ? ownerToken() : operatorToken()}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ url: receiver.url }),
  });
  const answer = await response.json();
  if (response.status !== 201) throw new Error(`No destination: ${JSON.stringify(answer)}`);
  return answer.id;
}

/** Answers at once, and measures how fast a number of events arrives. */
async function startReceiver() {
  let note = () => undefined;
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => {
      response.writeHead(204).end();
      note();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/events`,
    /** From the first event to the last, in events per second. */
    rateOf: (count) =>
      new Promise((resolve) => {
        let [arrived, startedAt] = [0, 0];
        note = () => {
          startedAt ||= performance.now();
          if (++arrived === count) resolve(((count - 1) * 1_000) / (performance.now() - startedAt));
        };
      }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function report({ rates, webhooks, claims }, machine, minutes) {
  const many = PENDING.many.toLocaleString('en');
  const verdicts = [
    ...rates.map(({ engine, ours, bare }) => [
      `Events per second on ${ENGINES[engine]}: ours / bare loop`,
      `≥ ${TARGETS.rate}`,
      (ours / bare).toFixed(2),
      ours / bare >= TARGETS.rate,
    ]),
    ...webhooks.map(({ engine, none, one }) => [
      `p50 of a webhook on ${ENGINES[engine]}: one destination / none`,
      `≤ ${TARGETS.webhook}`,
      (one.p50 / none.p50).toFixed(2),
      one.p50 / none.p50 <= TARGETS.webhook,
    ]),
    ...claims.map((claim) => [
      `p99 of the next claim on ${ENGINES[claim.engine]}: ${many} pending / ${PENDING.few.toLocaleString('en')}`,
      `≤ ${TARGETS.claim}`,
      (claim.many / claim.few).toFixed(2),
      claim.many / claim.few <= TARGETS.claim,
    ]),
  ];
  const sections = [
    '# Events out, measured',
    `\`npm run bench:events\` made this file in ${minutes.toFixed(1)} minutes.`,
    table(['Machine', ''], machine),
    '## Method',
    [
      `Deliveries: ${EVENTS.toLocaleString('en')} events are pending, for ${DESTINATIONS} destinations that lead to one receiver on the loopback interface, which answers at once. The time runs from the first event to the last. \`event-bare.mjs\` has the same destinations, claims as many deliveries at once, and makes the same reads and writes. They take turns, ${ROUNDS} rounds each after one to warm up; every number is the median of the rounds.`,
      `Webhooks: ${WEBHOOK_RATE} deliveries a second over ${PROJECTS} projects, evenly spaced. One server has no destination; the other sends every event to one destination of the operator meanwhile. They take turns, ${inWords(WEBHOOK_TURNS)}.`,
      `Claims: one destination, whose worker records ${PER_CLAIM} attempts and leases the next ${PER_CLAIM} deliveries in one transaction; ${CLAIMS} of them in a round.`,
      DISK_IN_WORDS,
    ]
      .map((line) => `- ${line}`)
      .join('\n'),
    '## Targets',
    verdictTable(verdicts),
    '## Measured',
    table(
      ['Engine', 'Events/s', 'Bare loop, events/s'],
      rates.map(({ engine, ours, bare }) => [ENGINES[engine], ours.toFixed(0), bare.toFixed(0)]),
    ),
    table(
      ['Engine', 'Destinations', 'Webhook p50 ms', 'p99 ms'],
      webhooks.flatMap(({ engine, none, one }) =>
        Object.entries({ none, one }).map(([name, { p50, p99 }]) => [
          ENGINES[engine],
          name,
          p50.toFixed(2),
          p99.toFixed(2),
        ]),
      ),
    ),
    table(
      ['Engine', `Claim p99 ms, ${PENDING.few.toLocaleString('en')} pending`, `${many} pending`],
      claims.map(({ engine, few, many: large }) => [ENGINES[engine], few.toFixed(2), large.toFixed(2)]),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}
