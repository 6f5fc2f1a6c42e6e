import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Secret } from '../../common/secret.js';
import { isForeignKeyViolation } from '../../database/database-errors.js';
import { historyMac } from '../seal/cipher.js';
import { DataKey } from './data-key.js';
import {
  DATA_KEY_PURPOSES,
  type DataKeyPurpose,
  type DataKeyRow,
  type DataKeyStore,
} from './data-key.repository.js';
import { fingerprint } from '../seal/cipher.js';
import { WrongMasterKey } from '../wrappers/key-wrapper.js';
import type { MasterKeys } from '../wrappers/master-keys.js';
import { newDataKey } from './data-key.js';
import { keyIdOf, unseal, seal, SealBroken, type SealContext, type SealedText } from '../seal/seal.js';

const DATA_KEY_ID = /^[a-z0-9]{8,16}$/;
/** A running server syncs every two seconds. After a longer gap the process was paused. */
const MAX_SYNC_AGE_MS = 10_000;
const UNKNOWN_ID_TTL_MS = 5_000;
const MAX_UNKNOWN_IDS = 100;

/**
 * Ids of the data key that a process seals with, the keys that it unwrapped, and the keys that it couldn't.
 */
export interface HeldKeys {
  readonly primary: string;
  readonly held: readonly string[];
  readonly missing: readonly string[];
}

const purposesWithoutKey = (rows: DataKeyRow[]): DataKeyPurpose[] =>
  DATA_KEY_PURPOSES.filter((purpose) => !rows.some((row) => row.purpose === purpose));
const idsOf = (rows: DataKeyRow[]): string[] => rows.map(({ id }) => id).sort();

