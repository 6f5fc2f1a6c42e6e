import { type Database, sql, type SqlValue } from '../../database/database.js';
import type { SealContext, SealedText } from './seal.js';
import type { SealedColumn } from './sealed-column.js';

const PAGE = 50;

/** A stored sealed text and its place. */
export interface SealedRow {
  readonly column: SealedColumn;
  readonly primaryKey: Readonly<Record<string, SqlValue>>;
  readonly context: SealContext;
  readonly sealed: SealedText;
  readonly keyId: string;
  /** See `SealedColumn.derived`. */
  readonly derived: Readonly<Record<string, SqlValue>>;
}

interface Replacement {
  readonly row: SealedRow;
  readonly sealed: SealedText;
  readonly keyId: string;
}

interface FoundRow extends Record<string, SqlValue> {
  sealed: SealedText;
  key_id: string;
}

/** Sealed rows of all tables. */
export class SealedRowsRepository {
  constructor(
    private readonly database: Database,
    readonly columns: readonly SealedColumn[],
  ) {}

  /** Counts the sealed rows of a table by data key. */
  async countByKey({ table, keyId }: SealedColumn): Promise<Map<string, number>> {
    const text = `SELECT ${keyId} AS key_id, count(*) AS count FROM ${table} WHERE ${keyId} IS NOT NULL GROUP BY ${keyId}`;
    const rows = await this.database.query(
      sql<{ key_id: string; count: string | number }>(text, `count_${table}_by_key`),
      [],
    );
    return new Map(rows.map(({ key_id, count }) => [key_id, Number(count)]));
  }

  /**
   * Pages of a table's sealed rows, in the order of the primary key.
   * @param keyId only rows under this data key
   */
  async *pagesOf(column: SealedColumn, keyId?: string): AsyncGenerator<SealedRow[]> {
    let rows: SealedRow[] = [];
    do {
      rows = await this.#pageAfter(rows.at(-1), column, keyId);
      if (rows.length > 0) yield rows;
    } while (rows.length === PAGE);
  }

  /** Replaces the sealed texts. A row that was changed or deleted since the read is left alone. */
  async replaceAll(replacements: readonly Replacement[]): Promise<void> {
    const start = performance.now();
    await Promise.all(replacements.map((each) => this.#replace(each)));
    await this.database.throttle(start);
  }

  async #replace({ row: { column, primaryKey, sealed: former }, sealed, keyId }: Replacement): Promise<void> {
    const { table } = column;
    const isRow = column.primaryKey.map((name, index) => `${name} = $${index + 4}`).join(' AND ');
    const statement = sql<never>(
      `UPDATE ${table} SET ${column.sealed} = $1, ${column.keyId} = $2 WHERE ${column.sealed} = $3 AND ${isRow}`,
      `reseal_${table}`,
    );
    const values = [sealed, keyId, former, ...column.primaryKey.map((name) => primaryKey[name] ?? null)];
    // One transaction per row on PostgreSQL: with two row locks it could deadlock with a save.
    await this.database.write(statement, values);
  }

  async #pageAfter(
    last: SealedRow | undefined,
    column: SealedColumn,
    keyId: string | undefined,
  ): Promise<SealedRow[]> {
    const { table } = column;
    const names = column.primaryKey.join(', ');
    const values: SqlValue[] = [];
    const bind = (value: SqlValue) => `$${values.push(value)}`;
    const conditions = [`${column.keyId} ${keyId === undefined ? 'IS NOT NULL' : `= ${bind(keyId)}`}`];
    if (last)
      conditions.push(
        `(${names}) > (${column.primaryKey.map((name) => bind(last.primaryKey[name] ?? null)).join(', ')})`,
      );
    const statement = sql<FoundRow>(
      `SELECT ${[names, ...(column.derived?.names ?? [])].join(', ')}, ${column.sealed} AS sealed, ${column.keyId} AS key_id FROM ${table}
       WHERE ${conditions.join(' AND ')} ORDER BY ${names} LIMIT ${PAGE}`,
      `page_of_${table}${keyId === undefined ? '' : '_by_key'}${last ? '_after' : ''}`,
    );
    return (await this.database.query(statement, values)).map(({ sealed, key_id, ...row }) => {
      const primaryKey = pick(row, column.primaryKey);
      const derived = pick(row, column.derived?.names ?? []);
      return {
        column,
        primaryKey,
        context: column.contextOf(asText(primaryKey)),
        sealed,
        keyId: key_id,
        derived,
      };
    });
  }
}

export function asText(primaryKey: Readonly<Record<string, SqlValue>>): Record<string, string> {
  return Object.fromEntries(Object.entries(primaryKey).map(([name, value]) => [name, String(value)]));
}

function pick(row: Readonly<Record<string, SqlValue>>, names: readonly string[]): Record<string, SqlValue> {
  return Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
}
