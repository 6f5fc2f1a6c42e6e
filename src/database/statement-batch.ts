import { type Connection, type FieldDef, type Submittable, types } from 'pg';
import { type SqlValue, type StatementCall, textFor } from './database.js';

interface Column {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

type Row = Record<string, unknown>;

const INT8 = 20;
const NUMERIC = 1_700;

/** Reads `bigint`, and the `numeric` that PostgreSQL makes of their sums, as numbers: nothing here comes near 2^53. */
export const PARSERS = {
  getTypeParser(type: number, format: 'text' | 'binary'): Column['parse'] {
    // pg types its result as `any`.
    return type === INT8 || type === NUMERIC
      ? Number
      : (types.getTypeParser(type, format) as Column['parse']);
  },
};

/** What each connection has prepared, by name, with the columns that it answers. */
const prepared = new WeakMap<Connection, Map<string, Column[]>>();

/**
 * Statements that go to PostgreSQL in one message and are answered in one, as its protocol provides
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING): after one that fails, the rest are not run. Then
 * the connection has to be given up.
 */
export class StatementBatch implements Submittable {
  readonly #columns: Column[][] = [];
  /** Which statement is being answered. */
  #current = 0;
  readonly #rows: Row[][];

  /** @param named whether the connection keeps prepared statements. @param callback gets the rows of each statement */
  constructor(
    private readonly statements: readonly StatementCall[],
    private readonly named: boolean,
    readonly callback: (error: Error | null, rows: Row[][]) => void,
  ) {
    this.#rows = statements.map(() => []);
  }

  /** One at a time: pg calls this when the connection has answered everything before. */
  submit(connection: Connection): void {
    connection.stream.cork();
    for (const { statement, values } of this.statements) {
      const [name, text] = [this.named ? statement.name : undefined, textFor(statement, 'postgres')];
      this.#columns.push(
        name ? sendNamed(connection, name, text, values) : sendUnnamed(connection, text, values),
      );
    }
    connection.sync();
    connection.stream.uncork();
  }

  handleRowDescription({ fields }: { fields: FieldDef[] }): void {
    const columns = fields.map(({ name, dataTypeID }) => ({
      name,
      parse: PARSERS.getTypeParser(dataTypeID, 'text'),
    }));
    this.#columns[this.#current]?.push(...columns);
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const row: Row = {};
    const columns = this.#columns[this.#current] ?? [];
    for (const [index, { name, parse }] of columns.entries()) {
      const text = fields[index] ?? null;
      row[name] = text === null ? null : parse(text);
    }
    this.#rows[this.#current]?.push(row);
  }

  handleCommandComplete(): void {
    this.#current += 1;
  }

  handleError(error: Error): void {
    this.callback(error, []);
  }

  handleReadyForQuery(): void {
    this.callback(null, this.#rows);
  }
}

/** @returns the columns of its rows: for a statement that is new to the connection, they are filled in by the answer */
function sendNamed(connection: Connection, name: string, text: string, values: SqlValue[]): Column[] {
  const known = prepared.get(connection) ?? new Map<string, Column[]>();
  prepared.set(connection, known);
  const columns = known.get(name);
  if (columns) {
    bindAndExecute(connection, { name, values, isNew: false });
    return columns;
  }
  const described: Column[] = [];
  known.set(name, described);
  // The last parameter of each call has no meaning any more, but is still declared.
  connection.parse({ name, text, types: [] }, true);
  bindAndExecute(connection, { name, values, isNew: true });
  return described;
}

/** Prepares nothing that outlives the message. */
function sendUnnamed(connection: Connection, text: string, values: SqlValue[]): Column[] {
  connection.parse({ name: '', text, types: [] }, true);
  bindAndExecute(connection, { name: '', values, isNew: true });
  return [];
}

function bindAndExecute(
  connection: Connection,
  { name, values, isNew }: { name: string; values: SqlValue[]; isNew: boolean },
): void {
  connection.bind({ statement: name, values: values.map(asText) }, true);
  if (isNew) connection.describe({ type: 'P' }, true);
  connection.execute(null, true);
}

function asText(value: SqlValue): string | null {
  return value instanceof Date ? value.toISOString() : value === null ? null : String(value);
}
