import { OpaqueKeys } from '../../../src/auth/opaque-keys/opaque-keys.js';
import { isWellFormed } from '../../../src/auth/opaque-keys/opaque-key.js';
import { eventually } from '../../harness/eventually.js';
import { rowsOf } from '../../harness/database/rows.js';
import { startTestApp, STRANGER, type TestApp } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

interface GatewayKey {
  id: string;
  key: string;
}

let app: TestApp;
let projectId: string;

beforeAll(async () => {
  app = await startTestApp();
  projectId = await app.createProject();
});
afterAll(() => app.close());

const pathOf = (id = projectId) => `/api/v1/payments/stripe/projects/${id}/gateway-keys`;
const NEW = { name: 'Python worker', mode: 'test', permissions: { customers: 'write' } };
const create = async (fields: object = {}, id = projectId) =>
  (
    await app
      .send('post', pathOf(id))
      .send({ ...NEW, ...fields })
      .expect(201)
  ).body as GatewayKey;
const list = async (id = projectId) =>
  (await app.send('get', pathOf(id)).expect(200)).body as Record<string, unknown>[];
const find = async (id: string) => (await list()).find((key) => key['id'] === id);
const verify = (key: string, ip = '192.0.2.1') =>
  app.app.get(OpaqueKeys).verify('gateway_test', { key, ip }, async (id) => id);

