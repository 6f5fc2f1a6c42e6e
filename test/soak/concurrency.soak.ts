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

it('makes one configuration of 50 first PUTs at once, 50 times', () =>
  repeat(50, () => firstPutsAtOnce(app, 50)));

it('keeps what each of 20 clients sets, when each sets one field at once, 50 times', () =>
  repeat(50, () => fieldsAtOnce(app, 20)));

it('answers each of 3,000 writes with what it wrote, and goes backwards for none of 8 readers', () =>
  writesWithReads(app, 500, 8));

it('lets a racing DELETE and PUT both have their way, in 500 rounds', () => deletesRacingPuts(app, 500));

it('lets a racing DELETE of a mode and a PUT both have their way, in 500 rounds', () =>
  modeDeletesRacingPuts(app, 500));

it('never leaves credentials in a deleted project, in 500 rounds of deletions and PUTs', () =>
  projectDeletesRacingPuts(app, 500));

it('loses no acknowledged write beside transactions that fail, in 100 rounds', () =>
  failuresBesideWrites(app, 100));
