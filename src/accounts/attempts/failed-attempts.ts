import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { networkOf } from '../../auth/rate-limit.js';
import { DomainError } from '../../common/errors.js';
import { Settings } from '../../config/settings.js';

const WINDOW_MS = 10 * 60_000;
const OF_ONE_ACCOUNT = 10;
const OF_ONE_ADDRESS = 50;

/** Bounds the memory. The least recently used entry is dropped first. */
const MAX_REMEMBERED = 20_000;

/** Bounds the queue of attempts at one account, or from one address. */
const MAX_WAITING = 256;

export type LockOutScope = 'account' | 'address';

interface Limit {
  readonly key: string;
  /** Failed attempts allowed in a window. */
  readonly limit: number;
  readonly onLockOut: () => Promise<void> | undefined;
}

interface Window {
  failures: number;
  running: number;
  endsAt: number;
  waiting: (() => void)[];
}

/** Counts failed attempts in this process per account name, existing or not, and per network address. */
@Injectable()
export class FailedAttempts {
  readonly #windows = new LRUCache<string, Window>({ max: MAX_REMEMBERED });

  constructor(private readonly settings: Settings) {}

  /**
   * Runs an attempt and counts a failure. At most as many run at once as may still fail; the rest queue.
   * Concurrent correct passwords don't use up the limit, and wrong ones can't exceed it.
   * @param attempt resolves to `undefined` on failure; an exception doesn't count
   * @param onLockOut called when a count reaches its limit
   * @throws DomainError `rate_limited`
   */
  async limit<Result>(
    ip: string,
    email: string,
    attempt: () => Promise<Result | undefined>,
    onLockOut?: (scope: LockOutScope) => Promise<void>,
  ): Promise<Result | undefined> {
    if (this.settings.rateLimitPerMinute === 0) return attempt();
    // Checks the address first, so that a blocked one can't use up the attempts of an account.
    return this.#run(
      { key: `address ${networkOf(ip)}`, limit: OF_ONE_ADDRESS, onLockOut: () => onLockOut?.('address') },
      () =>
        this.#run(
          { key: `account ${email}`, limit: OF_ONE_ACCOUNT, onLockOut: () => onLockOut?.('account') },
          attempt,
        ),
    );
  }

  async #run<Result>(
    { key, limit, onLockOut }: Limit,
    attempt: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    const window = await this.#enter(key, limit);
    let isFailed = false;
    try {
      const result = await attempt();
      isFailed = result === undefined;
      return result;
    } finally {
      window.running -= 1;
      if (isFailed) window.failures += 1;
      for (const proceed of window.waiting.splice(0)) proceed();
      if (isFailed && window.failures === limit) await onLockOut();
    }
  }

  /** @returns the counters of the attempt */
  async #enter(key: string, limit: number): Promise<Window> {
    for (;;) {
      const window = this.#windowOf(key);
      if (window.failures >= limit) {
        throw new DomainError('rate_limited', 'Too many failed attempts; wait as long as Retry-After says.', {
          retryAfterSeconds: Math.ceil((window.endsAt - performance.now()) / 1000),
        });
      }
      if (window.failures + window.running < limit) {
        window.running += 1;
        return window;
      }
      if (window.waiting.length >= MAX_WAITING)
        throw new DomainError('rate_limited', 'Too many attempts at once; try again shortly.', {
          retryAfterSeconds: 1,
        });
      await new Promise<void>((resolve) => window.waiting.push(resolve));
    }
  }

  #windowOf(key: string): Window {
    const now = performance.now();
    let window = this.#windows.get(key);
    if (!window || now >= window.endsAt) {
      window = { failures: 0, running: 0, endsAt: now + WINDOW_MS, waiting: [] };
      this.#windows.set(key, window);
    }
    return window;
  }
}
