import { decide, type Decision, laterStage, retryIfStale, StaleRead } from './observation.js';

const at = (seconds: number) => new Date(seconds * 1_000);
const stored = { asOf: at(10), revision: 3 };
const same = { stored: 0, observed: 0 };

describe('an observed state replaces the stored one', () => {
  it.each<[string, number, number | undefined, { stored: number; observed: number }, boolean, Decision]>([
    ['when it is newer', 11, undefined, same, false, 'apply'],
    ['not when it is older', 9, undefined, same, false, 'skip'],
    ['not when it is equal in the same second', 10, undefined, same, true, 'skip'],
    ['after a refetch, when it differs in the same second', 10, undefined, same, false, 'refetch'],
    ['when it is a response, and the row was not written since the request', 10, 3, same, false, 'apply'],
    ['once Stripe was asked again, when somebody has', 10, 2, same, false, 'refetch'],
    ['when it is more final, though it is older', 9, undefined, { stored: 0, observed: 1 }, false, 'apply'],
    [
      'not when it is less final, though it is newer',
      11,
      undefined,
      { stored: 1, observed: 0 },
      false,
      'skip',
    ],
  ])('%s', (_when, seconds, seenRevision, rank, isSame, decision) => {
    expect(decide(stored, { asOf: at(seconds), seenRevision }, { rank, isSame })).toBe(decision);
  });

  it.each<[string, number, number, Decision]>([
    ['when its time range is later', 11, 15, 'apply'],
    ['not when its time range is earlier', 5, 9, 'skip'],
    ['after another refetch, when its time range includes the stored time', 8, 12, 'refetch'],
    ['after another refetch, when its time range ends in the same second', 8, 10, 'refetch'],
  ])('by an answer, %s', (_when, from, until, decision) => {
    expect(decide(stored, { asOf: at(from), until: at(until) }, { rank: same, isSame: false })).toBe(
      decision,
    );
  });

  it.each<[string, number, number, boolean, Decision]>([
    ['despite an older time, when the row was not written since the request', 5, 3, false, 'apply'],
    ['not when the row was written, though it seems newer', 15, 2, false, 'refetch'],
    ['not when somebody has who was told the same', 15, 2, true, 'skip'],
    ['for its time, when it is equal', 15, 3, true, 'apply'],
    ['not when it is equal and older', 5, 3, true, 'skip'],
  ])('by an answer to a question, %s', (_when, from, seenRevision, isSame, decision) => {
    expect(decide(stored, { asOf: at(from), seenRevision }, { rank: same, isSame })).toBe(decision);
  });

  it('when there is no row', () => {
    expect(decide(undefined, { asOf: at(0) }, { rank: same, isSame: false })).toBe('apply');
  });
});

it('chooses one of two statuses, independent of their order', () => {
  for (const [one, other, further] of [
    ['a', 'b', 'b'],
    ['b', 'unknown', 'b'],
    ['x', 'unknown', 'unknown'],
  ] as const) {
    expect(laterStage(['a', 'b'], one, other)).toBe(further);
    expect(laterStage(['a', 'b'], other, one)).toBe(further);
  }
});

describe('work with a stale read', () => {
  it.each([1, 4])('is retried after %i failures', async (times) => {
    let attempts = 0;
    const work = async () => {
      if (++attempts <= times) throw new StaleRead();
      return 'done';
    };
    await expect(retryIfStale(work)).resolves.toBe('done');
    expect(attempts).toBe(times + 1);
  });

  it('is given up after five attempts, with a message for the client', async () => {
    const work = jest.fn(() => Promise.reject(new StaleRead()));
    await expect(retryIfStale(work)).rejects.toMatchObject({
      code: 'stripe_unavailable',
      cause: expect.any(StaleRead) as unknown,
    });
    expect(work).toHaveBeenCalledTimes(5);
  });

  it('is not retried after another error', async () => {
    const work = jest.fn(() => Promise.reject(new Error('No.')));
    await expect(retryIfStale(work)).rejects.toThrow('No.');
    expect(work).toHaveBeenCalledTimes(1);
  });
});
