import { randomBytes, randomInt } from 'node:crypto';
import type { Keyring } from '../../../src/vault/keys/keyring.js';
import { SealBroken, type SealContext, type SealedText } from '../../../src/vault/seal/seal.js';

export interface Sealed {
  context: SealContext;
  sealed: SealedText;
}

interface Parts {
  format: string;
  keyId: string;
  body: string;
}

const NONCE_END = 12;
const TAG_BYTES = 16;

const asSealed = (text: string) => text as SealedText;

function split(sealed: SealedText): Parts {
  const [format = '', keyId = '', body = ''] = sealed.split('.');
  return { format, keyId, body };
}

const withParts = (original: Sealed, change: Partial<Parts>): Sealed => {
  const { format, keyId, body } = { ...split(original.sealed), ...change };
  return { ...original, sealed: asSealed(`${format}.${keyId}.${body}`) };
};

/** Changes the decoded bytes and encodes them canonically, so that only the cipher can detect the change. */
const withBytes = (original: Sealed, change: (bytes: Buffer) => Buffer): Sealed =>
  withParts(original, {
    body: change(Buffer.from(split(original.sealed).body, 'base64url')).toString('base64url'),
  });

const withContext = (original: Sealed, change: Partial<SealContext>): Sealed => ({
  ...original,
  context: { ...original.context, ...change },
});

/** Flips one bit of `bytes[from..to)`; negative ends count from the end. */
const flipBit = (original: Sealed, from: number, to: number): Sealed =>
  withBytes(original, (bytes) => {
    const start = from < 0 ? bytes.length + from : from;
    const end = to <= 0 ? bytes.length + to : to;
    const at = randomInt(start, end);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << randomInt(8)), at);
    return bytes;
  });

const insertAt = (text: string, at: number, inserted: string) =>
  text.slice(0, at) + inserted + text.slice(at);

const pick = <T>(choices: readonly [T, ...T[]]): T => choices[randomInt(choices.length)] ?? choices[0];

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const JUNK = ['=', '==', '\n', ' ', '.', '\0', 'A', 'AAAA', '%', '\u200b', '\u0141'] as const;

/**
 * Changes unused bits of the last base64url character: a lenient decoder returns equal bytes. Needs a body
 * with unused bits.
 */
export function withStrayBits(original: Sealed): Sealed {
  const { body } = split(original.sealed);
  const last = ALPHABET.indexOf(body.slice(-1));
  const spare = body.length % 4 === 2 ? 4 : 2;
  return withParts(original, { body: body.slice(0, -1) + ALPHABET.charAt(last ^ randomInt(1, 1 << spare)) });
}

/** Each class of alteration; `other` is a seal of another value, by the same data key, in another context. */
const MUTATIONS: Record<
  string,
  (original: Sealed, other: Sealed, foreignKeyIds: readonly [string, ...string[]]) => Sealed
