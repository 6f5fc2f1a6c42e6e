import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { numbered } from '../credentials.js';
import { execute, rowsOf } from '../database/rows.js';
import type { TestDatabase } from '../database/test-database.js';
import type { Installation } from '../installation.js';
import { configPath, testEnvironment } from '../test-app.js';
import { EventReceiver } from './event-receiver.js';
import type { ServerProcess } from './server-process.js';

const SHORTEST_ROUND = 50;
const LONGEST_ROUND = 400;
const RECEIVER = 'test/harness/servers/event-receiver-process.mjs';

interface Rounds {
  installation: Installation;
  database: TestDatabase;
  /** Servers on the database. */
  servers: number;
  kills: number;
}

/**
 * Kills servers and the receiver of their events at random with SIGKILL, while configurations are saved.
 * Expects that every event in the database arrived at least once.
 * @returns the number of events
 */
export async function eventCrashRounds({
  installation,
  database,
  servers: count,
  kills,
}: Rounds): Promise<number> {
  const environment = testEnvironment(database);
  const start = () => installation.start(environment);
  const first = start();
  await first.listening();
  const servers = [first, ...Array.from({ length: count - 1 }, start)];
  const file = join(installation.folder, 'received.txt');
  writeFileSync(file, '');
  const port = await freePort();
  const receive = () =>
    installation.start({}, [process.execPath, join(process.cwd(), RECEIVER), String(port), file]);
  let receiver = receive();
  await receiver.listening();

  const projectId = await first.createProject();
  const path = configPath(projectId);
  const destination = { url: `http://127.0.0.1:${port}/`, event_types: ['config.updated'] };
  const made = await first.send('POST', path.replace(/config$/, 'event-destinations'), { body: destination });
  expect(made.status).toBe(201);

  const ended = new AbortController();
  const saving = saveUntil(ended.signal, path, () => servers[Math.floor(Math.random() * count)] ?? first);
  for (let kill = 0; kill < kills; kill += 1) {
    await wait(SHORTEST_ROUND + (LONGEST_ROUND - SHORTEST_ROUND) * Math.random());
    const victim = kill % (count + 1);
    const server = servers[victim];
    expect(await (server ?? receiver).stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    if (server) await (servers[victim] = start()).listening();
    else await (receiver = receive()).listening();
  }
  ended.abort();
  const acknowledged = await saving;

  const events = (await rowsOf(database, 'events')).filter(({ type }) => type === 'config.updated');
  expect(events.length).toBeGreaterThanOrEqual(acknowledged);
  const missing = () => {
    const received = new Set(readFileSync(file, 'utf8').split('\n'));
    return events.filter(({ id }) => !received.has(String(id)));
  };
  for (let round = 0; missing().length > 0 && round < 60; round += 1) {
    // Stands for the time until leases of killed servers end, and retries are due.
    await execute(database, 'UPDATE event_deliveries SET due_at = created_at WHERE due_at IS NOT NULL');
    await execute(database, 'UPDATE event_destinations SET next_due_at = created_at');
    await wait(1_000);
  }
  expect(missing()).toEqual([]);
  return events.length;
}

/** Saves configurations until told to end, also while servers are killed. @returns how many were acknowledged */
async function saveUntil(signal: AbortSignal, path: string, server: () => ServerProcess): Promise<number> {
  let acknowledged = 0;
  for (let number = 1; !signal.aborted; number += 1) {
    const { test_secret_key: key } = numbered(number);
    const saved = server().send('PUT', path, { body: { test_secret_key: key } });
    const status = await saved.then(
      (answer) => answer.status,
      () => wait(20),
    );
    if (status === 200) acknowledged += 1;
  }
  return acknowledged;
}

async function freePort(): Promise<number> {
  const receiver = await new EventReceiver().start();
  const { port } = receiver;
  await receiver.stop();
  return port;
}
