import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import type { Secret } from '../../common/secret.js';
import { engineOf, type Statement, textFor } from '../../database/database.js';
import { compareMigrations, isMigrated } from '../../database/migrate.js';
import {
  isTransactionPooled,
  keepsPreparedStatements,
  newClient,
  poolerAdvice,
} from '../../database/postgres/pooling.js';
import { DATA_KEY_PURPOSES } from '../../vault/keys/data-key.repository.js';
import { DataKeyEntity } from '../../vault/keys/data-key.entity.js';
import { createMasterKeys } from '../../vault/wrappers/master-keys.js';
import { explainFailure } from '../../bootstrap/start-failure.js';
import { FIND_RIGHTS, FIND_SERVER, NOTIFY, READ_CLOCK } from './database-checks.statements.js';
import { failed, type Finding, type Installation, ok, skipped, warning } from './installation.js';

const CLIENT_NAME = 'tillkeeper doctor';
const OLDEST_POSTGRES = 140_000;
const CHANNEL = 'tillkeeper_doctor';
const NOTIFICATION_MS = 2_000;

/** Leeway for times in access tokens. A larger difference makes processes refuse each other's tokens. */
const CLOCKS_FAIL_MS = 5_000;
const CLOCKS_WARN_MS = 1_000;

/** Permission bits of the file's group and of everybody else. */
const OTHERS = 0o077;

/** Rights that the servers' role doesn't need, as in docs/security.md. */
const GUARDED = {
  audit_entries: 'UPDATE, DELETE, TRUNCATE',
  audit_heads: 'DELETE, TRUNCATE',
  audit_permits: 'INSERT, UPDATE, DELETE, TRUNCATE',
  data_keys: 'INSERT, UPDATE, DELETE, TRUNCATE',
  retired_data_keys: 'INSERT, UPDATE, DELETE, TRUNCATE',
  migrations: 'INSERT, UPDATE, DELETE, TRUNCATE',
};

type DatabaseCheck = (dataSource: DataSource, installation: Installation) => Promise<Finding>;

/** Skips the check if the database doesn't answer. */
export const onDatabase = (check: DatabaseCheck) => async (installation: Installation) => {
  const dataSource = await installation.connect().catch(() => undefined);
  return dataSource ? check(dataSource, installation) : skipped('The database was not reached.');
};

export async function checkDatabase(installation: Installation): Promise<Finding> {
  const dataSource = await installation.connect();
  const [{ version, number, standby }] = await ask(dataSource, FIND_SERVER);
  if (engineOf(dataSource) === 'sqlite') return ok(`SQLite ${version} opens the file of DATABASE_URL.`);
  if (number < OLDEST_POSTGRES) return failed(`PostgreSQL ${version} is too old: it has to be 14 or newer.`);
  if (standby) return failed('The database only reads, as a standby does: name the primary in DATABASE_URL.');
  return ok(`PostgreSQL ${version} answers.`);
}

/** Checks that notifications arrive and that prepared statements are kept. */
export const checkPooler: DatabaseCheck = async (dataSource, { env }) => {
  const [pooled, direct] = [env.optional('DATABASE_URL'), env.optional('DATABASE_DIRECT_URL')];
  if (!pooled?.url) return skipped('SQLite has no pooler.');
  const variable = direct ? 'DATABASE_DIRECT_URL' : 'DATABASE_URL';
  const advice = [
    await adviceAboutListening(dataSource, direct ?? pooled.url, variable),
    env.optional('DATABASE_PREPARED_STATEMENTS') ? await adviceAboutStatements(pooled.url) : '',
  ].filter(Boolean);
  return advice.length > 0
    ? warning(advice.join(' '))
    : ok(`Change notifications arrive through ${variable}.`);
};

