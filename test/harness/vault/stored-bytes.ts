import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execute, rowsOf } from '../database/rows.js';
import type { TestDatabase } from '../database/test-database.js';

interface StoredFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Everything on the database's disk: on SQLite its file and log, on PostgreSQL the tables, the write-ahead
 * log since `start` and the server's log.
 */
export async function storedBytes(database: TestDatabase, start: string): Promise<StoredFile[]> {
  const { folder, engine } = database;
  if (engine === 'sqlite') return filesIn(folder);
  await execute(database, 'CHECKPOINT');
  const [row] = await rowsOf(
    database,
    `(SELECT oid, current_setting('data_directory') AS data FROM pg_database WHERE datname = current_database()) AS here`,
  );
  const data = String(row?.['data']);
  const segments = filesIn(join(data, 'pg_wal'), (name) => /^[0-9A-F]{24}$/.test(name) && name >= start);
  return [
    // The server removes and rewrites this copy of system catalogs while it is read.
    ...filesIn(join(data, 'base', String(row?.['oid'])), (name) => name !== 'pg_internal.init'),
    ...segments,
    ...filesIn(dirname(data), (name) => name === 'log'),
  ];
}

/** The current position of the write-ahead log, for `storedBytes`. */
export async function writeAheadLog(database: TestDatabase): Promise<string> {
  if (database.engine === 'sqlite') return '';
  const [row] = await rowsOf(database, 'pg_walfile_name(pg_current_wal_lsn()) AS file');
  return String(row?.['file']);
}

function filesIn(folder: string, isWanted: (name: string) => boolean = () => true): StoredFile[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && isWanted(entry.name))
    .map(({ name }) => ({ name, bytes: readFileSync(join(folder, name)) }));
}
