import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { OWNER, PROJECT_ID_SQL, projectId } from './requests.mjs';

/** A project of another owner. */
export const FOREIGN_PROJECT = projectId('foreign');

/** Runs statements one after the other. @returns the rows of the last */
export async function query(url, ...statements) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let result;
    for (const statement of statements) result = await client.query(statement);
    return result.rows;
  } finally {
    await client.end();
  }
}

/** @param [template] the database to copy @returns the URL of a new database on the server */
export async function createDatabase(serverUrl, name, template = 'template1') {
  await query(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  return Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
}

/** Adds the projects numbered 0 to `count - 1`, none of them configured. */
export async function addProjects(url, count) {
  const columns = 'INSERT INTO projects (id, owner_id, name, search_name, created_at, updated_at)';
  if (url.startsWith('sqlite:')) {
    const driver = new Sqlite(url.slice('sqlite:'.length));
    const insert = driver.prepare(
      `${columns} VALUES (?, ?, 'Bench', 'bench', '2026-01-01 00:00:00.000', '2026-01-01 00:00:00.000')`,
    );
    driver.transaction(() => {
      for (let number = 0; number < count; number++) insert.run(projectId(number), OWNER);
      insert.run(FOREIGN_PROJECT, 'somebody-else');
    })();
    driver.close();
    return;
  }
  const select = (id, owner) => `${columns} SELECT ${id}, '${owner}', 'Bench', 'bench', now(), now()`;
  await query(
    url,
    `${select(PROJECT_ID_SQL, OWNER)} FROM generate_series(0, ${count - 1}) AS number`,
    select(`'${FOREIGN_PROJECT}'`, 'somebody-else'),
  );
}

/** Adds projects as a platform has them: 100 of each owner, every eighth with a key that Stripe refused. */
export async function addTenants(url, count) {
  const columns = 'INSERT INTO projects (id, owner_id, name, search_name, health, created_at, updated_at)';
  if (!url.startsWith('sqlite:')) {
    await query(
      url,
      `${columns} SELECT ${PROJECT_ID_SQL}, 'customer-' || number / 100, 'Shop ' || number, 'shop ' || number,
         CASE number % 8 WHEN 0 THEN 'unhealthy' ELSE 'healthy' END, created.at, created.at
       FROM generate_series(0, ${count - 1}) AS number, LATERAL (SELECT now() - number * interval '1 second' AS at) created`,
      'VACUUM (ANALYZE) projects',
      'CHECKPOINT',
    );
    return;
  }
  const driver = new Sqlite(url.slice('sqlite:'.length));
  const insert = driver.prepare(`${columns} VALUES (?, ?, ?, ?, ?, ?, ?)`);
  driver.transaction(() => {
    for (let number = 0; number < count; number++) {
      const at = new Date(Date.UTC(2026, 0) - number * 1_000).toISOString().replace(/[TZ]/g, ' ').trim();
      const health = number % 8 === 0 ? 'unhealthy' : 'healthy';
      const owner = `customer-${Math.floor(number / 100)}`;
      insert.run(projectId(number), owner, `Shop ${number}`, `shop ${number}`, health, at, at);
    }
  })();
  driver.close();
}

/**
 * Gives every project a copy of the configuration of project 0. The copied seals can't be unsealed, and no
 * benchmark does. Webhook secrets are left out: their fingerprints would not match, so a first PUT of the
 * same ones would replace them.
 */
export async function configureAllLikeFirst(url) {
  const copy = (table, columns, values, condition = 'true') =>
    `INSERT INTO ${table} (project_id, ${columns})
     SELECT p.id, ${values} FROM projects p CROSS JOIN ${table} first
     WHERE first.project_id = '${projectId(0)}' AND ${condition} AND p.id NOT IN ('${projectId(0)}', '${FOREIGN_PROJECT}')`;
  const credential =
    'mode, kind, slot, sealed, key_id, mask, fingerprint, account_fingerprint, looks_cut_off, written_at';
  await query(
    url,
    // Checking foreign keys would take millions of lookups, and the rows are valid by construction.
    'SET session_replication_role = replica',
    copy(
      'stripe_configs',
      'id, is_active, version, created_at, updated_at',
      'gen_random_uuid(), is_active, version, first.created_at, first.updated_at',
    ),
    copy('stripe_credentials', credential, credential, "first.kind <> 'webhook_secret'"),
    'VACUUM (ANALYZE) projects, stripe_configs, stripe_credentials',
    'CHECKPOINT',
  );
}

/** Gives each of the projects numbered 0 to `projects - 1` this number of payments, with their statistics. */
export async function addPayments(url, projects, count) {
  const indexes = await query(
    url,
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'stripe_payments' AND indexname LIKE 'stripe_payments_by_%'",
  );
  await query(
    url,
    'SET session_replication_role = replica',
    // Building indexes once for all rows is faster.
    "SET maintenance_work_mem = '1GB'",
    'ALTER TABLE stripe_payments DROP CONSTRAINT stripe_payments_id_unique',
    ...indexes.map(({ indexname }) => `DROP INDEX ${indexname}`),
    `INSERT INTO stripe_payments
       (project_id, mode, payment_intent_id, id, user_rank, customer_id, status, amount_cents, currency, refunded_amount_cents,
        created_at, source_rank, as_of, revision, updated_at)
     SELECT ${PROJECT_ID_SQL}, CASE WHEN payment % 4 = 0 THEN 'test' ELSE 'live' END, 'pi_' || lpad(payment::text, 24, '0'), gen_random_uuid(),
       0, 'cus_' || payment % 100000, CASE WHEN payment % 10 = 0 THEN 'requires_payment_method' ELSE 'succeeded' END,
       1000 + payment % 9000, CASE WHEN payment % 5 = 0 THEN 'eur' ELSE 'usd' END, 0,
       timestamptz '2026-01-01' + payment * interval '1 second', 4, timestamptz '2026-01-01' + payment * interval '1 second', 1,
       timestamptz '2026-01-01' + payment * interval '1 second'
     FROM generate_series(0, ${projects - 1}) AS number, generate_series(number, ${count - 1}, ${projects}) AS payment`,
    ...indexes.map(({ indexdef }) => indexdef),
    'ALTER TABLE stripe_payments ADD CONSTRAINT stripe_payments_id_unique UNIQUE (id)',
    `INSERT INTO ledger_counts (project_id, mode, kind, status, slot, total)
     SELECT project_id, mode, 'payment', status, ${SLOT_SQL}, count(*) FROM stripe_payments GROUP BY 1, 2, 4, 5`,
    `INSERT INTO ledger_revenue (project_id, mode, currency, slot, payments, gross_cents, net_cents)
     SELECT project_id, mode, currency, ${SLOT_SQL}, count(*), sum(amount_cents), sum(amount_cents) FROM stripe_payments
     WHERE status = 'succeeded' GROUP BY 1, 2, 3, 4`,
    `INSERT INTO ledger_days (project_id, mode, day, currency, slot, payments, gross_cents, refunded_cents, disputes, disputed_cents, net_cents)
     SELECT project_id, mode, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), currency, ${SLOT_SQL}, count(*), sum(amount_cents), 0, 0, 0,
       sum(amount_cents)
     FROM stripe_payments WHERE status = 'succeeded' GROUP BY 1, 2, 3, 4, 5`,
    'VACUUM (ANALYZE) projects, stripe_payments, ledger_counts, ledger_revenue, ledger_days',
    'CHECKPOINT',
  );
}

/**
 * Adds events and a pending delivery of each, taking turns between the destinations. They are due at once.
 * @param projects of the destinations, in their order
 */
export async function addDeliveries(url, { destinations, projects, count }) {
  const now = Date.now();
  const time = now.toString(16).padStart(12, '0');
  const prefix = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-`;
  const eventColumns = 'id, project_id, type, data, attempts, created_at, seq';
  const deliveryColumns = 'destination_id, event_id, day, type, state, attempts, due_at, log, created_at';
  const data = JSON.stringify({ config: { version: 1 } });
  const day = new Date(now).toISOString().slice(0, 10);
  if (!url.startsWith('sqlite:')) {
    const event = `('${prefix}' || lpad(to_hex(n), 12, '0'))::uuid`;
    const pick = (ids) => `('{${ids}}'::uuid[])[1 + n % ${ids.length}]`;
    const numbers = `generate_series(0, ${count - 1}) AS n`;
    await query(
      url,
      `INSERT INTO events (${eventColumns})
       SELECT ${event}, ${pick(projects)}, 'config.updated', '${data}', 0, now(), ${now}000 + n FROM ${numbers}`,
      `INSERT INTO event_deliveries (${deliveryColumns})
       SELECT ${pick(destinations)}, ${event}, '${day}', 'config.updated', 'pending', 0, now(), '[]', now() FROM ${numbers}`,
      'VACUUM (ANALYZE) events, event_deliveries',
      'CHECKPOINT',
    );
    return;
  }
  const driver = new Sqlite(url.slice('sqlite:'.length), { timeout: 10_000 });
  const at = new Date(now).toISOString().replace(/[TZ]/g, ' ').trim();
  const insert = (table, columns) =>
    driver.prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.replaceAll(/[a-z_]+/g, '?')})`);
  const [event, delivery] = [insert('events', eventColumns), insert('event_deliveries', deliveryColumns)];
  driver.transaction(() => {
    for (let n = 0; n < count; n++) {
      const id = prefix + n.toString(16).padStart(12, '0');
      const turn = n % destinations.length;
      event.run(id, projects[turn], 'config.updated', data, 0, at, now * 1_000 + n);
      delivery.run(destinations[turn], id, day, 'config.updated', 'pending', 0, at, '[]', at);
    }
  })();
  driver.close();
}

/** Tells the worker that the destinations have something to send. */
export async function wakeDestinations(url) {
  const update = 'UPDATE event_destinations SET next_due_at = created_at';
  if (!url.startsWith('sqlite:')) return query(url, update);
  const driver = new Sqlite(url.slice('sqlite:'.length), { timeout: 10_000 });
  driver.exec(update);
  driver.close();
}

/** Uses the slot of the ledger: the last digit of the row's id. */
const SLOT_SQL = "('x' || right(id::text, 1))::bit(4)::int % 8";
