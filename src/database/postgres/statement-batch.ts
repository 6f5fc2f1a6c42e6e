import { type Connection, type FieldDef, type Submittable, types } from 'pg';
import { type SqlValue, type StatementCall, textFor } from '../database.js';

interface Column {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

type Row = Record<string, unknown>;

const INT8 = 20;
const NUMERIC = 1_700;

/** Parses `bigint`, and the `numeric` of their sums, as numbers. All values are far below 2^53. */
export const PARSERS = {
  getTypeParser(type: number, format: 'text' | 'binary'): Column['parse'] {
    // pg types its result as `any`.
    return type === INT8 || type === NUMERIC
      ? Number
      : (types.getTypeParser(type, format) as Column['parse']);
  },
};

/** Prepared statements of each connection by name, with the columns of their rows. */
export type PreparedStatements = WeakMap<Connection, Map<string, Column[]>>;

/**
 * Statements that PostgreSQL gets in one message (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING).
 * After a failed statement the rest do not run, and the connection must be closed.
 */
export class StatementBatch implements Submittable {
  readonly #columns: Column[][] = [];
  /** Index of the statement whose rows arrive. */
  #current = 0;
  readonly #rows: Row[][];

  /**
   * @param prepared statements of earlier batches; `undefined` to prepare none
   * @param callback receives the rows of each statement
   */
  constructor(
    private readonly statements: readonly StatementCall[],
    private readonly prepared: PreparedStatements | undefined,
    readonly callback: (error: Error | null, rows: Row[][]) => void,
  ) {
    this.#rows = statements.map(() => []);
  }

  /** Called by pg when all earlier queries of the connection are answered. */
  submit(connection: Connection): void {
    connection.stream.cork();
    for (const { statement, values } of this.statements) {
      const { name } = statement;
      const text = textFor(statement, 'postgres');
      const known = name === undefined ? undefined : this.#preparedOn(connection);
      this.#columns.push(
        name && known
          ? sendNamed(connection, known, name, text, values)
          : sendUnnamed(connection, text, values),
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

  #preparedOn(connection: Connection): Map<string, Column[]> | undefined {
    const known = this.prepared?.get(connection) ?? new Map<string, Column[]>();
    this.prepared?.set(connection, known);
    return this.prepared && known;
  }
}

/** @returns the columns of the rows. The answer fills them in if the statement is new to the connection */
function sendNamed(
  connection: Connection,
  known: Map<string, Column[]>,
  name: string,
  text: string,
  values: SqlValue[],
): Column[] {
  const columns = known.get(name);
  if (columns) {
    bindAndExecute(connection, { name, values, isNew: false });
    return columns;
  }
  const described: Column[] = [];
  known.set(name, described);
  // pg ignores the last parameter of these calls, but its types require it.
  connection.parse({ name, text, types: [] }, true);
  bindAndExecute(connection, { name, values, isNew: true });
  return described;
}

/** Sends an unnamed statement, which lasts for one message. */
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
