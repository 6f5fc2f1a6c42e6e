// The floor: the same operation with the same answer, by hand. Fastify, prepared statements, one row a
// project, and our own vault for sealing, fingerprints and the history's chain.
import { createSecretKey, randomUUID } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import Fastify from 'fastify';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import {
  accountPart,
  configWarnings,
  CREDENTIAL_RULES,
  looksCutOff,
  maskCredential,
  openKeyring,
  Secret,
  vouchedFor,
} from './product.mjs';

const { PORT, DATABASE_URL, AUTH_JWT_SECRET, MASTER_KEY } = process.env;

const FIELDS = CREDENTIAL_RULES.map(({ field }) => field);
const MASKS = FIELDS.map((field) => `${field}_masked`);
const FINGERPRINTS = FIELDS.map((field) => `${field}_fingerprint`);
const ACCOUNTS = FIELDS.map((field) => `${field}_account`);
const CUT_OFF = FIELDS.map((field) => `${field}_cut_off`);
const TIMES = ['test_configured_at', 'live_configured_at'];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const BEARER = /^bearer +(.+)$/i;

const TABLE = `CREATE TABLE IF NOT EXISTS bare_configs (
  project_id uuid PRIMARY KEY REFERENCES projects (id), id uuid NOT NULL, is_active boolean NOT NULL, version integer NOT NULL,
  created_at TIME NOT NULL, updated_at TIME NOT NULL, test_configured_at TIME, live_configured_at TIME,
  history_seq integer NOT NULL, history_mac text NOT NULL,
  ${[...FIELDS, ...MASKS, ...FINGERPRINTS, ...ACCOUNTS, ...CUT_OFF].map((column) => `${column} text`).join(', ')})`;

const HISTORY = `CREATE TABLE IF NOT EXISTS bare_history (
  project_id uuid NOT NULL, at TIME NOT NULL, seq integer NOT NULL, mac text NOT NULL, key_id text NOT NULL, actor_kind text NOT NULL,
  subject text NOT NULL, ip text, user_agent text, request_id text, action text NOT NULL, result text NOT NULL, details text NOT NULL,
  PRIMARY KEY (project_id, seq))`;

const SEEN = `SELECT p.owner_id, c.version, c.history_seq, c.history_mac FROM projects p LEFT JOIN bare_configs c ON c.project_id = p.id
  WHERE p.id = $1 AND p.deleted_at IS NULL`;

const SHOWN = [
  'id',
  'project_id',
  'is_active',
  'version',
  'created_at',
  'updated_at',
  ...TIMES,
  ...MASKS,
  ...FINGERPRINTS,
  ...ACCOUNTS,
  ...CUT_OFF,
];

const FIND = `SELECT p.owner_id, ${SHOWN.map((column) => `c.${column}`).join(', ')} FROM projects p LEFT JOIN bare_configs c ON c.project_id = p.id
  WHERE p.id = $1 AND p.deleted_at IS NULL`;

const KEPT = [...FIELDS, ...MASKS, ...FINGERPRINTS, ...ACCOUNTS, ...CUT_OFF, ...TIMES];

/**
 * $1 project, $2 new id, $3 now, $4 and $5 number and MAC of the history entry, then the columns of `KEPT`.
 * Locks the live project. `null` keeps a value. Returns no row if another write was faster.
 */
const save = (lock, cast) => `
  INSERT INTO bare_configs AS c (project_id, id, is_active, version, created_at, updated_at, history_seq, history_mac, ${KEPT.join(', ')})
  SELECT id, ${cast('$2', 'uuid')}, true, 1, ${cast('$3', 'timestamptz')}, ${cast('$3', 'timestamptz')}, ${cast('$4', 'integer')}, ${cast('$5', 'text')},
    ${KEPT.map((column, index) => cast(`$${index + 6}`, column.endsWith('_at') ? 'timestamptz' : 'text')).join(', ')}
  FROM projects WHERE id = $1 AND deleted_at IS NULL ${lock}
  ON CONFLICT (project_id) DO UPDATE SET is_active = true, version = c.version + 1, updated_at = excluded.updated_at,
    history_seq = excluded.history_seq, history_mac = excluded.history_mac,
    ${KEPT.map((column) => `${column} = COALESCE(excluded.${column}, c.${column})`).join(', ')}
  WHERE c.history_seq = excluded.history_seq - 1
  RETURNING ${SHOWN.join(', ')}`;

