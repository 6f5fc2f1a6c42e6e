import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const TAG = { authTagLength: 16 };

/** What a key service does with a key that it keeps: AES-256-GCM with additional data. */
export class Box {
  readonly #key = randomBytes(32);

  lock(plaintext: Buffer, authenticated: string): Buffer {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, TAG).setAAD(Buffer.from(authenticated));
    return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  /** @returns `undefined` for what it didn't lock, or with other additional data */
  unlock(locked: Buffer, authenticated: string): Buffer | undefined {
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, locked.subarray(0, 12), TAG)
        .setAAD(Buffer.from(authenticated))
        .setAuthTag(locked.subarray(-16));
      return Buffer.concat([decipher.update(locked.subarray(12, -16)), decipher.final()]);
    } catch {
      return undefined;
    }
  }
}