describe('POST …/gateway-keys', () => {
  it('makes a key, and shows it this once', async () => {
    const { body } = await app.send('post', pathOf()).send(NEW).expect(201);
    const { id, key } = body as GatewayKey;
    expect(body).toEqual({
      ...NEW,
      id: expect.any(String) as string,
      accounts: [],
      paused: false,
      expires_at: null,
      networks: null,
      created_at: expect.any(String) as string,
      last_used_at: null,
      former_key_expires_at: null,
      key: expect.stringMatching(/^tkg_test_[0-9A-Za-z]{49}$/) as string,
    });
    expect(await find(id)).toEqual({ ...(body as object), key: undefined });
    const stored = JSON.stringify([
      await rowsOf(app.database, 'opaque_keys'),
      await rowsOf(app.database, 'gateway_keys'),
    ]);
    expect(stored).not.toContain(key.slice(9, 40));
    expect(app.log.join('\n')).not.toContain(key.slice(9, 40));
  });

  it('has a prefix for each mode', async () => {
    const { key } = await create({ mode: 'live' });
    expect(key).toMatch(/^tkg_live_/);
    expect(isWellFormed('gateway_live', key)).toBe(true);
    expect(isWellFormed('gateway_test', key)).toBe(false);
  });

  it('sets what is given', async () => {
    const fields = {
      permissions: { 'checkout/sessions': 'read', '*': 'read', 'core/events': 'write' },
      accounts: ['acct_1aaaaaaaaaaaaaaa', 'acct_1a/acct_1b'],
      expires_at: '2040-01-01T00:00:00.000Z',
      networks: ['203.0.113.0/24'],
    };
    const { id } = await create(fields);
    expect(await find(id)).toMatchObject(fields);
    expect(await find((await create({ permissions: {} })).id)).toMatchObject({ permissions: {} });
  });

  it.each<[object, string, string]>([
    [{ name: undefined }, 'name', 'missing'],
    [{ mode: 'sandbox' }, 'mode', 'enum'],
    [{ permissions: undefined }, 'permissions', 'missing'],
    [{ permissions: null }, 'permissions', 'dict_type'],
    [{ permissions: ['customers'] }, 'permissions', 'dict_type'],
    [{ accounts: 'acct_1' }, 'accounts', 'value_error'],
    [{ accounts: ['acct_1 acct_2'] }, 'accounts', 'value_error'],
    [{ accounts: ['org_1'] }, 'accounts', 'value_error'],
    [{ accounts: Array(101).fill('acct_1') }, 'accounts', 'value_error'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at', 'value_error'],
    [{ expires_at: '2027-02-30T00:00:00Z' }, 'expires_at', 'datetime_parsing'],
    [{ networks: [] }, 'networks', 'value_error'],
    [{ paused: true }, 'paused', 'extra_forbidden'],
  ])('refuses %j, and makes nothing', async (fields, field, type) => {
    const before = await list();
    const { body } = await app
      .send('post', pathOf())
      .send({ ...NEW, ...fields })
      .expect(422);
    const { detail } = body as { detail: { loc: string[]; type: string }[] };
    expect(detail.map(({ loc, type: kind }) => [loc, kind])).toEqual([[['body', field], type]]);
    expect(await list()).toEqual(before);
  });

  it('names each wrong permission, and the resource that was meant', async () => {
    const permissions = { customer: 'read', invoices: 'admin', charges: 'read', refunds: null, nothing: 'x' };
    const resource = 'is no resource of Stripe';
    const detail = [
      ['customer', `${resource}; did you mean customers?`],
      ['invoices', 'must be read or write'],
      ['refunds', 'must be read or write'],
      ['nothing', `${resource}; write path resources such as customers or checkout/sessions, or *`],
    ].map(([name, msg]) => expect.objectContaining({ loc: ['body', 'permissions', name], msg }) as unknown);
    const { body } = await app
      .send('post', pathOf())
      .send({ ...NEW, permissions })
      .expect(422);
    expect(body).toMatchObject({ detail });
    const { id } = await create();
    const changed = await app.send('patch', `${pathOf()}/${id}`).send({ permissions }).expect(422);
    expect(changed.body).toMatchObject({ detail });
    expect(await find(id)).toMatchObject({ permissions: NEW.permissions });
  });

  it('makes at most 100 for one project', async () => {
    const id = await app.createProject();
    await Promise.all(Array.from({ length: 99 }, () => create({}, id)));
    const statuses = await Promise.all(
      [1, 2, 3].map(async () => (await app.send('post', pathOf(id)).send(NEW)).status),
    );
    expect(statuses.sort()).toEqual([201, 409, 409]);
  });
});

describe('PATCH …/gateway-keys/{id}', () => {
  it('changes what is given, and keeps the rest', async () => {
    const { id, key } = await create({ accounts: ['acct_1a'], networks: ['203.0.113.0/24'] });
    const before = await find(id);
    const change = async (body: object) =>
      (await app.send('patch', `${pathOf()}/${id}`).send(body).expect(200)).body as object;
    expect(await change({})).toEqual(before);
    expect(await change({ name: null, permissions: null, accounts: null, paused: null })).toEqual(before);
    expect(await change({ name: 'Worker', paused: true })).toEqual({
      ...before,
      name: 'Worker',
      paused: true,
    });
    expect(await change({ paused: false, permissions: { charges: 'read' }, accounts: [] })).toMatchObject({
      name: 'Worker',
      paused: false,
      permissions: { charges: 'read' },
      accounts: [],
      networks: ['203.0.113.0/24'],
    });
    expect(await verify(key)).toEqual({ refusal: 'wrong_network' });
    expect(await change({ networks: ['192.0.2.0/24'] })).toMatchObject({ networks: ['192.0.2.0/24'] });
    expect(await verify(key)).toEqual({ holder: id });
    expect(await change({ networks: null })).toMatchObject({ networks: null });
    expect(await verify(key, '203.0.113.9')).toEqual({ holder: id });
  });

  it.each<[object, string, string]>([
    [{ name: '' }, 'name', 'string_too_short'],
    [{ paused: 'yes' }, 'paused', 'bool_type'],
    [{ mode: 'live' }, 'mode', 'extra_forbidden'],
  ])('refuses %j', async (fields, field, type) => {
    const { id } = await create();
    const before = await find(id);
    const { body } = await app.send('patch', `${pathOf()}/${id}`).send(fields).expect(422);
    expect(body).toMatchObject({ detail: [{ loc: ['body', field], type }] });
    expect(await find(id)).toEqual(before);
  });
});

describe('rotation and revocation', () => {
  it('make a new key with a grace period for the former one', async () => {
    const first = await create({ networks: ['192.0.2.0/24'] });
    const rotated = await app.send('post', `${pathOf()}/${first.id}/rotate`).expect(200);
    const { key, former_key_expires_at: end } = rotated.body as GatewayKey & {
      former_key_expires_at: string;
    };
    expect(key).not.toBe(first.key);
    expect(Date.parse(end)).toBeGreaterThan(Date.now());
    for (const each of [first.key, key]) expect(await verify(each)).toEqual({ holder: first.id });
    await app.send('post', `${pathOf()}/${first.id}/rotate`).send({ grace_seconds: 0 }).expect(200);
    for (const each of [first.key, key]) expect(await verify(each)).not.toHaveProperty('holder');
  });

  it('keep the last use, also when the used key is gone', async () => {
    const { id, key } = await create();
    await verify(key);
    let used: unknown;
    await eventually(async () => {
      used = (await find(id))?.['last_used_at'];
      expect(used).not.toBeNull();
    });
    const rotate = () => app.send('post', `${pathOf()}/${id}/rotate`).send({ grace_seconds: 0 }).expect(200);
    await rotate();
    await rotate();
    await rotate();
    expect(await find(id)).toMatchObject({ last_used_at: used });
  });

  it('refuse an expired key without a later end', async () => {
    const { id } = await create({ expires_at: new Date(Date.now() + 1_000).toISOString() });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await app.send('post', `${pathOf()}/${id}/rotate`).expect(409);
    await app
      .send('post', `${pathOf()}/${id}/rotate`)
      .send({ expires_at: '2040-01-01T00:00:00Z' })
      .expect(200);
  });

  it('end a key for good', async () => {
    const { id, key } = await create();
    await app.send('delete', `${pathOf()}/${id}`).expect(204);
    await app.send('delete', `${pathOf()}/${id}`).expect(404);
    expect(await find(id)).toBeUndefined();
    expect(await verify(key)).toEqual({ refusal: 'unknown' });
  });

  it('end the keys of a deleted project', async () => {
    const id = await app.createProject();
    const { key } = await create({}, id);
    await app.send('delete', `/api/v1/projects/${id}`).expect(204);
    expect(await verify(key)).toEqual({ refusal: 'unknown' });
    expect(await rowsOf(app.database, 'gateway_keys')).not.toContainEqual(
      expect.objectContaining({ project_id: id }),
    );
  });
});

it('are of one project only', async () => {
  const { id } = await create();
  const elsewhere = `${pathOf(await app.createProject())}/${id}`;
  await app.send('patch', elsewhere).send({ paused: true }).expect(404);
  await app.send('post', `${elsewhere}/rotate`).expect(404);
  await app.send('delete', elsewhere).expect(404);
  await app.send('get', pathOf(), STRANGER).expect(403);
  expect(await find(id)).toMatchObject({ paused: false, former_key_expires_at: null });
});

it('are managed by admins, not by viewers', async () => {
  const members = `/api/v1/projects/${projectId}/members`;
  for (const role of ['viewer', 'admin'])
    await app
      .send('post', members)
      .send({ subject: `gateway-${role}`, role })
      .expect(201);
  await app.send('get', pathOf(), accessToken({ sub: 'gateway-viewer' })).expect(403);
  await app
    .send('post', pathOf(), accessToken({ sub: 'gateway-admin' }))
    .send(NEW)
    .expect(201);
});

it('are in the history, without the key', async () => {
  const id = await app.createProject();
  const { id: keyId, key } = await create({}, id);
  await app
    .send('patch', `${pathOf(id)}/${keyId}`)
    .send({ paused: true })
    .expect(200);
  // Changes nothing.
  const { permissions } = NEW;
  for (const same of [{ paused: true }, { permissions }, { networks: null }, {}])
    await app
      .send('patch', `${pathOf(id)}/${keyId}`)
      .send(same)
      .expect(200);
  await app.send('post', `${pathOf(id)}/${keyId}/rotate`).expect(200);
  await app.send('delete', `${pathOf(id)}/${keyId}`).expect(204);
  const { body } = await app.send('get', `/api/v1/payments/stripe/projects/${id}/config/history`).expect(200);
  const { entries } = body as {
    entries: {
      action: string;
      gateway_key_id: string | null;
      gateway_key_name: string | null;
      mode: string;
    }[];
  };
  expect(entries.map(({ action, gateway_key_id: of, gateway_key_name: name }) => [action, of, name])).toEqual(
    [
      ['gateway_key.revoked', keyId, NEW.name],
      ['gateway_key.rotated', keyId, NEW.name],
      ['gateway_key.updated', keyId, NEW.name],
      ['gateway_key.created', keyId, NEW.name],
      ['project.created', null, null],
    ],
  );
  expect(entries[2]).toMatchObject({ mode: 'test', fields: [{ field: 'paused', last_four: null }] });
  expect(JSON.stringify(body)).not.toContain(key.slice(9, 40));
});
