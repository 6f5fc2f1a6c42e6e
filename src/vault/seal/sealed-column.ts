import type { Secret } from '../../common/secret.js';
import type { SqlValue } from '../../database/database.js';
import type { Keyring } from '../keys/keyring.js';
import type { SealContext } from './seal.js';

/** Columns of a table that hold sealed text, and the id of its data key: all that rotation, status, retirement and verification need. */
export interface SealedColumn {
  readonly table: string;
  readonly primaryKey: readonly string[];
  /** The column of the sealed text. It and the next are null together. */
  readonly sealed: string;
  /** The column that refers to `data_keys`. */
  readonly keyId: string;
  /** @param primaryKey the row's, as text */
  readonly contextOf: (primaryKey: Readonly<Record<string, string>>) => SealContext;
  /** Columns beside the sealed text that are made of the value, and how: to find out whether somebody edited them. */
  readonly derived?: {
    readonly names: readonly string[];
    /** @returns only those that the value decides */
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
