import { RETRY_DELAYS_MS, retryAfter } from './retries.js';

describe('retryAfter', () => {
  it('follows the table, up to a tenth later', () => {
    const delays = RETRY_DELAYS_MS.map((_, index) => [retryAfter(index + 1, 0), retryAfter(index + 1, 1)]);
    expect(delays).toEqual(RETRY_DELAYS_MS.map((delay) => [delay, Math.round(delay * 1.1)]));
    expect(RETRY_DELAYS_MS.map((delay) => delay / 1_000)).toEqual([
      5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
    ]);
  });

  it('ends after the tenth attempt', () => {
    expect([retryAfter(10), retryAfter(11)]).toEqual([undefined, undefined]);
  });
});
