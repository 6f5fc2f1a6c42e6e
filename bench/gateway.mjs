// Measures the gateway with the real Stripe SDK: straight to a Stripe on the loopback interface, through a bare
// proxy that swaps one header, and through ours. Then large bodies, and many slow answers at once.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';
import { Agent, request } from 'undici';
import { byExtent } from './extent.mjs';
import { verdictTable } from './report.mjs';
import { ownerToken } from './requests.mjs';
import { startServer } from './servers.mjs';

const ROUNDS = byExtent({ full: 7, quick: 3, small: 1 });
const CALLS = byExtent({ full: 1_000, quick: 300, small: 5 });
const LOAD = byExtent({
  full: { ms: 4_000, atOnce: 64 },
  quick: { ms: 1_500, atOnce: 64 },
  small: { ms: 100, atOnce: 4 },
});
const SLOW = byExtent({ full: 1_000, quick: 1_000, small: 10 });
const MEBIBYTES = byExtent({ full: 100, quick: 100, small: 2 });
const SECRET_KEY = `sk_test_${'b'.repeat(40)}`;

const ADDED_TARGET_MS = 1;
const THROUGHPUT_TARGET = 0.8;
const MEMORY_TARGET_MIB = 50;

const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-bench-'));
const servers = [];
const start = async (name, environment) => {
  const server = await startServer(name, `sqlite:${folder}/gateway.db`, { environment });
  servers.push(server);
  return server.answers();
};

try {
  const stripe = await start('gateway peer', { ROLE: 'stripe' });
  const bare = await start('gateway peer', { ROLE: 'bare', UPSTREAM: stripe.url, SECRET_KEY });
  const ours = await start('ours', {
    NODE_ENV: 'test',
    STRIPE_GATEWAY: 'true',
    STRIPE_API_BASE: stripe.url,
    STRIPE_GATEWAY_RATE: '0',
    STRIPE_GATEWAY_CONCURRENCY: '0',
    LOG_LEVEL: 'warn',
  });
  const key = await makeKey(ours.url);
  const targets = { direct: [stripe.url, SECRET_KEY], bare: [bare.url, key], ours: [ours.url, key] };
  const latency = { direct: [], bare: [], ours: [] };
  const throughput = { direct: [], bare: [], ours: [] };
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [name, [url, secret]] of Object.entries(targets)) {
      const [milliseconds, perSecond] = [await latencyOf(url, secret), await throughputOf(url, secret)];
      // The first round warms up.
      if (round === 0) continue;
      latency[name].push(milliseconds);
      throughput[name].push(perSecond);
    }
  const memory = await memoryFor(ours, key);
  const [alone, besideSlow] = await besideSlowAnswers(ours.url, key);

  const added = median(latency.ours) - median(latency.direct);
  const ratio = median(throughput.ours) / median(throughput.bare);
  const rows = [
    [
      'p50 that the gateway adds to a call of the SDK',
      `< ${ADDED_TARGET_MS} ms`,
      `${added.toFixed(2)} ms`,
      added < ADDED_TARGET_MS,
    ],
    [
      'the same for the bare proxy',
      '',
      `${(median(latency.bare) - median(latency.direct)).toFixed(2)} ms`,
      undefined,
    ],
    [
      'requests per second, against the bare proxy',
      `≥ ${THROUGHPUT_TARGET}`,
      `${ratio.toFixed(2)} (${Math.round(median(throughput.ours))} and ${Math.round(median(throughput.bare))})`,
      ratio >= THROUGHPUT_TARGET,
    ],
    [
      `more memory for ${MEBIBYTES} MiB up and down`,
      `< ${MEMORY_TARGET_MIB} MiB`,
      `${memory} MiB`,
      memory < MEMORY_TARGET_MIB,
    ],
    [
      `p50 beside ${SLOW} slow answers, and alone`,
      '',
      `${besideSlow.toFixed(2)} ms, ${alone.toFixed(2)} ms`,
      undefined,
    ],
  ];
  process.stdout.write(`## Targets\n\n${verdictTable(rows)}\n`);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}

async function makeKey(url) {
  const send = async (method, path, body) => {
    const headers = { authorization: `Bearer ${ownerToken()}`, 'content-type': 'application/json' };
    const response = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  const { id } = await send('POST', '/api/v1/projects/', { name: 'Bench' });
  const project = `/api/v1/payments/stripe/projects/${id}`;
  await send('PUT', `${project}/config`, { test_secret_key: SECRET_KEY });
  const permissions = { customers: 'write', files: 'write' };
  return (await send('POST', `${project}/gateway-keys`, { name: 'Bench', mode: 'test', permissions })).key;
}

/** Milliseconds of a call of the SDK, one after another: the median. */
async function latencyOf(url, secret) {
  const { hostname: host, port } = new URL(url);
  const stripe = new Stripe(secret, { host, port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 });
  const times = [];
  for (let call = 0; call < CALLS; call += 1) {
    const startedAt = performance.now();
    if (call % 2 === 0) await stripe.customers.retrieve('cus_1');
    else await stripe.customers.update('cus_1', { name: 'Ada', metadata: { order: '1' } });
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

/** Answers per second with many requests at once, without the SDK, which would be the slowest part. */
async function throughputOf(url, secret) {
  const dispatcher = new Agent({ connections: LOAD.atOnce });
  const end = performance.now() + LOAD.ms;
  let answers = 0;
  const client = async () => {
    while (performance.now() < end) {
      const isRead = answers % 2 === 0;
      const { statusCode, body } = await request(`${url}/v1/customers/cus_1`, {
        dispatcher,
        method: isRead ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/x-www-form-urlencoded' },
        ...(!isRead && { body: 'name=Ada&metadata[order]=1' }),
      });
      await body.dump();
      if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}`);
      answers += 1;
    }
  };
  await Promise.all(Array.from({ length: LOAD.atOnce }, client));
  await dispatcher.close();
  return (answers * 1_000) / LOAD.ms;
}

/** By how much the memory of the process grows at most, in MiB, while large bodies pass. */
async function memoryFor({ url, pid }, key) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'multipart/form-data; boundary=b' };
  const before = residentMib(pid);
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, residentMib(pid))), 20);
  const piece = Buffer.alloc(1024 * 1024);
  const up = async function* () {
    for (let sent = 0; sent < MEBIBYTES; sent += 1) yield piece;
  };
  const uploaded = await request(`${url}/v1/files`, { method: 'POST', headers, body: up() });
  await uploaded.body.dump();
  const { body } = await request(`${url}/v1/files/file_1/contents`, {
    headers: { authorization: headers.authorization },
  });
  await body.dump({ limit: Infinity });
  clearInterval(watch);
  return Math.max(0, highest - before);
}

function residentMib(pid) {
  const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kibibytes) / 1024);
}

async function besideSlowAnswers(url, key) {
  const alone = await latencyOf(url, key);
  const dispatcher = new Agent();
  const slow = Array.from({ length: SLOW }, async () => {
    const headers = { authorization: `Bearer ${key}` };
    const { body } = await request(`${url}/v1/customers/slow`, { dispatcher, headers });
    await body.dump();
  });
  await sleep(1_000);
  const beside = await latencyOf(url, key);
  await Promise.all(slow);
  return [alone, beside];
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
