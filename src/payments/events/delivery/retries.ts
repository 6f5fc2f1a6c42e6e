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

/** The longest wait that a receiver can ask for. */
const MAX_WAIT_MS = 24 * HOUR_MS;

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
  /** The next attempt that was planned then. `due_at` may be the end of a lease instead. Not shown. */
  readonly next_at?: string;
}

export function loggedAttempt(
  { at, status, durationMs, error }: Attempt,
  nextAt: Date | null = null,
): LoggedAttempt {
  const next = nextAt && { next_at: nextAt.toISOString() };
  return { at: at.toISOString(), status, duration_ms: durationMs, error, ...next };
}

/**
 * @param attempts that failed
 * @param askedMs how long the receiver asks to wait
 * @returns milliseconds to the next attempt, or `undefined` if that was the last
 */
export function retryAfter(attempts: number, askedMs = 0, random = Math.random()): number | undefined {
  const delay = RETRY_DELAYS_MS[attempts - 1];
  if (delay === undefined) return undefined;
  return Math.max(Math.round(delay * (1 + JITTER * random)), Math.min(askedMs, MAX_WAIT_MS));
}

/** Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or a date. @returns milliseconds from now */
export function readRetryAfter(value: string, now: Date): number {
  const time = /^\d{1,9}$/.test(value) ? Number(value) * SECOND_MS : Date.parse(value) - now.getTime();
  return Math.max(0, time) || 0;
}
