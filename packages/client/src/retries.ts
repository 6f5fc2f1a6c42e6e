import { setTimeout as wait } from 'node:timers/promises';
import { retryAfterOf, TillkeeperConnectionError } from './errors.js';

type Send = (request: Request, init: { signal: AbortSignal }) => Promise<Response>;

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 8_000;
/** Longest `Retry-After` that is waited for. The server counts requests by the minute. */
const MAX_RETRY_AFTER_SECONDS = 60;

interface Options {
  readonly maxRetries: number;
  /** The time limit of one attempt. */
  readonly timeoutMs: number;
  /** Whether the server recognizes a repetition of this request, and answers it without doing it again. */
  readonly isRecognized: (request: Request) => boolean;
}

/**
 * Repeats requests that failed. After a lost connection nobody knows whether a request was carried out, so only
 * requests that do no harm twice are repeated then.
 */
export function withRetries(send: Send, { maxRetries, timeoutMs, isRecognized }: Options) {
  return async (request: Request): Promise<Response> => {
    for (let attempt = 0; ; attempt += 1) {
      const isLast = attempt >= maxRetries;
      const outcome = await attemptOf(send, request, timeoutMs);
      const delay =
        isLast || !shouldRepeat(outcome, request, isRecognized(request))
          ? undefined
          : delayAfter(outcome, attempt);
      if (delay === undefined) {
        if (outcome instanceof Response) return outcome;
        throw outcome;
      }
      if (outcome instanceof Response) await outcome.body?.cancel();
      await wait(delay, undefined, { signal: request.signal });
    }
  };
}

/** Receives the whole answer, since a connection may be lost within. @throws the reason of the caller's own signal */
async function attemptOf(
  send: Send,
  request: Request,
  timeoutMs: number,
): Promise<Response | TillkeeperConnectionError> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await send(request.clone(), { signal: AbortSignal.any([request.signal, timeout]) });
    await response.clone().arrayBuffer();
    return response;
  } catch (cause) {
    request.signal.throwIfAborted();
    return timeout.aborted
      ? new TillkeeperConnectionError(`The server did not answer within ${timeoutMs} ms.`, {
          code: 'timed_out',
          cause,
        })
      : new TillkeeperConnectionError('The server can not be reached.', { code: 'no_connection', cause });
  }
}

/** @returns milliseconds, or `undefined` if that is too long */
function delayAfter(outcome: Response | TillkeeperConnectionError, attempt: number): number | undefined {
  const retryAfter = outcome instanceof Response ? retryAfterOf(outcome) : undefined;
  if (retryAfter !== undefined) return retryAfter <= MAX_RETRY_AFTER_SECONDS ? retryAfter * 1_000 : undefined;
  const longest = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return longest * (0.5 + Math.random() / 2);
}

function shouldRepeat(
  outcome: Response | TillkeeperConnectionError,
  request: Request,
  isRecognized: boolean,
): boolean {
  const canRepeat = isRecognized || isHarmlessTwice(request);
  if (!(outcome instanceof Response)) return canRepeat;
  const { status } = outcome;
  // Nothing was done yet.
  if (status === 429) return true;
  // The first request with this key is still running.
  if (status === 409) return isRecognized && outcome.headers.has('retry-after');
  return [502, 503, 504].includes(status) && canRepeat;
}

function isHarmlessTwice({ method, headers }: Request): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  // With a condition, a repeated write would fail because of the first one.
  return method === 'PUT' && !headers.has('if-match') && !headers.has('if-none-match');
}