> = {
  'bit of the nonce': (original) => flipBit(original, 0, NONCE_END),
  'bit of the ciphertext': (original) => flipBit(original, NONCE_END, -TAG_BYTES),
  'bit of the tag': (original) => flipBit(original, -TAG_BYTES, 0),
  'character replaced': (original) => {
    const at = randomInt(original.sealed.length);
    const shift = randomInt(1, 128);
    const replaced = String.fromCharCode((original.sealed.charCodeAt(at) + shift) % 128);
    return {
      ...original,
      sealed: asSealed(original.sealed.slice(0, at) + replaced + original.sealed.slice(at + 1)),
    };
  },
  'tag cut to 4 to 15 bytes': (original) =>
    withBytes(original, (bytes) => bytes.subarray(0, -randomInt(1, 13))),
  'cut anywhere': (original) => ({
    ...original,
    sealed: asSealed(original.sealed.slice(0, randomInt(original.sealed.length))),
  }),
  'too short for nonce and tag': (original) =>
    withBytes(original, (bytes) => bytes.subarray(0, randomInt(NONCE_END + TAG_BYTES))),
  'bytes dropped inside': (original) =>
    withBytes(original, (bytes) => {
      const at = randomInt(bytes.length - 1);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    }),
  'trailing bytes': (original) =>
    withBytes(original, (bytes) => Buffer.concat([bytes, randomBytes(randomInt(1, 20))])),
  'trailing characters': (original) => ({ ...original, sealed: asSealed(original.sealed + pick(JUNK)) }),
  'leading characters': (original) => ({ ...original, sealed: asSealed(pick(JUNK) + original.sealed) }),
  'characters inside': (original) => {
    const at = randomInt(1, original.sealed.length);
    return { ...original, sealed: asSealed(insertAt(original.sealed, at, pick(JUNK))) };
  },
  'stray bits in the last character': withStrayBits,
  'the other base64 alphabet, or padding': (original) => {
    const { body } = split(original.sealed);
    const swapped = body.replaceAll('-', '+').replaceAll('_', '/');
    return withParts(original, { body: swapped === body ? `${body}=` : swapped });
  },
  'another format': (original) =>
    withParts(original, { format: pick(['tk2', 'tk0', 'TK1', 'tk', 'tk1 ', 'tk01', '']) }),
  'another key id': (original, _other, foreignKeyIds) => withParts(original, { keyId: pick(foreignKeyIds) }),
  'key id that is none': (original) =>
    withParts(original, {
      keyId: pick(['', 'short', 'UPPERCASE', 'seventeencharacte', '__proto__', '../../etc']),
    }),
  'another purpose': (original) =>
    withContext(original, { purpose: pick(['', `${original.context.purpose} `, 'webhook-endpoint']) }),
  "another tenant's": (original, other) => withContext(original, { tenant: other.context.tenant }),
  'another field': (original, other) => withContext(original, { field: other.context.field }),
  'tenant and field with the border moved': (original) => {
    const { tenant, field } = original.context;
    return withContext(original, { tenant: tenant + field.slice(0, 1), field: field.slice(1) });
  },
  'purpose and tenant with the border moved': (original) => {
    const { purpose, tenant } = original.context;
    return withContext(original, { purpose: purpose.slice(0, -1), tenant: purpose.slice(-1) + tenant });
  },
  'the whole of another seal': (original, other) => ({ ...original, sealed: other.sealed }),
  'the nonce of another seal': (original, other) =>
    withBytes(original, (bytes) => {
      const foreign = Buffer.from(split(other.sealed).body, 'base64url');
      return Buffer.concat([foreign.subarray(0, NONCE_END), bytes.subarray(NONCE_END)]);
    }),
  'the tag of another seal': (original, other) =>
    withBytes(original, (bytes) => {
      const foreign = Buffer.from(split(other.sealed).body, 'base64url');
      return Buffer.concat([bytes.subarray(0, -TAG_BYTES), foreign.subarray(-TAG_BYTES)]);
    }),
};

export interface Mutation extends Sealed {
  kind: string;
}

/** `count` altered seals, every class in turn, each different from the original in text or context. */
export function* mutations(
  count: number,
  original: Sealed,
  other: Sealed,
  foreignKeyIds: readonly [string, ...string[]],
): Generator<Mutation> {
  const kinds = Object.entries(MUTATIONS);
  for (let made = 0; made < count;) {
    for (const [kind, mutate] of kinds.slice(0, count - made)) {
      yield { kind, ...mutate(original, other, foreignKeyIds) };
      made += 1;
    }
  }
}

/**
 * @returns the altered seals that could be unsealed; expected to be none. Rethrows errors other than
 * `SealBroken`.
 */
export async function thoseThatOpen(keyring: Keyring, altered: Iterable<Mutation>): Promise<Mutation[]> {
  const opened: Mutation[] = [];
  for (const mutation of altered) {
    try {
      await keyring.unseal(mutation.context, mutation.sealed);
      opened.push(mutation);
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
    }
  }
  return opened;
}
