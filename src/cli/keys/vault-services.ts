import type { INestApplicationContext } from '@nestjs/common';
import { AuditTrail } from '../../audit/audit-trail.js';
import { AuditModule } from '../../audit/audit.module.js';
import { systemActor } from '../../common/actor.js';
import { Database } from '../../database/database.js';
import { SEALED_COLUMNS } from '../../sealed-columns.js';
import { DataKeyRepository } from '../../vault/data-key.repository.js';
import { KeyHoldersRepository } from '../../vault/key-holders.repository.js';
import { Keyring } from '../../vault/keyring.js';
import { MasterKeys } from '../../vault/master-keys.js';
import type { rotateMasterKey } from '../../vault/master-key-rotation.js';
import { SealKeyRotation } from '../../vault/seal-key-rotation.js';
import { SealedRowsRepository } from '../../vault/sealed-rows.repository.js';
import { type RowCounts, SealedRowsService } from '../../vault/sealed-rows.service.js';

interface VaultServices {
  readonly dataKeys: DataKeyRepository;
  readonly holders: KeyHoldersRepository;
  readonly keyring: Keyring;
  readonly masterKeys: MasterKeys;
  readonly sealedRows: SealedRowsService;
  readonly rotation: SealKeyRotation;
  readonly recordRewrapping: Parameters<typeof rotateMasterKey>[2];
  readonly recordResealing: (keyId: string, rows: number) => Promise<void>;
}

/** What `vaultServices` needs besides the vault. */
export const VAULT_IMPORTS = [AuditModule];

/** Whom the history names for what the commands do. */
const ACTOR = systemActor('command line');

export function vaultServices(context: INestApplicationContext): VaultServices {
  const history = context.get(AuditTrail);
  const [dataKeys, holders, keyring, masterKeys] = [
    context.get(DataKeyRepository),
    context.get(KeyHoldersRepository),
    context.get(Keyring),
    context.get(MasterKeys),
  ];
  const sealedRows = new SealedRowsService(new SealedRowsRepository(context.get(Database), SEALED_COLUMNS), keyring);
  return {
    dataKeys,
    holders,
    keyring,
    masterKeys,
    sealedRows,
    rotation: new SealKeyRotation(dataKeys, holders, masterKeys, (action, id) =>
      history.appendSystemEvent(action, { data_key: id }, ACTOR),
    ),
    recordRewrapping: ({ id, from }, to) => history.appendSystemEvent('keys.rewrapped', { data_key: id, from, to }, ACTOR),
    recordResealing: (keyId, rows) => history.recordSystemEvent('keys.resealed', { data_key: keyId, rows }, ACTOR),
  };
}

/** How many rows are sealed under any of these keys. */
export function sumOf(counts: RowCounts, keyIds: Iterable<string>): number {
  return [...keyIds].flatMap((id) => Object.values(counts.get(id) ?? {})).reduce((sum, count) => sum + count, 0);
}

/** `12 in stripe_credentials, 3 in webhook_events` */
export function inWords(rows: Readonly<Record<string, number>> | undefined): string {
  const tables = Object.entries(rows ?? {}).map(([table, count]) => `${count} in ${table}`);
  return tables.join(', ') || 'none';
}