/** The unwrapped data keys of this process, and every use of them. Call `load()` first. */
export class Keyring {
  readonly #store: DataKeyStore;
  readonly #masterKeys: MasterKeys;
  readonly #keys = new Map<string, DataKey>();
  readonly #asked = new LRUCache<string, Promise<DataKey | undefined>>({
    max: MAX_UNKNOWN_IDS,
    ttl: UNKNOWN_ID_TTL_MS,
  });
  #primary: ReadonlyMap<DataKeyPurpose, DataKey> = new Map();
  #followedAt = 0;

  constructor(store: DataKeyStore, masterKeys: MasterKeys) {
    this.#store = store;
    this.#masterKeys = masterKeys;
  }

  /**
   * Unwraps every data key, and creates the first key of each purpose. May run again.
   * @throws WrongMasterKey if a key can't be unwrapped; no key is created then
   */
  async load(): Promise<void> {
    let rows = await this.#unwrapAll();
    const missing = purposesWithoutKey(rows);
    for (const purpose of missing)
      await this.#store.addPrimaryIfNone(await newDataKey(this.#masterKeys, purpose, 'primary'));
    // Another process may have been first, so the stored keys count.
    if (missing.length > 0) rows = await this.#unwrapAll();
    this.#primary = new Map(DATA_KEY_PURPOSES.map((purpose) => [purpose, this.#primaryOf(purpose, rows)]));
    this.#followedAt = performance.now();
  }

  /**
   * Creates missing keys, so that servers whose role may not write data keys can start.
   * @returns the purposes that had no key
   */
  async makeMissing(): Promise<DataKeyPurpose[]> {
    const missing = purposesWithoutKey(await this.#store.list());
    if (missing.length > 0) await this.load();
    return missing;
  }

  /**
   * Unwraps only the primary key of one purpose, if there is one. Other keys are unwrapped on demand.
   * @throws WrongMasterKey
   */
  async loadPrimary(purpose: DataKeyPurpose): Promise<void> {
    const row = (await this.#store.list()).find(
      (each) => each.purpose === purpose && each.state === 'primary',
    );
    if (row) this.#primary = new Map([[purpose, await this.#unwrap(row)]]);
  }

  get isLoaded(): boolean {
    return this.#primary.size > 0;
  }

  /**
   * Loads changes that other processes made. A key that can't be unwrapped at the moment doesn't stop the
   * others.
   */
  async sync(): Promise<HeldKeys> {
    const rows = await this.#store.list();
    await Promise.allSettled(rows.map((row) => this.#unwrap(row)));
    const isHeld = ({ id }: DataKeyRow) => this.#keys.has(id);
    const held = rows.filter(isHeld);
    const followed = DATA_KEY_PURPOSES.filter((purpose) =>
      held.some((row) => row.purpose === purpose && row.state === 'primary'),
    );
    this.#primary = new Map([
      ...this.#primary,
      ...followed.map((purpose) => [purpose, this.#primaryOf(purpose, held)] as const),
    ]);
    this.#followedAt = performance.now();
    return {
      primary: this.#primaryKey('seal').id,
      held: idsOf(held),
      missing: idsOf(rows.filter((row) => !isHeld(row))),
    };
  }

  /**
   * Runs `write`, which seals and stores a value. A process that was paused syncs first. If the database
   * refuses the key because it was retired meanwhile, `write` is retried once with the current key.
   */
  async withCurrentKey<T>(write: () => Promise<T>): Promise<T> {
    if (performance.now() - this.#followedAt > MAX_SYNC_AGE_MS) await this.sync();
    const { id } = this.#primaryKey('seal');
    try {
      return await write();
    } catch (error) {
      if (!isForeignKeyViolation(error) || (await this.sync()).primary === id) throw error;
      return write();
    }
  }

  /** @returns the sealed text and the id of its data key */
  seal(context: SealContext, plaintext: Secret): { sealed: SealedText; keyId: string } {
    const dataKey = this.#primaryKey('seal');
    return { sealed: seal(dataKey, context, plaintext), keyId: dataKey.id };
  }

  /** @throws SealBroken unless `seal` made the text for the same context */
  async unseal(context: SealContext, sealed: SealedText): Promise<Secret> {
    const id = keyIdOf(sealed);
    const dataKey = this.#keys.get(id) ?? (await this.#ask(id));
    if (dataKey?.purpose !== 'seal') throw new SealBroken();
    return unseal(dataKey, context, sealed);
  }

  /**
   * Equal for equal values of one tenant and label. Has its own key, so rotating the seal key changes no
   * fingerprint.
   */
  fingerprint(tenant: string, label: string, value: string): string {
    return fingerprint(this.#primaryKey('fingerprint'), tenant, label, value);
  }

  /** The key that signs this service's tokens, shared by all processes. */
  signingKey(): { id: string; key: KeyObject } {
    const dataKey = this.#primaryKey('token');
    return { id: dataKey.id, key: dataKey.forService() };
  }

  /** @returns the key with this id, which need not be primary any more */
  async verificationKey(id: string): Promise<KeyObject | undefined> {
    const dataKey = this.#keys.get(id) ?? (DATA_KEY_ID.test(id) ? await this.#ask(id) : undefined);
    return dataKey?.purpose === 'token' ? dataKey.forService() : undefined;
  }

  /**
   * Authenticates a history entry of one tenant.
   * @param parts every text of the entry.
   * @returns the MAC and the id of its data key
   */
  historyMac(tenant: string, parts: readonly string[]): { mac: string; keyId: string } {
    const dataKey = this.#primaryKey('audit');
    return { mac: historyMac(dataKey, tenant, parts), keyId: dataKey.id };
  }

  /**
   * @returns whether `historyMac` made this MAC of the same texts; false for an unknown key or a foreign
   * master key
   */
  async isHistoryMac(mac: string, keyId: string, tenant: string, parts: readonly string[]): Promise<boolean> {
    const dataKey =
      this.#keys.get(keyId) ?? (DATA_KEY_ID.test(keyId) ? await this.#askUnlessForeign(keyId) : undefined);
    return dataKey?.purpose === 'audit' && historyMac(dataKey, tenant, parts) === mac;
  }

  #primaryKey(purpose: DataKeyPurpose): DataKey {
    const dataKey = this.#primary.get(purpose);
    if (!dataKey) throw new Error('The keyring is not loaded.');
    return dataKey;
  }

  #primaryOf(purpose: DataKeyPurpose, rows: DataKeyRow[]): DataKey {
    const row = rows.find((row) => row.purpose === purpose && row.state === 'primary');
    const dataKey = row && this.#keys.get(row.id);
    if (!dataKey) throw new Error(`None of the data keys for the purpose "${purpose}" is primary.`);
    return dataKey;
  }

  /** Concurrent lookups of one id share a query, and an unknown id is cached for a while. */
  #ask(id: string): Promise<DataKey | undefined> {
    const asked = this.#asked.get(id);
    if (asked) return asked;
    const answer = this.#find(id);
    this.#asked.set(id, answer);
    answer.catch(() => this.#asked.delete(id));
    return answer;
  }

  async #askUnlessForeign(id: string): Promise<DataKey | undefined> {
    try {
      return await this.#ask(id);
    } catch (error) {
      if (error instanceof WrongMasterKey) return undefined;
      throw error;
    }
  }

  async #find(id: string): Promise<DataKey | undefined> {
    const row = await this.#store.find(id);
    return row && this.#unwrap(row);
  }

  async #unwrapAll(): Promise<DataKeyRow[]> {
    const rows = await this.#store.list();
    await Promise.all(rows.map((row) => this.#unwrap(row)));
    return rows;
  }

  async #unwrap(row: DataKeyRow): Promise<DataKey> {
    const known = this.#keys.get(row.id);
    if (known) return known;
    const material = await this.#masterKeys.unwrap(row);
    const dataKey = new DataKey(row.id, row.purpose, material);
    material.fill(0);
    this.#keys.set(row.id, dataKey);
    return dataKey;
  }
}
