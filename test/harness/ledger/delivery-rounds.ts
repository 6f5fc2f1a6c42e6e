import { setTimeout as wait } from 'node:timers/promises';
import type { Installation } from '../installation.js';
import { rowsOf } from '../database/rows.js';
import type { Environment, ServerProcess } from '../servers/server-process.js';
import { anEvent, aPaidInvoice, aPayment, deliverTo, type EventBody } from './signed-events.js';
import { configPath } from '../test-app.js';
import type { TestDatabase } from '../database/test-database.js';

const SECRET = `whsec_${'a'.repeat(32)}`;
const SENDERS = 8;
/** Milliseconds between the start of a server and its kill. */
const SHORTEST_ROUND = 50;
const LONGEST_ROUND = 400;

interface Rounds {
  installation: Installation;
  database: TestDatabase;
  environment: Environment;
  /** A key of the account in the fake Stripe that has the invoices. */
  secretKey: string;
  /** Number of kills. */
  kills: number;
  /** Number of events, delivered during all kills. */
  events: number;
}

/**
 * Kills the server repeatedly with SIGKILL during deliveries. The sender, like Stripe, retries each event
 * until it is acknowledged, and sends some again after that. Expects that each event was applied exactly
 * once.
 */
export async function deliveryRounds({
  installation,
  database,
  environment,
  secretKey,
  kills,
  events: count,
}: Rounds): Promise<string> {
  let server = installation.start(environment);
  const projectId = await server.createProject();
  const credentials = { test_secret_key: secretKey, test_webhook_secret: SECRET };
  expect((await server.send('PUT', configPath(projectId), { body: credentials })).status).toBe(200);

  const makers = [aPayment, aPaidInvoice, anEvent];
  const events = Array.from({ length: count }, (_, index) => (makers[index % makers.length] ?? anEvent)());
  // Every seventh event is delivered twice.
  const queue = events.flatMap((event, index) => (index % 7 === 0 ? [event, event] : [event]));
  const sending = Promise.all(Array.from({ length: SENDERS }, () => sendAll(queue, projectId, () => server)));
  for (let kill = 0; kill < kills; kill += 1) {
    await server.listening();
    await wait(SHORTEST_ROUND + (LONGEST_ROUND - SHORTEST_ROUND) * Math.random());
    expect(await server.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    server = installation.start(environment);
  }
  await sending;
  await expectEachOnce(database, events);
  // If all events were delivered before the last kill, the last server may still be starting, without signal
  // handlers.
  await server.listening();
  expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  return projectId;
}

async function sendAll(queue: EventBody[], projectId: string, server: () => ServerProcess): Promise<void> {
  for (let event = queue.shift(); event; event = queue.shift()) {
    let status = 0;
    while (status !== 200) {
      status = await deliverTo(server(), projectId, SECRET, event).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status !== 200) await wait(20);
    }
  }
}

async function expectEachOnce(database: TestDatabase, events: readonly EventBody[]): Promise<void> {
  const outcomes = new Map(
    (await rowsOf(database, 'webhook_events')).map(({ id, outcome }) => [id, outcome]),
  );
  expect(Object.fromEntries(outcomes)).toEqual(
    Object.fromEntries(
      events.map(({ id, type }) => [id, type === 'customer.updated' ? 'ignored' : 'applied']),
    ),
  );
  const paid = events.filter(({ type }) => type !== 'customer.updated');
  const ids = paid.map(({ data }) => (data as { object: { id: string } }).object.id);
  const payments = (await rowsOf(database, 'stripe_payments')).map((row) => row['payment_intent_id']);
  expect(payments.sort()).toEqual(ids.sort());
  const sum = async (column: string) =>
    (await rowsOf(database, 'ledger_revenue')).reduce((total, row) => total + Number(row[column]), 0);
  expect([await sum('payments'), await sum('gross_cents')]).toEqual([paid.length, paid.length * 1_000]);
}
