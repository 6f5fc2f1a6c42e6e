import { randomUUID } from 'node:crypto';
import { OpaqueKeys } from '../../src/auth/opaque-keys/opaque-keys.js';
import { newOpaqueKey } from '../../src/auth/opaque-keys/opaque-key.js';
import { Database } from '../../src/database/database.js';
import { createTestDatabase, type TestDatabase } from '../harness/database/test-database.js';
import { rowsOf } from '../harness/database/rows.js';
import { eventually } from '../harness/eventually.js';
import { configPath, startTestApp, STRANGER, type TestApp, testEnvironment } from '../harness/test-app.js';

interface Account {
  id: string;
  key: string;
  name: string;
  former_key_expires_at: string | null;
}

const HOUR_MS = 3_600_000;
const UNKNOWN = 'The key of the service account is unknown, or was revoked.';

let database: TestDatabase;
let app: TestApp;
let other: TestApp;
let projectId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  // The caller's address is that of X-Forwarded-For.
  const environment = { ...testEnvironment(database), TRUST_PROXY: '1' };
  app = await startTestApp({ database, environment });
  other = await startTestApp({ database, environment });
  projectId = await app.createProject();
});
afterAll(async () => {
  await app.close();
  await other.close();
  await database.drop();
});
afterEach(() => jest.restoreAllMocks());

const pathOf = (id = projectId) => `/api/v1/projects/${id}/service-accounts`;
const create = async (fields: object = {}, id = projectId) => {
  const body = { name: 'Billing backend', role: 'admin', ...fields };
  return (await app.send('post', pathOf(id)).send(body).expect(201)).body as Account;
};
const rotate = async ({ id }: Account, body?: object) =>
  (await app.send('post', `${pathOf()}/${id}/rotate`).send(body).expect(200)).body as Account;
const list = async (id = projectId) =>
  (await app.send('get', pathOf(id)).expect(200)).body as Record<string, unknown>[];
const use = (key: string, process = app, id = projectId) => process.send('get', configPath(id), key);

