import { sql, type SqlValue } from '../../database/database.js';
import type { SealedText } from './seal.js';
import type { SealedColumn } from './sealed-column.js';

/** A sealed text with the columns of its row that `SealedColumn` names. */
export interface FoundRow extends Record<string, SqlValue> {
  sealed: SealedText;
  key_id: string;
}

/** Rows of one page. */
export const PAGE_SIZE = 50;

export function countByKey({ table, keyId }: SealedColumn) {
  return sql<{ id: string; count: number }>(
    `SELECT ${keyId} AS id, count(*) AS count FROM ${table} WHERE ${keyId} IS NOT NULL GROUP BY ${keyId}`,
    `count_${table}_by_key`,
  );
}

/** The most rows of a table that a count for people includes. */
const MAX_COUNTED = 10_000;

/** $1 the data key. */
export function countOfKey({ table, keyId }: SealedColumn) {
  return sql<{ count: number }>(
    `SELECT count(*) AS count FROM (SELECT 1 FROM ${table} WHERE ${keyId} = $1 LIMIT ${MAX_COUNTED}) AS first`,
    `count_${table}_of_key`,
  );
}

/** $1 new sealed text, $2 its data key, $3 former sealed text, then the primary key. */
export function reseal({ table, primaryKey, sealed, keyId }: SealedColumn) {
  const isRow = primaryKey.map((name, index) => `${name} = $${index + 4}`).join(' AND ');
  return sql<never>(
    `UPDATE ${table} SET ${sealed} = $1, ${keyId} = $2 WHERE ${sealed} = $3 AND ${isRow}`,
    `reseal_${table}`,
    { destroys: 'soon' },
  );
}

/**
 * A page of the sealed rows, in the order of the primary key. The parameters are the data key and the primary
 * key of the row before the page, each if it is given.
 */
export function page(
  { table, primaryKey, sealed, keyId, derived }: SealedColumn,
  { isOfKey, isAfter }: { isOfKey: boolean; isAfter: boolean },
) {
  const names = primaryKey.join(', ');
  const first = isOfKey ? 2 : 1;
  const after = primaryKey.map((_, index) => `$${index + first}`).join(', ');
  return sql<FoundRow>(
    `SELECT ${[names, ...(derived?.names ?? [])].join(', ')}, ${sealed} AS sealed, ${keyId} AS key_id FROM ${table}
     WHERE ${keyId} ${isOfKey ? '= $1' : 'IS NOT NULL'} ${isAfter ? `AND (${names}) > (${after})` : ''}
     ORDER BY ${names} LIMIT ${PAGE_SIZE}`,
    `page_of_${table}${isOfKey ? '_by_key' : ''}${isAfter ? '_after' : ''}`,
  );
}
