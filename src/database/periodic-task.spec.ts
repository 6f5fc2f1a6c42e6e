import { type Lease, PeriodicTask, type PeriodicTaskOptions } from './periodic-task.js';

const INTERVAL_MS = 1_000;

describe('PeriodicTask', () => {
  const tasks: PeriodicTask[] = [];
  const taskOf = (options: Partial<PeriodicTaskOptions> & Pick<PeriodicTaskOptions, 'work'>) => {
    const task = new PeriodicTask({ name: 'sweep', intervalMs: INTERVAL_MS, ...options });
    tasks.push(task);
    return task;
  };
  /** Creates work that runs until the test calls `end`. */
  const heldWork = () => {
    const ends: (() => void)[] = [];
    const work = jest.fn<Promise<void>, [AbortSignal]>(() => new Promise((resolve) => ends.push(resolve)));
    const end = async () => {
      ends.shift()?.();
      await jest.advanceTimersByTimeAsync(0);
    };
    return { work, end };
  };

  beforeEach(() => jest.useFakeTimers());
  afterEach(async () => {
    await Promise.all(tasks.splice(0).map((task) => task.stop()));
    jest.useRealTimers();
  });

  it('runs first after firstAfterMs, then at its interval', async () => {
    const work = jest.fn(async () => undefined);
    taskOf({ work, firstAfterMs: 10 }).start();
    await jest.advanceTimersByTimeAsync(9);
    expect(work).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(work).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(3 * INTERVAL_MS);
    expect(work).toHaveBeenCalledTimes(4);
  });

  it('never overlaps itself: the interval counts from the end of a run', async () => {
    const { work, end } = heldWork();
    const task = taskOf({ work, firstAfterMs: 0 });
    task.start();
    await jest.advanceTimersByTimeAsync(5 * INTERVAL_MS);
    void task.run();
    expect(work).toHaveBeenCalledTimes(1);
    await end();
    await jest.advanceTimersByTimeAsync(INTERVAL_MS - 1);
    expect(work).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(work).toHaveBeenCalledTimes(2);
    await end();
  });

  it('runs sooner when it is woken, and again when it is woken during a run', async () => {
    const { work, end } = heldWork();
    const task = taskOf({ work });
    task.start();
    task.wake(50);
    task.wake(500);
    await jest.advanceTimersByTimeAsync(50);
    expect(work).toHaveBeenCalledTimes(1);
    task.wake(50);
    await jest.advanceTimersByTimeAsync(100);
    await end();
    expect(work).toHaveBeenCalledTimes(2);
    await end();
    await jest.advanceTimersByTimeAsync(INTERVAL_MS - 1);
    expect(work).toHaveBeenCalledTimes(2);
  });

  it('reports a failure, continues, and remembers the last success', async () => {
    const failure = new Error('The database is away.');
    const work = jest
      .fn()
      .mockRejectedValueOnce(failure)
      .mockResolvedValueOnce(false)
      .mockResolvedValueOnce(undefined);
    const onFailure = jest.fn();
    const task = taskOf({ work, onFailure, firstAfterMs: 0 });
    task.start();
    await jest.advanceTimersByTimeAsync(0);
    expect(onFailure).toHaveBeenCalledWith(failure);
    await jest.advanceTimersByTimeAsync(INTERVAL_MS);
    expect([work.mock.calls.length, task.lastSuccess]).toEqual([2, 0]);
    await jest.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(task.lastSuccess).toBe(Date.now());
    expect(onFailure).toHaveBeenCalledTimes(1);
  });

  it('aborts the current run when it stops, waits for it, and runs no more', async () => {
    const { work, end } = heldWork();
    const task = taskOf({ work, firstAfterMs: 0 });
    task.start();
    await jest.advanceTimersByTimeAsync(0);
    let isStopped = false;
    void task.stop().then(() => (isStopped = true));
    await jest.advanceTimersByTimeAsync(INTERVAL_MS);
    expect([work.mock.calls[0]?.[0].aborted, isStopped]).toEqual([true, false]);
    await end();
    expect([isStopped, task.lastSuccess]).toEqual([true, 0]);
    task.wake(0);
    await task.run();
    await jest.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(work).toHaveBeenCalledTimes(1);
  });

  describe('with a lease', () => {
    const leaseOf = (acquire: () => Promise<boolean>) =>
      ({
        acquire: jest.fn(acquire),
        release: jest.fn(async () => undefined),
        renewEveryMs: 100,
      }) satisfies Lease;

    it('runs only while it has the lease, and releases it when it stops', async () => {
      let isFree = false;
      const lease = leaseOf(async () => isFree);
      const work = jest.fn(async () => undefined);
      const task = taskOf({ work, lease, firstAfterMs: 0 });
      task.start();
      await jest.advanceTimersByTimeAsync(0);
      expect([work.mock.calls.length, task.lastSuccess]).toEqual([0, 0]);
      isFree = true;
      await jest.advanceTimersByTimeAsync(INTERVAL_MS);
      expect(work).toHaveBeenCalledTimes(1);
      await task.stop();
      expect(lease.release).toHaveBeenCalledTimes(1);
    });

    it('releases nothing when it never ran', async () => {
      const lease = leaseOf(async () => true);
      await taskOf({ work: async () => undefined, lease }).stop();
      expect(lease.release).not.toHaveBeenCalled();
    });

    it.each([
      ['another process takes it', async () => false],
      ['the database is unreachable', () => Promise.reject(new Error('The database is away.'))],
    ])('renews it during a run, and aborts the run when %s', async (_, lose) => {
      const lease = leaseOf(async () => true);
      const { work, end } = heldWork();
      const task = taskOf({ work, lease, firstAfterMs: 0 });
      task.start();
      await jest.advanceTimersByTimeAsync(500);
      const signal = work.mock.calls[0]?.[0];
      expect([lease.acquire.mock.calls.length, signal?.aborted]).toEqual([6, false]);
      lease.acquire.mockImplementation(lose);
      await jest.advanceTimersByTimeAsync(100);
      expect(signal?.aborted).toBe(true);
      await end();
      expect(task.lastSuccess).toBe(0);
    });
  });
});
