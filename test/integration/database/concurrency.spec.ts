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

it('makes one configuration of 50 first PUTs at once', () => firstPutsAtOnce(app, 50));

it('keeps what each of 20 clients sets, when each sets one field at once', () => fieldsAtOnce(app, 20));

it('answers every write with what it wrote, and goes backwards for no reader', () =>
  writesWithReads(app, 15, 4));

it('lets a racing DELETE and PUT both have their way, one after the other', () => deletesRacingPuts(app, 10));

it('lets a racing DELETE of a mode and a PUT both have their way', () => modeDeletesRacingPuts(app, 10));

it('never leaves credentials in a deleted project, whatever PUT races the deletion', () =>
  projectDeletesRacingPuts(app, 10));

it('loses no acknowledged write beside transactions that fail', () => failuresBesideWrites(app, 5));

it('answers each of many projects that are written at once with its own', () => projectsAtOnce(app, 40));

if (engine === 'postgres') {
  it('keeps no project waiting for the lock on another', async () => {
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

it('never moves updated_at back, though the clock did', async () => {
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
