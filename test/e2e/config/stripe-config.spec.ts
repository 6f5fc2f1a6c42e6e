import { setTimeout } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { configPath, startTestApp, type TestApp } from '../../harness/test-app.js';

interface Config {
  id: string;
  created_at: string;
  updated_at: string;
  test_configured_at: string | null;
  live_configured_at: string | null;
  warnings: { code: string; field: string; message: string }[];
}

const PREFIXES = {
  test_secret_key: 'sk_test_',
  test_publishable_key: 'pk_test_',
  test_webhook_secret: 'whsec_',
  live_secret_key: 'sk_live_',
  live_publishable_key: 'pk_live_',
  live_webhook_secret: 'whsec_',
};
type Field = keyof typeof PREFIXES;
const FIELDS = Object.keys(PREFIXES) as Field[];

/** Values without a warning: long enough, and different for each field. */
const ALL: Record<Field, string> = {
  test_secret_key: `sk_test_${'a'.repeat(32)}`,
  test_publishable_key: `pk_test_${'b'.repeat(32)}`,
  test_webhook_secret: `whsec_${'c'.repeat(32)}`,
  live_secret_key: `sk_live_${'d'.repeat(32)}`,
  live_publishable_key: `pk_live_${'e'.repeat(32)}`,
  live_webhook_secret: `whsec_${'f'.repeat(32)}`,
};
const NOTHING = Object.fromEntries(FIELDS.map((field) => [field, null]));
const MASKS_OF_NOTHING = Object.fromEntries(FIELDS.map((field) => [`${field}_masked`, null]));

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Characters of a key after `51` that name its account. */
const ACCOUNT = 'A'.repeat(15);

