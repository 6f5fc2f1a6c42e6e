import { HttpAdapterHost } from '@nestjs/core';
import { Database, toTimestamp } from '../../src/database/database.js';
import { PeriodicTasks } from '../../src/database/periodic-tasks.js';
import { TaskLeases } from '../../src/database/periodic-tasks.js';
import { execute, rowsOf } from '../harness/database/rows.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';

const HOUR_MS = 3_600_000;

describe('a task that one process of many runs', () => {
  let app: TestApp;
  let runs: string[];
  /** The tasks of one process. */
  const start = (name: string) => {
    const tasks = new PeriodicTasks(new TaskLeases(app.app.get(Database)), app.app.get(HttpAdapterHost));
    const work = async () => void runs.push(name);
    const task = tasks.add({ name: 'count', intervalMs: HOUR_MS, inOneProcess: true, work });
    return { run: () => task.run(), stop: () => tasks.stop() };
  };
  const lease = async () => (await rowsOf(app.database, 'task_leases')).find(({ task }) => task === 'count');
  const expire = () =>
    execute(
      app.database,
      "UPDATE task_leases SET expires_at = '2020-01-01 00:00:00.000' WHERE task = 'count'",
    );

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    runs = [];
    await execute(app.database, "DELETE FROM task_leases WHERE task = 'count'");
  });

  it('runs in one of several processes that start together, and stays there', async () => {
    const processes = ['a', 'b', 'c', 'd'].map(start);
    for (let round = 0; round < 3; round++) await Promise.all(processes.map(({ run }) => run()));
    expect(runs).toEqual(Array(3).fill(runs[0]));
    await Promise.all(processes.map(({ stop }) => stop()));
  });

  it('moves to another process as soon as its process stops', async () => {
    const [first, second] = [start('first'), start('second')];
    await first.run();
    await second.run();
    await first.stop();
    await second.run();
    expect(runs).toEqual(['first', 'second']);
    await second.stop();
    expect(await lease()).toBeUndefined();
  });

  it('moves to another process when its process crashed and the lease has expired', async () => {
    const [crashed, other] = [start('crashed'), start('other')];
    await crashed.run();
    await other.run();
    expect(runs).toEqual(['crashed']);
    await expire();
    await other.run();
    await crashed.run();
    expect(runs).toEqual(['crashed', 'other']);
    // A late release must not end the lease of another process.
    await crashed.stop();
    expect(await lease()).toBeDefined();
    await other.stop();
  });

  it('renews its lease with each run, for longer than its interval', async () => {
    const process = start('only');
    await process.run();
    await expire();
    await process.run();
    const expiresAt = (await lease())?.['expires_at'] as Date | string;
    const left = new Date(toTimestamp(expiresAt)).getTime() - Date.now();
    expect(left).toBeGreaterThan(HOUR_MS);
    expect(left).toBeLessThan(2 * HOUR_MS);
    await process.stop();
  });
});

describe('a task of servers only', () => {
  const runsIn = async (host: Partial<HttpAdapterHost>) => {
    const leases = { of: jest.fn() } as unknown as TaskLeases;
    const tasks = new PeriodicTasks(leases, host as HttpAdapterHost);
    const work = jest.fn(async () => undefined);
    const task = tasks.add({ name: 'send', intervalMs: HOUR_MS, firstAfterMs: 0, onServersOnly: true, work });
    task.start();
    task.wake(0);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await tasks.stop();
    return work.mock.calls.length > 0;
  };

  it('runs in a server, and not in a command, also when it is woken', async () => {
    const server = { httpAdapter: {} } as unknown as HttpAdapterHost;
    expect([await runsIn(server), await runsIn({})]).toEqual([true, false]);
  });
});
