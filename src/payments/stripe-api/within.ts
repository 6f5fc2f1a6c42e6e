import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for `work` no longer than so many milliseconds; what is under way then goes on unheard.
 * @param tooLate makes what is thrown when the time is over
 */
export async function within<T>(milliseconds: number, work: Promise<T>, tooLate: () => Error): Promise<T> {
  const answered = new AbortController();
  const deadline = delay(milliseconds, undefined, { signal: answered.signal }).then(() => {
    throw tooLate();
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    answered.abort();
    deadline.catch(() => undefined);
  }
}
