import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { networkOf } from '../auth/network-of.js';
import { DomainError } from '../common/errors.js';
import { Settings } from '../config/settings.js';

const WINDOW_MS = 10 * 60_000;
const OF_ONE_ACCOUNT = 10;
const OF_ONE_ADDRESS = 50;

/** Bounds the memory; who was quiet for longest is forgotten first. */
const MAX_REMEMBERED = 20_000;

interface Window {
  failures: number;
  endsAt: number;
}

/** Guesses, in this process: so many of one account, whether or not there is one, and so many from one network address. */
@Injectable()
export class FailedAttempts {
  readonly #windows = new LRUCache<string, Window>({ max: MAX_REMEMBERED });

  constructor(private readonly settings: Settings) {}

  /**
   * Runs an attempt that counts while it runs, so that many at once don't slip through, and goes on counting if it failed.
   * @param attempt tells whether it succeeded; one that throws does not count
   * @throws DomainError `rate_limited`
   */
  async limit<Result>(ip: string, email: string, attempt: () => Promise<Result | undefined>): Promise<Result | undefined> {
    if (this.settings.rateLimitPerMinute === 0) return attempt();
    // The address first: whoever it stops can't use up the attempts of an account.
    const ofAddress = this.#enter(`address ${networkOf(ip)}`, OF_ONE_ADDRESS);
    const ofAccount = this.#enter(`account ${email}`, OF_ONE_ACCOUNT);
    let failed = false;
    try {
      const result = await attempt();
      failed = result === undefined;
      return result;
    } finally {
      if (!failed) for (const window of [ofAddress, ofAccount]) window.failures -= 1;
    }
  }

  #enter(key: string, limit: number): Window {
    const now = performance.now();
    let window = this.#windows.get(key);
    if (!window || now >= window.endsAt) {
      window = { failures: 0, endsAt: now + WINDOW_MS };
      this.#windows.set(key, window);
    }
    if (window.failures >= limit) {
      throw new DomainError('rate_limited', 'Too many failed attempts; wait as long as Retry-After says.', {
        retryAfterSeconds: Math.ceil((window.endsAt - now) / 1000),
      });
    }
    window.failures += 1;
    return window;
  }
}
