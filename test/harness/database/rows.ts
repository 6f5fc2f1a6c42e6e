import type { Row, TestDatabase } from './test-database.js';

/** The rows of a table, read without the service, in any order. */
export function rowsOf(database: TestDatabase, table: string): Promise<Row[]> {
  return database.run(`SELECT * FROM ${table}`);
}

export async function tablesOf(database: TestDatabase): Promise<unknown[]> {
  const tables = {
    sqlite: `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`,
    postgres: `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  };
  return (await database.run(tables[database.engine])).map(({ name }) => name).sort();
}

/** Changes the database without the service. */
export async function execute(database: TestDatabase, text: string): Promise<void> {
  await database.run(text);
}
