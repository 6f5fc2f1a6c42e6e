import { utf8 } from './utf8.js';

/** Joins texts so that no two lists give the same bytes: before each its length in bytes, 32 bits, big-endian. */
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
