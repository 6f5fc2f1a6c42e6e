import type { BlockList } from 'node:net';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { columnValues, type RowOf } from '../../database/columns.js';
import { Database, exec, query, type Steps } from '../../database/database.js';
import { DatabaseNotifications } from '../../database/notifications.js';
import { isInNetworks, networkList } from './networks.js';
import { hashOf, isWellFormed, newOpaqueKey, type OpaqueKeyKind } from './opaque-key.js';
import { OpaqueKeyEntity } from './opaque-key.entity.js';
import {
  ADD_KEY,
  DELETE_EXPIRED,
  DELETE_KEYS,
  END_KEYS_BY,
  FIND_KEY,
  KEYS_OF_HOLDER,
  MARK_USED,
  SET_NETWORKS,
  TAKE_KEY,
} from './opaque-keys.statements.js';

type KeyRow = RowOf<OpaqueKeyEntity>;

interface KeyOptions {
  readonly expiresAt?: Date | null;
  /** Addresses and CIDR ranges from which the key may be used; none for every address. */
  readonly networks?: readonly string[];
  /** By default now. */
  readonly createdAt?: Date;
  /** When a former key of the holder was used last. */
  readonly lastUsedAt?: Date | null;
}

/** What is known about the keys of a holder. */
export interface KeyFacts {
  readonly expiresAt: Date | null;
  readonly networks: readonly string[];
  readonly lastUsedAt: Date | null;
  /** When the last former key ends, if one is still valid. */
  readonly formerKeyExpiresAt: Date | null;
}

/** Why a key is refused. `unknown` includes revoked. */
export type KeyRefusal = 'malformed' | 'unknown' | 'expired' | 'wrong_network';

export type Verification<Holder> =
  | { readonly holder: Holder; readonly refusal?: undefined }
  | { readonly refusal: KeyRefusal; readonly holder?: undefined };

const CHANNEL = 'opaque_keys_changed';
const MAX_CACHED = 10_000;
/** Bounds how long a row lives on that somebody deleted by hand. */
const MAX_AGE_MS = 30_000;
/** How late an age may be noticed. By default the cache starts a timer in each millisecond. */
const AGE_RESOLUTION_MS = 1_000;
const USE_RECORDED_EVERY_MS = 60_000;

interface CachedKey {
  readonly row: KeyRow;
  /** What the kind's verifier loaded for the key. */
  readonly holder: unknown;
  readonly networks: BlockList | undefined;
  /** Milliseconds since the epoch. */
  useRecordedAt: number;
}

/**
 * Random keys of which only a hash is stored. Each key is for a holder, such as a service account.
 * Methods that return steps belong into a transaction. After one that ends keys, call `announce`.
 */
