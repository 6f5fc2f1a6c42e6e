import { numberIn, FIELDS, fieldsOf, numbered } from '../credentials.js';
import { execute, rowsOf } from './rows.js';
import { configPath, type TestApp } from '../test-app.js';

/** The projects' credentials in the database: of each, `mode kind` in order. */
async function storedCredentials({ database }: TestApp): Promise<Map<unknown, string[]>> {
  const stored = new Map<unknown, string[]>();
  for (const { project_id: id, mode, kind, slot } of await rowsOf(database, 'stripe_credentials')) {
    stored.set(
      id,
      [...(stored.get(id) ?? []), `${slot === 0 ? '' : 'former '}${String(mode)} ${String(kind)}`].sort(),
    );
  }
  return stored;
}

/** Starts all of them, beginning with another one each time. */
async function together(round: number, ...actions: (() => PromiseLike<unknown>)[]): Promise<void> {
  const first = round % actions.length;
  await Promise.all([...actions.slice(first), ...actions.slice(0, first)].map((action) => action()));
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** All clients create the configuration of one project concurrently, each with all six credentials. */
export async function firstPutsAtOnce(app: TestApp, clients: number): Promise<void> {
  const projectId = await app.createProject();
  const path = configPath(projectId);
  const answers = await Promise.all(times(clients, (client) => app.send('put', path).send(numbered(client))));
  answers.forEach(({ status, body }, client) => {
    expect(status).toBe(200);
    expect(FIELDS.map((field) => numberIn(body, field))).toEqual(FIELDS.map(() => client));
  });
  const configs = (await rowsOf(app.database, 'stripe_configs')).filter(
    (row) => row['project_id'] === projectId,
  );
  expect(configs).toHaveLength(1);
  expect(new Set(answers.map(({ body }) => (body as { id: string }).id))).toEqual(
    new Set([configs[0]?.['id']]),
  );
  const stored = ((await storedCredentials(app)).get(projectId) ?? []).filter(
    (name) => !name.startsWith('former '),
  );
  expect(stored).toHaveLength(FIELDS.length);
  expect(new Set(stored).size).toBe(FIELDS.length);
  // All values are those of the last writer.
  const { body } = await app.send('get', path).expect(200);
  expect(new Set(FIELDS.map((field) => numberIn(body, field))).size).toBe(1);
}

/** Each client sets one field, concurrently. */
export async function fieldsAtOnce(app: TestApp, clients: number): Promise<void> {
  const path = configPath(await app.createProject());
  const fields = times(clients, (client) =>
    FIELDS.slice(client % FIELDS.length, (client % FIELDS.length) + 1),
  );
  const answers = await Promise.all(
    fields.map((own, client) => app.send('put', path).send(numbered(client, own))),
  );
  answers.forEach(({ status, body }, client) => {
    expect(status).toBe(200);
    for (const field of fields[client] ?? []) expect(numberIn(body, field)).toBe(client);
  });
  const { body } = await app.send('get', path).expect(200);
  for (const field of FIELDS) expect(fields[numberIn(body, field) ?? -1]).toEqual([field]);
}

/** Each field has a writer that counts up. No reader may see a lower number after a higher one. */
export async function writesWithReads(app: TestApp, writesOfEach: number, readers: number): Promise<void> {
  const path = configPath(await app.createProject());
  await app.send('put', path).send(numbered(0)).expect(200);
  let isWriting = true;

  async function follow(
    send: (step: number) => ReturnType<TestApp['send']>,
    isOver: (step: number) => boolean,
    check: (body: unknown, step: number) => void,
  ) {
    let last = { updated_at: '', numbers: FIELDS.map(() => 0) };
    for (let step = 1; !isOver(step); step += 1) {
      const { body } = await send(step).expect(200);
      const seen = {
        updated_at: (body as { updated_at: string }).updated_at,
        numbers: FIELDS.map((field) => numberIn(body, field) ?? -1),
      };
      expect(seen.updated_at >= last.updated_at).toBe(true);
      expect(seen.numbers.filter((number, index) => number < (last.numbers[index] ?? 0))).toEqual([]);
      check(body, step);
      last = seen;
    }
  }

  const writing = FIELDS.map((field) =>
    follow(
      (step) => app.send('put', path).send(numbered(step, [field])),
      (step) => step > writesOfEach,
      (body, step) => expect(numberIn(body, field)).toBe(step),
    ),
  );
  const reading = times(readers, () =>
    follow(
      () => app.send('get', path),
      () => !isWriting,
      () => undefined,
    ),
  );
  await Promise.all(writing).finally(() => (isWriting = false));
  await Promise.all(reading);
  const { body } = await app.send('get', path).expect(200);
  expect(FIELDS.map((field) => numberIn(body, field))).toEqual(FIELDS.map(() => writesOfEach));
}

/** The DELETE destroys the former values in every order. The values of the PUT are stored all or none. */
export async function deletesRacingPuts(app: TestApp, rounds: number): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    const projectId = await app.createProject();
    const path = configPath(projectId);
    await app.send('put', path).send(numbered(0)).expect(200);
    const put = () => app.send('put', path).send(numbered(round, fieldsOf('test')));
    await together(
      round,
      () => put().expect(200),
      () => app.send('delete', path).expect(204),
    );
    const { body } = await app.send('get', path).expect(200);
    const { is_active: isActive } = body as { is_active: boolean };
    expect(fieldsOf('test').map((field) => numberIn(body, field))).toEqual(
      fieldsOf('test').map(() => (isActive ? round : null)),
    );
    expect(fieldsOf('live').map((field) => numberIn(body, field))).toEqual(fieldsOf('live').map(() => null));
    expect((await storedCredentials(app)).get(projectId) ?? []).toHaveLength(isActive ? 3 : 0);
  }
}

