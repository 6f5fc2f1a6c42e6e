import type { SealedRow } from '../../vault/seal/sealed-rows.repository.js';

/** Of more than these only the number is told. */
const MOST_PLACES = 1_000;

/** Where a seal does not open. Nothing of it is secret. */
export function placesOf(rows: readonly (SealedRow & { altered?: readonly string[] })[]) {
  return rows.slice(0, MOST_PLACES).map(({ column, primaryKey, keyId, altered = [] }) => ({
    table: column.table,
    row: primaryKey,
    key_id: keyId,
    // Columns that are not what the value says; none where it does not open.
    altered,
  }));
}

/** The same for people, a line each. */
export function linesOf(rows: readonly (SealedRow & { altered?: readonly string[] })[]): string[] {
  const lines = placesOf(rows).map(({ table, row, key_id, altered }) => {
    const names = Object.entries(row).map(([name, value]) => `${name}=${String(value)}`);
    return `  ${table} ${names.join(' ')} (data key ${key_id}) ${altered.length > 0 ? `has another ${altered.join(', ')} than its value` : 'does not open'}`;
  });
  return rows.length > MOST_PLACES ? [...lines, `  and ${rows.length - MOST_PLACES} more`] : lines;
}
