import type { SealedRow } from '../../vault/sealed-rows.repository.js';

/** Of more than these only the number is told. */
const MOST_PLACES = 1_000;

/** Where a seal does not open. Nothing of it is secret. */
export function placesOf(rows: readonly SealedRow[]) {
  return rows.slice(0, MOST_PLACES).map(({ column, primaryKey, keyId }) => ({ table: column.table, row: primaryKey, key_id: keyId }));
}

/** The same for people, a line each. */
export function linesOf(rows: readonly SealedRow[]): string[] {
  const lines = placesOf(rows).map(({ table, row, key_id }) => {
    const names = Object.entries(row).map(([name, value]) => `${name}=${String(value)}`);
    return `  ${table} ${names.join(' ')} (data key ${key_id})`;
  });
  return rows.length > MOST_PLACES ? [...lines, `  and ${rows.length - MOST_PLACES} more`] : lines;
}
