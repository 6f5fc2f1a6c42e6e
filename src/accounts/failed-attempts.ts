import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { networkOf } from '../auth/rate-limit.js';
import { DomainError } from '../common/errors.js';
import { Settings } from '../config/settings.js';

const WINDOW_MS = 10 * 60_000;
const OF_ONE_ACCOUNT = 10;
const OF_ONE_ADDRESS = 50;

/** Bounds the memory; who was quiet for longest is forgotten first. */
const MAX_REMEMBERED = 20_000;

/** How many may wait for the attempts at one account, or from one address, that are running. */
const MAX_WAITING = 256;

export type LockOutScope = 'account' | 'address';

interface Limit {
  readonly key: string;
  /** How many attempts may fail in a window. */
  readonly limit: number;
  readonly onLockOut: () => Promise<void> | undefined;
}

interface Window {
  failures: number;
  running: number;
  endsAt: number;
  waiting: (() => void)[];
}

/** Counts failed attempts, in this process: for each account, whether or not there is one, and for each network address. */
@Injectable()
export class FailedAttempts {
  readonly #windows = new LRUCache<string, Window>({ max: MAX_REMEMBERED });

  constructor(private readonly settings: Settings) {}

  /**
   * Runs an attempt, and counts it if it fails. No more run at once than may still fail; the others wait for their turn and are checked
   * against the count then. So right passwords are never refused for being many, and wrong ones never slip through together.
   * @param attempt tells whether it succeeded; one that throws does not count
   * @param onLockOut runs once each time that a count reaches its limit
   * @throws DomainError `rate_limited`
   */
  async limit<Result>(
    ip: string,
    email: string,
    attempt: () => Promise<Result | undefined>,
    onLockOut?: (scope: LockOutScope) => Promise<void>,
  ): Promise<Result | undefined> {
    if (this.settings.rateLimitPerMinute === 0) return attempt();
    // The address first: whoever it stops can't use up the attempts of an account.
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

  /** @returns where the attempt counts as running */
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
