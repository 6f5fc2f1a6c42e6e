import { decide, type Decision, laterStage, retryIfStale, StaleRead } from './observation.js';

const at = (seconds: number) => new Date(seconds * 1_000);
const stored = { asOf: at(10), revision: 3 };
const same = { stored: 0, observed: 0 };

describe('decide', () => {
  it.each<[string, number, number | undefined, { stored: number; observed: number }, boolean, Decision]>([
    ['applies a newer state', 11, undefined, same, false, 'apply'],
    ['skips an older state', 9, undefined, same, false, 'skip'],
    ['skips an equal state of the same second', 10, undefined, same, true, 'skip'],
    ['refetches for a different state of the same second', 10, undefined, same, false, 'refetch'],
    ['applies a response if the row was not written since the request', 10, 3, same, false, 'apply'],
    ['refetches for a response if the row was written since the request', 10, 2, same, false, 'refetch'],
    ['applies an older state of a higher rank', 9, undefined, { stored: 0, observed: 1 }, false, 'apply'],
    ['skips a newer state of a lower rank', 11, undefined, { stored: 1, observed: 0 }, false, 'skip'],
  ])('%s', (_when, seconds, seenRevision, rank, isSame, decision) => {
    expect(decide(stored, { asOf: at(seconds), seenRevision }, { rank, isSame })).toBe(decision);
  });

  it.each<[string, number, number, Decision]>([
    ['applies a list response of a later time range', 11, 15, 'apply'],
    ['skips a list response of an earlier time range', 5, 9, 'skip'],
    ['refetches for a list response whose time range includes the stored time', 8, 12, 'refetch'],
    ['refetches for a list response whose time range ends in the same second', 8, 10, 'refetch'],
  ])('%s', (_when, from, until, decision) => {
    expect(decide(stored, { asOf: at(from), until: at(until) }, { rank: same, isSame: false })).toBe(
      decision,
    );
  });

  it.each<[string, number, number, boolean, Decision]>([
    [
      'applies a response of an older time if the row was not written since the request',
      5,
      3,
      false,
      'apply',
    ],
    ['refetches for a response that seems newer if the row was written', 15, 2, false, 'refetch'],
    ['skips an equal response if the row was written', 15, 2, true, 'skip'],
    ['applies an equal response of a newer time', 15, 3, true, 'apply'],
    ['skips an equal response of an older time', 5, 3, true, 'skip'],
  ])('%s', (_when, from, seenRevision, isSame, decision) => {
    expect(decide(stored, { asOf: at(from), seenRevision }, { rank: same, isSame })).toBe(decision);
  });

  it('applies any state without a row', () => {
    expect(decide(undefined, { asOf: at(0) }, { rank: same, isSame: false })).toBe('apply');
  });
});

it('laterStage chooses one of two statuses, independent of their order', () => {
  for (const [one, other, further] of [
    ['a', 'b', 'b'],
    ['b', 'unknown', 'b'],
    ['x', 'unknown', 'unknown'],
  ] as const) {
    expect(laterStage(['a', 'b'], one, other)).toBe(further);
    expect(laterStage(['a', 'b'], other, one)).toBe(further);
  }
});

describe('retryIfStale', () => {
  it.each([1, 4])('retries after %i failures', async (times) => {
    let attempts = 0;
    const work = async () => {
      if (++attempts <= times) throw new StaleRead();
      return 'done';
    };
    await expect(retryIfStale(work)).resolves.toBe('done');
    expect(attempts).toBe(times + 1);
  });

  it('gives up after five attempts, with a message for the client', async () => {
    const work = jest.fn(() => Promise.reject(new StaleRead()));
    await expect(retryIfStale(work)).rejects.toMatchObject({
      code: 'stripe_unavailable',
      cause: expect.any(StaleRead) as unknown,
    });
    expect(work).toHaveBeenCalledTimes(5);
  });

  it('does not retry after another error', async () => {
    const work = jest.fn(() => Promise.reject(new Error('No.')));
    await expect(retryIfStale(work)).rejects.toThrow('No.');
    expect(work).toHaveBeenCalledTimes(1);
  });
});
