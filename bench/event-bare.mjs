// Sends pending events with the reads and writes of our worker, and nothing else: a loop for each destination.
import { createHmac, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import Sqlite from 'better-sqlite3';
import pg from 'pg';

const { DATABASE_URL, RECEIVER, DESTINATIONS } = process.env;
const AT_ONCE = 5;
const LEASE_MS = 60_000;
const KEY = randomBytes(32);

const isSqlite = DATABASE_URL.startsWith('sqlite:');
const LOCK = `SELECT id, url, sealed, failing_since FROM event_destinations WHERE id = $1 ${isSqlite ? '' : 'FOR UPDATE'}`;
const FINISH = `UPDATE event_deliveries SET state = 'delivered', due_at = NULL, log = $5, response = '', attempts = attempts + 1
  WHERE destination_id = $1 AND event_id = $2 AND day = $3 AND due_at = $4`;
const CLAIM = `UPDATE event_deliveries SET due_at = $3 WHERE destination_id = $1 AND (event_id, day) IN (
    SELECT event_id, day FROM event_deliveries WHERE destination_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT ${AT_ONCE})
  RETURNING event_id, day, log`;
const FIND = `SELECT id, project_id, mode, type, data, created_at FROM events WHERE id IN (${
  isSqlite ? 'SELECT value FROM json_each($1)' : 'SELECT json_array_elements_text($1::json)::uuid'
})`;
const SETTLE = 'UPDATE event_destinations SET next_due_at = NULL WHERE id = $1';

const database = isSqlite ? openSqlite(DATABASE_URL.slice('sqlite:'.length)) : openPostgres(DATABASE_URL);
const agent = new Agent({ keepAlive: true });

await Promise.all(DESTINATIONS.split(',').map(sendAll));
await database.close();
agent.destroy();

async function sendAll(destination) {
  let sent = [];
  for (;;) {
    const lease = new Date(Date.now() + LEASE_MS);
    const before = sent;
    const events = await database.transaction((run) => round(run, destination, before, lease));
    if (events.length === 0) return;
    sent = await Promise.all(events.map(async (event) => ({ ...event, lease, log: await post(event) })));
  }
}

/** Each statement is a step of a generator, so that both engines run the same code. */
function* round(run, destination, sent, lease) {
  yield run(LOCK, [destination]);
  for (const { id, day, lease: before, log } of sent)
    yield run(FINISH, [destination, id, day, before, JSON.stringify([log])]);
  const claimed = yield run(CLAIM, [destination, new Date(), lease]);
  if (claimed.length === 0) {
    yield run(SETTLE, [destination]);
    return [];
  }
  const events = yield run(FIND, [JSON.stringify(claimed.map(({ event_id: id }) => id))]);
  const days = new Map(claimed.map(({ event_id: id, day }) => [id, day]));
  return events.map((event) => ({ ...event, day: days.get(event.id) }));
}

async function post({ id, type, created_at: timestamp, project_id, mode, data }) {
  const at = new Date();
  const body = JSON.stringify({ id, type, timestamp, project_id, mode, data: JSON.parse(data) });
  const seconds = String(Math.floor(at.getTime() / 1000));
  const signature = createHmac('sha256', KEY).update(`${id}.${seconds}.${body}`).digest('base64');
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': `v1,${signature}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  const status = await new Promise((resolve, reject) => {
    request(RECEIVER, { method: 'POST', headers, agent }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
    })
      .once('error', reject)
      .end(body);
  });
  if (status !== 204) throw new Error(`The receiver answered ${status}.`);
  return { at, status, duration_ms: Date.now() - at.getTime(), error: null };
}

function openSqlite(path) {
  const driver = new Sqlite(path);
  for (const pragma of [
    'journal_mode = WAL',
    'synchronous = FULL',
    'secure_delete = ON',
    'foreign_keys = ON',
  ])
    driver.pragma(pragma);
  const prepared = new Map();
  const bindable = (value) =>
    value instanceof Date ? value.toISOString().replace('T', ' ').slice(0, -1) : value;
  const run = (text, values) => {
    let statement = prepared.get(text);
    if (!statement) prepared.set(text, (statement = driver.prepare(text)));
    const named = Object.fromEntries(values.map((value, index) => [index + 1, bindable(value)]));
    if (statement.reader) return statement.all(named);
    statement.run(named);
    return [];
  };
  const all = driver.transaction((body) => {
    const steps = body(run);
    let step = steps.next();
    while (!step.done) step = steps.next(step.value);
    return step.value;
  });
  return { transaction: async (body) => all.immediate(body), close: async () => driver.close() };
}

function openPostgres(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 10 });
  const names = new Map();
  const nameOf = (text) => names.get(text) ?? names.set(text, `statement_${names.size}`).get(text);
  return {
    transaction: async (body) => {
      const client = await pool.connect();
      const run = async (text, values) => (await client.query({ name: nameOf(text), text, values })).rows;
      await client.query('BEGIN');
      const steps = body(run);
      let step = steps.next();
      while (!step.done) step = steps.next(await step.value);
      await client.query('COMMIT');
      client.release();
      return step.value;
    },
    close: () => pool.end(),
  };
}
