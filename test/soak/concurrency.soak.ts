import {
  deletesRacingPuts,
  failuresBesideWrites,
  fieldsAtOnce,
  firstPutsAtOnce,
  modeDeletesRacingPuts,
  projectDeletesRacingPuts,
  writesWithReads,
} from '../harness/database/concurrent-writes.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';

jest.setTimeout(30 * 60_000);

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

async function repeat(times: number, action: () => Promise<void>): Promise<void> {
  for (let time = 0; time < times; time += 1) await action();
}

it('creates one configuration from 50 concurrent first PUTs, 50 times', () =>
  repeat(50, () => firstPutsAtOnce(app, 50)));

it('keeps every field when 20 clients set one field each at the same time, 50 times', () =>
  repeat(50, () => fieldsAtOnce(app, 20)));

it('answers each of 3,000 writes with its own state, and shows 8 readers no older state after a newer one', () =>
  writesWithReads(app, 500, 8));

it('applies both of a racing DELETE and PUT, in 500 rounds', () => deletesRacingPuts(app, 500));

it('applies both of a racing DELETE of a mode and PUT, in 500 rounds', () => modeDeletesRacingPuts(app, 500));

it('never leaves credentials in a deleted project, in 500 rounds of deletions and PUTs', () =>
  projectDeletesRacingPuts(app, 500));

it('loses no acknowledged write when concurrent transactions fail, in 100 rounds', () =>
  failuresBesideWrites(app, 100));
