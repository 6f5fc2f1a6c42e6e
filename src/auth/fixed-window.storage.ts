import type { ThrottlerStorage } from '@nestjs/throttler';
import { LRUCache } from 'lru-cache';

interface Window {
  hits: number;
  endsAt: number;
}

/** Bounds the memory; the callers that were quiet for longest are forgotten first. */
const MAX_CALLERS = 20_000;

/** Counts each caller's requests in windows that begin with the caller's first one. */
export class FixedWindowStorage implements ThrottlerStorage {
  readonly #windows = new LRUCache<string, Window>({ max: MAX_CALLERS });

  /** @param now milliseconds on a clock that never goes back */
  constructor(private readonly now = () => performance.now()) {}

  async increment(key: string, ttl: number, limit: number) {
    return this.count(key, ttl, limit);
  }

  /** `increment` for who can't wait. */
  count(key: string, ttl: number, limit: number) {
    const now = this.now();
    let window = this.#windows.get(key);
    if (!window || now >= window.endsAt) {
      window = { hits: 0, endsAt: now + ttl };
      this.#windows.set(key, window);
    }
    window.hits += 1;
    const timeToExpire = Math.ceil((window.endsAt - now) / 1000);
    return { totalHits: window.hits, timeToExpire, isBlocked: window.hits > limit, timeToBlockExpire: timeToExpire };
  }
}
