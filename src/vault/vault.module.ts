import { Global, Module } from '@nestjs/common';
import { StoreSettings } from '../config/settings.js';
import { DataKeyRepository } from './data-key.repository.js';
import { KeyFollower } from './key-follower.js';
import { KeyHoldersRepository } from './key-holders.repository.js';
import { Keyring } from './keyring.js';
import { MasterKeys } from './master-keys.js';
import { openMasterKeys } from './open-master-keys.js';

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
