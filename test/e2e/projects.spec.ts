import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { configPath, OWNER, startTestApp, STRANGER, type TestApp } from '../harness/test-app.js';
import { accessToken } from '../harness/tokens.js';

interface Project {
  id: string;
  name: string;
  description: string | null;
  is_active: boolean;
  created_at: string;
  updated_at: string;
}

const PROJECTS = '/api/v1/projects/';
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const FAMILY = '👨‍👩‍👧‍👦';
const HEART = '❤\ufe0f';

describe('projects', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());
  afterEach(() => jest.useRealTimers());

  const create = async (body: object, token = OWNER) => {
    const answer = await app.send('post', PROJECTS, token).send(body).expect(201);
    return (answer.body as Project).id;
  };
  const get = async (id: string) => (await app.send('get', PROJECTS + id).expect(200)).body as Project;
  const update = async (id: string, body: object) =>
    (
      await app
        .send('put', PROJECTS + id)
        .send(body)
        .expect(200)
    ).body as Project;
  const list = async (token = OWNER) =>
    (await app.send('get', PROJECTS, token).expect(200)).body as Project[];

  it('are created with a name, and return only an id', async () => {
    const { body, headers } = await app.send('post', PROJECTS).send({ name: 'Corner shop' }).expect(201);
    expect(body).toEqual({ id: expect.stringMatching(UUID) as string });
    expect(headers['cache-control']).toBe('no-store');
    const { id } = body as Project;
    const project = await get(id);
    expect(project).toEqual({
      id,
      name: 'Corner shop',
      description: null,
      is_active: true,
      role: 'owner',
      created_at: expect.stringMatching(TIME) as string,
      updated_at: project.created_at,
    });
  });

  it('are reachable with and without the trailing slash', async () => {
    await app.send('post', '/api/v1/projects').send({ name: 'a' }).expect(201);
    const id = await create({ name: 'b' });
    expect((await app.send('get', '/api/v1/projects').expect(200)).body).toEqual(await list());
    expect((await app.send('get', `${PROJECTS}${id}/`).expect(200)).body).toEqual(await get(id));
    await app.send('put', `${PROJECTS}${id}/`).send({ name: 'c' }).expect(200);
    await app.send('delete', `${PROJECTS}${id}/`).expect(204);
  });

  it('keep emoji of several code points, and line breaks in a description', async () => {
    const texts = { name: `${HEART} ${FAMILY}`, description: `${FAMILY}\n\t${HEART}` };
    expect(await get(await create(texts))).toMatchObject(texts);
  });

  it('accept every text that fits, counted in code points', async () => {
    for (const unit of ['a', 'é', '用', '😀', 'e\u0301', 'a ', '\\', '"', '%', "'"]) {
      const cut = (length: number) => [...unit.repeat(length)].slice(0, length).join('');
      const id = await create({ name: cut(255), description: cut(1000) });
      expect(await get(id)).toMatchObject({ name: cut(255), description: cut(1000) });
      expect(await update(id, { name: `${cut(254)}b`, description: `${cut(999)}b` })).toMatchObject({
        name: `${cut(254)}b`,
      });
      const tooLong = { name: cut(256), description: cut(1001) };
      for (const answer of [
        await app.send('post', PROJECTS).send(tooLong),
        await app.send('put', PROJECTS + id).send(tooLong),
      ]) {
        expect(answer.status).toBe(422);
        expect(answer.body).toEqual({
          detail: [
            { loc: ['body', 'name'], msg: 'must have at most 255 characters', type: 'string_too_long' },
            {
              loc: ['body', 'description'],
              msg: 'must have at most 1000 characters',
              type: 'string_too_long',
            },
          ],
        });
      }
    }
  });

  it.each([
    ['no name', {}, 'name', 'missing'],
    ['a name of null', { name: null }, 'name', 'string_type'],
    ['an empty name', { name: '' }, 'name', 'string_too_short'],
    ['a number for a name', { name: 1 }, 'name', 'string_type'],
    ['an array for a name', { name: ['a'] }, 'name', 'string_type'],
    ['an object for a name', { name: { constructor: 1 } }, 'name', 'string_type'],
    ['a NUL in the name', { name: 'a\0b' }, 'name', 'value_error'],
    ['half a surrogate pair in the name', { name: 'a\ud800' }, 'name', 'value_error'],
    ['a line break in the name', { name: 'a\nb' }, 'name', 'value_error'],
    ['a direction override in the name', { name: 'a\u202eb' }, 'name', 'value_error'],
    ['a zero-width space in the name', { name: 'a\u200bb' }, 'name', 'value_error'],
    ['an escape in the description', { name: 'a', description: '\u001b[2J' }, 'description', 'value_error'],
    ['a number for a description', { name: 'a', description: 1 }, 'description', 'string_type'],
    ['a NUL in the description', { name: 'a', description: '\0' }, 'description', 'value_error'],
    [
      'half a surrogate pair in the description',
      { name: 'a', description: '\udc00' },
      'description',
      'value_error',
    ],
  ])('are not created with %s', async (_, body, field, type) => {
    const before = await list();
    const answer = await app.send('post', PROJECTS).send(body).expect(422);
    expect(answer.body).toEqual({
      detail: [{ loc: ['body', field], msg: expect.any(String) as string, type }],
    });
    expect(await list()).toEqual(before);
  });

  it('report all errors at once, and never the sent values', async () => {
    const wrong = { name: `hunter2${'a'.repeat(255)}`, description: 'hunter2\0' };
    const id = await create({ name: 'a' });
    for (const answer of [
      await app.send('post', PROJECTS).send(wrong),
      await app.send('put', PROJECTS + id).send(wrong),
    ]) {
      expect((answer.body as { detail: unknown[] }).detail).toHaveLength(2);
      expect(answer.text).not.toContain('hunter2');
    }
  });

  it('refuse a Stripe key as a name or in the description', async () => {
    const key = `sk_live_${'a'.repeat(24)}`;
    const id = await create({ name: 'a' });
    for (const wrong of [{ name: key }, { name: 'a', description: `our key: ${key}` }]) {
      for (const answer of [
        await app.send('post', PROJECTS).send(wrong),
        await app.send('put', PROJECTS + id).send(wrong),
      ]) {
        expect(answer.status).toBe(422);
        expect(answer.text).toMatch(/Stripe secret key/);
        expect(answer.text).not.toContain(key);
      }
    }
    expect(await get(id)).toMatchObject({ name: 'a', description: null });
  });

  it('ignore unknown fields', async () => {
    const fields = {
      name: 'a',
      id: randomUUID(),
      owner_id: 'developer-2',
      is_active: false,
      created_at: 'x',
      constructor: 1,
      toString: { a: 1 },
    };
    const id = await create(fields);
    const project = await get(id);
    expect(project).toMatchObject({ id, name: 'a', is_active: true });
    expect(project.created_at).toMatch(TIME);
    expect(await update(id, { ...fields, name: null })).toEqual(project);
    expect(await list(STRANGER)).toEqual([]);
  });

  describe('updated', () => {
    it('with a name or a description keep the other', async () => {
      const id = await create({ name: 'a', description: 'b' });
      const first = await get(id);
      await setTimeout(2);
      const second = await update(id, { name: 'c' });
      expect(second).toEqual({ ...first, name: 'c', updated_at: second.updated_at });
      expect(second.updated_at > first.updated_at).toBe(true);
      expect(await update(id, { description: 'd', name: null })).toMatchObject({
        name: 'c',
        description: 'd',
        created_at: first.created_at,
      });
      expect(await get(id)).toMatchObject({ name: 'c', description: 'd' });
    });

    it('without values or with nulls do not change', async () => {
      const id = await create({ name: 'a', description: 'b' });
      const first = await get(id);
      await setTimeout(2);
      expect(await update(id, {})).toEqual(first);
      expect(await update(id, { name: null, description: null })).toEqual(first);
    });

    it('with the values that they have do not change, and have no history of it', async () => {
      const id = await create({ name: 'a', description: 'b' });
      const first = await get(id);
      await setTimeout(2);
      expect(await update(id, { name: 'a' })).toEqual(first);
      expect(await update(id, { name: 'a', description: 'b' })).toEqual(first);
      await update(id, { name: 'c', description: 'b' });
      const { body } = await app
        .send('get', `/api/v1/payments/stripe/projects/${id}/config/history`)
        .expect(200);
      expect((body as { entries: object[] }).entries).toMatchObject([
        { action: 'project.updated', fields: [{ field: 'name' }] },
        { action: 'project.created' },
      ]);
    });

    it('with an empty description have an empty one', async () => {
      const id = await create({ name: 'a', description: 'b' });
      expect(await update(id, { description: '' })).toMatchObject({ name: 'a', description: '' });
    });

    it('with an invalid value do not change', async () => {
      const id = await create({ name: 'a', description: 'b' });
      const first = await get(id);
      for (const body of [
        { name: '', description: 'c' },
        { name: 'c', description: 1 },
        { name: 'c', description: '\0' },
      ]) {
        await app
          .send('put', PROJECTS + id)
          .send(body)
          .expect(422);
      }
      expect(await get(id)).toEqual(first);
    });

    it('keep their time when the clock goes back', async () => {
      const id = await create({ name: 'a' });
      const first = await get(id);
      jest.useFakeTimers({
        now: Date.now() - 120_000,
        doNotFake: ['nextTick', 'setImmediate', 'setInterval', 'setTimeout', 'performance'],
      });
      expect(await update(id, { name: 'b' })).toMatchObject({
        created_at: first.created_at,
        updated_at: first.updated_at,
      });
    });
  });

  describe('in the list', () => {
    it('are all projects of the caller, newest first', async () => {
      const [ours, theirs] = [accessToken({ sub: 'lister' }), accessToken({ sub: 'Lister' })];
      const ids: string[] = [];
      for (const name of ['a', 'b', 'c']) {
        ids.unshift(await create({ name }, ours));
        await create({ name }, theirs);
        await setTimeout(2);
      }
      expect((await list(ours)).map(({ id }) => id)).toEqual(ids);
      expect(await list(ours)).toHaveLength(3);
      expect((await list(theirs)).map(({ id }) => id)).not.toEqual(expect.arrayContaining([ids[0]]));
      await app.send('delete', PROJECTS + ids[1], ours).expect(204);
      expect((await list(ours)).map(({ name }) => name)).toEqual(['c', 'a']);
      expect(await list(theirs)).toHaveLength(3);
    });

    it('have a stable order, even within one millisecond', async () => {
      const token = accessToken({ sub: 'hurried' });
      jest.useFakeTimers({
        now: Date.now(),
        doNotFake: ['nextTick', 'setImmediate', 'setInterval', 'setTimeout', 'performance'],
      });
      const ids = await Promise.all(Array.from({ length: 20 }, () => create({ name: 'a' }, token)));
      expect((await list(token)).map(({ id }) => id)).toEqual(ids.sort().reverse());
    });

    it('are an empty list for a developer without projects', async () => {
      expect(await list(accessToken({ sub: 'newcomer' }))).toEqual([]);
    });

    it('have the form of GET', async () => {
      const token = accessToken({ sub: 'looker' });
      const id = await create({ name: FAMILY, description: HEART }, token);
      expect(await list(token)).toEqual([(await app.send('get', PROJECTS + id, token).expect(200)).body]);
    });
  });

  describe('deleted', () => {
    it('are gone from every operation, with their credentials', async () => {
      const id = await create({ name: 'a' });
      await app
        .send('put', configPath(id))
        .send({ test_secret_key: `sk_test_${'a'.repeat(32)}`, live_secret_key: `sk_live_${'b'.repeat(32)}` })
        .expect(200);
      const { text } = await app.send('delete', PROJECTS + id).expect(204);
      expect(text).toBe('');
      await app.send('get', PROJECTS + id).expect(404);
      await app
        .send('put', PROJECTS + id)
        .send({ name: 'b' })
        .expect(404);
      await app.send('delete', PROJECTS + id).expect(404);
      for (const method of ['get', 'put', 'delete'] as const)
        await app.send(method, configPath(id)).send({}).expect(404);
      await app.send('delete', `${configPath(id)}/test`).expect(404);
      await app.send('get', `/api/v1/payments/stripe/projects/${id}/webhook-urls`).expect(404);
      expect((await list()).map((project) => project.id)).not.toContain(id);
      const left = await app.app
        .get(DataSource)
        .query<unknown[]>(`SELECT sealed FROM stripe_credentials WHERE project_id = '${id}'`);
      expect(left).toEqual([]);
    });

    it('do not affect others', async () => {
      const [gone, kept] = [await create({ name: 'a' }), await create({ name: 'a' })];
      await app
        .send('put', configPath(kept))
        .send({ test_secret_key: `sk_test_${'a'.repeat(32)}` })
        .expect(200);
      await app.send('delete', PROJECTS + gone).expect(204);
      expect((await app.send('get', configPath(kept)).expect(200)).body).toMatchObject({
        has_test_credentials: true,
      });
    });
  });
});
