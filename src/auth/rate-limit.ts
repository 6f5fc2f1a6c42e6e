import { type ExecutionContext, Injectable } from '@nestjs/common';
import {
  normalizeIp,
  ThrottlerGuard,
  type ThrottlerLimitDetail,
  type ThrottlerStorage,
} from '@nestjs/throttler';
import type { FastifyRequest } from 'fastify';
import { clientAddress } from '../common/actor.js';
import { DomainError } from '../common/errors.js';
import { tooManyRequests } from './auth.errors.js';
import { UNLIMITED } from './route-access.js';

/** Rate-limit key for an address: the address, or for IPv6 its /64, which belongs to one customer. */
export function networkOf(ip: string): string {
  const address = clientAddress(ip);
  return address === undefined ? 'unknown' : normalizeIp(address);
}

/**
 * The requests that the caller of a request may send in a minute; 0 for no limit. A service account may have a
 * limit of its own. That of a project is never higher than the general limit, because the project's owner sets
 * it.
 */
export function limitOf({ identity }: Pick<FastifyRequest, 'identity'>, general: number): number {
  if (identity instanceof DomainError || identity.kind !== 'service_account') return general;
  const { requestsPerMinute: own, projectId } = identity;
  if (own === null) return general;
  return projectId === null || general === 0 ? own : Math.min(own, general);
}

interface Window {
  hits: number;
  endsAt: number;
}

/** Bounds the memory. */
const MAX_CALLERS = 20_000;

/**
 * Counts each caller's requests in a window that starts with the first one. Drops callers that were not among the
 * last 10,000. An LRU cache would allocate memory for all of them at the start.
 */
export class FixedWindowStorage implements ThrottlerStorage {
  #recent = new Map<string, Window>();
  #earlier = new Map<string, Window>();

  /** @param now a monotonic clock in milliseconds */
  constructor(private readonly now = () => performance.now()) {}

  async increment(key: string, ttl: number, limit: number) {
    return this.count(key, ttl, limit);
  }

  /** Synchronous `increment`. */
  count(key: string, ttl: number, limit: number) {
    const now = this.now();
    let window = this.#recent.get(key) ?? this.#earlier.get(key);
    if (!window || now >= window.endsAt) window = { hits: 0, endsAt: now + ttl };
    this.#keep(key, window);
    window.hits += 1;
    const timeToExpire = Math.ceil((window.endsAt - now) / 1000);
    return {
      totalHits: window.hits,
      timeToExpire,
      isBlocked: window.hits > limit,
      timeToBlockExpire: timeToExpire,
    };
  }

  #keep(key: string, window: Window): void {
    if (this.#recent.size === MAX_CALLERS / 2 && !this.#recent.has(key)) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(key, window);
  }
}

/** Applies one limit per caller across all routes. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
    return (
      this.reflector.getAllAndOverride<boolean | undefined>(UNLIMITED, [
        context.getHandler(),
        context.getClass(),
      ]) ?? false
    );
  }

  /** Counts by verified subject, else by address. The prefixes prevent collisions between them. */
  protected override async getTracker({ identity, ip }: FastifyRequest): Promise<string> {
    if (identity instanceof DomainError) return `address ${networkOf(ip)}`;
    if (identity.kind === 'service_account') return `service account ${identity.id}`;
    return identity.kind === 'end_user'
      ? `end user ${identity.projectId} ${identity.sub}`
      : `developer ${identity.sub}`;
  }

  protected override generateKey(_context: ExecutionContext, tracker: string): string {
    return tracker;
  }

  protected override async throwThrottlingException(
    _context: ExecutionContext,
    { timeToBlockExpire }: ThrottlerLimitDetail,
  ): Promise<never> {
    throw tooManyRequests(timeToBlockExpire);
  }
}

const MINUTE_MS = 60_000;

/** Counts requests that fail before authentication, such as unknown URLs and invalid bodies, by address. */
export class EarlyRefusals {
  readonly #counts = new FixedWindowStorage();

  /** @param perMinute 0 for no limit */
  constructor(private readonly perMinute: number) {}

  /** @returns the error to send instead, once the limit is exceeded */
  replacementFor({
    identity,
    ip,
  }: Pick<FastifyRequest, 'ip'> & { identity?: unknown }): DomainError | undefined {
    if (identity !== undefined || this.perMinute === 0) return undefined;
    const { isBlocked, timeToBlockExpire } = this.#counts.count(networkOf(ip), MINUTE_MS, this.perMinute);
    return isBlocked ? tooManyRequests(timeToBlockExpire) : undefined;
  }
}
