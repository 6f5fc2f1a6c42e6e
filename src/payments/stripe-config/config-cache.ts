import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ProjectId } from '../../common/ids.js';
import { DatabaseNotifications } from '../../database/notifications.js';
import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';

export const CONFIG_CHANNEL = 'stripe_config_changed';

/** How late an age may be noticed. By default the cache starts a timer in each millisecond. */
const AGE_RESOLUTION_MS = 100;
/** Bounds staleness if a process dies after a write, before it notifies the others: 1.5 s with the resolution. */
const MAX_AGE_MS = 1_400;

type Listener = (projectId: ProjectId) => void;

/** Announces changed configurations to the caches of this process. Includes changes by other processes. */
@Injectable()
export class ConfigChanges {
  readonly #listeners: Listener[] = [];

  constructor(private readonly notifications: DatabaseNotifications) {
    notifications.subscribe(CONFIG_CHANNEL, (projectId) => this.announce(projectId as ProjectId));
  }

  /** Whether changes by other processes arrive. Otherwise caches must be bypassed. */
  isCurrent(): boolean {
    return this.notifications.isCurrent();
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Call after a write whose transaction notifies the other processes. */
  announce(projectId: ProjectId): void {
    for (const listener of this.#listeners) listener(projectId);
  }

  /** Call after a write whose transaction doesn't notify. */
  announceEverywhere(projectId: ProjectId): void {
    this.announce(projectId);
    this.notifications.send(CONFIG_CHANNEL, projectId);
  }

  /** Called when the connection for notifications is lost: all cached values may be stale. */
  onDisconnect(listener: () => void): void {
    this.notifications.onDisconnect(listener);
  }
}

/** Caches one value per project and mode. A change in any process invalidates the project's values. */
export class ConfigCache<T extends object> {
  readonly #entries: LRUCache<string, T>;
  /** Counts changes of any configuration. A load that overlaps a change may be stale, and is not cached. */
  #changes = 0;

  constructor(
    private readonly changes: ConfigChanges,
    max: number,
  ) {
    this.#entries = new LRUCache({ max, ttl: MAX_AGE_MS, ttlResolution: AGE_RESOLUTION_MS });
    changes.onChange((projectId) => {
      this.#changes++;
      for (const mode of STRIPE_MODES) this.#entries.delete(keyOf(projectId, mode));
    });
    changes.onDisconnect(() => {
      this.#changes++;
      this.#entries.clear();
    });
  }

  async get(projectId: ProjectId, mode: StripeMode, load: () => Promise<T>): Promise<T> {
    const kept = this.changes.isCurrent() ? this.#entries.get(keyOf(projectId, mode)) : undefined;
    if (kept) return kept;
    const changesBefore = this.#changes;
    const loaded = await load();
    // Calls `isCurrent` first, because it may deliver a change.
    if (this.changes.isCurrent() && changesBefore === this.#changes)
      this.#entries.set(keyOf(projectId, mode), loaded);
    return loaded;
  }
}

function keyOf(projectId: ProjectId, mode: StripeMode): string {
  return `${mode} ${projectId}`;
}
