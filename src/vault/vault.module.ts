import { Global, Module } from '@nestjs/common';
import { Settings } from '../config/settings.js';
import { DataKeyRepository } from './data-key.repository.js';
import { Keyring } from './keyring.js';
import { LocalKeyWrapper } from './local-key-wrapper.js';

@Global()
@Module({
  providers: [
    DataKeyRepository,
    {
      provide: Keyring,
      inject: [DataKeyRepository, Settings],
      useFactory: (store: DataKeyRepository, { masterKey }: Settings) =>
        new Keyring(store, new LocalKeyWrapper(Buffer.from(masterKey.reveal(), 'base64'))),
    },
  ],
  exports: [Keyring],
})
export class VaultModule {}
