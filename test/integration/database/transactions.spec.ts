import { Database, query, exec, queryLast, sql, zip, type Steps } from '../../../src/database/database.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const CREATE = sql<never>('CREATE TABLE notes (id integer PRIMARY KEY, text varchar(20))', 'create_notes');
const DROP = sql<never>('DROP TABLE notes', 'drop_notes');
const ADD = sql<never>('INSERT INTO notes (id, text) VALUES ($1, $2)', 'add_note');
const ADD_AND_TELL = sql<{ id: number; text: string | null }>(
  'INSERT INTO notes (id, text) VALUES ($1, $2) RETURNING id, text',
  'add_and_tell_note',
);
const LIST = sql<{ id: number; text: string | null }>('SELECT id, text FROM notes ORDER BY id', 'list_notes');
const WRONG = sql<never>('SELECT * FROM no_such_table', 'select_nothing');

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

  it('runs sent statements in order, before the next query', async () => {
    const seen = await database.transaction(function* () {
      yield* exec(ADD, [1, 'first']);
      yield* exec(ADD, [2, null]);
      const [added] = yield* query(ADD_AND_TELL, [3, 'third']);
      const all = yield* query(LIST, []);
      yield* exec(ADD, [4, 'last']);
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

  it('commits together with its last query', async () => {
    const seen = await database.transaction(function* () {
      yield* exec(ADD, [1, 'first']);
      return yield* queryLast(LIST, []);
    });
    expect(seen).toEqual([{ id: 1, text: 'first' }]);
    expect(await notes()).toEqual(seen);
  });

  it('writes nothing when its last query fails', async () => {
    const failing = database.transaction(function* () {
      yield* exec(ADD, [1, 'first']);
      yield* queryLast(WRONG, []);
    });
    await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/^42P01$|^SQLITE_ERROR$/) });
    expect(await notes()).toEqual([]);
  });

  it('waits for the transaction that holds a lock of the same name', async () => {
    const addNext = function* (): Steps<void> {
      yield* database.lock('notes');
      const rows = yield* query(LIST, []);
      yield* exec(ADD, [rows.length + 1, null]);
    };
    await Promise.all(Array.from({ length: 5 }, () => database.transaction(addNext)));
    expect((await notes()).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
  });

  it('has the SQL of each engine for row locks and JSON arrays', async () => {
    for (const id of [1, 2, 3]) await database.write(ADD, [id, 'note']);
    const find = sql<{ id: number }>(
      ({ rowLock, jsonItems, jsonArray }) =>
        `SELECT id FROM notes n WHERE CAST(id AS varchar(9)) IN (${jsonItems('$1')}) AND ${jsonArray('id')} IS NOT NULL ORDER BY id ${rowLock({ of: 'n', skipLocked: true })}`,
    );
    const found = await database.transaction(() => query(find, [JSON.stringify(['1', '3', '4'])]));
    expect(found).toEqual([{ id: 1 }, { id: 3 }]);
  });

  it('runs several bodies together, with any number of steps', async () => {
    function* add(...ids: number[]): Steps<number[]> {
      const added: number[] = [];
      for (const id of ids) {
        yield* exec(ADD, [id * 10, 'sent']);
        added.push(...(yield* query(ADD_AND_TELL, [id, 'read'])).map((row) => row.id));
      }
      return added;
    }
    const added = await database.transaction(() => zip(add(1, 2, 3), add(), zip(add(4))));
    expect(added).toEqual([[1, 2, 3], [], [[4]]]);
    expect((await notes()).map(({ id }) => id)).toEqual([1, 2, 3, 4, 10, 20, 30, 40]);
  });

  it.each(['the first', 'one in between', 'the last'])(
    'writes nothing when %s of the sent statements fails, and throws the reason',
    async (which) => {
      await database.query(ADD, [7, 'there']);
      const ids = { 'the first': [7, 1, 2], 'one in between': [1, 7, 2], 'the last': [1, 2, 7] }[which] ?? [];
      const failing = database.transaction(function* () {
        for (const id of ids) yield* exec(ADD, [id, 'new']);
      });
      await expect(failing).rejects.toMatchObject({
        code: expect.stringMatching(/^23505$|^SQLITE_CONSTRAINT_PRIMARYKEY$/),
      });
      expect(await notes()).toEqual([{ id: 7, text: 'there' }]);
    },
  );

  it('writes nothing when its body throws before or after a query, and the next transaction works', async () => {
    for (const isRead of [false, true]) {
      const failing = database.transaction(function* () {
        yield* exec(ADD, [1, 'never']);
        if (isRead) yield* query(LIST, []);
        throw new Error('No.');
      });
      await expect(failing).rejects.toThrow('No.');
      expect(await notes()).toEqual([]);
    }
  });

  it('works on every connection after failed transactions with other prepared statements', async () => {
    const attempt = (id: number) =>
      database.transaction(function* () {
        yield* exec(ADD, [id, 'new']);
        if (id % 3 === 0) yield* query(WRONG, []);
        if (id % 3 === 1) throw new Error('No.');
        yield* query(LIST, []);
      });
    const ids = Array.from({ length: 30 }, (_, index) => index);
    await Promise.allSettled(ids.map(attempt));
    await Promise.allSettled(ids.map((id) => attempt(id + 30)));
    expect((await notes()).map(({ id }) => id)).toEqual(
      Array.from({ length: 60 }, (_, index) => index).filter((id) => id % 3 === 2),
    );
  });
});
