import type { MasterKeySource } from '../config/settings.js';
import { AwsKmsKeyWrapper } from './aws-kms-key-wrapper.js';
import type { KeyWrapper } from './key-wrapper.js';
import { LocalKeyWrapper } from './local-key-wrapper.js';
import { MasterKeys } from './master-keys.js';
import { VaultTransitKeyWrapper } from './vault-transit-key-wrapper.js';

/** The master keys as they are configured. Asks nobody yet: that is for the first data key. */
export function openMasterKeys(sources: readonly MasterKeySource[]): MasterKeys {
  return new MasterKeys(...sources.flatMap(wrappersOf));
}

function wrappersOf(source: MasterKeySource): KeyWrapper[] {
  switch (source.provider) {
    case 'local':
      return source.keys.map((key) => new LocalKeyWrapper(Buffer.from(key.reveal(), 'base64')));
    case 'vault':
      return source.keys.map((key) => new VaultTransitKeyWrapper(source, key));
    case 'aws-kms':
      return source.keys.map((key) => new AwsKmsKeyWrapper(key));
  }
}