async function adviceAboutListening(
  dataSource: DataSource,
  url: Secret,
  variable: 'DATABASE_URL' | 'DATABASE_DIRECT_URL',
): Promise<string> {
  const client = newClient(url, CLIENT_NAME);
  try {
    await client.connect();
    if (await isTransactionPooled(client, newClient(url, CLIENT_NAME))) return poolerAdvice(variable);
    const arrived = new Promise<true>((resolve) => client.once('notification', () => resolve(true)));
    await client.query(`LISTEN ${CHANNEL}`);
    await ask(dataSource, NOTIFY, [CHANNEL]);
    if (await Promise.race([arrived, delay(NOTIFICATION_MS, false, { ref: false })])) return '';
    return `What is sent through DATABASE_URL does not arrive through ${variable}: both have to lead to the same database.`;
  } catch (error) {
    return `${variable}: ${explainFailure(error)}`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function adviceAboutStatements(url: Secret): Promise<string> {
  const clients = [newClient(url, CLIENT_NAME), newClient(url, CLIENT_NAME)] as const;
  try {
    for (const client of clients) await client.connect();
    if (await keepsPreparedStatements(...clients)) return '';
    return 'The pooler of DATABASE_URL keeps no prepared statements: set DATABASE_PREPARED_STATEMENTS=false.';
  } finally {
    for (const client of clients) await client.end().catch(() => undefined);
  }
}

export const checkSchema: DatabaseCheck = async (dataSource, { env }) => {
  const { missing, newer } = await compareMigrations(dataSource);
  if (missing.length > 0) {
    return env.optional('MIGRATE_ON_START')
      ? warning('There are migrations that did not run yet: the next start of a server runs them.')
      : failed('There are migrations that did not run yet: run `tillkeeper migrate`.');
  }
  if (newer.length === 0) return ok('All migrations have run.');
  return warning('The schema is of a newer version than this one: update this one, too.');
};

export const checkClock: DatabaseCheck = async (dataSource) => {
  if (engineOf(dataSource) === 'sqlite') return skipped('SQLite has no clock of its own.');
  const before = Date.now();
  const [{ now }] = await ask(dataSource, READ_CLOCK);
  const after = Date.now();
  // The database read its clock at some moment between the two readings here.
  const difference = Math.max(0, Math.abs(now.getTime() - (before + after) / 2) - (after - before) / 2);
  const message = `The clocks of this machine and of the database differ by ${(difference / 1_000).toFixed(1)} s`;
  if (difference <= CLOCKS_WARN_MS) return ok(`${message}.`);
  const advice = `${message}: synchronize both, such as by NTP.`;
  return difference > CLOCKS_FAIL_MS ? failed(advice) : warning(advice);
};

/** Unwraps each data key like a start, and wipes it. */
export const checkDataKeys: DatabaseCheck = async (dataSource, { masterKeys }) => {
  if (!(await isMigrated(dataSource))) return skipped('The schema is not up to date.');
  const rows = await dataSource.getRepository(DataKeyEntity).find();
  const sources = masterKeys.openExisting();
  const missing = DATA_KEY_PURPOSES.filter(
    (purpose) => !rows.some((row) => row.purpose === purpose && row.state === 'primary'),
  );
  if (rows.length > 0 && sources.length === 0)
    return failed(
      'The data keys can not be opened, because no master key is configured here: use the settings of the server.',
    );
  const opened = createMasterKeys(sources);
  for (const row of rows) (await opened.unwrap(row)).fill(0);
  if (missing.length > 0)
    return warning(
      `Data keys are missing (${missing.join(', ')}): the next server, or \`tillkeeper migrate\` with the master key, makes them.`,
    );
  return ok(
    `All ${rows.length} data keys open. Master keys come from: ${sources.map(({ provider }) => provider).join(', ')}.`,
  );
};

/** Checks whether the server's role may change the history or the keys. */
export const checkRoles: DatabaseCheck = async (dataSource, { env }) => {
  const address = env.optional('DATABASE_URL');
  if (address?.file !== undefined) {
    const { mode } = await stat(address.file);
    if (mode & OTHERS)
      return warning(
        'Other users of this machine may read the file of DATABASE_URL: chmod 600 it and its -wal and -shm.',
      );
    return ok('Nobody but its owner may read the file of DATABASE_URL.');
  }
  const tables = dataSource.entityMetadatas.map(({ tableName }) => tableName);
  const rights = await ask(dataSource, FIND_RIGHTS, [JSON.stringify(GUARDED), [...tables, 'migrations']]);
  if (rights.length === 0) return skipped('There are no tables yet.');
  const unserved = namesOf(rights.filter(({ serves }) => !serves));
  if (unserved)
    return failed(
      `The role of DATABASE_URL may not read and write ${unserved}: grant what docs/security.md says.`,
    );
  const altered = namesOf(rights.filter(({ owns, alters, name }) => alters || (owns && name in GUARDED)));
  if (!altered)
    return ok(
      'The role of DATABASE_URL may add to the history, and change neither the history nor the data keys.',
    );
  return warning(
    `The role of DATABASE_URL may change what proves or protects everything else (${altered}): let servers run as a second role, see docs/security.md.`,
  );
};

const namesOf = (rows: readonly { name: string }[]): string => rows.map(({ name }) => name).join(', ');

/** Runs a query that returns at least one row. */
async function ask<Row>(
  dataSource: DataSource,
  statement: Statement<Row>,
  values: unknown[] = [],
): Promise<[Row, ...Row[]]> {
  const text = textFor(statement, engineOf(dataSource));
  return (await dataSource.query<unknown>(text, values)) as [Row, ...Row[]];
}
