import type { MasterKeySource } from '../../config/settings.js';
import type { DataKeyRow } from '../keys/data-key.repository.js';
import { AwsKmsKeyWrapper } from './aws-kms-key-wrapper.js';
import { type KeyWrapper, WrongMasterKey } from './key-wrapper.js';
import { LocalKeyWrapper } from './local-key-wrapper.js';
import { VaultTransitKeyWrapper } from './vault-transit-key-wrapper.js';

/** The configured master keys: the first wraps, all unwrap. Empty for some commands. */
export class MasterKeys {
  readonly #all: readonly KeyWrapper[];

  constructor(...all: KeyWrapper[]) {
    this.#all = all;
  }

  /** In the order of configuration. */
  get ids(): string[] {
    return this.#all.map(({ masterKeyId }) => masterKeyId);
  }

  async wrap(dataKey: Buffer, dataKeyId: string): Promise<Pick<DataKeyRow, 'wrapped' | 'masterKeyId'>> {
    const [primary] = this.#all;
    if (!primary) throw new Error('No master key is configured.');
    return { wrapped: await primary.wrap(dataKey, dataKeyId), masterKeyId: primary.masterKeyId };
  }

  /**
   * @returns bytes for the caller to wipe
   * @throws WrongMasterKey if no configured master key wrapped the data key
   */
  async unwrap({
    id,
    wrapped,
    masterKeyId,
  }: Pick<DataKeyRow, 'id' | 'wrapped' | 'masterKeyId'>): Promise<Buffer> {
    const wrapper = this.#all.find((each) => each.masterKeyId === masterKeyId);
    if (wrapper) return wrapper.unwrap(wrapped, id);
    const configured = this.#all.length === 1 ? 'the one configured is' : 'those configured are';
    throw new WrongMasterKey(
      `Data key ${id} was wrapped by master key ${masterKeyId}, but ${configured} ${this.ids.join(', ')}. Configure the original master key.`,
    );
  }
}

/** Creates the configured master keys. Providers are contacted at the first wrap or unwrap. */
export function createMasterKeys(sources: readonly MasterKeySource[]): MasterKeys {
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
