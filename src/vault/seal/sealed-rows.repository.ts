import type { Database, SqlValue } from '../../database/database.js';
import type { SealContext, SealedText } from './seal.js';
import type { SealedColumn } from './sealed-column.js';
import { countByKey, countOfKey, page, PAGE_SIZE, reseal } from './sealed-rows.statements.js';

/** A stored sealed text and its place. */
export interface SealedRow {
  readonly column: SealedColumn;
  /** In the order of `SealedColumn.primaryKey`. */
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

/** Sealed rows of all tables. */
export class SealedRowsRepository {
  constructor(
    private readonly database: Database,
    readonly columns: readonly SealedColumn[],
  ) {}

  /** Counts the sealed rows of a table by data key. */
  async countByKey(column: SealedColumn): Promise<Map<string, number>> {
    const rows = await this.database.query(countByKey(column), []);
    return new Map(rows.map(({ id, count }) => [id, count]));
  }

  /** Counts the rows under a data key, at most 10,000 of each table. */
  async countOf(keyId: string): Promise<number> {
    const counts = await Promise.all(
      this.columns.map((column) => this.database.query(countOfKey(column), [keyId])),
    );
    return counts.flat().reduce((sum, { count }) => sum + count, 0);
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
    } while (rows.length === PAGE_SIZE);
  }

  /** Replaces the sealed texts. A row that was changed or deleted since the read is left alone. */
  async replaceAll(replacements: readonly Replacement[]): Promise<void> {
    const start = performance.now();
    await Promise.all(replacements.map((each) => this.#replace(each)));
    await this.database.throttle(start);
  }

  async #replace({ row: { column, primaryKey, sealed: former }, sealed, keyId }: Replacement): Promise<void> {
    const values = [sealed, keyId, former, ...Object.values(primaryKey)];
    // One transaction per row on PostgreSQL: with two row locks it could deadlock with a save.
    await this.database.write(reseal(column), values);
  }

  async #pageAfter(
    last: SealedRow | undefined,
    column: SealedColumn,
    keyId: string | undefined,
  ): Promise<SealedRow[]> {
    const statement = page(column, { isOfKey: keyId !== undefined, isAfter: last !== undefined });
    const values = [...(keyId === undefined ? [] : [keyId]), ...Object.values(last?.primaryKey ?? {})];
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
