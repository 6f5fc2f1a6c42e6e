import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { lengthPrefixed } from '../seal/cipher.js';
import type { MasterKeys } from '../wrappers/master-keys.js';
import type { DataKeyPurpose, DataKeyRow } from './data-key.repository.js';

const SALT = 'tillkeeper/vault/1';

/**
 * HKDF-SHA-256 (RFC 5869) to 256 bits, with the use of the key as the info. docs/vault.md lists every info.
 */
export function deriveKey(from: KeyObject, ...info: [use: string, ...of: string[]]): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', from, SALT, lengthPrefixed(...info), 32)));
}

const DATA_KEY_BYTES = 32;

const MAX_TENANT_KEYS = 1000;

/** An unwrapped data key. Only keys derived from it encrypt: one for each tenant, and one for the service. */
export class DataKey {
  readonly #material: KeyObject;
  readonly #tenantKeys = new LRUCache<string, KeyObject>({ max: MAX_TENANT_KEYS });
  #serviceKey: KeyObject | undefined;

  /** @param material copied: the caller may wipe it */
  constructor(
    readonly id: string,
    readonly purpose: DataKeyPurpose,
    material: Buffer,
  ) {
    if (material.length !== DATA_KEY_BYTES)
      throw new RangeError(`Data key ${id} is not ${DATA_KEY_BYTES} bytes long.`);
    this.#material = createSecretKey(material);
  }

  forTenant(tenant: string): KeyObject {
    let key = this.#tenantKeys.get(tenant);
    if (!key) {
      key = deriveKey(this.#material, this.purpose, tenant);
      this.#tenantKeys.set(tenant, key);
    }
    return key;
  }

  /** The derived key for values without a tenant. */
  forService(): KeyObject {
    this.#serviceKey ??= deriveKey(this.#material, this.purpose);
    return this.#serviceKey;
  }
}

/** Draws a random data key and wraps it. */
export async function newDataKey(
  masterKeys: MasterKeys,
  purpose: DataKeyPurpose,
  state: DataKeyRow['state'],
): Promise<DataKeyRow> {
  const id = randomBytes(6).toString('hex');
  const material = randomBytes(DATA_KEY_BYTES);
  const wrapped = await masterKeys.wrap(material, id);
  material.fill(0);
  return { id, purpose, state, ...wrapped, createdAt: new Date() };
}
