import { Semaphore } from './semaphore.js';

/** Work that runs until the test ends it. */
function work() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { end, run: jest.fn(() => ended) };
}

const tooBusy = () => new Error('too busy');
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('Semaphore', () => {
  it('runs up to its limit, queues the next in order, and refuses the rest', async () => {
    const semaphore = new Semaphore({ concurrency: 2, queued: 2, tooBusy });
    const [one, two, three, four, five] = [work(), work(), work(), work(), work()];
    const passed = [one, two, three, four].map(({ run }) => semaphore.run(run));
    await settle();
    expect([one, two, three, four].map(({ run }) => run.mock.calls.length)).toEqual([1, 1, 0, 0]);
    await expect(semaphore.run(five.run)).rejects.toThrow('too busy');
    two.end();
    await settle();
    expect([three, four].map(({ run }) => run.mock.calls.length)).toEqual([1, 0]);
    for (const { end } of [one, three, four]) end();
    await Promise.all(passed);
    expect(five.run).not.toHaveBeenCalled();
  });

  it('frees the place of failed work', async () => {
    const semaphore = new Semaphore({ concurrency: 1, queued: 1, tooBusy });
    const failing = semaphore.run(() => Promise.reject(new Error('no')));
    const next = semaphore.run(async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('yes');
    await expect(semaphore.run(async () => 'again')).resolves.toBe('again');
  });
});
