import { Inject, Injectable } from '@nestjs/common';
import { networkOf } from '../../auth/rate-limit.js';
import { DomainError } from '../../common/errors.js';
import { Settings } from '../../config/settings.js';
import { type FailureCount, failureKey, FailedLoginsRepository } from './failed-logins.repository.js';

const WINDOW_MS = 10 * 60_000;
const LIMITS = { address: 50, account: 10 } as const;

/** Bounds the queue of attempts at one account, or from one address. */
const MAX_WAITING = 256;

export type LockOutScope = keyof typeof LIMITS;

/** Attempts of this process at one account, or from one address. Kept while there are any. */
class Gate {
  /** Running and waiting attempts. */
  users = 0;
  running = 0;
  waiting: (() => void)[] = [];
  #failures = 0;
  #endsAt = 0;

  get failures(): number {
    return Date.now() < this.#endsAt ? this.#failures : 0;
  }

  get retryAfterSeconds(): number {
    return Math.max(1, Math.ceil((this.#endsAt - Date.now()) / 1_000));
  }

  /** Takes over a count of the database, unless a newer one is known. */
  learn({ failures, endsAt }: FailureCount): void {
    if (endsAt.getTime() === this.#endsAt) this.#failures = Math.max(this.#failures, failures);
    if (endsAt.getTime() <= this.#endsAt) return;
    this.#failures = failures;
    this.#endsAt = endsAt.getTime();
  }
}

/**
 * Limits failed attempts per account name, existing or not, and per network address. The database counts the
 * failures of all processes; a success writes nothing.
 */
@Injectable()
export class FailedAttempts {
  readonly #gates = new Map<string, Gate>();

  constructor(
    private readonly settings: Settings,
    @Inject(FailedLoginsRepository)
    private readonly counts: Pick<FailedLoginsRepository, 'find' | 'add' | 'forget'>,
  ) {}

  /**
   * Runs an attempt and counts a failure. At most as many run at once as may still fail; the rest queue.
   * Concurrent correct passwords don't use up the limit, and wrong ones can't exceed it in this process. A
   * success is refused if failures in other processes reached a limit meanwhile.
   * @param attempt resolves to `undefined` on failure; an exception doesn't count
   * @param onLockOut called in the process whose failure reaches a limit
   * @throws DomainError `rate_limited`
   */
  async limit<Result>(
    ip: string,
    email: string,
    attempt: () => Promise<Result | undefined>,
    onLockOut?: (scope: LockOutScope) => Promise<void>,
  ): Promise<Result | undefined> {
    if (this.settings.rateLimitPerMinute === 0) return attempt();
    const keys = { address: failureKey('address', networkOf(ip)), account: failureKey('account', email) };
    const known = await this.counts.find([keys.address, keys.account]);
    // Checks the address first, so that a blocked one can't use up the attempts of an account.
    return this.#pass('address', keys.address, known, () =>
      this.#pass('account', keys.account, known, async () => {
        const result = await attempt();
        const isFailed = result === undefined;
        const pair = [keys.address, keys.account] as const;
        const counts = await (isFailed ? this.counts.add(pair, WINDOW_MS) : this.counts.find(pair));
        for (const scope of ['address', 'account'] as const) {
          const count = counts.find(({ key }) => key === keys[scope]);
          if (!count) continue;
          this.#gates.get(count.key)?.learn(count);
          if (isFailed && count.failures === LIMITS[scope]) await onLockOut?.(scope);
          if (!isFailed) this.#assertOpen(scope, count.key);
        }
        return result;
      }),
    );
  }

  /** Resets the count of an account, whose owner proved the identity in another way. */
  forget(email: string): Promise<void> {
    return this.counts.forget(failureKey('account', email));
  }

  async #pass<Result>(
    scope: LockOutScope,
    key: string,
    known: readonly FailureCount[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const gate = this.#gates.get(key) ?? new Gate();
    this.#gates.set(key, gate);
    gate.users += 1;
    try {
      for (const count of known) if (count.key === key) gate.learn(count);
      await this.#enter(scope, key, gate);
      try {
        return await work();
      } finally {
        gate.running -= 1;
        for (const proceed of gate.waiting.splice(0)) proceed();
      }
    } finally {
      gate.users -= 1;
      if (gate.users === 0) this.#gates.delete(key);
    }
  }

  async #enter(scope: LockOutScope, key: string, gate: Gate): Promise<void> {
    for (;;) {
      this.#assertOpen(scope, key);
      if (gate.failures + gate.running < LIMITS[scope]) {
        gate.running += 1;
        return;
      }
      if (gate.waiting.length >= MAX_WAITING)
        throw new DomainError('rate_limited', 'Too many attempts at once; try again shortly.', {
          retryAfterSeconds: 1,
        });
      await new Promise<void>((resolve) => gate.waiting.push(resolve));
    }
  }

  #assertOpen(scope: LockOutScope, key: string): void {
    const gate = this.#gates.get(key);
    if (!gate || gate.failures < LIMITS[scope]) return;
    throw new DomainError('rate_limited', 'Too many failed attempts; wait as long as Retry-After says.', {
      retryAfterSeconds: gate.retryAfterSeconds,
    });
  }
}
