import { Global, Module } from '@nestjs/common';
import { StoreSettings } from '../config/settings.js';
import { DataKeyRepository } from './keys/data-key.repository.js';
import { KeyringSync } from './keys/keyring-sync.js';
import { KeyringNodesRepository } from './keys/keyring-nodes.repository.js';
import { Keyring } from './keys/keyring.js';
import { MasterKeys } from './wrappers/master-keys.js';
import { createMasterKeys } from './wrappers/master-keys.js';

@Global()
@Module({
  providers: [
    DataKeyRepository,
    KeyringNodesRepository,
    KeyringSync,
    {
      provide: MasterKeys,
      inject: [StoreSettings],
      useFactory: ({ masterKeys }: StoreSettings) => createMasterKeys(masterKeys),
    },
    {
      provide: Keyring,
      inject: [DataKeyRepository, MasterKeys],
      useFactory: (store: DataKeyRepository, masterKeys: MasterKeys) => new Keyring(store, masterKeys),
    },
  ],
  exports: [Keyring, KeyringSync, DataKeyRepository, KeyringNodesRepository, MasterKeys],
})
export class VaultModule {}
