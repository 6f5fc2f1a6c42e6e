import { LRUCache } from 'lru-cache';
import type { ProjectId } from '../../common/ids.js';
import { MAX_AGE_MS, type ConfigChanges } from './config-changes.js';
import { STRIPE_MODES, type StripeMode } from './credential-rules.js';

/** What was made of configurations, one for each project and mode; forgotten when a configuration changes, in this process or another. */
export class ConfigCache<T extends object> {
  readonly #entries: LRUCache<string, T>;
  /** Raised by every change of any configuration: a load that overlaps one may have read what was before, and is not kept. */
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
    if (this.changes.isCurrent() && changesBefore === this.#changes) this.#entries.set(keyOf(projectId, mode), loaded);
    return loaded;
  }
}

function keyOf(projectId: ProjectId, mode: StripeMode): string {
  return `${mode} ${projectId}`;
}
