// The process that generates load. Answers each job with its measurements.
import { Agent, request as httpRequest } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { DeliveryStream } from './deliveries.mjs';
import { configRequest, projectId } from './requests.mjs';

const CONNECTIONS = 20;

const JOBS = { visitAll, saturate, pace, deliver };

process.on('message', async ({ kind, ...job }) => {
  try {
    process.send({ result: await JOBS[kind](job) });
  } catch (error) {
    process.send({ error: error.message });
  }
});

/** One request per project. The number of projects is a multiple of the number of connections. */
function visitAll({ projects, ...job }) {
  return drive({ projects, ...job }, { amount: projects });
}

/** Maximum throughput: each connection sends a request as soon as the previous one is answered. */
function saturate(job) {
  return drive(job, limitOf(job));
}

function limitOf({ seconds, requests }) {
  return requests === undefined ? { duration: seconds } : { amount: requests };
}

async function drive({ url, token, method, projects }, limit) {
  const requests = Array.from({ length: projects }, (_, number) =>
    configRequest(method, projectId(number), token),
  );
  let connection = 0;
  // Connections start at different places in the list, so that no two use one project.
  const setupClient = (client) => {
    const start = (projects / CONNECTIONS) * connection++;
    client.setRequests([...requests.slice(start), ...requests.slice(0, start)]);
  };
  const { non2xx, ...result } = await fire({ url, ...limit, setupClient });
  return { ...result, failures: result.failures + non2xx };
}

/** Maximum throughput of webhook deliveries. Forged ones must be refused, and all others accepted. */
async function deliver({ url, projects, ...job }) {
  let wrong = 0;
  const setupClient = (client) => {
    const stream = new DeliveryStream(projects);
    const expected = [];
    const setupRequest = (request) => {
      const { expected: status, ...delivery } = stream.next();
      expected.push(status);
      return { ...request, ...delivery };
    };
    client.setRequests([
      { setupRequest, onResponse: (status) => (wrong += Number(status !== expected.shift())) },
    ]);
  };
  const result = await fire({ url, ...limitOf(job), setupClient });
  return { ...result, failures: result.failures + wrong };
}

async function fire({ url, setupClient, ...limit }) {
  const run = autocannon({ url, connections: CONNECTIONS, ...limit, sampleInt: 100, setupClient });
  const latencies = [];
  let started = performance.now();
  run.on('start', () => (started = performance.now()));
  // autocannon's own histogram has a resolution of a millisecond.
  run.on('response', (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
  const { non2xx, errors, timeouts } = await run;
  const elapsed = (performance.now() - started) / 1000;
  return {
    requestsPerSecond: latencies.length / elapsed,
    failures: errors + timeouts,
    non2xx,
    ...percentiles(latencies),
  };
}

/**
 * A fixed rate of evenly spaced requests, independent of the server: measures latency without a queue.
 * Requests one path, or the configurations of all projects, or delivers webhooks (method `deliver`).
 */
async function pace({ url, token, path, method, projects, rate, seconds, requests = rate * seconds }) {
  const stream = new DeliveryStream(projects);
  const nextRequest = () => {
    if (method === 'deliver') return stream.next();
    return path
      ? { method: 'GET', path, headers: { authorization: `Bearer ${token}` } }
      : configRequest(method, projectId(Math.floor(Math.random() * projects)), token);
  };
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const latencies = [];
  let failures = 0;
  const pending = [];
  const started = performance.now();
  for (let sent = 0; sent < requests; sent++) {
    const due = started + (sent * 1000) / rate;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    const { expected = 200, ...request } = nextRequest();
    pending.push(
      timed(agent, url, request).then(
        ({ status, milliseconds }) => {
          latencies.push(milliseconds);
          if (status !== expected) failures++;
        },
        () => failures++,
      ),
    );
  }
  await Promise.all(pending);
  agent.destroy();
  return { failures, ...percentiles(latencies) };
}

function timed(agent, url, { method, path, headers, body }) {
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    const request = httpRequest(url + path, { agent, method, headers }, (response) => {
      response.resume();
      response.once('end', () =>
        resolve({ status: response.statusCode, milliseconds: performance.now() - sentAt }),
      );
    });
    request.once('error', reject);
    request.end(body);
  });
}

function percentiles(latencies) {
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
  return { p50: at(0.5), p99: at(0.99) };
}
