import type { INestApplicationContext } from '@nestjs/common';
import { InvalidArgumentError } from 'commander';
import { HistoryTrail } from '../../history/history-trail.js';
import { HistoryModule } from '../../history/history.module.js';
import { Database } from '../../database/database.js';
import { SEALED_COLUMNS } from '../../payments/sealed-columns.js';
import { DataKeyRepository } from '../../vault/keys/data-key.repository.js';
import { KeyringNodesRepository } from '../../vault/keys/keyring-nodes.repository.js';
import { Keyring } from '../../vault/keys/keyring.js';
import { MasterKeys } from '../../vault/wrappers/master-keys.js';
import type { rotateMasterKey } from '../../vault/keys/master-key-rotation.js';
import { SealKeyRotation } from '../../vault/keys/seal-key-rotation.js';
import { type SealedRow, SealedRowsRepository } from '../../vault/seal/sealed-rows.repository.js';
import { type RowCounts, SealedRowsService } from '../../vault/seal/sealed-rows.service.js';
import { OPERATOR, type Session } from '../session.js';

/** Seconds. A running server checks for new keys every two seconds. */
const MIN_WAIT = 5;
const DEFAULT_WAIT = 15;

/** An option of commander. */
export const WAIT = [
  '--wait <seconds>',
  'how long to wait for a process that does not answer, before it counts as ended',
  seconds,
  DEFAULT_WAIT,
] as const;

function seconds(text: string): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (value < MIN_WAIT)
    throw new InvalidArgumentError(`It must be a whole number of seconds, ${MIN_WAIT} or more.`);
  return value;
}

/** Result of `keys rotate-data`, for the history. */
interface Resealing {
  readonly keyId: string;
  /** Rows of this run. An interrupted run before it recorded its own. */
  readonly rows: number;
  readonly rowsUnderIt: number;
  readonly unopened: number;
}

interface VaultServices {
  readonly dataKeys: DataKeyRepository;
  readonly nodes: KeyringNodesRepository;
  readonly keyring: Keyring;
  readonly masterKeys: MasterKeys;
  readonly sealedRows: SealedRowsService;
  readonly rotation: SealKeyRotation;
  readonly recordRewrapping: Parameters<typeof rotateMasterKey>[2];
  readonly recordResealing: (result: Resealing) => Promise<void>;
}

/** @param keys data keys to unwrap */
export async function openVault(session: Session, keys: 'all' | 'none' = 'all'): Promise<VaultServices> {
  return vaultServices(await session.open({ imports: [HistoryModule], keys }));
}

export function vaultServices(context: INestApplicationContext): VaultServices {
  const history = context.get(HistoryTrail);
  const [dataKeys, nodes, keyring, masterKeys] = [
    context.get(DataKeyRepository),
    context.get(KeyringNodesRepository),
    context.get(Keyring),
    context.get(MasterKeys),
  ];
  const sealedRows = new SealedRowsService(
    new SealedRowsRepository(context.get(Database), SEALED_COLUMNS),
    keyring,
  );
  return {
    dataKeys,
    nodes,
    keyring,
    masterKeys,
    sealedRows,
    rotation: new SealKeyRotation(dataKeys, nodes, masterKeys, (action, id) =>
      history.appendSystemEvent(action, { data_key: id }, OPERATOR),
    ),
    recordRewrapping: ({ id, from }, to) =>
      history.appendSystemEvent('keys.rewrapped', { data_key: id, from, to }, OPERATOR),
    recordResealing: ({ keyId, rows, rowsUnderIt, unopened }) =>
      history.recordSystemEvent(
        'keys.resealed',
        { data_key: keyId, rows, rows_under_it: rowsUnderIt, unopened },
        OPERATOR,
      ),
  };
}

/** Counts the rows sealed under any of these keys. */
export function sumOf(counts: RowCounts, keyIds: Iterable<string>): number {
  return [...keyIds]
    .flatMap((id) => Object.values(counts.get(id) ?? {}))
    .reduce((sum, count) => sum + count, 0);
}

/** `12 in stripe_credentials, 3 in webhook_events` */
export function inWords(rows: Readonly<Record<string, number>> | undefined): string {
  const tables = Object.entries(rows ?? {}).map(([table, count]) => `${count} in ${table}`);
  return tables.join(', ') || 'none';
}

/** Rows that a report lists. */
const MAX_PLACES = 1_000;

type BrokenRow = SealedRow & { altered?: readonly string[] };

/** Locates broken rows for programs. No part of it is secret. */
export function placesOf(rows: readonly BrokenRow[]) {
  return rows.slice(0, MAX_PLACES).map(({ column, primaryKey, keyId, altered = [] }) => ({
    table: column.table,
    row: primaryKey,
    key_id: keyId,
    // Columns that differ from the sealed value. Empty if the value does not open.
    altered,
  }));
}

/** Locates broken rows for people, one line each. */
export function linesOf(rows: readonly BrokenRow[]): string[] {
  const lines = placesOf(rows).map(({ table, row, key_id, altered }) => {
    const names = Object.entries(row).map(([name, value]) => `${name}=${String(value)}`);
    return `  ${table} ${names.join(' ')} (data key ${key_id}) ${altered.length > 0 ? `has another ${altered.join(', ')} than its value` : 'does not open'}`;
  });
  return rows.length > MAX_PLACES ? [...lines, `  and ${rows.length - MAX_PLACES} more`] : lines;
}
