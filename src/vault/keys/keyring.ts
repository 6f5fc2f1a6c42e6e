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
/** A running server follows every two seconds: without news for longer than this, the process stood still. */
const NEWS_ARE_OLD_MS = 10_000;
const UNKNOWN_ID_REMEMBERED_MS = 5_000;
const UNKNOWN_IDS_REMEMBERED = 100;

/** The ids of the data keys that a process seals under, can open, and should be able to open but can't. */
export interface HeldKeys {
  readonly primary: string;
  readonly held: readonly string[];
  readonly missing: readonly string[];
}

const purposesWithoutKey = (rows: DataKeyRow[]): DataKeyPurpose[] =>
  DATA_KEY_PURPOSES.filter((purpose) => !rows.some((row) => row.purpose === purpose));
const idsOf = (rows: DataKeyRow[]): string[] => rows.map(({ id }) => id).sort();

/** The unwrapped data keys of this process, and all that may be done with them. `load()` comes before anything else. */
export class Keyring {
  readonly #store: DataKeyStore;
  readonly #masterKeys: MasterKeys;
  readonly #keys = new Map<string, DataKey>();
  readonly #asked = new LRUCache<string, Promise<DataKey | undefined>>({
    max: UNKNOWN_IDS_REMEMBERED,
    ttl: UNKNOWN_ID_REMEMBERED_MS,
  });
  #primary: ReadonlyMap<DataKeyPurpose, DataKey> = new Map();
  #followedAt = 0;

  constructor(store: DataKeyStore, masterKeys: MasterKeys) {
    this.#store = store;
    this.#masterKeys = masterKeys;
  }

  /**
   * Unwraps every data key of the store and makes the first of each purpose. May run again, to follow the store.
   * @throws WrongMasterKey when one doesn't unwrap; nothing is made then
   */
  async load(): Promise<void> {
    let rows = await this.#unwrapAll();
    const missing = purposesWithoutKey(rows);
    for (const purpose of missing)
      await this.#store.addPrimaryIfNone(await newDataKey(this.#masterKeys, purpose, 'primary'));
    // Another process may have been first: what the store holds counts.
    if (missing.length > 0) rows = await this.#unwrapAll();
    this.#primary = new Map(DATA_KEY_PURPOSES.map((purpose) => [purpose, this.#primaryOf(purpose, rows)]));
    this.#followedAt = performance.now();
  }

  /** Loads, if there is a purpose without a key: those who may not write data keys can start then. @returns the purposes that had none */
  async makeMissing(): Promise<DataKeyPurpose[]> {
    const missing = purposesWithoutKey(await this.#store.list());
    if (missing.length > 0) await this.load();
    return missing;
  }

  /**
   * Unwraps the primary key of one purpose, if there is one, and no other: those are opened as they are needed.
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
   * Follows what other processes did to the keys. One that can't be opened at the moment is no reason not to follow in the others.
   * @returns what this process can do now
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
   * Runs `write`, which seals something and stores it. A process that stood still looks for the key of today first. If it seals under a
   * key that was retired meanwhile all the same, the database refuses that, and `write` gets another try.
   */
  async withCurrentKey<T>(write: () => Promise<T>): Promise<T> {
    if (performance.now() - this.#followedAt > NEWS_ARE_OLD_MS) await this.sync();
    const { id } = this.#primaryKey('seal');
    try {
      return await write();
    } catch (error) {
      if (!isForeignKeyViolation(error) || (await this.sync()).primary === id) throw error;
      return write();
    }
  }

  /** @returns the sealed text and the id of the data key that it needs */
  seal(context: SealContext, plaintext: Secret): { sealed: SealedText; keyId: string } {
    const dataKey = this.#primaryKey('seal');
    return { sealed: seal(dataKey, context, plaintext), keyId: dataKey.id };
  }

  /** @throws SealBroken when the text isn't what `seal` gave for the same context */
  async unseal(context: SealContext, sealed: SealedText): Promise<Secret> {
    const id = keyIdOf(sealed);
    const dataKey = this.#keys.get(id) ?? (await this.#ask(id));
    if (dataKey?.purpose !== 'seal') throw new SealBroken();
    return unseal(dataKey, context, sealed);
  }

  /** The same for equal values of one tenant under one label, also after the seal key was rotated: it has a key of its own. */
  fingerprint(tenant: string, label: string, value: string): string {
    return fingerprint(this.#primaryKey('fingerprint'), tenant, label, value);
  }

  /** What this service signs its own tokens with: the same in every process. */
  signingKey(): { id: string; key: KeyObject } {
    const dataKey = this.#primaryKey('token');
    return { id: dataKey.id, key: dataKey.forService() };
  }

  /** @returns the key of tokens that name this id, also after another one became primary */
  async verificationKey(id: string): Promise<KeyObject | undefined> {
    const dataKey = this.#keys.get(id) ?? (DATA_KEY_ID.test(id) ? await this.#ask(id) : undefined);
    return dataKey?.purpose === 'token' ? dataKey.forService() : undefined;
  }

  /** Vouches for what the history says of one tenant; `parts` is every text that counts. @returns the id of the data key that it needs, too */
  historyMac(tenant: string, parts: readonly string[]): { mac: string; keyId: string } {
    const dataKey = this.#primaryKey('audit');
    return { mac: historyMac(dataKey, tenant, parts), keyId: dataKey.id };
  }

  /** @returns whether `historyMac` gave this for the same texts; never when there is no such key, or it is none of ours */
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

  /** Concurrent questions for one id share the answer, and an id that the store doesn't know is not asked for again at once. */
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