/** $1 project, $2 now, $3 number, $4 MAC, then the others. */
const ENTRY_VALUES = [
  'key_id',
  'actor_kind',
  'subject',
  'ip',
  'user_agent',
  'request_id',
  'action',
  'result',
  'details',
];
const ADD_ENTRY = `INSERT INTO bare_history (project_id, at, seq, mac, ${ENTRY_VALUES.join(', ')}) VALUES (${[...Array(13).keys()].map((index) => `$${index + 1}`).join(', ')})`;

const database = DATABASE_URL.startsWith('sqlite:')
  ? openSqlite(DATABASE_URL.slice('sqlite:'.length))
  : await openPostgres(DATABASE_URL);
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
  for (const table of [TABLE, HISTORY]) driver.exec(table.replaceAll('TIME', 'text'));
  const statement = (text) => driver.prepare(text.replace(/\$\d+/g, '?'));
  const [seen, find, upsert, addEntry] = [SEEN, FIND, save('', (value) => value), ADD_ENTRY].map(statement);
  const saveWithEntry = driver.transaction((id, now, seq, mac, kept, entry) => {
    const row = upsert.get(randomUUID(), now, now, seq, mac, ...kept, id);
    if (row) addEntry.run(id, now, seq, mac, ...entry);
    return row;
  });
  return {
    dataKeys: async () =>
      driver.prepare('SELECT id, purpose, state, wrapped, master_key_id AS masterKeyId FROM data_keys').all(),
    seen: async (id) => seen.get(id),
    find: async (id) => find.get(id),
    save: async (...values) => saveWithEntry.immediate(...values),
  };
}

async function openPostgres(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 10 });
  for (const table of [TABLE, HISTORY]) await pool.query(table.replaceAll('TIME', 'timestamptz(3)'));
  const offset = 5 + KEPT.length;
  const saveWithEntry = `WITH c AS (${save('FOR SHARE', (value, type) => `${value}::${type}`)}), entry AS (
    INSERT INTO bare_history (project_id, at, seq, mac, ${ENTRY_VALUES.join(', ')})
    SELECT project_id, $3::timestamptz, $4::integer, $5::text, ${ENTRY_VALUES.map((_, index) => `$${offset + index + 1}::text`).join(', ')} FROM c)
    SELECT * FROM c`;
  const first = async (name, text, values) => (await pool.query({ name, text, values })).rows[0];
  return {
    dataKeys: async () =>
      (await pool.query('SELECT id, purpose, state, wrapped, master_key_id AS "masterKeyId" FROM data_keys'))
        .rows,
    seen: (id) => first('seen', SEEN, [id]),
    find: (id) => first('find', FIND, [id]),
    save: (id, now, seq, mac, kept, entry) =>
      first('save', saveWithEntry, [id, randomUUID(), now, seq, mac, ...kept, ...entry]),
  };
}

const key = createSecretKey(AUTH_JWT_SECRET, 'utf8');

class Refusal extends Error {
  constructor(statusCode, detail) {
    super(detail);
    this.statusCode = statusCode;
  }
}

function callerOf(header) {
  const token = BEARER.exec(header ?? '')?.[1];
  if (token === undefined) throw new Refusal(401, 'An access token is required.');
  try {
    const { sub, exp, type } = jwt.verify(token, key, { algorithms: ['HS256'] });
    if (typeof exp === 'number' && type === 'access' && typeof sub === 'string' && sub !== '') return sub;
  } catch {
    // The refusal below says enough.
  }
  throw new Refusal(401, 'The access token is not valid.');
}

function projectIdOf({ params }) {
  if (!UUID.test(params.project_id)) throw new Refusal(422, 'project_id must be a UUID.');
  return params.project_id.toLowerCase();
}

function assertOwner(owner, caller) {
  if (owner === undefined) throw new Refusal(404, 'There is no project with this id.');
  if (owner !== caller) throw new Refusal(403, 'This project belongs to somebody else.');
}

const time = (value) => (value instanceof Date ? value.toISOString() : value);

