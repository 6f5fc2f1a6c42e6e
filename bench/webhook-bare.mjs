// The floor for webhooks: the same checks, the same answers and the same rows, by hand, with as little SQL as
// that takes. Fastify, prepared statements, and our own vault for the payloads. It knows the three types of
// events that the benchmark sends, and which rows it will find.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import Fastify from 'fastify';
import pg from 'pg';
import { v5 as uuidV5 } from 'uuid';
import { WEBHOOK_SECRET } from './deliveries.mjs';
import { openKeyring, Secret } from './product.mjs';

const { PORT, DATABASE_URL, MASTER_KEY } = process.env;
const isSqlite = DATABASE_URL.startsWith('sqlite:');
const HEADER = /^t=(\d+),v1=([\da-f]{64})$/;
const SLOTS = 8;

const CLAIM = `INSERT INTO webhook_events AS e
  (project_id, mode, id, type, api_version, created_at, received_at, processed_at, outcome, duplicates, sealed, key_id, is_delivered)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 'applied', 0, $8, $9, true)
  ON CONFLICT (project_id, mode, id) DO UPDATE SET duplicates = e.duplicates + 1 RETURNING duplicates`;
const LOCK_CUSTOMER = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))';
const FIND_LINKS = `SELECT object_id, user_id, as_of FROM stripe_user_links WHERE project_id = $1 AND mode = $2 AND object_id IN ($3, $4)`;
const lockRow = (table, key, columns) =>
  `SELECT ${columns}, revision FROM ${table} WHERE project_id = $1 AND mode = $2 AND ${key} = $3 ${isSqlite ? '' : 'FOR UPDATE'}`;
const PAYMENT = `user_id, user_rank, customer_id, subscription_id, status, amount_cents, currency, refunded_amount_cents, description, created_at,
  source_rank, as_of, updated_at`;
const SUBSCRIPTION = `user_id, customer_id, status, price_id, plan_name, quantity, current_period_start, current_period_end, cancel_at,
  cancelled_at, created_at, as_of, updated_at`;
const insertRow = (
  table,
  key,
  columns,
) => `INSERT INTO ${table} (project_id, mode, ${key}, id, revision, ${columns})
  VALUES ($1, $2, $3, $4, 1, ${columns.split(',').map((_, index) => `$${index + 5}`)})`;
const INSERT_PAYMENT = insertRow('stripe_payments', 'payment_intent_id', PAYMENT);
const LOCK_SUBSCRIPTION = lockRow('stripe_subscriptions', 'subscription_id', SUBSCRIPTION);
const INSERT_SUBSCRIPTION = insertRow('stripe_subscriptions', 'subscription_id', SUBSCRIPTION);
const UPDATE_SUBSCRIPTION = `UPDATE stripe_subscriptions SET revision = revision + 1,
  ${SUBSCRIPTION.split(',').map((column, index) => `${column.trim()} = $${index + 4}`)} WHERE project_id = $1 AND mode = $2 AND subscription_id = $3`;
const COUNT = `INSERT INTO ledger_counts (project_id, mode, kind, status, slot, total) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (project_id, mode, kind, status, slot) DO UPDATE SET total = ledger_counts.total + excluded.total`;
const ADD_REVENUE = `INSERT INTO ledger_revenue (project_id, mode, currency, slot, payments, gross_cents, net_cents) VALUES ($1, $2, $3, $4, 1, $5, $5)
  ON CONFLICT (project_id, mode, currency, slot) DO UPDATE SET payments = ledger_revenue.payments + excluded.payments,
    gross_cents = ledger_revenue.gross_cents + excluded.gross_cents, net_cents = ledger_revenue.net_cents + excluded.net_cents`;
const ADD_DAY = `INSERT INTO ledger_days (project_id, mode, day, currency, slot, payments, gross_cents, refunded_cents, disputes, disputed_cents, net_cents)
  VALUES ($1, $2, $3, $4, $5, 1, $6, 0, 0, 0, $6)
  ON CONFLICT (project_id, mode, day, currency, slot) DO UPDATE SET payments = ledger_days.payments + excluded.payments,
    gross_cents = ledger_days.gross_cents + excluded.gross_cents, net_cents = ledger_days.net_cents + excluded.net_cents`;
const ADD_ACTIVE = `INSERT INTO ledger_active_days (project_id, mode, day, slot, change) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (project_id, mode, day, slot) DO UPDATE SET change = ledger_active_days.change + excluded.change`;
const TELL = `INSERT INTO events (id, project_id, mode, type, data, attempts, due_at, created_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $6)`;

const ACTIVE = ['active', 'trialing'];
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