describe('POST …/service-accounts', () => {
  it('creates an account, and shows its key once', async () => {
    const { body, headers } = await app
      .send('post', pathOf())
      .send({ name: 'Billing backend', role: 'admin' })
      .expect(201);
    expect(body).toEqual({
      id: expect.any(String) as string,
      name: 'Billing backend',
      role: 'admin',
      expires_at: null,
      networks: null,
      requests_per_minute: null,
      created_at: expect.any(String) as string,
      last_used_at: null,
      former_key_expires_at: null,
      key: expect.stringMatching(/^tks_[0-9A-Za-z]{49}$/) as string,
    });
    expect(headers['cache-control']).toBe('no-store');
    const { id, key } = body as Account;
    const listed = (await list()).find((account) => account['id'] === id);
    expect(listed).toEqual({ ...(body as object), key: undefined });
    const stored = JSON.stringify([
      await rowsOf(database, 'opaque_keys'),
      await rowsOf(database, 'service_accounts'),
    ]);
    expect(stored).not.toContain(key.slice(4, 40));
    expect(app.log.join('\n')).not.toContain(key.slice(4, 40));
  });

  it('sets the given expiry, networks and limit', async () => {
    const fields = {
      role: 'viewer',
      expires_at: '2040-01-02T03:04:05.678+01:00',
      networks: ['203.0.113.0/24', '2001:db8::/32', '192.0.2.7'],
      requests_per_minute: 7,
    };
    const { id } = await create(fields);
    expect((await list()).find((account) => account['id'] === id)).toMatchObject({
      ...fields,
      expires_at: '2040-01-02T02:04:05.678Z',
    });
  });

  it('stores the latest possible expiry, and networks of every address', async () => {
    const { key } = await create({
      expires_at: '9999-12-31T23:59:59-14:00',
      networks: ['0.0.0.0/0', '::/0'],
    });
    for (const ip of ['203.0.113.9', '::ffff:203.0.113.9', '2001:db8::9'])
      await use(key).set('x-forwarded-for', ip).expect(200);
  });

  it.each<[object, string, string]>([
    [{ name: undefined }, 'name', 'missing'],
    [{ name: '' }, 'name', 'string_too_short'],
    [{ name: 'x'.repeat(256) }, 'name', 'string_too_long'],
    [{ name: 7 }, 'name', 'string_type'],
    [{ name: `a ${'sk_live_'}${'a'.repeat(24)}` }, 'name', 'value_error'],
    [{ role: undefined }, 'role', 'missing'],
    [{ role: null }, 'role', 'enum'],
    [{ role: 'owner' }, 'role', 'enum'],
    [{ role: 'Admin' }, 'role', 'enum'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at', 'value_error'],
    [{ expires_at: '2040-02-30T00:00:00Z' }, 'expires_at', 'datetime_parsing'],
    [{ expires_at: '2040-01-01' }, 'expires_at', 'datetime_parsing'],
    [{ expires_at: 'nonsense' }, 'expires_at', 'datetime_parsing'],
    [{ expires_at: true }, 'expires_at', 'datetime_parsing'],
    [{ expires_at: 2_208_988_800 }, 'expires_at', 'datetime_parsing'],
    [{ networks: [] }, 'networks', 'value_error'],
    [{ networks: '203.0.113.0/24' }, 'networks', 'value_error'],
    [{ networks: ['203.0.113.0/33'] }, 'networks', 'value_error'],
    [{ networks: ['0:0:0:0:0:ffff:c000:201'] }, 'networks', 'value_error'],
    [{ networks: ['203.0.113.1', { a: 1 }] }, 'networks', 'value_error'],
    [{ networks: Array(51).fill('203.0.113.1') }, 'networks', 'value_error'],
    [{ requests_per_minute: 0 }, 'requests_per_minute', 'greater_than_equal'],
    [{ requests_per_minute: 1_000_001 }, 'requests_per_minute', 'less_than_equal'],
    [{ requests_per_minute: 1.5 }, 'requests_per_minute', 'int_type'],
    [{ requests_per_minute: '7' }, 'requests_per_minute', 'int_type'],
    [{ scope: 'all' }, 'scope', 'extra_forbidden'],
  ])('refuses %j, and creates nothing', async (fields, field, type) => {
    const before = await list();
    const { body } = await app
      .send('post', pathOf())
      .send({ name: 'Billing backend', role: 'admin', ...fields })
      .expect(422);
    const { detail } = body as { detail: { loc: string[]; type: string }[] };
    expect(detail.map(({ loc, type: kind }) => [loc, kind])).toEqual([[['body', field], type]]);
    expect(await list()).toEqual(before);
  });

  it('creates at most 100 for one project', async () => {
    const id = await app.createProject();
    const first = await create({}, id);
    // All wait for one history, so a busy machine would answer the last of 98 at once too late.
    for (let round = 0; round < 14; round += 1)
      await Promise.all(Array.from({ length: 7 }, () => create({}, id)));
    const statuses = await Promise.all(
      [1, 2, 3].map(
        async () => (await app.send('post', pathOf(id)).send({ name: 'More', role: 'viewer' })).status,
      ),
    );
    expect(statuses.sort()).toEqual([201, 409, 409]);
    await app.send('delete', `${pathOf(id)}/${first.id}`).expect(204);
    await create({}, id);
  });
});

describe('the key', () => {
  it('gives its role in its project, and none in others', async () => {
    const [viewer, admin] = [await create({ role: 'viewer' }), await create()];
    const elsewhere = await app.createProject();
    const body = { test_secret_key: `sk_test_${'a'.repeat(24)}` };
    for (const { key } of [viewer, admin]) {
      await use(key).expect(200);
      await use(key, app, elsewhere).expect(403, { detail: 'This project belongs to somebody else.' });
      await use(key, app, randomUUID()).expect(404);
      await use(key, app, 'nope').expect(422);
    }
    await app.send('put', configPath(projectId), viewer.key).send(body).expect(403, {
      detail: 'This needs the role admin in the project; yours is viewer.',
    });
    await app.send('put', configPath(projectId), admin.key).send(body).expect(200);
    await app
      .send('post', `/api/v1/projects/${projectId}/end-user-tokens`, admin.key)
      .send({ user_id: 'u' })
      .expect(201);
    await app.send('delete', `/api/v1/projects/${projectId}`, admin.key).expect(403);
  });

  it('can not make keys, or call the routes of developers', async () => {
    const { id, key } = await create();
    const paths = [pathOf(), `${pathOf()}/${id}/rotate`];
    for (const path of paths) await app.send('post', path, key).send({}).expect(403);
    await app.send('get', pathOf(), key).expect(403);
    await app.send('delete', `${pathOf()}/${id}`, key).expect(403);
    for (const path of ['/api/v1/auth/me', '/api/v1/operator/projects'])
      await app.send('get', path, key).expect(403);
    const { headers } = await app.send('post', '/api/v1/projects/', key).send({ name: 'Mine' }).expect(403);
    expect(headers['www-authenticate']).toMatch(/^Bearer error="insufficient_scope"/);
    await app.send('get', '/api/v1/payments/stripe/my-payments', key).expect(403);
  });

  it('is refused with 401 if it is malformed or unknown', async () => {
    const { key } = await create();
    const malformed = 'The key of the service account is malformed: copy all of it.';
    for (const text of [
      'tks_',
      'tks_abc',
      key.slice(0, -1),
      `${key}a`,
      key.slice(0, 20) + key.slice(20).toLowerCase(),
    ]) {
      const { body, headers } = await use(text).expect(401);
      expect(body).toEqual({ detail: malformed });
      expect(headers['www-authenticate']).toBe(
        `Bearer error="invalid_token", error_description="${malformed}"`,
      );
    }
    await use(newOpaqueKey('service_account')).expect(401, { detail: UNKNOWN });
    await use(newOpaqueKey('invitation')).expect(401);
    // The answer to a wrong key comes before anything about the project.
    await use('tks_abc', app, randomUUID()).expect(401);
    await app.send('get', '/health/live', 'tks_abc').expect(200);
  });

  it('is refused with 401 once it has expired', async () => {
    const { key } = await create({ expires_at: new Date(Date.now() + HOUR_MS).toISOString() });
    await use(key).expect(200);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + HOUR_MS);
    await use(key).expect(401, { detail: 'The key of the service account has expired.' });
  });

  it('is refused with 403 from outside of its networks', async () => {
    const { key } = await create({ networks: ['203.0.113.0/24', '2001:db8::/32'] });
    for (const ip of ['203.0.113.9', '::ffff:203.0.113.9', '2001:db8::9'])
      await use(key).set('x-forwarded-for', ip).expect(200);
    for (const ip of ['198.51.100.1', '2001:db9::1', '127.0.0.1'])
      await use(key)
        .set('x-forwarded-for', ip)
        .expect(403, { detail: 'The key of the service account may not be used from this network address.' });
    await use(key).expect(403);
  });

  it('is refused with 401 when its project is deleted, in every process', async () => {
    const id = await app.createProject();
    const { key } = await create({}, id);
    for (const process of [app, other]) await use(key, process, id).expect(200);
    await app.send('delete', `/api/v1/projects/${id}`).expect(204);
    await use(key, app, id).expect(401, { detail: UNKNOWN });
    await eventually(async () => void (await use(key, other, id).expect(401)), 2_000);
    expect((await rowsOf(database, 'service_accounts')).filter((row) => row['project_id'] === id)).toEqual(
      [],
    );
  });

  it('needs no query while it is cached', async () => {
    const { key } = await create();
    const keyQueries = async () => {
      const query = jest.spyOn(app.app.get(Database), 'query');
      await use(key).expect(200);
      const names = query.mock.calls.map(([{ name }]) => name);
      query.mockRestore();
      return names.filter((name) => name === 'find_opaque_key' || name === 'find_service_account');
    };
    await eventually(async () => expect(await keyQueries()).toEqual([]));
  });

  it('is listed with the time of its last use', async () => {
    const { id, key } = await create();
    const before = new Date().toISOString();
    await use(key).expect(200);
    await eventually(async () => {
      const { last_used_at: at } = (await list()).find((account) => account['id'] === id) ?? {};
      expect(String(at) >= before).toBe(true);
    });
  });
});

