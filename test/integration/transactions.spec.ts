import { Database, run, send, sql, together, type Transaction } from '../../src/database/database.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const CREATE = sql<never>('create_notes', 'CREATE TABLE notes (id integer PRIMARY KEY, text varchar(20))');
const DROP = sql<never>('drop_notes', 'DROP TABLE notes');
const ADD = sql<never>('add_note', 'INSERT INTO notes (id, text) VALUES ($1, $2)');
const ADD_AND_TELL = sql<{ id: number; text: string | null }>(
  'add_and_tell_note',
  'INSERT INTO notes (id, text) VALUES ($1, $2) RETURNING id, text',
);
const LIST = sql<{ id: number; text: string | null }>('list_notes', 'SELECT id, text FROM notes ORDER BY id');
const WRONG = sql<never>('select_nothing', 'SELECT * FROM no_such_table');

describe('a transaction', () => {
  let app: TestApp;
  let database: Database;
  const notes = () => database.query(LIST, []);

  beforeAll(async () => {
    app = await startTestApp();
    database = app.app.get(Database);
  });
  afterAll(() => app.close());
  beforeEach(() => database.query(CREATE, []));
  afterEach(() => database.query(DROP, []));

  it('runs what is sent in order, before what is read', async () => {
    const seen = await database.transaction(function* () {
      yield* send(ADD, [1, 'first']);
      yield* send(ADD, [2, null]);
      const [added] = yield* run(ADD_AND_TELL, [3, 'third']);
      const all = yield* run(LIST, []);
      yield* send(ADD, [4, 'last']);
      return { added, all };
    });
    expect(seen).toEqual({
      added: { id: 3, text: 'third' },
      all: [
        { id: 1, text: 'first' },
        { id: 2, text: null },
        { id: 3, text: 'third' },
      ],
    });
    expect((await notes()).map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  });

  it('runs two bodies together, however many steps each has', async () => {
    function* add(...ids: number[]): Transaction<number[]> {
      const added: number[] = [];
      for (const id of ids) {
        yield* send(ADD, [id * 10, 'sent']);
        added.push(...(yield* run(ADD_AND_TELL, [id, 'read'])).map((row) => row.id));
      }
      return added;
    }
    const added = await database.transaction(() => together(add(1, 2, 3), together(add(), add(4))));
    expect(added).toEqual([
      [1, 2, 3],
      [[], [4]],
    ]);
    expect((await notes()).map(({ id }) => id)).toEqual([1, 2, 3, 4, 10, 20, 30, 40]);
  });

  it.each(['the first', 'one in between', 'the last'])('leaves nothing when %s of what is sent fails, and says why', async (which) => {
    await database.query(ADD, [7, 'there']);
    const ids = { 'the first': [7, 1, 2], 'one in between': [1, 7, 2], 'the last': [1, 2, 7] }[which] ?? [];
    const failing = database.transaction(function* () {
      for (const id of ids) yield* send(ADD, [id, 'new']);
    });
    await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/^23505$|^SQLITE_CONSTRAINT_PRIMARYKEY$/) });
    expect(await notes()).toEqual([{ id: 7, text: 'there' }]);
  });

  it('leaves nothing when its body throws, before and after something was read, and goes on', async () => {
    for (const isRead of [false, true]) {
      const failing = database.transaction(function* () {
        yield* send(ADD, [1, 'never']);
        if (isRead) yield* run(LIST, []);
        throw new Error('No.');
      });
      await expect(failing).rejects.toThrow('No.');
      expect(await notes()).toEqual([]);
    }
  });

  it('works on any connection after others failed on them, whatever they had prepared', async () => {
    const attempt = (id: number) =>
      database.transaction(function* () {
        yield* send(ADD, [id, 'new']);
        if (id % 3 === 0) yield* run(WRONG, []);
        if (id % 3 === 1) throw new Error('No.');
        yield* run(LIST, []);
      });
    const ids = Array.from({ length: 30 }, (_, index) => index);
    await Promise.allSettled(ids.map(attempt));
    await Promise.allSettled(ids.map((id) => attempt(id + 30)));
    expect((await notes()).map(({ id }) => id)).toEqual(Array.from({ length: 60 }, (_, index) => index).filter((id) => id % 3 === 2));
  });
});