@Injectable()
export class OpaqueKeys {
  readonly #cache = new LRUCache<string, CachedKey>({
    max: MAX_CACHED,
    ttl: MAX_AGE_MS,
    ttlResolution: AGE_RESOLUTION_MS,
  });
  /** Counts changes. A load that overlaps a change may be stale, and is not cached. */
  #changes = 0;

  constructor(
    private readonly database: Database,
    private readonly notifications: DatabaseNotifications,
  ) {
    notifications.subscribe(CHANNEL, (holderId) => this.announce(holderId));
    notifications.onDisconnect(() => {
      this.#changes += 1;
      this.#cache.clear();
    });
  }

  /** @returns a new key, which nothing can show again */
  *issue(
    kind: OpaqueKeyKind,
    holderId: string,
    { expiresAt = null, networks = [], createdAt = new Date(), lastUsedAt = null }: KeyOptions = {},
  ): Steps<string> {
    const key = newOpaqueKey(kind);
    const row = {
      hash: hashOf(key),
      kind,
      holderId,
      createdAt,
      expiresAt,
      networks: storedNetworks(networks),
      lastUsedAt,
    };
    yield* exec(ADD_KEY, columnValues(OpaqueKeyEntity, row));
    return key;
  }

  /**
   * Issues a key with the networks of the newest one. The holder's other keys stay valid for the grace period.
   * @param options.expiresAt by default as the newest key
   * @returns the key, or `undefined` if the holder has none
   */
  *rotate(
    kind: OpaqueKeyKind,
    holderId: string,
    { graceMs, expiresAt }: { graceMs: number; expiresAt?: Date | null },
  ): Steps<string | undefined> {
    const now = new Date();
    const keys = yield* this.ofHolder(kind, holderId);
    const [newest] = keys;
    if (!newest) return undefined;
    yield* exec(DELETE_EXPIRED, [holderId, kind, now]);
    yield* exec(END_KEYS_BY, [holderId, kind, new Date(now.getTime() + graceMs)]);
    yield* this.database.notify(CHANNEL, holderId);
    return yield* this.issue(kind, holderId, {
      expiresAt: expiresAt === undefined ? newest.expiresAt : expiresAt,
      networks: newest.networks?.split(' ') ?? [],
      // Stays the newest, also for two rotations within a millisecond.
      createdAt: new Date(Math.max(now.getTime(), newest.createdAt.getTime() + 1)),
      // The former keys are deleted when they have expired.
      lastUsedAt: factsOf(keys).lastUsedAt,
    });
  }

  /** Changes from where the keys of a holder may be used. @param networks none for every address */
  *restrict(kind: OpaqueKeyKind, holderId: string, networks: readonly string[]): Steps<void> {
    yield* exec(SET_NETWORKS, [holderId, kind, storedNetworks(networks)]);
    yield* this.database.notify(CHANNEL, holderId);
  }

  /** Ends all keys of a holder. */
  *revoke(kind: OpaqueKeyKind, holderId: string): Steps<void> {
    yield* exec(DELETE_KEYS, [holderId, kind]);
    yield* this.database.notify(CHANNEL, holderId);
  }

  /** Uses up a key that works once. @returns its holder, or `undefined` if the key is not valid */
  *redeem(kind: OpaqueKeyKind, key: string): Steps<string | undefined> {
    if (!isWellFormed(kind, key)) return undefined;
    const [row] = yield* query(TAKE_KEY, [hashOf(key), kind]);
    return row && !isExpired(row, Date.now()) ? row.holderId : undefined;
  }

  /** The holder's keys, the newest first. */
  ofHolder(kind: OpaqueKeyKind, holderId: string): Steps<KeyRow[]> {
    return query(KEYS_OF_HOLDER, [holderId, kind]);
  }

  /** Finds the holder of a valid key without using it up. */
  async holderOf(kind: OpaqueKeyKind, key: string): Promise<string | undefined> {
    if (!isWellFormed(kind, key)) return undefined;
    const [row] = await this.database.query(FIND_KEY, [hashOf(key), kind]);
    return row && !isExpired(row, Date.now()) ? row.holderId : undefined;
  }

  /**
   * Verifies a key of a frequent caller. Needs no query while the key is cached.
   * @param load reads the holder, which is cached with the key: a change of it needs `notify` and `announce`
   */
  async verify<Holder>(
    kind: OpaqueKeyKind,
    { key, ip }: { key: string; ip: string },
    load: (holderId: string) => Promise<Holder | undefined>,
  ): Promise<Verification<Holder>> {
    const found = await this.#find(kind, key, load);
    if (typeof found === 'string') return { refusal: found };
    const now = Date.now();
    if (isExpired(found.row, now)) return { refusal: 'expired' };
    if (found.networks && !isInNetworks(found.networks, ip)) return { refusal: 'wrong_network' };
    if (now - found.useRecordedAt >= USE_RECORDED_EVERY_MS) this.#recordUse(found, now);
    return { holder: found.holder as Holder };
  }

  /** Within a transaction: makes every process read the holder again. */
  notify(holderId: string): Steps<void> {
    return this.database.notify(CHANNEL, holderId);
  }

  /** After the transaction: makes this process read the holder again. */
  announce(holderId: string): void {
    this.#changes += 1;
    for (const [hash, { row }] of this.#cache.entries())
      if (row.holderId === holderId) this.#cache.delete(hash);
  }

  async #find(
    kind: OpaqueKeyKind,
    key: string,
    load: (holderId: string) => Promise<unknown>,
  ): Promise<CachedKey | 'malformed' | 'unknown'> {
    const hash = hashOf(key);
    const known = this.notifications.isCurrent() ? this.#cache.get(hash) : undefined;
    if (known?.row.kind === kind) return known;
    if (!isWellFormed(kind, key)) return 'malformed';
    const changesBefore = this.#changes;
    const [row] = await this.database.query(FIND_KEY, [hash, kind]);
    const holder = row && (await load(row.holderId));
    if (!row || holder === undefined) return 'unknown';
    const cached: CachedKey = {
      row,
      holder,
      networks: row.networks === null ? undefined : networkList(row.networks.split(' ')),
      useRecordedAt: row.lastUsedAt?.getTime() ?? -Infinity,
    };
    // Calls `isCurrent` first, because it may deliver a change.
    if (this.notifications.isCurrent() && changesBefore === this.#changes) this.#cache.set(hash, cached);
    return cached;
  }

  /** Not awaited, and a failure is ignored: the time is a hint, and the request goes on without it. */
  #recordUse(key: CachedKey, now: number): void {
    key.useRecordedAt = now;
    const values = [key.row.hash, new Date(now), new Date(now - USE_RECORDED_EVERY_MS)];
    this.database.write(MARK_USED, values).catch(() => undefined);
  }
}

function storedNetworks(networks: readonly string[]): string | null {
  return networks.length === 0 ? null : networks.join(' ');
}

function isExpired({ expiresAt }: Pick<KeyRow, 'expiresAt'>, now: number): boolean {
  return expiresAt !== null && expiresAt.getTime() <= now;
}

/** @param keys of one holder, the newest first */
export function factsOf([newest, ...former]: readonly KeyRow[]): KeyFacts {
  const latest = (times: (Date | null | undefined)[]) =>
    times.reduce<Date | null>((last, time) => (time && (!last || time > last) ? time : last), null);
  const formerKeyExpiresAt = latest(former.map(({ expiresAt }) => expiresAt));
  return {
    expiresAt: newest?.expiresAt ?? null,
    networks: newest?.networks?.split(' ') ?? [],
    lastUsedAt: latest([newest, ...former].map((key) => key?.lastUsedAt)),
    formerKeyExpiresAt:
      formerKeyExpiresAt && formerKeyExpiresAt.getTime() > Date.now() ? formerKeyExpiresAt : null,
  };
}