/** Writes an event. Each statement is a step of a generator, so that both engines run the same code. */
function* apply(project, { type, data: { object }, created }, run) {
  const asOf = new Date(created * 1000);
  const of = [project, 'test'];
  const now = new Date();
  const id = uuidV5(`stripe/test/${object.id}`, Buffer.from(project.replaceAll('-', ''), 'hex'));
  const slot = Number.parseInt(id.slice(-1), 16) % SLOTS;
  if (!isSqlite) yield run(LOCK_CUSTOMER, [`${project} test ${object.customer}`]);
  if (type === 'payment_intent.succeeded') {
    yield run(FIND_LINKS, [...of, object.customer, null]);
    const { customer, amount_received: amount, currency, description } = object;
    const row = [
      null,
      0,
      customer,
      null,
      'succeeded',
      amount,
      currency,
      0,
      description,
      new Date(object.created * 1000),
      4,
      asOf,
      now,
    ];
    yield run(INSERT_PAYMENT, [...of, object.id, id, ...row]);
    yield run(COUNT, [...of, 'payment', 'succeeded', slot, 1]);
    yield run(ADD_REVENUE, [...of, currency, slot, amount]);
    yield run(ADD_DAY, [...of, day(object.created), currency, slot, amount]);
    const payment = {
      id,
      paymentIntentId: object.id,
      customerId: customer,
      status: 'succeeded',
      amountCents: amount,
      currency,
    };
    yield run(TELL, [
      randomUUID(),
      ...of,
      'payment.succeeded',
      JSON.stringify({ projectId: project, mode: 'test', payment }),
      now,
    ]);
    return;
  }
  yield run(FIND_LINKS, [...of, object.customer, object.id]);
  const [known] = yield run(LOCK_SUBSCRIPTION, [...of, object.id]);
  const [item] = object.items.data;
  const { customer, status } = object;
  const period = [item.current_period_start, item.current_period_end].map(
    (seconds) => new Date(seconds * 1000),
  );
  const row = [
    null,
    customer,
    status,
    item.price.id,
    item.price.nickname,
    item.quantity ?? 1,
    ...period,
    null,
    null,
  ];
  row.push(new Date(object.created * 1000), asOf, now);
  if (known) yield run(UPDATE_SUBSCRIPTION, [...of, object.id, ...row]);
  else yield run(INSERT_SUBSCRIPTION, [...of, object.id, id, ...row]);
  if (known) yield run(COUNT, [...of, 'subscription', known.status, slot, -1]);
  yield run(COUNT, [...of, 'subscription', status, slot, 1]);
  const [wasActive, isActive] = [known?.status, status].map((each) => Number(ACTIVE.includes(each)));
  if (wasActive !== isActive)
    yield run(ADD_ACTIVE, [...of, day(known ? created : object.created), slot, isActive - wasActive]);
  const subscription = {
    id,
    subscriptionId: object.id,
    customerId: customer,
    status,
    priceId: item.price.id,
    planName: item.price.nickname,
  };
  yield run(TELL, [
    randomUUID(),
    ...of,
    'subscription.created',
    JSON.stringify({ projectId: project, mode: 'test', subscription }),
    now,
  ]);
}

const database = isSqlite ? openSqlite(DATABASE_URL.slice('sqlite:'.length)) : openPostgres(DATABASE_URL);
const keyring = await openKeyring(database.dataKeys, MASTER_KEY);

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
  const claimAndApply = driver.transaction((claim, project, event) => {
    if (run(CLAIM, claim)[0].duplicates > 0) return false;
    const steps = apply(project, event, run);
    for (let step = steps.next(); !step.done;) step = steps.next(step.value);
    return true;
  });
  return {
    dataKeys: async () =>
      driver.prepare('SELECT id, purpose, state, wrapped, master_key_id AS masterKeyId FROM data_keys').all(),
    claimAndApply: async (...given) => claimAndApply.immediate(...given),
  };
}

function openPostgres(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 10 });
  const names = new Map();
  const nameOf = (text) => names.get(text) ?? names.set(text, `statement_${names.size}`).get(text);
  const runOn = (client) => async (text, values) =>
    (await client.query({ name: nameOf(text), text, values })).rows;
  return {
    dataKeys: async () =>
      (await pool.query('SELECT id, purpose, state, wrapped, master_key_id AS "masterKeyId" FROM data_keys'))
        .rows,
    claimAndApply: async (claim, project, event) => {
      const client = await pool.connect();
      try {
        const run = runOn(client);
        await client.query('BEGIN');
        const [{ duplicates }] = await run(CLAIM, claim);
        const steps = apply(project, event, run);
        if (duplicates === 0) for (let step = steps.next(); !step.done;) step = steps.next(await step.value);
        await client.query('COMMIT');
        client.release();
        return duplicates === 0;
      } catch (error) {
        client.release(true);
        throw error;
      }
    },
  };
}

function isSigned(header, body) {
  const [, time, signature] = HEADER.exec(header ?? '') ?? [];
  if (!time || Math.abs(Date.now() / 1000 - Number(time)) > 300) return false;
  const expected = createHmac('sha256', WEBHOOK_SECRET).update(`${time}.`).update(body).digest();
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
}

const app = Fastify({ genReqId: () => randomUUID() });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 1024 * 1024 }, (_request, bytes, done) =>
  done(null, bytes),
);
app.addHook('onRequest', (request, reply, done) => {
  reply.header('x-request-id', request.id).header('cache-control', 'no-store');
  done();
});

app.post('/api/v1/payments/stripe/webhooks/:project_id/:mode', async ({ params, headers, body }, reply) => {
  if (!isSigned(headers['stripe-signature'], body))
    return reply.code(400).send({ detail: 'The signature does not match.' });
  const { project_id: project, mode } = params;
  const json = body.toString();
  const event = JSON.parse(json);
  const key = [project, mode, event.id];
  const context = { purpose: 'webhook-event', tenant: project, field: `${mode} ${event.id}` };
  const { sealed, keyId } = keyring.seal(context, new Secret(json));
  const claim = [
    ...key,
    event.type,
    event.api_version,
    new Date(event.created * 1000),
    new Date(),
    sealed,
    keyId,
  ];
  const isNew = await database.claimAndApply(claim, project, event);
  return { received: true, outcome: isNew ? 'applied' : 'duplicate' };
});

process.once('SIGTERM', () => process.exit(0));
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