describe('the Stripe configuration of a project', () => {
  let app: TestApp;
  let projectId: string;
  let path: string;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    projectId = await app.createProject();
    path = configPath(projectId);
  });
  afterEach(() => jest.useRealTimers());

  /** Waits first, so that the write has a later time than those before. */
  async function put(body: object): Promise<Config> {
    await setTimeout(2);
    return (await app.send('put', path).send(body).expect(200)).body as Config;
  }
  const get = async () => (await app.send('get', path).expect(200)).body as Config;
  const remove = async (mode = '') => {
    await setTimeout(2);
    await app.send('delete', path + mode).expect(204);
  };
  const query = (sql: string) =>
    app.app.get(DataSource).query<Record<string, unknown>[]>(sql.replace('$1', `'${projectId}'`));
  const version = async () =>
    (await query('SELECT version FROM stripe_configs WHERE project_id = $1'))[0]?.['version'];
  const sealed = async () =>
    (await query('SELECT sealed FROM stripe_credentials WHERE project_id = $1 AND slot = 0')).length;

  it('is null before the first PUT', async () => {
    const { body, text, headers } = await app.send('get', path).expect(200);
    expect(body).toBeNull();
    expect(text).toBe('null');
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('answers PUT and GET with one object, with every value masked', async () => {
    const answer = await app.send('put', path).send(ALL).expect(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    const { created_at: createdAt } = answer.body as Config;
    expect(answer.body).toEqual({
      id: expect.stringMatching(UUID) as string,
      project_id: projectId,
      is_active: true,
      has_test_credentials: true,
      has_live_credentials: true,
      test_secret_key_masked: 'sk_test_...aaaa',
      test_publishable_key_masked: 'pk_test_...bbbb',
      test_webhook_secret_masked: 'whsec_...cccc',
      live_secret_key_masked: 'sk_live_...dddd',
      live_publishable_key_masked: 'pk_live_...eeee',
      live_webhook_secret_masked: 'whsec_...ffff',
      test_configured_at: createdAt,
      live_configured_at: createdAt,
      created_at: expect.stringMatching(TIME) as string,
      updated_at: createdAt,
      warnings: [],
    });
    for (const value of Object.values(ALL)) expect(answer.text).not.toContain(value.slice(-5));
    expect(await get()).toEqual(answer.body);
  });

  it('masks short values without showing any of them', async () => {
    for (const [body, shown] of [
      ['a', ''],
      ['abcdefg', ''],
      ['abcdefgh', 'efgh'],
    ]) {
      const saved = await put(Object.fromEntries(FIELDS.map((field) => [field, PREFIXES[field] + body])));
      for (const field of FIELDS)
        expect(saved).toHaveProperty(`${field}_masked`, `${PREFIXES[field]}...${shown}`);
    }
  });

  it('has a mode’s credentials if its secret key is stored', async () => {
    const { test_secret_key, live_secret_key, ...others } = ALL;
    expect(await put(others)).toMatchObject({ has_test_credentials: false, has_live_credentials: false });
    expect(await put({ live_secret_key })).toMatchObject({
      has_test_credentials: false,
      has_live_credentials: true,
    });
    expect(await put({ test_secret_key })).toMatchObject({
      has_test_credentials: true,
      has_live_credentials: true,
    });
  });

  it.each([
    ['{}', {}],
    ['only nulls', NOTHING],
  ])('is empty and active after a first PUT of %s', async (_, body) => {
    expect(await put(body)).toEqual({
      ...MASKS_OF_NOTHING,
      id: expect.stringMatching(UUID) as string,
      project_id: projectId,
      is_active: true,
      has_test_credentials: false,
      has_live_credentials: false,
      test_configured_at: null,
      live_configured_at: null,
      created_at: expect.stringMatching(TIME) as string,
      updated_at: expect.stringMatching(TIME) as string,
      warnings: [],
    });
    expect(await version()).toBe(1);
  });

  it('is not changed by a PUT of {} or nulls', async () => {
    const first = await put(ALL);
    expect(await put({})).toEqual(first);
    expect(await put(NOTHING)).toEqual(first);
    expect(await get()).toEqual(first);
    expect(await version()).toBe(1);
  });

  it.each(FIELDS)('changes only %s, and keeps fields that are null', async (field) => {
    const first = await put(ALL);
    const mode = field.startsWith('test') ? 'test' : 'live';
    const saved = await put({ ...NOTHING, [field]: `${PREFIXES[field]}${'z'.repeat(32)}` });
    expect(saved).toEqual({
      ...first,
      [`${field}_masked`]: `${PREFIXES[field]}...zzzz`,
      [`${mode}_configured_at`]: saved.updated_at,
      updated_at: saved.updated_at,
    });
    expect(saved.updated_at > first.updated_at).toBe(true);
    expect(await get()).toEqual(saved);
    expect([await version(), await sealed()]).toEqual([2, 6]);
  });

  it('shows for each mode when a credential was last written', async () => {
    const empty = await put({});
    const test = await put({ test_webhook_secret: ALL.test_webhook_secret });
    expect(test).toMatchObject({
      created_at: empty.created_at,
      test_configured_at: test.updated_at,
      live_configured_at: null,
    });
    const live = await put({ live_publishable_key: ALL.live_publishable_key });
    expect(live).toMatchObject({
      created_at: empty.created_at,
      test_configured_at: test.updated_at,
      live_configured_at: live.updated_at,
    });
    expect(await put({ test_webhook_secret: ALL.test_webhook_secret })).toMatchObject({
      live_configured_at: live.updated_at,
    });
    for (const time of [live.created_at, live.updated_at, live.test_configured_at, live.live_configured_at])
      expect(time).toMatch(TIME);
  });

  it('never moves updated_at back when the clock goes back', async () => {
    const first = await put(ALL);
    jest.useFakeTimers({
      now: Date.now() - 120_000,
      doNotFake: ['nextTick', 'setImmediate', 'setInterval', 'setTimeout', 'performance'],
    });
    const second = await put({ test_secret_key: ALL.test_secret_key });
    expect(second).toMatchObject({ created_at: first.created_at, updated_at: first.updated_at });
    expect(await version()).toBe(2);
    await remove('/live');
    expect(await get()).toMatchObject({ created_at: first.created_at, updated_at: first.updated_at });
    await remove();
    expect(await get()).toMatchObject({ created_at: first.created_at, updated_at: first.updated_at });
    expect(await put({})).toMatchObject({ created_at: first.created_at, updated_at: first.updated_at });
  });

  describe('after DELETE', () => {
    it('stays, inactive and without credentials', async () => {
      const first = await put(ALL);
      await remove();
      const deleted = await get();
      expect(deleted).toEqual({
        ...MASKS_OF_NOTHING,
        id: first.id,
        project_id: projectId,
        is_active: false,
        has_test_credentials: false,
        has_live_credentials: false,
        test_configured_at: null,
        live_configured_at: null,
        created_at: first.created_at,
        updated_at: deleted.updated_at,
        warnings: [],
      });
      expect(deleted.updated_at > first.updated_at).toBe(true);
      expect([await version(), await sealed()]).toEqual([2, 0]);
    });

    it('is not changed by another DELETE', async () => {
      await put(ALL);
      await remove();
      const deleted = await get();
      await remove();
      await remove('/test');
      expect(await get()).toEqual(deleted);
      expect(await version()).toBe(2);
    });

    it.each([
      ['{}', {}],
      ['nulls', NOTHING],
    ])('becomes active and empty with a PUT of %s', async (_, body) => {
      const first = await put(ALL);
      await remove();
      const again = await put(body);
      expect(again).toMatchObject({
        ...MASKS_OF_NOTHING,
        id: first.id,
        is_active: true,
        created_at: first.created_at,
      });
      expect(again.updated_at > first.updated_at).toBe(true);
      expect([await version(), await sealed()]).toEqual([3, 0]);
    });

    it('has only the new field after a PUT of one field', async () => {
      const first = await put(ALL);
      await remove();
      const again = await put({ live_secret_key: ALL.live_secret_key });
      expect(again).toMatchObject({
        ...MASKS_OF_NOTHING,
        id: first.id,
        is_active: true,
        live_secret_key_masked: 'sk_live_...dddd',
        test_configured_at: null,
        live_configured_at: again.updated_at,
        created_at: first.created_at,
      });
      expect(await sealed()).toBe(1);
    });
  });

  describe('after DELETE of one mode', () => {
    it.each(['test', 'live'])('keeps all except the %s credentials', async (mode) => {
      const first = await put(ALL);
      await remove(`/${mode}`);
      const left = await get();
      const gone = Object.keys(MASKS_OF_NOTHING).filter((name) => name.startsWith(mode));
      expect(left).toEqual({
        ...first,
        ...Object.fromEntries(gone.map((name) => [name, null])),
        [`has_${mode}_credentials`]: false,
        [`${mode}_configured_at`]: null,
        updated_at: left.updated_at,
      });
      expect(left.updated_at > first.updated_at).toBe(true);
      expect([await version(), await sealed()]).toEqual([2, 3]);
    });

    it('is not changed by a second DELETE of the mode', async () => {
      await put(ALL);
      await remove('/test');
      const left = await get();
      await remove('/test');
      expect(await get()).toEqual(left);
      expect(await version()).toBe(2);
    });

    it('is not changed if the mode never had credentials', async () => {
      const first = await put({ test_secret_key: ALL.test_secret_key });
      await remove('/live');
      expect(await get()).toEqual(first);
      expect(await version()).toBe(1);
    });
  });

  it('answers 404 to DELETE before the first PUT', async () => {
    for (const target of [path, `${path}/test`, `${path}/live`]) {
      const { body } = await app.send('delete', target).expect(404);
      expect(body).toEqual({ detail: 'This project has no Stripe configuration.' });
    }
    expect((await app.send('get', path).expect(200)).text).toBe('null');
  });

  it('counts changes in its version, but no refused ones', async () => {
    await put({});
    await put(ALL);
    await app.send('put', path).send({ test_secret_key: 'x' }).expect(422);
    expect(await version()).toBe(2);
    await put(ALL);
    expect(await version()).toBe(3);
  });

  describe('warns', () => {
    const codes = ({ warnings }: Config) => warnings.map(({ code, field }) => `${code} ${field}`);
    const keyOf = (prefix: string, account: string) => `${prefix}51${account}${'x'.repeat(82)}`;

    it('of keys of different accounts, until they match', async () => {
      const mixed = await put({
        ...ALL,
        live_secret_key: keyOf('sk_live_', ACCOUNT),
        live_publishable_key: keyOf('pk_live_', 'B'.repeat(15)),
      });
      expect(codes(mixed)).toEqual(['different_accounts live_publishable_key']);
      expect(codes(await get())).toEqual(codes(mixed));
      expect(codes(await put({ live_publishable_key: keyOf('pk_live_', ACCOUNT) }))).toEqual([]);
    });

    it('of one webhook secret in both modes', async () => {
      const same = await put({ ...ALL, live_webhook_secret: ALL.test_webhook_secret });
      expect(codes(same)).toEqual(['same_webhook_secret live_webhook_secret']);
    });

    it('of a secret key without a webhook secret', async () => {
      const { test_secret_key, live_secret_key } = ALL;
      expect(codes(await put({ test_secret_key, live_secret_key }))).toEqual([
        'missing_webhook_secret test_webhook_secret',
        'missing_webhook_secret live_webhook_secret',
      ]);
      expect(codes(await put({ test_webhook_secret: ALL.test_webhook_secret }))).toEqual([
        'missing_webhook_secret live_webhook_secret',
      ]);
    });

    it.each(FIELDS)('of %s when it looks cut off', async (field) => {
      const cut = await put({ ...ALL, [field]: ALL[field].slice(0, 20) });
      expect(codes(cut)).toEqual([`looks_cut_off ${field}`]);
      for (const { message } of cut.warnings) expect(message).toMatch(/^[A-Z].+\.$/);
    });
  });

  it('keeps every field of 20 concurrent writers, after 50 concurrent first PUTs', async () => {
    const created = await Promise.all(
      Array.from({ length: 50 }, () => app.send('put', path).send({ test_secret_key: ALL.test_secret_key })),
    );
    expect(new Set(created.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(created.map(({ body }) => (body as { id: string }).id)).size).toBe(1);
    const fields = {
      test_publishable_key: 'pk_test_',
      test_webhook_secret: 'whsec_',
      live_secret_key: 'sk_live_',
      live_publishable_key: 'pk_live_',
      live_webhook_secret: 'whsec_',
    };
    const entries = Object.entries(fields);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const [field, prefix] = entries[index % entries.length] ?? ['', ''];
        return app
          .send('put', path)
          .send({ [field]: `${prefix}${'d'.repeat(28)}${String(index).padStart(4, '0')}` });
      }),
    );
    answers.forEach(({ body }, index) => {
      const [field] = entries[index % entries.length] ?? [''];
      expect((body as Record<string, string>)[`${field}_masked`]).not.toBeNull();
    });
    const { body } = await app.send('get', path).expect(200);
    for (const field of Object.keys(fields))
      expect((body as Record<string, string | null>)[`${field}_masked`]).not.toBeNull();
  });
});