describe('PUT …/service-accounts/{id}', () => {
  const update = (id: string, body: object) => app.send('put', `${pathOf()}/${id}`).send(body);

  it('changes name, networks and limit, and keeps what is absent', async () => {
    const { id, key } = await create({ networks: ['203.0.113.0/24'], requests_per_minute: 7 });
    await rotate({ id } as Account);
    const named = await update(id, { name: 'Renamed' }).expect(200);
    expect(named.body).toMatchObject({
      name: 'Renamed',
      networks: ['203.0.113.0/24'],
      requests_per_minute: 7,
    });
    expect(named.body).toEqual((await list()).find((account) => account['id'] === id));
    const limited = await update(id, { requests_per_minute: 9, name: null }).expect(200);
    expect(limited.body).toMatchObject({ name: 'Renamed', requests_per_minute: 9 });
    await use(key).expect(403);
    const open = await update(id, { networks: null, requests_per_minute: null }).expect(200);
    expect(open.body).toMatchObject({ name: 'Renamed', networks: null, requests_per_minute: null });
    await use(key).expect(200);
  });

  it('takes effect in every process, for former keys too', async () => {
    const account = await create();
    const { key } = await rotate(account);
    for (const process of [app, other])
      for (const each of [account.key, key]) await use(each, process).expect(200);
    await update(account.id, { networks: ['203.0.113.0/24'] }).expect(200);
    for (const each of [account.key, key]) await use(each).expect(403);
    await eventually(async () => {
      for (const each of [account.key, key]) await use(each, other).expect(403);
    }, 2_000);
  });

  it('is in the history, unless nothing changes', async () => {
    const id = await app.createProject();
    const account = await create({ networks: ['::1'] }, id);
    const put = (body: object) =>
      app
        .send('put', `${pathOf(id)}/${account.id}`)
        .send(body)
        .expect(200);
    await put({ name: 'Renamed', networks: ['::1'] });
    for (const body of [{}, { name: 'Renamed' }, { networks: ['::1'], requests_per_minute: null }])
      await put(body);
    await put({ networks: ['::2'], requests_per_minute: 1 });
    const { body } = await app.send('get', `${configPath(id)}/history`).expect(200);
    const { entries } = body as { entries: Record<string, unknown>[] };
    const [second, first, created] = entries;
    expect(created).toMatchObject({ action: 'service_account.created' });
    expect(first).toMatchObject({
      action: 'service_account.updated',
      service_account_id: account.id,
      fields: [{ field: 'name' }],
    });
    expect(second).toMatchObject({ fields: [{ field: 'networks' }, { field: 'requests_per_minute' }] });
  });

  it.each<[string, unknown]>([
    ['name', ''],
    ['name', 1],
    ['networks', []],
    ['networks', ['nope']],
    ['requests_per_minute', 0],
    ['requests_per_minute', '5'],
    ['role', 'admin'],
    ['expires_at', null],
  ])('refuses %s: %p, and changes nothing', async (field, value) => {
    const { id } = await create({ name: 'Kept' });
    const { body } = await update(id, { name: 'Other', [field]: value }).expect(422);
    expect(body).toMatchObject({ detail: [{ loc: ['body', field] }] });
    expect((await list()).find((account) => account['id'] === id)).toMatchObject({ name: 'Kept' });
  });

  it('answers 404 for an account that is unknown or of another project, and 422 for a malformed id', async () => {
    const elsewhere = await app.createProject();
    const { id } = await create({}, elsewhere);
    for (const unknown of [id, randomUUID()]) await update(unknown, { name: 'X' }).expect(404);
    await update('nope', { name: 'X' }).expect(422);
    await app
      .send('put', `${pathOf(elsewhere)}/${id.toUpperCase()}`)
      .send({ name: 'X' })
      .expect(200);
  });
});

