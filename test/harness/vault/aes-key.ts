import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const TAG = { authTagLength: 16 };

/** A key of a key service: AES-256-GCM with additional data. */
export class AesKey {
  readonly #key = randomBytes(32);

  encrypt(plaintext: Buffer, authenticated: string): Buffer {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, TAG).setAAD(Buffer.from(authenticated));
    return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  /** @returns `undefined` for a ciphertext of another key or with other additional data */
  decrypt(encrypted: Buffer, authenticated: string): Buffer | undefined {
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, encrypted.subarray(0, 12), TAG)
        .setAAD(Buffer.from(authenticated))
        .setAuthTag(encrypted.subarray(-16));
      return Buffer.concat([decipher.update(encrypted.subarray(12, -16)), decipher.final()]);
    } catch {
      return undefined;
    }
  }
}
