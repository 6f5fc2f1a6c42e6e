import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { lengthPrefixed } from './length-prefixed.js';

const SALT = 'tillkeeper/vault/1';

/** HKDF-SHA-256 (RFC 5869) to 256 bits; what the derived key is for makes the info. docs/vault.md lists every info in use. */
export function deriveKey(from: KeyObject, ...info: [use: string, ...of: string[]]): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', from, SALT, lengthPrefixed(...info), 32)));
}