describe('POST …/service-accounts/{id}/rotate', () => {
  it('returns a new key, and keeps the former one for a day', async () => {
    const account = await create({ networks: ['127.0.0.0/8', '::1'] });
    const rotated = await rotate(account);
    expect(rotated.id).toBe(account.id);
    expect(rotated.key).not.toBe(account.key);
    const end = Date.parse(rotated.former_key_expires_at ?? '');
    expect(Math.abs(end - Date.now() - 24 * HOUR_MS)).toBeLessThan(60_000);
    for (const { key } of [account, rotated])
      for (const process of [app, other]) await use(key, process).expect(200);
    jest.spyOn(Date, 'now').mockReturnValue(end);
    await use(account.key).expect(401);
    await use(rotated.key).expect(200);
  });

  it('shows until when the former key is valid', async () => {
    const account = await create({ networks: ['127.0.0.0/8', '::1'] });
    const { former_key_expires_at: end } = await rotate(account, { grace_seconds: 60 });
    const listed = async () => (await list()).find(({ id }) => id === account.id);
    expect(await listed()).toMatchObject({ former_key_expires_at: end, networks: ['127.0.0.0/8', '::1'] });
    jest.spyOn(Date, 'now').mockReturnValue(Date.parse(end ?? ''));
    expect(await listed()).toMatchObject({ former_key_expires_at: null });
  });

  it('ends the former key at once with grace_seconds 0', async () => {
    const account = await create();
    await use(account.key).expect(200);
    const rotated = await rotate(account, { grace_seconds: 0 });
    await use(account.key).expect(401);
    await eventually(async () => void (await use(account.key, other).expect(401)), 2_000);
    await use(rotated.key).expect(200);
  });

  it('renews an expired account with a later end only', async () => {
    const account = await create({ expires_at: new Date(Date.now() + HOUR_MS).toISOString() });
    const now = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(now + HOUR_MS);
    await app.send('post', `${pathOf()}/${account.id}/rotate`).expect(409);
    const rotated = await rotate(account, { expires_at: new Date(now + 3 * HOUR_MS).toISOString() });
    await use(rotated.key).expect(200);
    await use(account.key).expect(401);
  });

  it.each([
    [{ grace_seconds: -1 }, 'grace_seconds'],
    [{ grace_seconds: 604_801 }, 'grace_seconds'],
    [{ grace_seconds: '5' }, 'grace_seconds'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ name: 'Other' }, 'name'],
  ])('refuses %j, and keeps the key', async (body, field) => {
    const account = await create();
    const answer = await app.send('post', `${pathOf()}/${account.id}/rotate`).send(body).expect(422);
    expect((answer.body as { detail: { loc: string[] }[] }).detail[0]?.loc).toEqual(['body', field]);
    expect((await list()).find(({ id }) => id === account.id)).toMatchObject({ former_key_expires_at: null });
  });
});

