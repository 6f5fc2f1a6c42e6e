import { StripeConfigService } from '../../../src/payments/stripe-config/stripe-config.service.js';
import { parseProjectId } from '../../../src/common/ids.js';
import { numbered } from '../../harness/credentials.js';
import { configPath, startTestApp, type TestApp } from '../../harness/test-app.js';

const BODY = numbered(1);
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe('the ETag of a Stripe configuration', () => {
  let app: TestApp;
  let projectId: string;
  let path: string;

  beforeAll(async () => {
    // Stripe is unreachable, so a call to it fails.
    app = await startTestApp({ environment: { STRIPE_API_BASE: 'http://127.0.0.1:1' } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    projectId = await app.createProject();
    path = configPath(projectId);
  });

  const tagOf = ({ headers }: { headers: Record<string, string> }) => headers['etag'] ?? 'none';
  const put = async (body: object = BODY) => tagOf(await app.send('put', path).send(body).expect(200));
  const get = async () => tagOf(await app.send('get', path).expect(200));
  const putIf = (name: 'if-match' | 'if-none-match', value: string, body: object = numbered(2)) =>
    app.send('put', path).set(name, value).send(body);

  it('is strong, equal in PUT, GET and HEAD, and different after each change', async () => {
    const seen = [await get()];
    seen.push(await put({}));
    seen.push(await put());
    seen.push(await put());
    await app.send('delete', `${path}/test`).expect(204);
    seen.push(await get());
    await app.send('delete', path).expect(204);
    seen.push(await get());
    seen.push(await put({}));
    for (const tag of seen) expect(tag).toMatch(/^"[\x21\x23-\x7e]+"$/);
    expect(new Set(seen).size).toBe(seen.length);
    expect(await get()).toBe(seen.at(-1));
    expect(tagOf(await app.send('head', path).expect(200))).toBe(seen.at(-1));
  });

  it('stays when nothing changes', async () => {
    const tag = await put();
    expect(await put({})).toBe(tag);
    await app.send('put', path).send({ test_secret_key: 'x' }).expect(422);
    expect(await get()).toBe(tag);
    await app.send('delete', path).expect(204);
    const deleted = await get();
    await app.send('delete', path).expect(204);
    await app.send('delete', `${path}/live`).expect(204);
    expect(await get()).toBe(deleted);
  });

  describe('in If-Match', () => {
    it('admits a write if nobody else wrote before', async () => {
      const first = await put();
      const second = tagOf(await putIf('if-match', first).expect(200));
      const { body, headers } = await putIf('if-match', first, numbered(3)).expect(412);
      expect(body).toEqual({ detail: expect.stringMatching(/^[A-Z].+\.$/) as string });
      expect(headers['etag']).toBe(second);
      expect((await app.send('get', path)).body).toHaveProperty('test_secret_key_masked', 'sk_test_...0002');
      await putIf('if-match', second, numbered(3)).expect(200);
    });

    it('may be in a list, but must be strong', async () => {
      const tag = await put();
      for (const value of [
        `W/${tag}`,
        '"nothing"',
        `"${tag.slice(1, -1)}0"`,
        '"01"',
        '""',
        '"nothing", W/"1"',
      ]) {
        const answer = await putIf('if-match', value).expect(412);
        expect(tagOf(answer)).toBe(tag);
      }
      await putIf('if-match', `"nothing", ${tag}`).expect(200);
    });

    it('is checked last', async () => {
      await put();
      await putIf('if-match', '"nothing"', { test_secret_key: 'x' }).expect(422);
      await app.send('put', path, null).set('if-match', '7').send({}).expect(401);
      await app
        .send('put', configPath('6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11'))
        .set('if-match', '7')
        .send({})
        .expect(404);
    });

    it('is "0" without a configuration', async () => {
      const none = await get();
      const first = tagOf(await putIf('if-match', none).expect(200));
      expect(tagOf(await putIf('if-match', none).expect(412))).toBe(first);
    });

    it('requires an active configuration with *', async () => {
      expect(tagOf(await putIf('if-match', '*').expect(412))).toBe(await get());
      await put();
      await putIf('if-match', '*').expect(200);
      await app.send('delete', path).expect(204);
      expect(tagOf(await putIf('if-match', '*').expect(412))).toBe(await get());
      await putIf('if-match', await get()).expect(200);
    });

    it('is checked for a PUT without changes too', async () => {
      const first = await put();
      const second = await put();
      await putIf('if-match', first, {}).expect(412);
      expect(tagOf(await putIf('if-match', second, {}).expect(200))).toBe(second);
    });

    it.each(['', '/test'])('keeps DELETE%s from destroying a newer value', async (mode) => {
      await app
        .send('delete', path + mode)
        .set('if-match', '"1"')
        .expect(404);
      const first = await put();
      const second = await put(numbered(2));
      const refused = await app
        .send('delete', path + mode)
        .set('if-match', first)
        .expect(412);
      expect(tagOf(refused)).toBe(second);
      await app
        .send('delete', path + mode)
        .set('if-match', `W/${second}`)
        .expect(412);
      expect((await app.send('get', path)).body).toHaveProperty('test_secret_key_masked', 'sk_test_...0002');
      await app
        .send('delete', path + mode)
        .set('if-match', second)
        .expect(204);
      expect((await app.send('get', path)).body).toHaveProperty('test_secret_key_masked', null);
    });

    it('lets exactly one of 20 clients win', async () => {
      const tag = await put();
      const answers = await Promise.all(
        times(20, (client) => putIf('if-match', tag, numbered(100 + client))),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 412)).toHaveLength(19);
      const winner = answers.findIndex(({ status }) => status === 200);
      const { body } = await app.send('get', path);
      expect(body).toHaveProperty('live_secret_key_masked', `sk_live_...0${100 + winner}`);
      for (const answer of answers) expect(tagOf(answer)).toBe(await get());
    });

    it('lets one of a PUT and a DELETE win', async () => {
      for (let round = 0; round < 4; round += 1) {
        const tag = await put();
        const [written, deleted] = await Promise.all([
          putIf('if-match', tag),
          app.send('delete', path).set('if-match', tag),
        ]);
        expect([`${written.status} ${deleted.status}`]).toEqual([
          expect.stringMatching(/^(?:200 412|412 204)$/),
        ]);
      }
    });
  });

  it('is checked before Stripe is asked', async () => {
    const tag = await put();
    const answer = await app
      .send('put', `${path}?validate=true`)
      .set('if-match', '"7"')
      .send(BODY)
      .expect(412);
    expect(tagOf(answer)).toBe(tag);
  });

  describe('and If-None-Match', () => {
    it('create with *, also after DELETE, but never replace', async () => {
      const created = tagOf(await putIf('if-none-match', '*').expect(200));
      const refused = await putIf('if-none-match', '*', numbered(3)).expect(412);
      expect(tagOf(refused)).toBe(created);
      await app.send('delete', path).expect(204);
      await putIf('if-none-match', '*', numbered(3)).expect(200);
    });

    it('let exactly one of 20 clients create it', async () => {
      for (const prepare of [() => undefined, () => app.send('delete', path).expect(204)]) {
        await prepare();
        const answers = await Promise.all(
          times(20, (client) => putIf('if-none-match', '*', numbered(client))),
        );
        expect(answers.map(({ status }) => status).sort()).toEqual([200, ...times(19, () => 412)]);
      }
    });

    it('refuse a write with the current tag', async () => {
      const tag = await put();
      await putIf('if-none-match', `W/${tag}`).expect(412);
      await putIf('if-none-match', '"nothing"').expect(200);
    });

    it('answer 304 if nothing changed since the last GET', async () => {
      for (const prepare of [() => get(), () => put()]) {
        const tag = await prepare();
        for (const value of [tag, `W/${tag}`, `"nothing", ${tag}`]) {
          const answer = await app.send('get', path).set('if-none-match', value).expect(304);
          expect([answer.text, tagOf(answer)]).toEqual(['', tag]);
        }
        await app.send('get', path).set('if-none-match', '"nothing"').expect(200);
        await app.send('get', path).set('if-match', '"nothing"').expect(412);
        await app.send('get', path).set('if-match', tag).expect(200);
      }
    });
  });

  it.each(['7', '"7', "'7'", '', '*, "1"', 'W/7'])(
    'is not read from a malformed header: %j',
    async (value) => {
      const tag = await put();
      for (const [header, name] of [
        ['if-match', 'If-Match'],
        ['if-none-match', 'If-None-Match'],
      ] as const) {
        for (const request of [
          putIf(header, value),
          app.send('delete', path).set(header, value),
          app.send('get', path).set(header, value),
        ]) {
          const { body } = await request.expect(400);
          expect(body).toEqual({ detail: expect.stringContaining(`The ${name} header must be *`) as string });
        }
      }
      expect(await get()).toBe(tag);
    },
  );

  it('works for other modules of the process', async () => {
    const configs = app.app.get(StripeConfigService);
    const id = parseProjectId(projectId);
    if (!id) throw new Error('The project has no id.');
    const { version } = await configs.save(id, BODY, { ifNoneMatch: '*' });
    const later = await configs.save(id, BODY, { ifMatch: [version] });
    await expect(configs.save(id, BODY, { ifMatch: [version] })).rejects.toMatchObject({
      code: 'precondition_failed',
    });
    await expect(configs.remove(id, { ifMatch: [version] })).rejects.toMatchObject({
      code: 'precondition_failed',
    });
    await configs.remove(id, { ifMatch: [later.version] });
  });
});
