import type pg from 'pg';

const ROUNDS = 3;

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
