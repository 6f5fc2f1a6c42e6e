import type { KeyObject } from 'node:crypto';
import { isNativeError } from 'node:util/types';
import { Logger } from '@nestjs/common';
import { DomainError } from '../../common/errors.js';
import { type SigningAlgorithm, type VerificationKey, verificationKeys } from './verification-key.js';

const TIMEOUT_MS = 5000;
const MAX_BYTES = 1024 * 1024;

/** @returns the JSON at `uri`. Redirects, error statuses, and more than 1 MB or five seconds are failures. */
async function fetchJwks(uri: string): Promise<unknown> {
  const response = await fetch(uri, {
    redirect: 'error',
    headers: { accept: 'application/jwk-set+json, application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new Error(`it answered with status ${response.status}`);
  }
  const body: AsyncIterable<Uint8Array> = response.body;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`the answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    // The parser's message would log the response.
    throw new Error('the answer is not JSON');
  }
}

const SECOND = 1000;
const MAX_AGE = 300 * SECOND;
const RETRY_PAUSE = 30 * SECOND;
const UNKNOWN_KEY_PAUSE = 30 * SECOND;
/** Shorter, because without keys every caller is refused. */
const NO_KEYS_PAUSE = 5 * SECOND;

/**
 * Caches the public keys of the authorization server. Stale keys remain usable during an outage.
 * Fetches them on first use, for an unknown key id, and in the background once stale.
 */
export class JwksKeys {
  readonly #logger = new Logger(JwksKeys.name);
  #keys: VerificationKey[] = [];
  #refreshing?: Promise<void>;
  #staleAt = 0;
  /** Unknown keys trigger no fetch before this time, because anybody can invent key ids. */
  #pausedUntil = 0;

  /** @param now a monotonic clock in milliseconds */
  constructor(
    private readonly uri: string,
    private readonly now = () => performance.now(),
  ) {}

  /**
   * @param keyId optional if only one key fits the algorithm
   * @throws DomainError if no key has been fetched yet
   */
  async find(algorithm: SigningAlgorithm, keyId?: string): Promise<KeyObject | undefined> {
    const known = this.#lookUp(algorithm, keyId);
    if (known) {
      if (this.now() >= this.#staleAt) void this.#refresh();
      return known;
    }
    const isFirst = this.#keys.length === 0;
    const isPaused = this.now() < this.#pausedUntil;
    if (!isPaused && !isFirst) this.#pausedUntil = this.now() + UNKNOWN_KEY_PAUSE;
    await (isPaused ? this.#refreshing : this.#refresh());
    const found = this.#lookUp(algorithm, keyId);
    if (!isPaused && isFirst && !found)
      this.#pausedUntil = this.now() + (this.#keys.length === 0 ? NO_KEYS_PAUSE : UNKNOWN_KEY_PAUSE);
    if (this.#keys.length === 0) throw this.#unavailable();
    return found;
  }

  #lookUp(algorithm: SigningAlgorithm, keyId?: string): KeyObject | undefined {
    const [first, ...others] = this.#keys.filter(
      (key) => key.algorithm === algorithm && (keyId === undefined || key.id === keyId),
    );
    return keyId === undefined && others.length > 0 ? undefined : first?.publicKey;
  }

  /** Shares one fetch among concurrent callers. Never rejects. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#load().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #load(): Promise<void> {
    try {
      const keys = verificationKeys(await fetchJwks(this.uri));
      if (keys.length === 0) throw new Error('the answer holds no usable key');
      this.#keys = keys;
      this.#staleAt = this.now() + MAX_AGE;
    } catch (error) {
      this.#staleAt = this.now() + RETRY_PAUSE;
      this.#logger.warn(`The keys of the authorization server could not be fetched: ${describe(error)}.`);
    }
  }

  #unavailable(): DomainError {
    return new DomainError(
      'authorization_server_unavailable',
      'The access token cannot be checked because the keys of the authorization server are out of reach; try again shortly.',
      { retryAfterSeconds: Math.max(1, Math.ceil((this.#pausedUntil - this.now()) / SECOND)) },
    );
  }
}

/** fetch reports the reason only as the cause. */
function describe(error: unknown): string {
  return isNativeError(error) && error.cause !== undefined
    ? `${error.message}: ${describe(error.cause)}`
    : String(error);
}
