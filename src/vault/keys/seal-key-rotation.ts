import { setTimeout as sleep } from 'node:timers/promises';
import type { Steps } from '../../database/database.js';
import { isForeignKeyViolation } from '../../database/database-errors.js';
import type { DataKeyRepository } from './data-key.repository.js';
import type { DataKeyRow } from './data-key.repository.js';
import type { KeyringNode, KeyringNodesRepository } from './keyring-nodes.repository.js';
import type { MasterKeys } from '../wrappers/master-keys.js';
import { newDataKey } from './data-key.js';

const POLL_INTERVAL_MS = 250;

/** Limits of the wait for other processes. */
export interface WaitLimits {
  /** Longer than the interval of `KeyringSync`. */
  readonly milliseconds: number;
  readonly signal: AbortSignal;
}

/** Actions of the history about a data key. */
type KeyAction = 'keys.published' | 'keys.made_primary' | 'keys.retired';

/** A running process can't unwrap a data key that all processes need. */
export class KeyNotHeld extends Error {
  constructor(readonly nodes: readonly KeyringNode[]) {
    super('Not every process can open the data key.');
  }
}

/** The life of a seal key: published, primary once every process has it, superseded, retired. */
export class SealKeyRotation {
  constructor(
    private readonly keys: DataKeyRepository,
    private readonly nodes: KeyringNodesRepository,
    private readonly masterKeys: MasterKeys,
    private readonly record: (action: KeyAction, keyId: string) => Steps<void>,
  ) {}

  async list(): Promise<DataKeyRow[]> {
    return (await this.keys.list()).filter(({ purpose }) => purpose === 'seal');
  }

  /** @returns the id of the published key: a new one, or that of an interrupted rotation */
  async publish(): Promise<string> {
    const key = await newDataKey(this.masterKeys, 'seal', 'published');
    await this.keys.addPublishedIfNone(key, () => this.record('keys.published', key.id));
    const published = (await this.list()).find(({ state }) => state === 'published');
    if (!published) throw new Error('The published data key is gone.');
    return published.id;
  }

  /**
   * Makes a published key primary once every running process has it.
   * @returns processes that did not report, which count as ended. If they still run, the database refuses
   * their writes
   * @throws KeyNotHeld
   */
  async makePrimary(id: string, limits: WaitLimits): Promise<KeyringNode[]> {
    const before = new Map((await this.nodes.list()).map((node) => [node.id, node.answeredAt.getTime()]));
    const silent = await this.#untilAll(({ held }) => held.includes(id), limits);
    const unable = silent.filter(
      (node) => node.missing.includes(id) && before.get(node.id) !== node.answeredAt.getTime(),
    );
    if (unable.length > 0) throw new KeyNotHeld(unable);
    for (const node of silent) await this.nodes.remove(node.id);
    await this.keys.makePrimary(id, 'seal', () => this.record('keys.made_primary', id));
    return silent;
  }

  /** Waits until every running process seals under this key. */
  async untilAllSealUnder(id: string, limits: WaitLimits): Promise<void> {
    await this.#untilAll(({ primary }) => primary === id, limits);
  }

  /** @returns whether the key is retired now. It can't be while a row is sealed under it */
  async retire(id: string): Promise<boolean> {
    try {
      return await this.keys.retire(id, new Date(), () => this.record('keys.retired', id));
    } catch (error) {
      if (isForeignKeyViolation(error)) return false;
      throw error;
    }
  }

  /** @returns the processes that aren't ready when the time is over */
  async #untilAll(
    isReady: (node: KeyringNode) => boolean,
    { milliseconds, signal }: WaitLimits,
  ): Promise<KeyringNode[]> {
    const end = performance.now() + milliseconds;
    for (;;) {
      const others = (await this.nodes.list()).filter((node) => !isReady(node));
      if (others.length === 0 || performance.now() > end) return others;
      await sleep(POLL_INTERVAL_MS, undefined, { signal });
    }
  }
}