describe('DELETE …/service-accounts/{id}', () => {
  it('ends the key at once here, and within two seconds in the other process', async () => {
    const account = await create();
    const rotated = await rotate(account);
    for (const { key } of [account, rotated])
      for (const process of [app, other]) await use(key, process).expect(200);
    await app.send('delete', `${pathOf()}/${account.id}`).expect(204);
    for (const { key } of [account, rotated]) {
      await use(key).expect(401, { detail: UNKNOWN });
      await eventually(async () => void (await use(key, other).expect(401)), 2_000);
    }
    await app.send('delete', `${pathOf()}/${account.id}`).expect(404, {
      detail: 'There is no service account with this id.',
    });
    await app.send('post', `${pathOf()}/${account.id}/rotate`).expect(404);
  });

  it('answers 404 for an account of another project', async () => {
    const account = await create();
    const elsewhere = await app.createProject();
    await app.send('delete', `${pathOf(elsewhere)}/${account.id}`).expect(404);
    await app.send('post', `${pathOf(elsewhere)}/${account.id}/rotate`).expect(404);
    await app.send('delete', `${pathOf()}/${randomUUID()}`).expect(404);
    await app.send('delete', `${pathOf()}/nope`).expect(422, {
      detail: [{ loc: ['path', 'service_account_id'], msg: 'must be a UUID', type: 'uuid_parsing' }],
    });
    await app.send('delete', `${pathOf()}/${account.id}`, STRANGER).expect(403);
    await use(account.key).expect(200);
  });

  it('does nothing when the transaction fails', async () => {
    const account = await create();
    jest.spyOn(app.app.get(OpaqueKeys), 'revoke').mockImplementation(() => {
      throw new Error('refused');
    });
    await app.send('delete', `${pathOf()}/${account.id}`).expect(500);
    jest.restoreAllMocks();
    await use(account.key).expect(200);
    await app.send('delete', `${pathOf()}/${account.id}`).expect(204);
  });
});

