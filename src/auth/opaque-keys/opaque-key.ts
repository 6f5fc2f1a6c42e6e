import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Recognizable starts of keys, for people and for secret scanners. */
const PREFIXES = {
  service_account: 'tks',
  invitation: 'tki',
  password_reset: 'tkp',
  sign_in: 'tkl',
  connect_link: 'tkc',
  gateway_test: 'tkg_test',
  gateway_live: 'tkg_live',
} as const;

export type OpaqueKeyKind = keyof typeof PREFIXES;

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_BYTES = 32;
/** Base62 digits of 256 bits. */
const RANDOM_LENGTH = 43;
/** Base62 digits of 32 bits. */
const CHECKSUM_LENGTH = 6;

/** @returns the prefix, 256 random bits and their checksum: `tks_…` */
export function newOpaqueKey(kind: OpaqueKeyKind): string {
  const random = BigInt(`0x${randomBytes(RANDOM_BYTES).toString('hex')}`);
  const unchecked = `${PREFIXES[kind]}_${base62(random, RANDOM_LENGTH)}`;
  return unchecked + checksumOf(unchecked);
}

/** Whether a text has the prefix of this kind, which tells a key from other tokens. */
export function hasPrefixOf(kind: OpaqueKeyKind, text: string): boolean {
  return text.startsWith(`${PREFIXES[kind]}_`);
}

/** Whether length, alphabet and checksum are right. Finds typing errors without a database. */
export function isWellFormed(kind: OpaqueKeyKind, text: string): boolean {
  const length = PREFIXES[kind].length + 1 + RANDOM_LENGTH + CHECKSUM_LENGTH;
  if (text.length !== length || !hasPrefixOf(kind, text) || !/^[a-z_]+_[0-9A-Za-z]+$/.test(text))
    return false;
  const unchecked = text.slice(0, -CHECKSUM_LENGTH);
  return text === unchecked + checksumOf(unchecked);
}

/** The stored form of a key. A fast hash is enough for 256 random bits. */
export function hashOf(key: string): string {
  return hash('sha256', key, 'base64url');
}

function checksumOf(text: string): string {
  return base62(BigInt(crc32(text)), CHECKSUM_LENGTH);
}

function base62(number: bigint, length: number): string {
  let digits = '';
  for (let rest = number; digits.length < length; rest /= 62n) digits = ALPHABET[Number(rest % 62n)] + digits;
  return digits;
}
