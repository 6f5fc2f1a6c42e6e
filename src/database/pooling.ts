import pg from 'pg';
import type { Secret } from '../common/secret.js';
import { lacksPreparedStatement } from './database-errors.js';

const ROUNDS = 3;
const CONNECT_TIMEOUT_MS = 2_000;

/** A connection outside of the pool, not yet connected. */
export function newClient(url: Secret, applicationName: string): pg.Client {
  const client = new pg.Client({
    connectionString: url.reveal(),
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  // Without a listener a connection that breaks would end the process.
  client.on('error', () => undefined);
  return client;
}

/** What to do about a pooler in transaction mode. @param variable the setting that leads through it */
export function poolerAdvice(variable: 'DATABASE_URL' | 'DATABASE_DIRECT_URL'): string {
  return `${variable} leads through a pooler in transaction mode (such as PgBouncer), which passes no change notifications on, so nothing is cached: set ${variable === 'DATABASE_URL' ? 'DATABASE_DIRECT_URL' : 'it'} to the database itself.`;
}

/**
 * Whether connections that `client` has siblings of lead to a pooler that lends a server connection for one transaction only. Such a
 * pooler is recognized by its doings: two of its clients get the same server connection, or one gets another than before.
 * @param client connected, with nothing under way
 * @param sibling not connected
 * @throws when no server connection is left for the sibling
 */
export async function isTransactionPooled(client: pg.Client, sibling: pg.Client): Promise<boolean> {
  // PostgreSQL itself tells a client the id of its process.
  const { processID } = client as unknown as { processID: number | null };
  const known = await serverProcess(client);
  if (known === processID) return false;
  try {
    await sibling.connect();
    for (let round = 0; round < ROUNDS; round += 1) {
      await sibling.query('BEGIN');
      // The sibling holds a server connection until the end of its transaction. Then that one is the next to be lent.
      if ((await serverProcess(sibling)) === known) return true;
      if ((await serverProcess(client)) !== known) return true;
      await sibling.query('COMMIT');
      if ((await serverProcess(client)) !== known) return true;
    }
    return false;
  } finally {
    await sibling.end().catch(() => undefined);
  }
}

async function serverProcess(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

/** Whether prepared statements of two clients keep apart, also where a pooler lends both the same server connection. Both are connected. */
export async function keepsPreparedStatements(one: pg.Client, other: pg.Client): Promise<boolean> {
  const statement = { name: 'tillkeeper_doctor', text: 'SELECT 1' };
  try {
    for (const client of [one, other, one]) await client.query(statement);
    return true;
  } catch (error) {
    if (lacksPreparedStatement(error)) return false;
    throw error;
  }
}
