import type { FastifyRequest } from 'fastify';
import type { DomainError } from '../common/errors.js';
import { FixedWindowStorage } from './fixed-window.storage.js';
import { networkOf } from './network-of.js';
import { tooManyRequests } from './refusals.js';

const MINUTE_MS = 60_000;

/** Counts, by address, the requests that are refused before anybody asks who is calling: those for nothing, and bodies that can't be read. */
export class EarlyRefusals {
  readonly #counts = new FixedWindowStorage();

  /** @param perMinute 0 for any number */
  constructor(private readonly perMinute: number) {}

  /** @returns what to answer instead when there were too many of them */
  replacementFor({ identity, ip }: Pick<FastifyRequest, 'ip'> & { identity?: unknown }): DomainError | undefined {
    if (identity !== undefined || this.perMinute === 0) return undefined;
    const { isBlocked, timeToBlockExpire } = this.#counts.count(networkOf(ip), MINUTE_MS, this.perMinute);
    return isBlocked ? tooManyRequests(timeToBlockExpire) : undefined;
  }
}
