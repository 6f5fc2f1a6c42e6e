import { configPath, startTestApp, STRANGER, type TestApp } from '../support/test-app.js';

describe('the Stripe configuration of a project', () => {
  let app: TestApp;
  let path: string;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    path = configPath(await app.createProject());
  });

  const put = (body: object) => app.send('put', path).send(body);

  it('is null before the first PUT', async () => {
    const { body, text, headers } = await app.send('get', path).expect(200);
    expect(body).toBeNull();
    expect(text).toBe('null');
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('answers masked, and the same on GET', async () => {
    const secretKey = `sk_test_${'a'.repeat(28)}wxYZ`;
    const saved = await put({ test_secret_key: `  ${secretKey}\n`, test_webhook_secret: `whsec_${'b'.repeat(32)}` }).expect(200);
    expect(saved.body).toMatchObject({
      is_active: true,
      has_test_credentials: true,
      has_live_credentials: false,
      test_secret_key_masked: 'sk_test_...wxYZ',
      test_webhook_secret_masked: 'whsec_...bbbb',
      live_secret_key_masked: null,
      live_configured_at: null,
      warnings: [],
    });
    expect(saved.text).not.toContain(secretKey);
    expect((await app.send('get', path).expect(200)).body).toEqual(saved.body);
  });

  it('changes nothing for a body without changes', async () => {
    const first = await put({ test_secret_key: `sk_test_${'a'.repeat(24)}` }).expect(200);
    expect((await put({}).expect(200)).body).toEqual(first.body);
    expect((await put({ test_secret_key: null }).expect(200)).body).toEqual(first.body);
  });

  it('starts from empty after DELETE', async () => {
    const first = await put({ test_secret_key: `sk_test_${'a'.repeat(24)}`, live_secret_key: `sk_live_${'b'.repeat(24)}` }).expect(200);
    await app.send('delete', path).expect(204);
    await app.send('delete', path).expect(204);
    const deleted = await app.send('get', path).expect(200);
    expect(deleted.body).toMatchObject({ is_active: false, has_test_credentials: false, test_configured_at: null });
    const again = await put({ live_secret_key: `sk_live_${'c'.repeat(24)}` }).expect(200);
    expect(again.body).toMatchObject({
      id: (first.body as { id: string }).id,
      is_active: true,
      test_secret_key_masked: null,
      live_secret_key_masked: 'sk_live_...cccc',
      created_at: (first.body as { created_at: string }).created_at,
    });
  });

  it('destroys one mode alone', async () => {
    await put({ test_secret_key: `sk_test_${'a'.repeat(24)}`, live_secret_key: `sk_live_${'b'.repeat(24)}` }).expect(200);
    await app.send('delete', `${path}/test`).expect(204);
    const { body } = await app.send('get', path).expect(200);
    expect(body).toMatchObject({
      is_active: true,
      test_secret_key_masked: null,
      test_configured_at: null,
      live_secret_key_masked: 'sk_live_...bbbb',
    });
  });

  it('is not found by DELETE before the first PUT', async () => {
    await app.send('delete', path).expect(404);
    await app.send('delete', `${path}/live`).expect(404);
  });

  it('is closed to strangers', async () => {
    await app.send('put', path, STRANGER).send({}).expect(403);
    await app.send('get', path, STRANGER).expect(403);
    await app.send('delete', path, STRANGER).expect(403);
  });

  it('keeps every field of 20 clients that write at once, after 50 that make it at once', async () => {
    const created = await Promise.all(Array.from({ length: 50 }, () => put({ test_secret_key: `sk_test_${'a'.repeat(24)}` })));
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
        return put({ [field]: `${prefix}${'d'.repeat(28)}${String(index).padStart(4, '0')}` });
      }),
    );
    answers.forEach(({ body }, index) => {
      const [field] = entries[index % entries.length] ?? [''];
      expect((body as Record<string, string>)[`${field}_masked`]).not.toBeNull();
    });
    const { body } = await app.send('get', path).expect(200);
    for (const field of Object.keys(fields)) expect((body as Record<string, string | null>)[`${field}_masked`]).not.toBeNull();
  });
});