function toAnswer(row) {
  const answer = {
    id: row.id,
    project_id: row.project_id,
    is_active: Boolean(row.is_active),
    has_test_credentials: row.test_secret_key_masked !== null,
    has_live_credentials: row.live_secret_key_masked !== null,
  };
  for (const mask of MASKS) answer[mask] = row[mask];
  answer.test_configured_at = time(row.test_configured_at);
  answer.live_configured_at = time(row.live_configured_at);
  answer.created_at = time(row.created_at);
  answer.updated_at = time(row.updated_at);
  answer.warnings = configWarnings(
    CREDENTIAL_RULES.filter(({ field }) => row[`${field}_masked`] !== null).map(({ field, mode, kind }) => ({
      mode,
      kind,
      fingerprint: row[`${field}_fingerprint`],
      accountFingerprint: row[`${field}_account`],
      looksCutOff: row[`${field}_cut_off`] === 'yes',
    })),
  );
  return answer;
}

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const app = Fastify({
  genReqId: () => randomUUID(),
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true } },
});

app.decorateRequest('caller', '');
app.addHook('onRequest', (request, reply, done) => {
  reply.header('x-request-id', request.id).headers(HEADERS);
  request.caller = callerOf(request.headers.authorization);
  done();
});
app.setErrorHandler((error, _request, reply) => {
  const status = error.statusCode ?? 500;
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(status).send({ detail: status < 500 ? error.message : 'Something went wrong.' });
});

const PATH = '/api/v1/payments/stripe/projects/:project_id/config';

app.get(PATH, async (request, reply) => {
  const row = await database.find(projectIdOf(request));
  assertOwner(row?.owner_id, request.caller);
  if (row.id !== null) reply.header('etag', `"${row.version}"`);
  return reply.type('application/json; charset=utf-8').send(row.id === null ? 'null' : toAnswer(row));
});

const credential = (prefix) => ({
  type: ['string', 'null'],
  maxLength: 512,
  pattern: `^\\s*${prefix}[A-Za-z0-9_]+\\s*$`,
});
const body = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(CREDENTIAL_RULES.map(({ field, prefix }) => [field, credential(prefix)])),
};

app.put(PATH, { schema: { body }, attachValidation: true }, async (request, reply) => {
  const id = projectIdOf(request);
  const { caller, headers, ip } = request;
  const seen = await database.seen(id);
  assertOwner(seen?.owner_id, caller);
  if (request.validationError) throw new Refusal(422, request.validationError.message);
  const now = new Date();
  const kept = Object.fromEntries(KEPT.map((column) => [column, null]));
  const fields = [];
  for (const rule of CREDENTIAL_RULES) {
    const { field, mode } = rule;
    const value = request.body[field]?.trim();
    if (!value) continue;
    const account = accountPart(rule, value);
    kept[field] = keyring.seal({ purpose: 'stripe-credential', tenant: id, field }, new Secret(value)).sealed;
    kept[`${field}_masked`] = maskCredential(rule, value);
    kept[`${field}_fingerprint`] = keyring.fingerprint(id, 'stripe-credential', value);
    kept[`${field}_account`] = account ? keyring.fingerprint(id, 'stripe-account', account) : null;
    kept[`${field}_cut_off`] = looksCutOff(rule, value) ? 'yes' : 'no';
    kept[`${mode}_configured_at`] = now.toISOString();
    fields.push({ field, last_four: value.slice(-4) });
  }
  for (let { version, history_seq: last, history_mac: lastMac } = seen; ;) {
    const entry = {
      projectId: id,
      seq: (last ?? 0) + 1,
      at: now.toISOString(),
      actor: {
        kind: 'person',
        subject: caller,
        ip,
        userAgent: headers['user-agent'] ?? null,
        requestId: request.id,
      },
      action: last ? 'config.updated' : 'config.created',
      result: 'done',
      details: JSON.stringify({ version: (version ?? 0) + 1, fields }),
    };
    const { mac, keyId } = keyring.historyMac(id, vouchedFor(entry, lastMac ?? ''));
    const { kind, subject, userAgent, requestId } = entry.actor;
    const added = [keyId, kind, subject, ip, userAgent, requestId, entry.action, entry.result, entry.details];
    const row = await database.save(id, entry.at, entry.seq, mac, Object.values(kept), added);
    if (row) {
      reply.header('etag', `"${row.version}"`);
      return toAnswer(row);
    }
    const next = await database.seen(id);
    if (!next) throw new Refusal(404, 'There is no project with this id.');
    ({ version, history_seq: last, history_mac: lastMac } = next);
  }
});

process.once('SIGTERM', () => process.exit(0));
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
