import { createCipheriv, createDecipheriv, createHmac, type KeyObject } from 'node:crypto';
import { toUSVString } from 'node:util';
import type { DataKey } from '../keys/data-key.js';

const ALGORITHM = 'aes-256-gcm';
// Without a fixed length Node accepts tags as short as 4 bytes.
const TAG = { authTagLength: 16 };

export const NONCE_BYTES = 12;

/** @param nonce never used twice with one key. @returns base64url of nonce, ciphertext and tag */
export function encrypt(key: KeyObject, nonce: Buffer, authenticated: Buffer, plaintext: Buffer): string {
  const cipher = createCipheriv(ALGORITHM, key, nonce, TAG).setAAD(authenticated);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  );
}

/** @throws Error unless `encrypt` made exactly this text with this key and authenticated data */
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

/**
 * @returns the text's UTF-8 bytes
 * @throws TypeError for a lone surrogate, which Node would replace with U+FFFD
 */
export function utf8(text: string): Buffer {
  if (toUSVString(text) !== text) throw new TypeError('The text has a lone surrogate and so no UTF-8 form.');
  return Buffer.from(text, 'utf8');
}

/**
 * Joins texts, each after its length in bytes (32 bits, big-endian), so that different lists give different
 * bytes.
 */
export function lengthPrefixed(...parts: string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = utf8(part);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

const FINGERPRINT_BYTES = 16;

/** Compares values of one tenant without unsealing: the first 16 bytes of an HMAC-SHA-256, in base64url. */
export function fingerprint(dataKey: DataKey, tenant: string, label: string, value: string): string {
  const mac = createHmac('sha256', dataKey.forTenant(tenant)).update(lengthPrefixed(label, value)).digest();
  return mac.subarray(0, FINGERPRINT_BYTES).toString('base64url');
}

/** HMAC-SHA-256 of the texts under the tenant's audit key: 43 characters of base64url. */
export function historyMac(dataKey: DataKey, tenant: string, parts: readonly string[]): string {
  return createHmac('sha256', dataKey.forTenant(tenant))
    .update(lengthPrefixed(...parts))
    .digest('base64url');
}
