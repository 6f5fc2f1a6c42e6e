import { Client } from 'pg';
import {
  deletesRacingPuts,
  failuresBesideWrites,
  fieldsAtOnce,
  firstPutsAtOnce,
  modeDeletesRacingPuts,
  projectDeletesRacingPuts,
  projectsAtOnce,
  writesWithReads,
} from '../../harness/database/concurrent-writes.js';
import { numbered } from '../../harness/credentials.js';
import { execute } from '../../harness/database/rows.js';
import { configPath, startTestApp, type TestApp } from '../../harness/test-app.js';
import { engine } from '../../harness/database/test-database.js';

jest.setTimeout(60_000);

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

it('creates one configuration from 50 concurrent first PUTs', () => firstPutsAtOnce(app, 50));

it('keeps every field when 20 clients set one field each at the same time', () => fieldsAtOnce(app, 20));

it('answers each write with its own state, and shows no reader an older state after a newer one', () =>
  writesWithReads(app, 15, 4));

it('applies both of a racing DELETE and PUT, one after the other', () => deletesRacingPuts(app, 10));

it('applies both of a racing DELETE of a mode and PUT', () => modeDeletesRacingPuts(app, 10));

it('never leaves credentials in a deleted project when a PUT races with the deletion', () =>
  projectDeletesRacingPuts(app, 10));

it('loses no acknowledged write when concurrent transactions fail', () => failuresBesideWrites(app, 5));

it('answers concurrent writes of many projects each with its own state', () => projectsAtOnce(app, 40));

if (engine === 'postgres') {
  it('does not let the lock on one project delay another', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => app.createProject()));
    const put = (id: string, index: number) =>
      app.send('put', configPath(id)).send(numbered(index, ['test_secret_key']));
    const [locked = '', ...free] = ids;
    const holder = new Client({ connectionString: app.database.url });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM audit_heads WHERE project_id = $1 FOR UPDATE', [locked]);
    let isAnswered = false;
    const late = put(locked, 0).then((answer) => {
      isAnswered = true;
      return answer;
    });
    for (const { status } of await Promise.all(free.map(put))) expect(status).toBe(200);
    expect(isAnswered).toBe(false);
    await holder.end();
    expect((await late).status).toBe(200);
  });
}

it('never moves updated_at back when the clock goes back', async () => {
  const path = configPath(await app.createProject());
  await app.send('put', path).send(numbered(1)).expect(200);
  const late = '2100-01-01T00:00:00.000Z';
  await execute(
    app.database,
    `UPDATE stripe_configs SET updated_at = '${engine === 'sqlite' ? late.replace('T', ' ').replace('Z', '') : late}'`,
  );
  expect((await app.send('put', path).send(numbered(2)).expect(200)).body).toMatchObject({
    updated_at: late,
  });
  for (const deletion of [`${path}/test`, path]) {
    await app.send('delete', deletion).expect(204);
    expect((await app.send('get', path).expect(200)).body).toMatchObject({ updated_at: late });
  }
});