it('counts refused keys by reason', async () => {
  const token = 'm'.repeat(32);
  const measured = await startTestApp({ environment: { METRICS_TOKEN: token } });
  await measured.send('get', '/api/v1/projects/', 'tks_nope').expect(401);
  for (let count = 0; count < 2; count += 1)
    await measured.send('get', '/api/v1/projects/', newOpaqueKey('service_account')).expect(401);
  const { text } = await measured.send('get', '/metrics', token).expect(200);
  expect(text.match(/^tillkeeper_service_account_refusals_total\{.*$/gm)).toEqual(
    ['malformed"} 1', 'unknown"} 2', 'expired"} 0', 'wrong_network"} 0'].map(
      (end) => `tillkeeper_service_account_refusals_total{reason="${end}`,
    ),
  );
  await measured.close();
});

it('records in the history who made an account, and what the account did, by id and name', async () => {
  const id = await app.createProject();
  const account = await create({ name: 'Ünïcode backend' }, id);
  await app.send('put', configPath(id), account.key).send({}).expect(200);
  await app.send('post', `${pathOf(id)}/${account.id}/rotate`).expect(200);
  await app.send('delete', `${pathOf(id)}/${account.id}`).expect(204);
  const { body } = await app.send('get', `${configPath(id)}/history`).expect(200);
  const entries = (body as { entries: Record<string, unknown>[] }).entries.map(
    ({ action, actor, service_account_id: about }) => [action, actor, about],
  );
  const owner = { kind: 'person', subject: 'developer-1', name: null };
  const machine = { kind: 'service_account', subject: account.id, name: 'Ünïcode backend' };
  expect(entries).toEqual([
    ['service_account.revoked', owner, account.id],
    ['service_account.rotated', owner, account.id],
    ['config.created', machine, null],
    ['service_account.created', owner, account.id],
    ['project.created', owner, null],
  ]);
});

describe('request limits', () => {
  let limited: TestApp;
  beforeAll(async () => {
    limited = await startTestApp({
      database,
      environment: { ...app.environment, RATE_LIMIT_PER_MINUTE: '20' },
    });
  });
  afterAll(() => limited.close());

  const passing = async (process: TestApp, key: string, attempts: number) => {
    const statuses: number[] = [];
    for (let count = 0; count < attempts; count += 1) statuses.push((await use(key, process)).status);
    expect(new Set(statuses.filter((status) => status !== 200))).toEqual(new Set([429]));
    return statuses.filter((status) => status === 200).length;
  };

  it('count for each account, and never exceed the general limit', async () => {
    const [few, more, same] = [
      await create({ requests_per_minute: 3 }),
      await create({ requests_per_minute: 1_000 }),
      await create(),
    ];
    expect(await passing(limited, few.key, 6)).toBe(3);
    expect(await passing(limited, more.key, 23)).toBe(20);
    expect(await passing(limited, same.key, 23)).toBe(20);
    const { headers } = await use(few.key, limited).expect(429);
    expect(headers['retry-after']).toMatch(/^[1-9]\d?$/);
  });

  it('count both keys of an account together', async () => {
    const account = await create({ requests_per_minute: 4 });
    const rotated = await rotate(account);
    for (const { key } of [account, rotated, account, rotated]) await use(key, limited).expect(200);
    for (const { key } of [account, rotated]) await use(key, limited).expect(429);
  });

  it('apply even if the general limit is off', async () => {
    const account = await create({ requests_per_minute: 2 });
    expect(await passing(app, account.key, 4)).toBe(2);
  });

  it('count refused keys by address', async () => {
    for (let count = 0; count < 20; count += 1)
      await use('tks_nope', limited).set('x-forwarded-for', '198.51.100.77').expect(401);
    await use('tks_nope', limited).set('x-forwarded-for', '198.51.100.77').expect(429);
  });
});
