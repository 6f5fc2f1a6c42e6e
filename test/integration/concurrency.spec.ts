import {
  deletesRacingPuts,
  failuresBesideWrites,
  fieldsAtOnce,
  firstPutsAtOnce,
  modeDeletesRacingPuts,
  projectDeletesRacingPuts,
  writesWithReads,
} from '../support/concurrent-writes.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

jest.setTimeout(60_000);

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

it('makes one configuration of 50 first PUTs at once', () => firstPutsAtOnce(app, 50));

it('keeps what each of 20 clients sets, when each sets one field at once', () => fieldsAtOnce(app, 20));

it('answers every write with what it wrote, and goes backwards for no reader', () => writesWithReads(app, 15, 4));

it('lets a racing DELETE and PUT both have their way, one after the other', () => deletesRacingPuts(app, 10));

it('lets a racing DELETE of a mode and a PUT both have their way', () => modeDeletesRacingPuts(app, 10));

it('never leaves credentials in a deleted project, whatever PUT races the deletion', () => projectDeletesRacingPuts(app, 10));

it('loses no acknowledged write beside transactions that fail', () => failuresBesideWrites(app, 5));
