import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Client } from 'pg';
import type { Engine } from '../../../src/database/database.js';

export type Row = Record<string, unknown>;

export interface TestDatabase {
  readonly engine: Engine;
  /** For `DATABASE_URL`. */
  readonly url: string;
  /** A temporary folder for `DATA_DIR`; on SQLite it has the database. */
  readonly folder: string;
  /** Runs a statement without the service. @returns its rows */
  run(text: string): Promise<Row[]>;
  /** Closes the connection of `run` until the next statement. */
  disconnect(): Promise<void>;
  drop(): Promise<void>;
}

export const engine: Engine = process.env.TEST_ENGINE === 'postgres' ? 'postgres' : 'sqlite';

/**
 * A database on the tested engine: empty, or a copy of another one. On PostgreSQL the original may have no
 * other connections.
 */
export async function createTestDatabase(original?: TestDatabase): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-test-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  if (engine === 'sqlite') {
    const path = join(folder, 'tillkeeper.db');
    if (original) await backUp(original, path);
    const run = (text: string) => Promise.resolve(runOnSqlite(path, text));
    const disconnect = () => Promise.resolve();
    const drop = () => Promise.resolve(removeFolder());
    return { engine, url: `sqlite:${path}`, folder, run, disconnect, drop };
  }
  await original?.disconnect();
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(
    `CREATE DATABASE ${name}${original ? ` TEMPLATE ${new URL(original.url).pathname.slice(1)}` : ''}`,
  );
  const url = new URL(administratorUrl());
  url.pathname = `/${name}`;
  const connection = new KeptConnection(url.href);
  return {
    engine,
    url: url.href,
    folder,
    run: (text) => connection.run(text),
    disconnect: () => connection.close(),
    drop: async () => {
      removeFolder();
      await connection.close();
      await administer(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

function runOnSqlite(path: string, text: string): Row[] {
  const file = new Sqlite(path);
  try {
    const statement = file.prepare<[], Row>(text);
    if (statement.reader) return statement.all();
    statement.run();
    return [];
  } catch (error) {
    // Jest's own `Error`: the driver's class belongs to the test file that loaded the driver first.
    throw new Error(String(error), { cause: error });
  } finally {
    file.close();
  }
}

/** A connection to PostgreSQL that is kept for the next statement, because a new one takes many times longer. */
class KeptConnection {
  #client: Promise<Client> | undefined;

  constructor(private readonly url: string) {}

  async run(text: string): Promise<Row[]> {
    return (await (await (this.#client ??= this.#connect())).query<Row>(text)).rows;
  }

  async close(): Promise<void> {
    const client = await this.#client;
    this.#client = undefined;
    await client?.end();
  }

  async #connect(): Promise<Client> {
    const client = new Client({ connectionString: this.url });
    // A test may end all connections.
    client.on('error', () => (this.#client = undefined));
    await client.connect();
    return client;
  }
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
