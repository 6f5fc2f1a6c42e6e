import { readRetryAfter, RETRY_DELAYS_MS, retryAfter } from './retries.js';

describe('retryAfter', () => {
  it('follows the table, up to a tenth later', () => {
    const delays = RETRY_DELAYS_MS.map((_, index) => [
      retryAfter(index + 1, 0, 0),
      retryAfter(index + 1, 0, 1),
    ]);
    expect(delays).toEqual(RETRY_DELAYS_MS.map((delay) => [delay, Math.round(delay * 1.1)]));
    expect(RETRY_DELAYS_MS.map((delay) => delay / 1_000)).toEqual([
      5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
    ]);
  });

  it('waits as long as the receiver asks, but at most a day', () => {
    expect([60_000, 1_000, 10 * 86_400_000].map((asked) => retryAfter(1, asked, 0))).toEqual([
      60_000, 5_000, 86_400_000,
    ]);
  });

  it('ends after the tenth attempt', () => {
    expect([retryAfter(10), retryAfter(11)]).toEqual([undefined, undefined]);
  });
});

it.each([
  ['120', 120_000],
  ['Sat, 21 Nov 2026 09:31:00 GMT', 60_000],
  ['Sat, 21 Nov 2026 09:29:00 GMT', 0],
  ['soon', 0],
  ['', 0],
])('reads the Retry-After %j', (value, milliseconds) => {
  expect(readRetryAfter(value, new Date('2026-11-21T09:30:00Z'))).toBe(milliseconds);
});
