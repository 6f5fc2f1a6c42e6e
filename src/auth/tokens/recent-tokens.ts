import { hash } from 'node:crypto';
import type { Caller } from '../caller.js';

/** Result of a token's verification. */
export interface Verified {
  readonly caller: Caller;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const MAX_TOKENS = 1_000;
/** Maximum delay until a withdrawn key takes effect. Short compared with the cache of published keys. */
const TTL_MS = 30_000;

/** Caches verified tokens by digest, because a verification takes longer than a small request. */
export class RecentTokens {
  readonly #verified = new Map<string, Verified>();

  find(token: string, now = Date.now()): Caller | undefined {
    const digest = digestOf(token);
    const verified = this.#verified.get(digest);
    if (!verified) return undefined;
    if (now < verified.expiresAt) return verified.caller;
    this.#verified.delete(digest);
    return undefined;
  }

  keep(token: string, { caller, expiresAt }: Verified, now = Date.now()): void {
    const [oldest] = this.#verified.keys();
    if (this.#verified.size >= MAX_TOKENS && oldest !== undefined) this.#verified.delete(oldest);
    this.#verified.set(digestOf(token), { caller, expiresAt: Math.min(expiresAt, now + TTL_MS) });
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}
