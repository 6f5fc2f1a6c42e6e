import { type Database, type SqlValue, type Statement, textFor } from '../../../src/database/database.js';

interface Call {
  statement: Statement<unknown>;
  values: readonly SqlValue[];
}

/** Shows how the engine would run a statement. */
export function explainIn(database: Database): (call: Call) => Promise<string> {
  const command = database.engine === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN';
  return async ({ statement, values }) => {
    const text = `${command} ${textFor(statement, database.engine)}`;
    const rows = await database.query<Record<string, string>>({ text }, [...values]);
    return rows.map((row) => row['detail'] ?? row['QUERY PLAN']).join('\n');
  };
}
