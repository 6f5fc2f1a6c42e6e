import type { Secret } from '../../common/secret.js';
import type { SqlValue } from '../../database/database.js';
import type { Keyring } from '../keys/keyring.js';
import type { SealContext } from './seal.js';

/** A sealed column of a table, as rotation, status, retirement and verification use it. */
export interface SealedColumn {
  readonly table: string;
  readonly primaryKey: readonly string[];
  /** The column of the sealed text. Null if and only if `keyId` is null. */
  readonly sealed: string;
  /** The column with the foreign key to `data_keys`. */
  readonly keyId: string;
  /** @param primaryKey of the row, as text */
  readonly contextOf: (primaryKey: Readonly<Record<string, string>>) => SealContext;
  /** Columns computed from the value. Verification compares them with the stored ones. */
  readonly derived?: {
    readonly names: readonly string[];
    /** @returns only the columns that depend on the value alone */
    readonly of: (
      keyring: Keyring,
      primaryKey: Readonly<Record<string, string>>,
      value: Secret,
    ) => Readonly<Record<string, SqlValue>>;
  };
}

export function sealedColumn<Column extends string>({
  contextOf,
  ...names
}: {
  table: string;
  primaryKey: readonly Column[];
  sealed: string;
  keyId: string;
  contextOf: (primaryKey: Readonly<Record<Column, string>>) => SealContext;
  derived?: SealedColumn['derived'];
}): SealedColumn {
  return { ...names, contextOf };
}
