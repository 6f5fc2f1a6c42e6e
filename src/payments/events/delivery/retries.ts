import type { Attempt } from './event-sender.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Time from a failed attempt to the next. After the last one a delivery has failed. */
export const RETRY_DELAYS_MS = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
] as const;

/** Spreads the retries of deliveries that failed together. */
const JITTER = 0.1;

/** Attempts that the log of a delivery keeps: all of a delivery, and some that people asked for. */
export const ATTEMPTS_KEPT = 20;

/** An attempt in the log of a delivery. */
export interface LoggedAttempt {
  readonly at: string;
  /** `null` without an answer. */
  readonly status: number | null;
  readonly duration_ms: number;
  readonly error: string | null;
}

export function loggedAttempt({ at, status, durationMs, error }: Attempt): LoggedAttempt {
  return { at: at.toISOString(), status, duration_ms: durationMs, error };
}

/**
 * @param attempts that failed
 * @returns milliseconds to the next attempt, or `undefined` if that was the last
 */
export function retryAfter(attempts: number, random = Math.random()): number | undefined {
  const delay = RETRY_DELAYS_MS[attempts - 1];
  return delay === undefined ? undefined : Math.round(delay * (1 + JITTER * random));
}
