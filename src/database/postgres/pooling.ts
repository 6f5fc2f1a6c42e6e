import pg from 'pg';
import type { Secret } from '../../common/secret.js';
import { lacksPreparedStatement } from '../database-errors.js';

const ROUNDS = 3;
const CONNECT_TIMEOUT_MS = 2_000;

/** A connection outside of the pool. Call `connect()`. */
export function newClient(url: Secret, applicationName: string): pg.Client {
  const client = new pg.Client({
    connectionString: url.reveal(),
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  // Without a listener a lost connection would end the process.
  client.on('error', () => undefined);
  return client;
}

/** Advice about a pooler in transaction mode. @param variable the setting with its address */
export function poolerAdvice(variable: 'DATABASE_URL' | 'DATABASE_DIRECT_URL'): string {
  return `${variable} leads through a pooler in transaction mode (such as PgBouncer), which passes no change notifications on, so nothing is cached: set ${variable === 'DATABASE_URL' ? 'DATABASE_DIRECT_URL' : 'it'} to the database itself.`;
}

/**
 * Whether connections lead to a pooler in transaction mode. Signs of one: two clients get the same server connection, or a client gets
 * another one than before.
 * @param client connected and idle
 * @param sibling not connected
 * @throws when no server connection is left for the sibling
 */
export async function isTransactionPooled(client: pg.Client, sibling: pg.Client): Promise<boolean> {
  // Without a pooler the protocol reports the id of the server process.
  const { processID } = client as unknown as { processID: number | null };
  const known = await serverProcess(client);
  if (known === processID) return false;
  try {
    await sibling.connect();
    for (let round = 0; round < ROUNDS; round += 1) {
      await sibling.query('BEGIN');
      // The sibling keeps a server connection until its transaction ends. A pooler then gives it to the next client.
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

/** Whether prepared statements of two clients are separate, even if a pooler gives both the same server connection. Both are connected. */
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
