import { retryIfStale, StaleRead } from './overtaken.js';

describe('work that is overtaken', () => {
  it.each([1, 4])('%i times is done in the end', async (times) => {
    let attempts = 0;
    const work = async () => {
      if (++attempts <= times) throw new StaleRead();
      return 'done';
    };
    await expect(retryIfStale(work)).resolves.toBe('done');
    expect(attempts).toBe(times + 1);
  });

  it('is given up the fifth time, in words for whoever waits for it', async () => {
    const work = jest.fn(() => Promise.reject(new StaleRead()));
    await expect(retryIfStale(work)).rejects.toMatchObject({ code: 'stripe_unavailable', cause: expect.any(StaleRead) as unknown });
    expect(work).toHaveBeenCalledTimes(5);
  });

  it('is not done again when something else goes wrong', async () => {
    const work = jest.fn(() => Promise.reject(new Error('No.')));
    await expect(retryIfStale(work)).rejects.toThrow('No.');
    expect(work).toHaveBeenCalledTimes(1);
  });
});
