import { createSecretKey, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { DataKeyPurpose } from './data-key-store.js';
import { deriveKey } from './derive-key.js';

export const DATA_KEY_BYTES = 32;

const TENANT_KEYS_KEPT = 1000;

/** An unwrapped data key. Nothing is encrypted under it itself, only under the keys derived from it, one for each tenant or one for the service. */
export class DataKey {
  readonly #material: KeyObject;
  readonly #tenantKeys = new LRUCache<string, KeyObject>({ max: TENANT_KEYS_KEPT });
  #serviceKey: KeyObject | undefined;

  /** @param material copied: the caller may wipe it */
  constructor(
    readonly id: string,
    readonly purpose: DataKeyPurpose,
    material: Buffer,
  ) {
    if (material.length !== DATA_KEY_BYTES) throw new RangeError(`Data key ${id} is not ${DATA_KEY_BYTES} bytes long.`);
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

  /** For what belongs to no tenant. */
  forService(): KeyObject {
    this.#serviceKey ??= deriveKey(this.#material, this.purpose);
    return this.#serviceKey;
  }
}
