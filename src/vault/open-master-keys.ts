import type { MasterKeySource } from '../config/settings.js';
import type { KeyWrapper } from './key-wrapper.js';
import { LocalKeyWrapper } from './local-key-wrapper.js';
import { MasterKeys } from './master-keys.js';

/** The master keys as they are configured. Asks nobody yet: that is for the first data key. */
export function openMasterKeys(sources: readonly MasterKeySource[]): MasterKeys {
  const [primary, ...others] = sources.flatMap(wrappersOf);
  if (!primary) throw new Error('No master key is configured.');
  return new MasterKeys(primary, ...others);
}

function wrappersOf({ keys }: MasterKeySource): KeyWrapper[] {
  return keys.map((key) => new LocalKeyWrapper(Buffer.from(key.reveal(), 'base64')));
}
