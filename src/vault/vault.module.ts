import { Global, Module } from '@nestjs/common';
import { StoreSettings } from '../config/settings.js';
import { DataKeyRepository } from './keys/data-key.repository.js';
import { KeyFollower } from './keys/keyring-sync.js';
import { KeyHoldersRepository } from './keys/keyring-nodes.repository.js';
import { Keyring } from './keys/keyring.js';
import { MasterKeys } from './wrappers/master-keys.js';
import { openMasterKeys } from './wrappers/master-keys.js';

@Global()
@Module({
  providers: [
    DataKeyRepository,
    KeyHoldersRepository,
    KeyFollower,
    {
      provide: MasterKeys,
      inject: [StoreSettings],
      useFactory: ({ masterKeys }: StoreSettings) => openMasterKeys(masterKeys),
    },
    {
      provide: Keyring,
      inject: [DataKeyRepository, MasterKeys],
      useFactory: (store: DataKeyRepository, masterKeys: MasterKeys) => new Keyring(store, masterKeys),
    },
  ],
  exports: [Keyring, KeyFollower, DataKeyRepository, KeyHoldersRepository, MasterKeys],
})
export class VaultModule {}
