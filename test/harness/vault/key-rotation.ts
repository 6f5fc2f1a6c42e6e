import { setTimeout as wait } from 'node:timers/promises';
import { Database, sql } from '../../../src/database/database.js';
import { StripeConfigService } from '../../../src/payments/stripe-config/stripe-config.service.js';
import { ProjectsService } from '../../../src/projects/projects.service.js';
import type { ProjectId } from '../../../src/common/ids.js';
import type { OwnerId } from '../../../src/common/ids.js';
import { type Ended, runCommand, startCommand } from '../command-line.js';
import { numbered } from '../credentials.js';
import { eventually } from '../eventually.js';
import type { Installation } from '../installation.js';
import { rowsOf } from '../database/rows.js';
import { configPath, type TestApp } from '../test-app.js';

const AT_ONCE = 50;

const COUNT_BY_KEY = sql<{ key_id: string; count: number | string }>(
  'SELECT key_id, count(*) AS count FROM stripe_credentials GROUP BY key_id',
  'test_count_by_key',
);

interface DataKey {
  id: string;
  purpose: string;
  state: string;
  rows: number;
}

/** The command line of an installation on the database of an app. */
export class KeyCommands {
  constructor(
    private readonly installation: Installation,
    private readonly app: TestApp,
  ) {}

  run(args: string[], environment: Record<string, string> = {}): Promise<Ended> {
    return runCommand(this.installation, { ...this.app.environment, ...environment }, 'keys', ...args);
  }

  start(...args: string[]) {
    return startCommand(this.installation, this.app.environment, 'keys', ...args);
  }

