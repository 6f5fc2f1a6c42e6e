import { randomBytes } from 'node:crypto';
import { Secret } from '../../common/secret.js';
import { decrypt, encrypt, NONCE_BYTES } from './cipher.js';
import type { DataKey } from '../keys/data-key.js';
import { lengthPrefixed } from './cipher.js';
import { utf8 } from './cipher.js';

declare const sealedText: unique symbol;

/** `tk1.<key id>.<base64url of nonce, ciphertext, tag>`; docs/vault.md has the bytes. */
export type SealedText = string & { readonly [sealedText]: true };

/** The place of a sealed value. It can't be unsealed in another place. */
export interface SealContext {
  purpose: string;
  /** The project id. */
  tenant: string;
  /** Distinguishes values of one tenant and purpose. */
  field: string;
}

/** A value can't be unsealed. The reason is left out, since it would only help a forger. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';

  constructor() {
    super('A sealed value does not open: it was altered, moved, or sealed under a key that is gone.');
  }
}

const FORMAT = 'tk1';
const KEY_ID = new RegExp(`^${FORMAT}\\.([a-z0-9]{8,16})\\.`);

export function seal(dataKey: DataKey, context: SealContext, plaintext: Secret): SealedText {
  return sealWithNonce(dataKey, context, plaintext, randomBytes(NONCE_BYTES));
}

/** For test vectors only. A nonce used twice reveals the key, so other code lets `seal` draw it. */
export function sealWithNonce(
  dataKey: DataKey,
  context: SealContext,
  plaintext: Secret,
  nonce: Buffer,
): SealedText {
  const body = encrypt(
    dataKey.forTenant(context.tenant),
    nonce,
    authenticatedData(dataKey, context),
    utf8(plaintext.reveal()),
  );
  return `${FORMAT}.${dataKey.id}.${body}` as SealedText;
}

/** @throws SealBroken */
export function keyIdOf(sealed: SealedText): string {
  const id = KEY_ID.exec(sealed)?.[1];
  if (id === undefined) throw new SealBroken();
  return id;
}

/** @throws SealBroken */
export function unseal(dataKey: DataKey, context: SealContext, sealed: SealedText): Secret {
  const head = `${FORMAT}.${dataKey.id}.`;
  if (!sealed.startsWith(head)) throw new SealBroken();
  try {
    const body = sealed.slice(head.length);
    return new Secret(
      decrypt(dataKey.forTenant(context.tenant), authenticatedData(dataKey, context), body).toString('utf8'),
    );
  } catch {
    throw new SealBroken();
  }
}

function authenticatedData(dataKey: DataKey, { purpose, tenant, field }: SealContext): Buffer {
  return lengthPrefixed(FORMAT, dataKey.id, purpose, tenant, field);
}
