import type { MasterKeySource } from '../../config/settings.js';
import type { DataKeyRow } from '../keys/data-key.repository.js';
import { AwsKmsKeyWrapper } from './aws-kms-key-wrapper.js';
import { type KeyWrapper, WrongMasterKey } from './key-wrapper.js';
import { LocalKeyWrapper } from './local-key-wrapper.js';
import { VaultTransitKeyWrapper } from './vault-transit-key-wrapper.js';

/** The master keys that are configured: the first wraps, all of them unwrap. A command that needs none may have none. */
export class MasterKeys {
  readonly #all: readonly KeyWrapper[];

  constructor(...all: KeyWrapper[]) {
    this.#all = all;
  }

  /** The first one's comes first. */
  get ids(): string[] {
    return this.#all.map(({ masterKeyId }) => masterKeyId);
  }

  async wrap(dataKey: Buffer, dataKeyId: string): Promise<Pick<DataKeyRow, 'wrapped' | 'masterKeyId'>> {
    const [primary] = this.#all;
    if (!primary) throw new Error('No master key is configured.');
    return { wrapped: await primary.wrap(dataKey, dataKeyId), masterKeyId: primary.masterKeyId };
  }

  /**
   * @returns bytes that belong to the caller, who wipes them
   * @throws WrongMasterKey when none of these master keys wrapped them
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

/** The master keys as they are configured. Asks nobody yet: that is for the first data key. */
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
