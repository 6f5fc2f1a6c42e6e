import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ProjectId } from '../../common/ids.js';
import { DatabaseNotifications } from '../../database/notifications.js';
import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';

export const CONFIG_CHANNEL = 'stripe_config_changed';

/**
 * Milliseconds that a cache may go without looking: a process that dies right after a write may not have told
 * the others.
 */
const MAX_AGE_MS = 1_500;

type Listener = (projectId: ProjectId) => void;

/** Tells caches of this process which project's configuration changed, wherever it was changed. */
@Injectable()
export class ConfigChanges {
  readonly #listeners: Listener[] = [];

  constructor(private readonly notifications: DatabaseNotifications) {
    notifications.subscribe(CONFIG_CHANNEL, (projectId) => this.announce(projectId as ProjectId));
  }

  /**
   * Whether changes made by other processes reach this one at the moment. While not, no cache may be used.
   */
  isCurrent(): boolean {
    return this.notifications.isCurrent();
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** To be called after a write of this process that notified the others itself. */
  announce(projectId: ProjectId): void {
    for (const listener of this.#listeners) listener(projectId);
  }

  /** The same for a write that didn't. */
  announceEverywhere(projectId: ProjectId): void {
    this.announce(projectId);
    this.notifications.send(CONFIG_CHANNEL, projectId);
  }

  /** Everything may have changed: called when the connection that brings the changes was lost. */
  onDisconnect(listener: () => void): void {
    this.notifications.onDisconnect(listener);
  }
}

/**
 * What was made of configurations, one for each project and mode; forgotten when a configuration changes, in
 * this process or another.
 */
export class ConfigCache<T extends object> {
  readonly #entries: LRUCache<string, T>;
  /**
   * Raised by every change of any configuration: a load that overlaps one may have read what was before, and
   * is not kept.
   */
  #changes = 0;

  constructor(
    private readonly changes: ConfigChanges,
    max: number,
  ) {
    this.#entries = new LRUCache({ max, ttl: MAX_AGE_MS });
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
    // To ask may tell of a change.
    if (this.changes.isCurrent() && changesBefore === this.#changes)
      this.#entries.set(keyOf(projectId, mode), loaded);
    return loaded;
  }
}

function keyOf(projectId: ProjectId, mode: StripeMode): string {
  return `${mode} ${projectId}`;
}
