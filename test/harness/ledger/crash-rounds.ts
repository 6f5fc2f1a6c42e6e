import { setTimeout as wait } from 'node:timers/promises';
import type { DataKeyRow } from '../../../src/vault/keys/data-key.repository.js';
import { Keyring } from '../../../src/vault/keys/keyring.js';
import { LocalKeyWrapper } from '../../../src/vault/wrappers/local-key-wrapper.js';
import { MasterKeys } from '../../../src/vault/wrappers/master-keys.js';
import type { SealedText } from '../../../src/vault/seal/seal.js';
import { STRIPE_MODES, type StripeMode } from '../../../src/payments/stripe/stripe-mode.js';
import { fieldsOf, numbered, numberIn } from '../credentials.js';
import { eventually } from '../eventually.js';
import { InMemoryDataKeyStore } from '../vault/in-memory-data-key-store.js';
import type { Installation } from '../installation.js';
import { rowsOf } from '../database/rows.js';
import type { Answer, ServerProcess } from '../servers/server-process.js';
import { configPath, testEnvironment } from '../test-app.js';
import type { TestDatabase } from '../database/test-database.js';

const PROJECTS = 4;
/** Milliseconds of writing in a round. */
const SHORTEST_ROUND = 50;
const LONGEST_ROUND = 400;

/** Writes increasing numbers into the fields of one mode. */
interface Writer {
  projectId: string;
  mode: StripeMode;
  /** The last sent number, and the last acknowledged one. */
  sent: number;
  acknowledged: number;
}

/**
 * Kills the server repeatedly with SIGKILL during writes, and checks the acknowledged writes each time.
 * @returns the number of acknowledged writes
 */
export async function crashRounds(
  installation: Installation,
  database: TestDatabase,
  rounds: number,
): Promise<number> {
  const environment = testEnvironment(database);
  let server = installation.start(environment);
  const ids = await Promise.all(Array.from({ length: PROJECTS }, () => server.createProject()));
  const writers = ids.flatMap((projectId) =>
    STRIPE_MODES.map((mode): Writer => ({ projectId, mode, sent: 0, acknowledged: 0 })),
  );
  let acknowledged = 0;
  for (let round = 0; round < rounds; round += 1) {
    const created: string[] = [];
    const writing = [
      ...writers.map((writer) => writeUntilItEnds(server, writer)),
      createUntilItEnds(server, created),
    ];
    // On a busy machine the first answer takes longer than a round.
    await eventually(async () => expect(created.length).toBeGreaterThan(0));
    await wait(SHORTEST_ROUND + (LONGEST_ROUND - SHORTEST_ROUND) * Math.random());
    expect(await server.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    for (const count of await Promise.all(writing)) acknowledged += count;

    server = installation.start(environment);
    for (const writer of writers) await expectAcknowledged(server, writer);
    for (const id of created) expect((await server.send('GET', `/api/v1/projects/${id}`)).status).toBe(200);
    await expectWholeRows(database, environment['MASTER_KEY'] ?? '', writers);
  }
  await server.stop('SIGTERM');
  return acknowledged;
}

/** @returns `undefined` if the server died meanwhile */
async function sendUntilItEnds(
  ...[server, ...request]: [ServerProcess, ...Parameters<ServerProcess['send']>]
): Promise<Answer | undefined> {
  return server.send(...request).catch(() => undefined);
}

async function writeUntilItEnds(server: ServerProcess, writer: Writer): Promise<number> {
  for (let count = 0; ; count += 1) {
    const number = (writer.sent += 1);
    const body = numbered(number, fieldsOf(writer.mode));
    const answer = await sendUntilItEnds(server, 'PUT', configPath(writer.projectId), { body });
    if (!answer) return count;
    expect(answer.status).toBe(200);
    writer.acknowledged = number;
  }
}

async function createUntilItEnds(server: ServerProcess, created: string[]): Promise<number> {
  for (;;) {
    const answer = await sendUntilItEnds(server, 'POST', '/api/v1/projects/', {
      body: { name: 'Corner shop' },
    });
    if (!answer) return created.length;
    expect(answer.status).toBe(201);
    created.push((answer.body as { id: string }).id);
  }
}

/** Expects the acknowledged write or a later one, with all three fields of one write. */
async function expectAcknowledged(server: ServerProcess, writer: Writer): Promise<void> {
  const { status, body } = await server.send('GET', configPath(writer.projectId));
  expect(status).toBe(200);
  const [first = null, ...others] =
    body === null ? [] : fieldsOf(writer.mode).map((field) => numberIn(body, field));
  const number = first ?? 0;
  expect(others.filter((other) => other !== first)).toEqual([]);
  expect(number).toBeGreaterThanOrEqual(writer.acknowledged);
  expect(number).toBeLessThanOrEqual(writer.sent);
  writer.acknowledged = number;
}

/** Expects that every stored value can be unsealed to the written one. */
async function expectWholeRows(database: TestDatabase, masterKey: string, writers: Writer[]): Promise<void> {
  const store = new InMemoryDataKeyStore();
  for (const row of await rowsOf(database, 'data_keys')) store.rows.push(toDataKeyRow(row));
  const keyring = new Keyring(store, new MasterKeys(new LocalKeyWrapper(Buffer.from(masterKey, 'base64'))));
  await keyring.load();
  const stored = await rowsOf(database, 'stripe_credentials');
  for (const { projectId, mode, acknowledged } of writers) {
    const expected = acknowledged === 0 ? {} : numbered(acknowledged, fieldsOf(mode));
    const opened: Record<string, string> = {};
    for (const row of stored.filter(
      (each) => each['project_id'] === projectId && each['mode'] === mode && each['slot'] === 0,
    )) {
      const field = `${mode}_${String(row['kind'])}`;
      const context = { purpose: 'stripe-credential', tenant: projectId, field };
      opened[field] = (await keyring.unseal(context, row['sealed'] as SealedText)).reveal();
    }
    expect(opened).toEqual(expected);
  }
}

function toDataKeyRow(row: Record<string, unknown>): DataKeyRow {
  const { id, purpose, state, wrapped, master_key_id: masterKeyId } = row as Record<string, string>;
  return { id, purpose, state, wrapped, masterKeyId, createdAt: new Date() } as DataKeyRow;
}
