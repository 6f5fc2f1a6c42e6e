import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { decrypt, encrypt, NONCE_BYTES } from '../seal/cipher.js';
import { deriveKey } from '../keys/data-key.js';
import { type KeyWrapper, WrongMasterKey } from './key-wrapper.js';
import { lengthPrefixed } from '../seal/cipher.js';

const FORMAT = 'local1';
const MASTER_KEY_BYTES = 32;

/** A master key from the environment or a file. Text form: `local1.<base64url of nonce, ciphertext, tag>`. */
export class LocalKeyWrapper implements KeyWrapper {
  readonly masterKeyId: string;
  readonly #key: KeyObject;

  /** @param masterKey copied, so that the caller may wipe it */
  constructor(masterKey: Buffer) {
    if (masterKey.length !== MASTER_KEY_BYTES)
      throw new RangeError(`The master key must be ${MASTER_KEY_BYTES} bytes long.`);
    const master = createSecretKey(masterKey);
    this.#key = deriveKey(master, 'wrap');
    this.masterKeyId = `local-${deriveKey(master, 'master-key-id').export().toString('hex', 0, 8)}`;
  }

  wrap(dataKey: Buffer, dataKeyId: string): Promise<string> {
    const body = encrypt(this.#key, randomBytes(NONCE_BYTES), this.#authenticatedData(dataKeyId), dataKey);
    return Promise.resolve(`${FORMAT}.${body}`);
  }

  unwrap(wrapped: string, dataKeyId: string): Promise<Buffer> {
    try {
      if (!wrapped.startsWith(`${FORMAT}.`))
        throw new Error(`The wrapped key is not in the format ${FORMAT}.`);
      const body = wrapped.slice(FORMAT.length + 1);
      return Promise.resolve(decrypt(this.#key, this.#authenticatedData(dataKeyId), body));
    } catch (cause) {
      return Promise.reject(
        new WrongMasterKey(
          `Master key ${this.masterKeyId} can't unwrap data key ${dataKeyId}: it is another master key's, or was altered.`,
          { cause },
        ),
      );
    }
  }

  #authenticatedData(dataKeyId: string): Buffer {
    return lengthPrefixed(FORMAT, this.masterKeyId, dataKeyId);
  }
}
