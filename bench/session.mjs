// The environment of every benchmark: a folder, a PostgreSQL server, the load process, and servers, which all
// end with it.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../test/harness/jest/postgres-server.mjs';
import { addProjects, createDatabase } from './databases.mjs';
import { WEBHOOK_SECRET } from './deliveries.mjs';
import { byExtent, ENGINES } from './extent.mjs';
import { configRequest, ownerToken, projectId } from './requests.mjs';
import { startServer } from './servers.mjs';

export const BENCH = fileURLToPath(new URL('.', import.meta.url));

export const DISK_IN_WORDS =
  'Each commit waits for the disk (`synchronous=FULL`, `fsync=on`); PostgreSQL has a quarter of the memory as `shared_buffers` and pools of 10 connections.';

/** Milliseconds for the disk to sync a loaded database. */
export const SETTLE_MS = byExtent({ full: 30_000, quick: 30_000, small: 0 });

/** @param turns as `compare` takes them */
export function inWords({ rounds, seconds, requests }) {
  return `${rounds} rounds of ${requests === undefined ? `${seconds} s` : `${requests} requests`} each`;
}

/** Builds the project if needed, and runs `work` with a session. */
export async function withSession(work) {
  execFileSync(process.execPath, ['scripts/build-if-needed.mjs'], {
    cwd: join(BENCH, '..'),
    stdio: 'inherit',
  });
  const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-bench-'));
  const load = fork(join(BENCH, 'load.mjs'));
  const settings = { shared_buffers: `${Math.round(totalmem() / 4 / 2 ** 20)}MB`, max_wal_size: '8GB' };
  const postgres = ENGINES.postgres && (await startPostgres({ fsync: true, settings }));
  const session = new Session(folder, load, postgres?.url);
  try {
    await work(session);
  } finally {
    load.kill();
    await session.stopAll();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Session {
  #started = Date.now();
  #running = new Set();

  constructor(folder, load, postgresUrl) {
    this.folder = folder;
    this.load = load;
    this.postgresUrl = postgresUrl;
  }

  get minutes() {
    return (Date.now() - this.#started) / 60_000;
  }

  /** @returns the URL of a new database */
  async newDatabase(name, engine = 'postgres') {
    return engine === 'sqlite'
      ? `sqlite:${join(this.folder, `${name}.db`)}`
      : createDatabase(this.postgresUrl, name.replaceAll(' ', '_'));
  }

  /** Like `newDatabase`, as a copy of another database, which no server may use. */
  async copyDatabase(original, name) {
    if (!original.startsWith('sqlite:'))
      return createDatabase(this.postgresUrl, name.replaceAll(' ', '_'), new URL(original).pathname.slice(1));
    const url = await this.newDatabase(name, 'sqlite');
    for (const suffix of ['', '-wal']) {
      const file = `${original.slice('sqlite:'.length)}${suffix}`;
      if (existsSync(file)) copyFileSync(file, `${url.slice('sqlite:'.length)}${suffix}`);
    }
    return url;
  }

  /**
   * @returns the URL of a database whose projects have the webhook secret. Only our server makes the schema,
   * data keys and configurations.
   */
  async configuredDatabase(engine, projects) {
    const databaseUrl = await this.newDatabase('configured', engine);
    const server = await (await this.start('ours', databaseUrl)).answers();
    await addProjects(databaseUrl, projects);
    const body = JSON.stringify({ test_webhook_secret: WEBHOOK_SECRET });
    const token = ownerToken();
    for (let number = 0; number < projects; number++) {
      const { path, ...request } = configRequest('PUT', projectId(number), token);
      const { status } = await fetch(server.url + path, { ...request, body });
      if (status !== 200) throw new Error(`A project could not be configured: ${status}`);
    }
    await this.stop(server);
    return databaseUrl;
  }

  async start(name, databaseUrl, options) {
    const server = await startServer(name, databaseUrl, options);
    this.#running.add(server);
    return server;
  }

  async stop(server) {
    this.#running.delete(server);
    await server.stop();
  }

  async stopAll() {
    await Promise.all([...this.#running].map((server) => this.stop(server)));
  }

  /** Runs a job in the load process. A failed request or a wrong answer ends the run. */
  async measure(job) {
    this.load.send(job);
    const [{ result, error }] = await once(this.load, 'message');
    if (error) throw new Error(`The load failed: ${error}`);
    if (result.failures > 0)
      throw new Error(`${job.kind} at ${job.url}: ${result.failures} requests failed.`);
    return result;
  }

  /**
   * After a warm-up the servers take turns, so that a stall of the machine affects all of them.
   * @param jobs by name
   * @param turns `requests`, if given, ends a turn instead of `seconds`
   * @returns the medians of the rounds, by name
   */
  async compare(what, jobs, { rounds, seconds, warmUpSeconds, requests }) {
    const results = Object.fromEntries(Object.keys(jobs).map((name) => [name, []]));
    for (const job of Object.values(jobs)) await this.measure({ ...job, seconds: warmUpSeconds, requests });
    for (let round = 0; round < rounds; round++) {
      for (const [name, job] of Object.entries(jobs)) {
        const { requestsPerSecond, p50, p99 } = await this.measure({ ...job, seconds, requests });
        results[name].push({ requestsPerSecond, p50, p99 });
        const rate = requestsPerSecond === undefined ? '' : `${requestsPerSecond.toFixed(0)} requests/s, `;
        progress(`${what}, ${name}: ${rate}p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
      }
    }
    return Object.fromEntries(Object.entries(results).map(([name, measured]) => [name, medianOf(measured)]));
  }
}

function medianOf(rounds) {
  const median = (name) =>
    rounds.map((round) => round[name]).sort((a, b) => a - b)[Math.floor(rounds.length / 2)];
  return { requestsPerSecond: median('requestsPerSecond'), p50: median('p50'), p99: median('p99') };
}

export function progress(line) {
  process.stderr.write(`${line}\n`);
}
