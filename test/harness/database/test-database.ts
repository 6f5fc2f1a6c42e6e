import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Client } from 'pg';
import type { Engine } from '../../../src/database/database.js';

export interface TestDatabase {
  readonly engine: Engine;
  /** For `DATABASE_URL`. */
  readonly url: string;
  /** A temporary folder for `DATA_DIR`; on SQLite it has the database. */
  readonly folder: string;
  drop(): Promise<void>;
}

export const engine: Engine = process.env.TEST_ENGINE === 'postgres' ? 'postgres' : 'sqlite';

/**
 * A database on the tested engine: empty, or a copy of another one. On PostgreSQL the original may have no
 * connections.
 */
export async function createTestDatabase(original?: TestDatabase): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-test-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  if (engine === 'sqlite') {
    const path = join(folder, 'tillkeeper.db');
    if (original) await backUp(original, path);
    return { engine, url: `sqlite:${path}`, folder, drop: () => Promise.resolve(removeFolder()) };
  }
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(
    `CREATE DATABASE ${name}${original ? ` TEMPLATE ${new URL(original.url).pathname.slice(1)}` : ''}`,
  );
  const url = new URL(administratorUrl());
  url.pathname = `/${name}`;
  return {
    engine,
    url: url.href,
    folder,
    drop: async () => {
      removeFolder();
      await administer(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function backUp({ url }: TestDatabase, path: string): Promise<void> {
  const file = new Sqlite(url.replace('sqlite:', ''));
  await file.backup(path).finally(() => file.close());
}

function administratorUrl(): string {
  const url = process.env.TEST_POSTGRES_URL;
  if (!url) throw new Error('TEST_POSTGRES_URL is not set.');
  return url;
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: administratorUrl() });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