export async function modeDeletesRacingPuts(app: TestApp, rounds: number): Promise<void> {
  const projectId = await app.createProject();
  const path = configPath(projectId);
  await app.send('put', path).send(numbered(0)).expect(200);
  for (let round = 1; round <= rounds; round += 1) {
    await together(
      round,
      () => app.send('put', path).send(numbered(round)).expect(200),
      () => app.send('delete', `${path}/test`).expect(204),
    );
    const { body } = await app.send('get', path).expect(200);
    const [first, ...others] = fieldsOf('test').map((field) => numberIn(body, field));
    expect([null, round]).toContain(first);
    expect(others).toEqual([first, first]);
    expect(fieldsOf('live').map((field) => numberIn(body, field))).toEqual([round, round, round]);
    const stored = (await storedCredentials(app)).get(projectId) ?? [];
    expect(stored.filter((name) => !name.startsWith('former live'))).toHaveLength(first === null ? 3 : 6);
  }
}

/** A deleted project has no credentials, in either order. */
export async function projectDeletesRacingPuts(app: TestApp, rounds: number): Promise<void> {
  const statuses: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const projectId = await app.createProject();
    const path = configPath(projectId);
    if (round % 2) await app.send('put', path).send(numbered(0)).expect(200);
    const puts = [1, 2, 3].map((number) => async () => {
      const { status } = await app.send('put', path).send(numbered(number));
      statuses.push(status);
    });
    await together(round, ...puts, () => app.send('delete', `/api/v1/projects/${projectId}`).expect(204));
    await app.send('put', path).send(numbered(round)).expect(404);
    expect((await storedCredentials(app)).get(projectId)).toBeUndefined();
  }
  expect(statuses.filter((status) => status !== 200 && status !== 404)).toEqual([]);
}

/** Lets the database refuse changes of one project's credentials in the middle of a transaction. */
async function refuse({ database }: TestApp, event: 'INSERT' | 'DELETE', projectId: string): Promise<void> {
  const row = event === 'INSERT' ? 'NEW' : 'OLD';
  const trigger = `CREATE TRIGGER refuse_${event} BEFORE ${event} ON stripe_credentials FOR EACH ROW WHEN (${row}.project_id = '${projectId}')`;
  if (database.engine === 'sqlite')
    return execute(database, `${trigger} BEGIN SELECT RAISE(ABORT, 'refused'); END`);
  await execute(
    database,
    `CREATE FUNCTION refuse_${event}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$`,
  );
  await execute(database, `${trigger} EXECUTE FUNCTION refuse_${event}()`);
}

/** Failing transactions leave no partial writes, and undo no acknowledged write of others. */
export async function failuresBesideWrites(app: TestApp, rounds: number): Promise<void> {
  const [unwritable, undeletable, ...others] = await Promise.all(times(6, () => app.createProject()));
  if (!unwritable || !undeletable) throw new Error('No projects.');
  await app.send('put', configPath(undeletable)).send(numbered(1)).expect(200);
  await refuse(app, 'INSERT', unwritable);
  await refuse(app, 'DELETE', undeletable);
  const created: string[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const name = `Round ${round}`;
    await together(
      round,
      () => app.send('put', configPath(unwritable)).send(numbered(round)).expect(500),
      ...others.map((id) => () => app.send('put', configPath(id)).send(numbered(round)).expect(200)),
      () => app.send('delete', `/api/v1/projects/${undeletable}`).expect(500),
      async () => created.push(await app.createProject(undefined, name)),
      ...others.map((id) => () => app.send('put', `/api/v1/projects/${id}`).send({ name }).expect(200)),
      () => app.send('delete', configPath(undeletable)).expect(500),
    );
    for (const id of others) {
      expect((await app.send('get', `/api/v1/projects/${id}`).expect(200)).body).toMatchObject({ name });
      const { body } = await app.send('get', configPath(id)).expect(200);
      expect(FIELDS.map((field) => numberIn(body, field))).toEqual(FIELDS.map(() => round));
    }
  }
  const projects = new Map((await rowsOf(app.database, 'projects')).map((row) => [row['id'], row]));
  expect(created.filter((id) => !projects.has(id))).toEqual([]);
  expect((await app.send('get', configPath(unwritable)).expect(200)).body).toBeNull();
  expect(projects.get(undeletable)).toMatchObject({ deleted_at: null });
  expect((await app.send('get', configPath(undeletable)).expect(200)).body).toMatchObject({
    is_active: true,
    has_live_credentials: true,
  });
}

/**
 * Configures all projects concurrently, then changes a part. Each answer has the state of its own project.
 */
export async function projectsAtOnce(app: TestApp, projects: number): Promise<void> {
  const ids = await Promise.all(times(projects, () => app.createProject()));
  const numbers = new Map<string, number>();
  for (const [round, fields] of [FIELDS, fieldsOf('live'), fieldsOf('test').slice(0, 2)].entries()) {
    const numberOf = (index: number) => 100 * round + index;
    const answers = await Promise.all(
      ids.map((id, index) => app.send('put', configPath(id)).send(numbered(numberOf(index), fields))),
    );
    for (const field of fields) numbers.set(field, numberOf(0));
    for (const [index, { status, body }] of answers.entries()) {
      expect(status).toBe(200);
      expect(body).toMatchObject({ project_id: ids[index] });
      expect(FIELDS.map((field) => numberIn(body, field))).toEqual(
        FIELDS.map((field) => index + (numbers.get(field) ?? NaN)),
      );
      expect((await app.send('get', configPath(ids[index] ?? ''))).body).toEqual(body);
    }
  }
}