  /** @returns the JSON output of a command that succeeds */
  async json<Result>(...args: string[]): Promise<Result> {
    const { code, output, errors } = await this.run([...args, '--json']);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${output}${errors}`);
    return JSON.parse(output) as Result;
  }

  async sealKeys(): Promise<DataKey[]> {
    const { data_keys } = await this.json<{ data_keys: DataKey[] }>('status');
    return data_keys.filter(({ purpose }) => purpose === 'seal');
  }
}

/** Creates projects with all six credentials each. @returns their ids */
export async function fillVault({ app }: TestApp, projects: number): Promise<ProjectId[]> {
  const ids: ProjectId[] = [];
  while (ids.length < projects) {
    const batch = Array.from({ length: Math.min(AT_ONCE, projects - ids.length) }, async (_, index) => {
      const id = await app.get(ProjectsService).create('developer-1' as OwnerId, 'Corner shop', null);
      await app.get(StripeConfigService).save(id, numbered((ids.length + index) % 10_000));
      return id;
    });
    ids.push(...(await Promise.all(batch)));
  }
  return ids;
}

/** The number of credentials under each data key. */
export async function countByKey({ app }: TestApp): Promise<Map<string, number>> {
  const rows = await app.get(Database).query(COUNT_BY_KEY, []);
  return new Map(rows.map(({ key_id, count }) => [key_id, Number(count)]));
}

async function countRows(app: TestApp): Promise<number> {
  return [...(await countByKey(app)).values()].reduce((sum, count) => sum + count, 0);
}

interface Load {
  /** @returns the answers other than 200, and the number of those with 200 */
  stop: () => Promise<{ failures: string[]; requests: number }>;
}

/** Clients that read all projects and write to the given ones until they are stopped. */
function startLoad(app: TestApp, read: readonly string[], written: readonly string[], clients: number): Load {
  let isOver = false;
  let requests = 0;
  const failures: string[] = [];
  const client = async (number: number) => {
    for (let round = number; !isOver; round += 1) {
      const isWrite = round % 2 === 0;
      const projects = isWrite ? written : read;
      const path = configPath(projects[(round * 7 + number) % projects.length] ?? '');
      const test = isWrite ? app.send('put', path).send(numbered(round % 10_000)) : app.send('get', path);
      const { status, text } = await test;
      requests += 1;
      if (status !== 200) failures.push(`${status} ${text}`);
    }
  };
  const done = Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return {
    stop: async () => {
      isOver = true;
      await done;
      return { failures, requests };
    },
  };
}

/** The credentials of a project without their sealed texts. */
async function allButSeals({ database }: TestApp, projectIds: readonly string[]): Promise<unknown> {
  const ids = new Set(projectIds);
  const credentials = (await rowsOf(database, 'stripe_credentials')).filter((row) =>
    ids.has(String(row['project_id'])),
  );
  const configs = (await rowsOf(database, 'stripe_configs')).filter((row) =>
    ids.has(String(row['project_id'])),
  );
  return [...configs, ...credentials.map((row) => ({ ...row, sealed: null, key_id: null }))]
    .map((row) => JSON.stringify(row))
    .sort();
}

/**
 * Rotates while clients read and write. No request fails, no row stays under the old key, and credentials
 * without a write change only their seals.
 * @returns the numbers of requests and of resealed rows
 */
export async function rotateUnderLoad(
  commands: KeyCommands,
  app: TestApp,
  projectIds: readonly string[],
  clients: number,
) {
  const written = projectIds.slice(0, Math.ceil(projectIds.length / 10));
  const untouched = projectIds.slice(written.length);
  const before = await allButSeals(app, untouched);
  const [former] = (await countByKey(app)).keys();
  const load = startLoad(app, projectIds, written, clients);
  const rotated = await commands.json<{ data_key: string; resealed: number; left: number; resumed: boolean }>(
    'rotate-data',
  );
  const { failures, requests } = await load.stop();
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(0);
  expect(rotated).toMatchObject({ left: 0, resumed: false });
  expect(rotated.data_key).not.toBe(former);
  expect([...(await countByKey(app)).keys()]).toEqual([rotated.data_key]);
  expect(await allButSeals(app, untouched)).toEqual(before);
  await expectAllOpen(commands, await countRows(app));
  return { requests, resealed: rotated.resealed };
}

/** Kills a rotation in the middle with `kill -9` and runs it again. */
export async function rotateThroughKill(commands: KeyCommands, app: TestApp): Promise<void> {
  const rows = await countRows(app);
  const { primary, moved } = await killedHalfWay(commands, app, rows);
  expect(moved).toBeGreaterThan(0);
  expect(moved).toBeLessThan(rows);
  await expectAllOpen(commands, rows);
  const rotated = await commands.json<{ data_key: string; resealed: number }>('rotate-data');
  expect(rotated).toMatchObject({ data_key: primary, resumed: true, resealed: rows - moved, left: 0 });
  expect(await countByKey(app)).toEqual(new Map([[primary, rows]]));
  await expectAllOpen(commands, rows);
}

async function killedHalfWay(
  commands: KeyCommands,
  app: TestApp,
  rows: number,
): Promise<{ primary: string; moved: number }> {
  for (;;) {
    const known = new Set((await countByKey(app)).keys());
    const command = commands.start('rotate-data');
    const underNew = async () => [...(await countByKey(app))].find(([id]) => !known.has(id));
    await eventually(async () => {
      if (!(await underNew())) throw new Error(`Nothing is sealed anew yet:\n${command.errors}`);
    }, 60_000);
    await command.stop('SIGKILL');
    const [primary = '', moved = 0] = (await underNew()) ?? [];
    // On a busy machine the command may have ended before the kill.
    if (moved < rows) return { primary, moved };
  }
}

async function expectAllOpen(commands: KeyCommands, rows: number): Promise<void> {
  expect(await commands.json('verify')).toEqual({ rows, opened: rows, broken: 0, places: [] });
}

/**
 * Pauses a server while a key is rotated and retired. Its first request afterwards is a write, which must
 * succeed, and not under the retired key.
 */
export async function wakeAfterRetirement(
  commands: KeyCommands,
  app: TestApp,
  installation: Installation,
): Promise<void> {
  const server = installation.start(app.environment);
  const projectId = await server.createProject();
  expect((await server.send('PUT', configPath(projectId), { body: numbered(1) })).status).toBe(200);
  server.signal('SIGSTOP');
  const rotated = await commands.json<{
    data_key: string;
    former_data_keys: string[];
    silent_processes: string[];
  }>('rotate-data', '--wait', '5');
  expect(rotated.silent_processes).toHaveLength(1);
  for (const id of rotated.former_data_keys) await commands.json('retire', id);
  const answer = server.send('PUT', configPath(projectId), { body: numbered(2) });
  // The request arrives before the server reloads its keys.
  await wait(100);
  server.signal('SIGCONT');
  expect(await answer).toMatchObject({ status: 200 });
  expect([...(await countByKey(app)).keys()]).toEqual([rotated.data_key]);
  expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null });
}
