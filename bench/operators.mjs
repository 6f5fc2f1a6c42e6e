// Measures what machines ask for most: one page of the operator's list, with each combination of its filters among
// few and many projects, and a request with the key of a service account against one with a JWT.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addProjects, addTenants, FOREIGN_PROJECT } from './databases.mjs';
import { byExtent, ENGINES, isFull } from './extent.mjs';
import { describeMachine, table, verdictTable } from './report.mjs';
import { checkAnswers, operatorToken, ownerToken, projectId } from './requests.mjs';
import { BENCH, DISK_IN_WORDS, inWords, SETTLE_MS, withSession } from './session.mjs';

const TARGETS = { scale: 1.3, serviceAccount: 1.1 };
const SIZES = byExtent({
  full: { small: 10_000, large: 1_000_000 },
  quick: { small: 10_000, large: 1_000_000 },
  small: { small: 200, large: 400 },
});
const TURNS = byExtent({
  full: { rounds: 9, seconds: 3, warmUpSeconds: 2 },
  quick: { rounds: 3, seconds: 1, warmUpSeconds: 1 },
  small: { rounds: 1, requests: 20 },
});
const RATE = byExtent({ full: 100, quick: 100, small: 1_000 });
const PROJECTS = byExtent({ full: 1_000, quick: 1_000, small: 20 });

const FILTERS = ['owner_id=customer-1', 'health=unhealthy', 'q=Shop 1'];
/** All subsets of the filters. */
const COMBINATIONS = FILTERS.reduce(
  (sets, filter) => [...sets, ...sets.map((set) => [...set, filter])],
  [[]],
);

const token = ownerToken();
const operator = operatorToken();

await withSession(async (session) => {
  const lists = [];
  const keys = [];
  for (const engine of Object.keys(ENGINES)) {
    lists.push(...(await measureLists(session, engine)));
    await session.stopAll();
    keys.push(await measureKeys(session, engine));
    await session.stopAll();
  }
  const text = report(lists, keys, await describeMachine(session.postgresUrl), session.minutes);
  process.stdout.write(`\n${text}`);
  if (isFull) writeFileSync(join(BENCH, 'OPERATORS.md'), text);
});

async function measureLists(session, engine) {
  const urls = {};
  for (const [size, count] of Object.entries(SIZES)) {
    const databaseUrl = await session.newDatabase(`operators ${engine} ${size}`, engine);
    urls[size] = (await (await session.start('ours', databaseUrl)).answers()).url;
    await addTenants(databaseUrl, count);
  }
  await sleep(SETTLE_MS);
  const results = [];
  for (const filters of COMBINATIONS) {
    const path = `/api/v1/operator/projects?${new URLSearchParams(filters.join('&'))}`;
    const job = (size) => ({ kind: 'pace', url: urls[size], token: operator, path, rate: RATE });
    const jobs = { small: job('small'), large: job('large') };
    const name = filters.join(', ') || 'no filter';
    results.push({ engine, name, ...(await session.compare(`${ENGINES[engine]}, ${name}`, jobs, TURNS)) });
  }
  return results;
}

async function measureKeys(session, engine) {
  const databaseUrl = await session.newDatabase(`accounts ${engine}`, engine);
  const server = await (await session.start('ours', databaseUrl)).answers();
  await addProjects(databaseUrl, PROJECTS);
  await checkAnswers(server, projectId(0), FOREIGN_PROJECT);
  const key = await operatorKey(server.url);
  const job = (bearer) => ({
    kind: 'saturate',
    url: server.url,
    token: bearer,
    method: 'GET',
    projects: PROJECTS,
  });
  const jobs = { jwt: job(token), 'service account': job(key) };
  return { engine, ...(await session.compare(`${ENGINES[engine]}, GET config`, jobs, TURNS)) };
}

async function operatorKey(url) {
  const response = await fetch(`${url}/api/v1/operator/service-accounts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Bench', role: 'admin' }),
  });
  const answer = await response.json();
  if (response.status !== 201) throw new Error(`No service account: ${JSON.stringify(answer)}`);
  return answer.key;
}

function report(lists, keys, machine, minutes) {
  const verdicts = [
    ...lists.map(({ engine, name, small, large }) => {
      const ratio = large.p99 / small.p99;
      return [
        `Operator's list on ${ENGINES[engine]}, ${name}: p99 among many / among few`,
        `≤ ${TARGETS.scale}`,
        ratio.toFixed(2),
        ratio <= TARGETS.scale,
      ];
    }),
    ...keys.map(({ engine, jwt, 'service account': account }) => {
      const ratio = jwt.requestsPerSecond / account.requestsPerSecond;
      return [
        `GET config on ${ENGINES[engine]}: cost with a service account / with a JWT`,
        `≤ ${TARGETS.serviceAccount}`,
        ratio.toFixed(2),
        ratio <= TARGETS.serviceAccount,
      ];
    }),
  ];
  const [few, many] = Object.values(SIZES).map((count) => count.toLocaleString('en'));
  const sections = [
    '# Operators and service accounts',
    `\`npm run bench:operators\` made this file in ${minutes.toFixed(1)} minutes.`,
    `A page of 50 of the operator's list among ${few} and ${many} projects: an owner has 100, every eighth is unhealthy, and names begin alike. ${RATE} requests a second, evenly spaced; two servers take turns, ${inWords(TURNS)}, and each number is the median of the rounds. Keys: as many requests as the server takes, over ${PROJECTS.toLocaleString('en')} projects. ${DISK_IN_WORDS}`,
    table(['', ''], machine),
    '## Targets',
    verdictTable(verdicts),
    '## Lists',
    table(
      ['Engine', 'Filters', `p50 ms, ${few}`, `p50 ms, ${many}`, `p99 ms, ${few}`, `p99 ms, ${many}`],
      lists.map(({ engine, name, small, large }) => [
        ENGINES[engine],
        name,
        ...[small.p50, large.p50, small.p99, large.p99].map((milliseconds) => milliseconds.toFixed(2)),
      ]),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}
