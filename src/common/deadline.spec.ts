import { Deadline } from './deadline.js';

const tooLate = () => new Error('too late');
const never = () => new Promise<never>(() => undefined);

describe('Deadline', () => {
  it('gives the result or the failure of work that ends in time', async () => {
    await expect(Deadline.within(1_000, async () => 'done', tooLate)).resolves.toBe('done');
    await expect(Deadline.within(1_000, () => Promise.reject(new Error('refused')), tooLate)).rejects.toThrow(
      'refused',
    );
  });

  it('rejects when the limit passes, and aborts the signal', async () => {
    let seen: AbortSignal | undefined;
    const work = (signal: AbortSignal) => {
      seen = signal;
      return never();
    };
    await expect(Deadline.within(5, work, tooLate)).rejects.toThrow('too late');
    expect(seen?.aborted).toBe(true);
  });

  it('aborts the signal of one call when that call has ended', async () => {
    const signal = await Deadline.within(1_000, async (given) => given, tooLate);
    expect(signal.aborted).toBe(true);
  });

  it('limits several calls together, and starts none afterwards', async () => {
    const deadline = new Deadline(20, tooLate);
    await expect(deadline.run(async () => 1)).resolves.toBe(1);
    const keepsAlive = setTimeout(() => undefined, 1_000);
    await expect(deadline.run(never)).rejects.toThrow('too late');
    clearTimeout(keepsAlive);
    const work = jest.fn(async () => 2);
    await expect(deadline.run(work)).rejects.toThrow('too late');
    expect(work).not.toHaveBeenCalled();
  });
});
