import { Turnstile } from './turnstile.js';

/** Work that goes on until the test ends it. */
function work() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { end, run: jest.fn(() => ended) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('Turnstile', () => {
  it('lets so many in at once, keeps the next in line in their order, and turns the rest away', async () => {
    const turnstile = new Turnstile(2, 2);
    const [one, two, three, four, five] = [work(), work(), work(), work(), work()];
    const passed = [one, two, three, four].map(({ run }) => turnstile.pass(run));
    await settle();
    expect([one, two, three, four].map(({ run }) => run.mock.calls.length)).toEqual([1, 1, 0, 0]);
    await expect(turnstile.pass(five.run)).rejects.toMatchObject({ code: 'too_busy' });
    two.end();
    await settle();
    expect([three, four].map(({ run }) => run.mock.calls.length)).toEqual([1, 0]);
    for (const { end } of [one, three, four]) end();
    await Promise.all(passed);
    expect(five.run).not.toHaveBeenCalled();
  });

  it('gives the place of failed work to the next', async () => {
    const turnstile = new Turnstile(1, 1);
    const failing = turnstile.pass(() => Promise.reject(new Error('no')));
    const next = turnstile.pass(async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('yes');
    await expect(turnstile.pass(async () => 'again')).resolves.toBe('again');
  });
});
