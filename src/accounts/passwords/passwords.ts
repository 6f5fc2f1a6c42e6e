import { Injectable } from '@nestjs/common';
import { argon2id, hash, needsRehash, verify } from 'argon2';
import { DomainError } from '../../common/errors.js';
import type { Secret } from '../../common/secret.js';
import { Semaphore } from '../../common/semaphore.js';

/** OWASP's Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

/** argon2 runs on libuv's four threads, shared with fs and DNS: use at most two, and queue at most 64. */
const CONCURRENCY = 2;
const MAX_QUEUED = 64;

/**
 * Hash of discarded random bytes. Verified if there is no account, so that the response time doesn't reveal
 * that.
 */
const DUMMY_HASH =
  '$argon2id$v=19$m=19456,p=1,t=2$oVlI+KrnsOGgZ72x6fmFjA$aK79C3QLQyxwhyGwJcXTn139pGRDdTbwwkpqIYJo5Zg';

/** Hashes passwords (argon2id) and checks them. */
@Injectable()
export class Passwords {
  readonly #semaphore = new Semaphore({ concurrency: CONCURRENCY, queued: MAX_QUEUED, tooBusy });

  /** @returns a PHC string, which includes cost and salt. @throws DomainError `too_busy` */
  hash(password: Secret): Promise<string> {
    return this.#semaphore.run(() => hash(bytesOf(password), { type: argon2id, ...COST }));
  }

  /**
   * @param stored `undefined` without an account, empty without a password; then false, after an equal delay
   * @throws DomainError `too_busy`
   */
  async matches(stored: string | undefined, password: Secret): Promise<boolean> {
    const isRight = await this.#semaphore.run(() => verify(stored || DUMMY_HASH, bytesOf(password)));
    return isRight && Boolean(stored);
  }

  /** Whether the hash has another cost than new ones. */
  isOutdated(stored: string): boolean {
    return needsRehash(stored, COST);
  }
}

/** Normalizes to NFC (RFC 8265), because keyboards compose accented letters differently. */
function bytesOf(password: Secret): Buffer {
  return Buffer.from(password.reveal().normalize('NFC'));
}

function tooBusy(): DomainError {
  return new DomainError('too_busy', 'Too many people are logging in at the moment; try again shortly.', {
    retryAfterSeconds: 1,
  });
}
