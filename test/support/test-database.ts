import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Engine } from '../../src/database/database.js';

export interface TestDatabase {
  readonly engine: Engine;
  /** For `DATABASE_URL`. */
  readonly url: string;
  /** A folder of its own, for `DATA_DIR`; on SQLite the database is in it. */
  readonly folder: string;
  drop(): Promise<void>;
}

export const engine: Engine = process.env.TEST_ENGINE === 'postgres' ? 'postgres' : 'sqlite';

/** An empty database on the engine that this run tests. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-test-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  if (engine === 'sqlite') {
    return { engine, url: `sqlite:${join(folder, 'tillkeeper.db')}`, folder, drop: () => Promise.resolve(removeFolder()) };
  }
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(`CREATE DATABASE ${name}`);
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
