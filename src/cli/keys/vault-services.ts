import type { INestApplicationContext } from '@nestjs/common';
import { HistoryTrail } from '../../history/history-trail.js';
import { HistoryModule } from '../../history/history.module.js';
import { Database } from '../../database/database.js';
import { SEALED_COLUMNS } from '../../bootstrap/entities.js';
import { DataKeyRepository } from '../../vault/keys/data-key.repository.js';
import { KeyHoldersRepository } from '../../vault/keys/keyring-nodes.repository.js';
import { Keyring } from '../../vault/keys/keyring.js';
import { MasterKeys } from '../../vault/wrappers/master-keys.js';
import type { rotateMasterKey } from '../../vault/keys/master-key-rotation.js';
import { SealKeyRotation } from '../../vault/keys/seal-key-rotation.js';
import { SealedRowsRepository } from '../../vault/seal/sealed-rows.repository.js';
import { type RowCounts, SealedRowsService } from '../../vault/seal/sealed-rows.service.js';
import { OPERATOR } from '../session.js';

/** What a run of `keys rotate-data` came to. */
interface Resealing {
  readonly keyId: string;
  /** Those of this run: another one may have been cut short before. */
  readonly rows: number;
  readonly rowsUnderIt: number;
  readonly unopened: number;
}

interface VaultServices {
  readonly dataKeys: DataKeyRepository;
  readonly holders: KeyHoldersRepository;
  readonly keyring: Keyring;
  readonly masterKeys: MasterKeys;
  readonly sealedRows: SealedRowsService;
  readonly rotation: SealKeyRotation;
  readonly recordRewrapping: Parameters<typeof rotateMasterKey>[2];
  readonly recordResealing: (result: Resealing) => Promise<void>;
}

/** What `vaultServices` needs besides the vault. */
export const VAULT_IMPORTS = [HistoryModule];

export function vaultServices(context: INestApplicationContext): VaultServices {
  const history = context.get(HistoryTrail);
  const [dataKeys, holders, keyring, masterKeys] = [
    context.get(DataKeyRepository),
    context.get(KeyHoldersRepository),
    context.get(Keyring),
    context.get(MasterKeys),
  ];
  const sealedRows = new SealedRowsService(
    new SealedRowsRepository(context.get(Database), SEALED_COLUMNS),
    keyring,
  );
  return {
    dataKeys,
    holders,
    keyring,
    masterKeys,
    sealedRows,
    rotation: new SealKeyRotation(dataKeys, holders, masterKeys, (action, id) =>
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

/** How many rows are sealed under any of these keys. */
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
