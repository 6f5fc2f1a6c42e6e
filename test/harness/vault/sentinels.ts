import { randomBytes } from 'node:crypto';
import { CREDENTIAL_RULES } from '../../../src/payments/stripe-config/credential-rules.js';
import type { Credentials } from '../credentials.js';

const BODY_LENGTH = 32;
/** Minimum length of a part of a secret, so that no part occurs by chance. */
const PART = 8;
const ENCODED_PART = 12;

/** Six unique credentials, new in each run. */
export function sentinelCredentials(): Required<Credentials> {
  return Object.fromEntries(
    CREDENTIAL_RULES.map(({ field, prefix }) => [field, sentinel(prefix)]),
  ) as Required<Credentials>;
}

/** A unique text. */
export function sentinel(prefix = ''): string {
  const letters = randomBytes(64)
    .toString('base64')
    .replaceAll(/[^A-Za-z0-9]/g, '');
  return prefix + letters.slice(0, BODY_LENGTH);
}

/** Searches for parts of secrets: plain, reversed or encoded. */
export class SentinelSearch {
  readonly #needles = new Map<string, string>();

  /**
   * @param isThorough whether to look for every part, or, for large haystacks, only for the middle, which no
   * full secret lacks
   */
  constructor(secrets: readonly string[], isThorough: boolean) {
    for (const secret of secrets) {
      const body = secret.slice(-BODY_LENGTH);
      const name = secret.slice(0, -BODY_LENGTH);
      for (const part of parts(body, PART, isThorough)) {
        this.#needles.set(part, `${name} as it is`);
        this.#needles.set([...part].reverse().join(''), `${name} backwards`);
      }
      for (const part of parts(body, ENCODED_PART, isThorough)) {
        const bytes = Buffer.from(part);
        const hex = bytes.toString('hex');
        this.#needles.set(hex, `${name} in hex`);
        this.#needles.set(hex.toUpperCase(), `${name} in upper-case hex`);
        this.#needles.set(hex.replaceAll(/../g, '%$&'), `${name} URL-encoded`);
        this.#needles.set(Buffer.from(part, 'utf16le').toString('latin1'), `${name} in UTF-16`);
        for (const base64 of alignedBase64(bytes)) this.#needles.set(base64, `${name} in base64`);
      }
    }
  }

  /** The found parts of secrets, with their encoding. */
  leaksIn(haystack: Buffer): string[] {
    return [...this.#needles]
      .filter(([needle]) => haystack.includes(needle, 0, 'latin1'))
      .map(([, name]) => name);
  }
}

function parts(text: string, length: number, isThorough: boolean): string[] {
  const starts = Array.from({ length: text.length - length + 1 }, (_, start) => start);
  return (isThorough ? starts : [Math.floor((text.length - length) / 2)]).map((start) =>
    text.slice(start, start + length),
  );
}

/**
 * The parts that every base64 text of these bytes contains, at any offset. Letters and digits never encode to
 * one of the two characters in which base64url differs.
 */
function alignedBase64(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64url');
    const first = Math.ceil((before * 8) / 6);
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return encoded.slice(first, whole);
  });
}
