import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
// Without a fixed length Node accepts tags as short as 4 bytes.
const TAG = { authTagLength: 16 };

export const NONCE_BYTES = 12;

/** @returns base64url of nonce, ciphertext and tag; a nonce must never come twice under one key */
export function encrypt(key: KeyObject, nonce: Buffer, authenticated: Buffer, plaintext: Buffer): string {
  const cipher = createCipheriv(ALGORITHM, key, nonce, TAG).setAAD(authenticated);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** @throws Error unless the text is, to the character, what `encrypt` made with the same key and authenticated data */
export function decrypt(key: KeyObject, authenticated: Buffer, text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  // Node's decoder skips what it doesn't know and ignores stray bits.
  if (bytes.toString('base64url') !== text) throw new Error('The text is not canonical base64url.');
  if (bytes.length < NONCE_BYTES + TAG.authTagLength) throw new Error('The text is too short.');
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), TAG)
    .setAAD(authenticated)
    .setAuthTag(bytes.subarray(-TAG.authTagLength));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG.authTagLength)), decipher.final()]);
}
