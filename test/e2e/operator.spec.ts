import { randomUUID } from 'node:crypto';
import { ServiceAccountsService } from '../../src/projects/service-accounts/service-accounts.service.js';
import { systemActor } from '../../src/common/actor.js';
import { rowsOf } from '../harness/database/rows.js';
import { eventually } from '../harness/eventually.js';
import { type AppWithStripe, startAppWithStripe } from '../harness/app-with-stripe.js';
import { StripeServer } from '../harness/stripe/stripe-server.js';
import { configPath, OWNER, startTestApp, STRANGER, type TestApp } from '../harness/test-app.js';
import { accessToken, endUserToken } from '../harness/tokens.js';

const SCOPE = 'till:operate';
const PROJECTS = '/api/v1/operator/projects';
const ACCOUNTS = '/api/v1/operator/service-accounts';
const ENVIRONMENT = { AUTH_OPERATOR_SCOPE: SCOPE };
const PERSON = accessToken({ sub: 'operator-1', scope: `openid ${SCOPE}` });

interface Project {
  id: string;
  owner_id: string;
  name: string;
  health: string;
}
interface Page {
  projects: Project[];
  next_cursor: string | null;
}

async function operatorKey(app: TestApp, role: 'viewer' | 'admin' = 'admin'): Promise<string> {
  const account = { name: 'Platform backend', role, expiresAt: null, networks: [], requestsPerMinute: null };
  return (await app.app.get(ServiceAccountsService).create(null, account, systemActor('test'))).key;
}

const put = (app: TestApp, id: string, body: object, key: string) =>
  app.send('put', `${PROJECTS}/${id}`, key).send(body);

describe('an operator', () => {
  let app: TestApp;
  let admin: string;
  let viewer: string;
  beforeAll(async () => {
    app = await startTestApp({ environment: ENVIRONMENT });
    [admin, viewer] = [await operatorKey(app), await operatorKey(app, 'viewer')];
  });
  afterAll(() => app.close());

  it('is a person whose token has the scope, or a service account of the operator', async () => {
    const tokens = [PERSON, accessToken({ scp: [SCOPE] }), admin, viewer];
    for (const token of tokens) await app.send('get', PROJECTS, token).expect(200);
  });

  it('is nobody else: all others get one 403 for every operation', async () => {
    const projectId = await app.createProject();
    const { body: account } = await app
      .send('post', `/api/v1/projects/${projectId}/service-accounts`)
      .send({ name: 'A', role: 'admin' })
      .expect(201);
    const others = [
      OWNER,
      STRANGER,
      accessToken({ scope: `${SCOPE}s ${SCOPE.toUpperCase()}` }),
      endUserToken(projectId),
      accessToken({ sub: 'operator-1', scope: SCOPE, project_id: projectId }),
      (account as { key: string }).key,
    ];
    for (const token of others)
      for (const [method, path] of [
        ['get', `${PROJECTS}?limit=nope&unknown=1`],
        ['put', `${PROJECTS}/${projectId}`],
        ['put', `${PROJECTS}/${randomUUID()}`],
        ['put', `${PROJECTS}/nope`],
        ['get', ACCOUNTS],
        ['delete', `${ACCOUNTS}/nope`],
      ] as const) {
        const answer = await app.send(method, path, token).send({ name: 1 });
        expect(answer.status).toBe(403);
        expect(answer.body).toEqual({ detail: 'This operation is for operators of this service.' });
        expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="insufficient_scope"/);
      }
    for (const path of [PROJECTS, ACCOUNTS]) await app.send('get', path, null).expect(401);
  });

  it('is never a person while AUTH_OPERATOR_SCOPE is not set', async () => {
    const without = await startTestApp();
    await without.send('get', PROJECTS, PERSON).expect(403);
    await without.send('get', PROJECTS, await operatorKey(without)).expect(200);
    await without.close();
  });

  it('does not need the scope of developers', async () => {
    const scoped = await startTestApp({
      environment: { ...ENVIRONMENT, AUTH_DEVELOPER_SCOPE: 'till:develop' },
    });
    await scoped.send('get', PROJECTS, PERSON).expect(200);
    await scoped.send('get', PROJECTS, accessToken({ scope: 'till:develop' })).expect(403);
    await scoped.send('get', '/api/v1/projects/').expect(403);
    await scoped.close();
  });

  it('does in every project what an admin may, and no more', async () => {
    const id = await app.createProject();
    const body = { test_secret_key: `sk_test_${'a'.repeat(24)}` };
    for (const key of [PERSON, admin]) {
      const { body: saved } = await app.send('put', configPath(id), key).send(body).expect(200);
      expect(JSON.stringify(saved)).not.toContain('a'.repeat(5));
      await app.send('get', `${configPath(id)}/status`, key).expect(200);
      await app
        .send('post', `/api/v1/projects/${id}/end-user-tokens`, key)
        .send({ user_id: 'u' })
        .expect(201);
      await app.send('put', `/api/v1/projects/${id}`, key).send({ name: 'Renamed' }).expect(200);
      for (const [method, path] of [
        ['delete', `/api/v1/projects/${id}`],
        ['get', `/api/v1/projects/${id}/service-accounts`],
      ] as const)
        await app.send(method, path, key).expect(403, {
          detail:
            key === PERSON
              ? 'This needs the role owner in the project; yours is admin.'
              : 'Service accounts may not do this; it needs a person with the role owner in the project.',
        });
    }
    await app.send('get', configPath(id), viewer).expect(200);
    await app.send('put', configPath(id), viewer).send(body).expect(403);
    const { body: history } = await app.send('get', `${configPath(id)}/history`).expect(200);
    const actors = (history as { entries: { actor: { kind: string; name: string } }[] }).entries.map(
      ({ actor }) => actor,
    );
    expect(actors).toContainEqual(
      expect.objectContaining({ kind: 'service_account', name: 'Platform backend' }),
    );
    expect(actors).toContainEqual({ kind: 'person', subject: 'operator-1', name: null });
  });

  it('can own projects', async () => {
    const id = await app.createProject(PERSON);
    await app.send('get', `/api/v1/projects/${id}/service-accounts`, PERSON).expect(200);
    await app.send('delete', `/api/v1/projects/${id}`, PERSON).expect(204);
  });

  it('transfers a project to any subject, and makes the former owner an admin', async () => {
    const id = await app.createProject();
    const transfer = (subject: unknown, key = admin, project = id) =>
      app.send('post', `${PROJECTS}/${project}/transfer`, key).send({ subject });
    await transfer('developer-2', OWNER).expect(403);
    await transfer('developer-2', viewer).expect(403);
    await transfer('developer-2', admin, randomUUID()).expect(404);
    for (const subject of ['', '..', `sk_live_${'a'.repeat(24)}`, `tks_${'a'.repeat(49)}`])
      await transfer(subject).expect(422);
    await transfer('developer-1').expect(409);
    await transfer('developer-2').expect(204);
    const { body } = await app.send('get', `/api/v1/projects/${id}/members`, STRANGER).expect(200);
    expect((body as { members: object[] }).members).toMatchObject([
      { subject: 'developer-2', role: 'owner' },
      { subject: 'developer-1', role: 'admin' },
    ]);
    const { body: history } = await app.send('get', `${configPath(id)}/history`).expect(200);
    expect(history).toMatchObject({
      entries: [
        {
          action: 'project.transferred',
          member: 'developer-2',
          actor: { kind: 'service_account', name: 'Platform backend' },
        },
        {},
      ],
    });
  });

  it('changes nothing with the role viewer', async () => {
    await put(app, randomUUID(), { owner_id: 'a', name: 'b' }, viewer).expect(403, {
      detail: 'This operation needs an operator with the role admin; yours is viewer.',
    });
  });
});

describe('PUT /operator/projects/{id}', () => {
  let app: TestApp;
  let key: string;
  beforeAll(async () => {
    app = await startTestApp({ environment: ENVIRONMENT });
    key = await operatorKey(app);
  });
  afterAll(() => app.close());

  it('creates the project under its id and owner, and can be repeated', async () => {
    const id = randomUUID();
    const { body } = await put(
      app,
      id.toUpperCase(),
      { owner_id: 'developer-1', name: 'Corner shop' },
      key,
    ).expect(201);
    expect(body).toEqual({
      id,
      owner_id: 'developer-1',
      name: 'Corner shop',
      description: null,
      health: 'unconfigured',
      problems: [],
      gateway_paused: false,
      created_at: expect.any(String) as string,
      updated_at: expect.any(String) as string,
    });
    await put(app, id, { owner_id: 'developer-1', name: 'Corner shop' }, key).expect(200, body);
    await app.send('put', configPath(id)).send({}).expect(200);
    await app.send('delete', `/api/v1/projects/${id}`, STRANGER).expect(403);
    const { body: history } = await app.send('get', `${configPath(id)}/history`).expect(200);
    expect((history as { total: number }).total).toBe(2);
  });

  it('renames the project', async () => {
    const id = randomUUID();
    await put(app, id, { owner_id: 'developer-1', name: 'Corner shop' }, key).expect(201);
    const { body } = await put(app, id, { owner_id: 'developer-1', name: 'Bakery' }, PERSON).expect(200);
    expect(body).toMatchObject({ name: 'Bakery' });
    await app.send('get', `/api/v1/projects/${id}`).expect(200, /Bakery/);
    const { body: found } = await app.send('get', `${PROJECTS}?q=bakery`, key).expect(200);
    expect((found as Page).projects.map((each) => each.id)).toEqual([id]);
  });

  it('answers 409 for another owner and for a deleted id, and changes nothing', async () => {
    const id = await app.createProject();
    const detail = 'This id is of a deleted project, or of a project of another owner.';
    await put(app, id, { owner_id: 'developer-2', name: 'Taken' }, key).expect(409, { detail });
    await app.send('get', `/api/v1/projects/${id}`).expect(200, /Corner shop/);
    await app.send('delete', `/api/v1/projects/${id}`).expect(204);
    for (const owner of ['developer-1', 'developer-2'])
      await put(app, id, { owner_id: owner, name: 'Corner shop' }, key).expect(409, { detail });
    await app.send('get', `/api/v1/projects/${id}`).expect(404);
  });

  it('creates one project from concurrent requests', async () => {
    const id = randomUUID();
    const answers = await Promise.all(
      ['a', 'b', 'a', 'b'].map((owner) => put(app, id, { owner_id: owner, name: 'Corner shop' }, key)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 201, 409, 409]);
    expect((await rowsOf(app.database, 'projects')).filter((row) => row['id'] === id)).toHaveLength(1);
  });

  it.each<[object, string[]]>([
    [{}, ['owner_id', 'name']],
    [{ owner_id: '', name: 'a' }, ['owner_id']],
    [{ owner_id: 'x'.repeat(256), name: 'a' }, ['owner_id']],
    [{ owner_id: 'a\0', name: 'a' }, ['owner_id']],
    [{ owner_id: '.', name: 'a' }, ['owner_id']],
    [{ owner_id: '..', name: 'a' }, ['owner_id']],
    [{ owner_id: `sk_live_${'a'.repeat(24)}`, name: 'a' }, ['owner_id']],
    [{ owner_id: 'a', name: `tks_${'a'.repeat(49)}` }, ['name']],
    [{ owner_id: 7, name: '' }, ['owner_id', 'name']],
    [{ owner_id: 'a', name: 'b', id: 'c' }, ['id']],
  ])('refuses %j', async (body, fields) => {
    const id = randomUUID();
    const answer = await put(app, id, body, key).expect(422);
    const { detail } = answer.body as { detail: { loc: string[] }[] };
    expect(detail.map(({ loc }) => loc)).toEqual(fields.map((field) => ['body', field]));
    expect((await rowsOf(app.database, 'projects')).filter((row) => row['id'] === id)).toEqual([]);
  });

  it('refuses an id that is not a UUID, and the nil UUID', async () => {
    for (const id of ['nope', '00000000-0000-0000-0000-000000000000']) {
      const { body } = await put(app, id, { owner_id: 'a', name: 'b' }, key).expect(422);
      expect((body as { detail: { loc: string[] }[] }).detail[0]?.loc).toEqual(['path', 'project_id']);
    }
  });
});

describe('GET /operator/projects', () => {
  let app: TestApp;
  let key: string;
  const ids: string[] = [];
  const NAMES = [
    'Zebra',
    'alpha',
    'Alpine',
    'ALPHA two',
    'Éclair',
    'éclairs',
    'al%',
    'al_x',
    "O'Neill",
    '雪',
  ];

  beforeAll(async () => {
    app = await startTestApp({ environment: ENVIRONMENT });
    key = await operatorKey(app, 'viewer');
    const writer = await operatorKey(app);
    for (const [index, name] of NAMES.entries()) {
      const id = randomUUID();
      await put(app, id, { owner_id: `developer-${index % 2}`, name }, writer).expect(201);
      ids.unshift(id);
    }
    const deleted = await app.createProject();
    await app.send('delete', `/api/v1/projects/${deleted}`).expect(204);
  });
  afterAll(() => app.close());

  const read = async (query = '') =>
    (await app.send('get', `${PROJECTS}${query}`, key).expect(200)).body as Page;
  const all = async (query: string, limit: number) => {
    const pages: Page[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page = await read(`?limit=${limit}${query}${cursor && `&cursor=${cursor}`}`);
      pages.push(page);
      cursor = page.next_cursor;
    }
    return pages.flatMap(({ projects }) => projects);
  };
  const namesOf = (projects: Project[]) => projects.map(({ name }) => name);

  it('lists the projects of everybody, newest first, without deleted ones', async () => {
    const { projects, next_cursor: next } = await read();
    expect(projects.map(({ id }) => id)).toEqual(ids);
    expect(next).toBeNull();
    expect(JSON.stringify(projects)).not.toContain('search');
  });

  it.each([1, 3, 5, 10, 100])('lists every project once in pages of %d', async (limit) => {
    expect((await all('', limit)).map(({ id }) => id)).toEqual(ids);
    expect(namesOf(await all('&q=al', limit))).toEqual(['al%', 'al_x', 'alpha', 'ALPHA two', 'Alpine']);
    expect(namesOf(await all('&owner_id=developer-1', limit))).toHaveLength(5);
  });

  it.each([
    ['ALPHA', ['alpha', 'ALPHA two']],
    ['alpha%20', ['ALPHA two']],
    ['al%25', ['al%']],
    ['al_', ['al_x']],
    ['%25', []],
    ['%C3%A9CLAIR', ['Éclair', 'éclairs']],
    ['E%CC%81clair', ['Éclair', 'éclairs']],
    ["o'n", ["O'Neill"]],
    ['%E9%9B%AA', ['雪']],
    ['nothing', []],
  ])('finds names that begin with %s', async (q, names) => {
    expect(namesOf((await read(`?q=${q}`)).projects)).toEqual(names);
  });

  it('finds a project by its id, and all projects without q', async () => {
    expect((await read(`?q=${ids[3]?.toUpperCase()}`)).projects.map(({ id }) => id)).toEqual([ids[3]]);
    expect((await read(`?q=${randomUUID()}`)).projects).toEqual([]);
    expect((await read('?q=')).projects).toHaveLength(NAMES.length);
  });

  it('combines filters', async () => {
    expect(namesOf((await read('?q=al&owner_id=developer-1')).projects)).toEqual([
      'al_x',
      'alpha',
      'ALPHA two',
    ]);
    expect((await read('?q=al&owner_id=developer-1&health=healthy')).projects).toEqual([]);
    expect((await read('?owner_id=nobody')).projects).toEqual([]);
  });

  it.each([
    ['health=sick', 'health'],
    ['health=', 'health'],
    ['owner_id=', 'owner_id'],
    ['owner_id=%00', 'owner_id'],
    [`q=${'a'.repeat(256)}`, 'q'],
    ['q=a%00', 'q'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=x', 'limit'],
    ['cursor=nope', 'cursor'],
    [`cursor=${Buffer.from('["time","2026-11-30",7]').toString('base64url')}`, 'cursor'],
    [
      `cursor=${Buffer.from('["name","a","6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11"]').toString('base64url')}`,
      'cursor',
    ],
    ['page=2', 'page'],
    ['ownerid=a', 'ownerid'],
  ])('refuses %s', async (query, name) => {
    const { body } = await app.send('get', `${PROJECTS}?${query}`, key).expect(422);
    expect((body as { detail: { loc: string[] }[] }).detail.map(({ loc }) => loc)).toEqual([['query', name]]);
  });
});

describe('the health of a project', () => {
  const stripe = new StripeServer();
  let app: AppWithStripe;
  let key: string;
  beforeAll(async () => {
    await stripe.start();
    app = await startAppWithStripe({ stripe, environment: ENVIRONMENT });
    key = await operatorKey(app);
  });
  afterAll(async () => {
    await app.close();
    await stripe.stop();
  });

  const healthOf = async (id: string) => {
    const { body } = await app.send('get', `${PROJECTS}?q=${id}`, key).expect(200);
    const { health } = (body as Page).projects[0] as Project;
    const { body: filtered } = await app.send('get', `${PROJECTS}?health=${health}`, key).expect(200);
    expect((filtered as Page).projects.map((project) => project.id)).toContain(id);
    return health;
  };

  it('follows the stored keys and Stripe’s verdicts', async () => {
    const id = await app.createProject();
    expect(await healthOf(id)).toBe('unconfigured');
    await app
      .send('put', configPath(id))
      .send({ test_publishable_key: `pk_test_${'a'.repeat(24)}` })
      .expect(200);
    expect(await healthOf(id)).toBe('unconfigured');
    const [good, live] = [app.account.addSecretKey('test'), app.account.addSecretKey('live')];
    await app.send('put', configPath(id)).send({ test_secret_key: good }).expect(200);
    expect(await healthOf(id)).toBe('unverified');
    await app
      .send('put', `${configPath(id)}?validate=true`)
      .send({ test_secret_key: good })
      .expect(200);
    expect(await healthOf(id)).toBe('healthy');
    await app.send('put', configPath(id)).send({ live_secret_key: live }).expect(200);
    expect(await healthOf(id)).toBe('unverified');
    await app.send('delete', `${configPath(id)}/live`).expect(204);
    expect(await healthOf(id)).toBe('healthy');
    await app
      .send('put', configPath(id))
      .send({ test_secret_key: `sk_test_${'z'.repeat(24)}` })
      .expect(200);
    expect(await healthOf(id)).toBe('unverified');
    await app.send('post', `/api/v1/payments/stripe/projects/${id}/reconcile`).send({ mode: 'test' });
    // A verdict on a key in use is recorded after the answer.
    await eventually(async () => expect(await healthOf(id)).toBe('unhealthy'));
    await app.send('delete', configPath(id)).expect(204);
    expect(await healthOf(id)).toBe('unconfigured');
  });
});

describe('service accounts of the operator', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ environment: ENVIRONMENT });
  });
  afterAll(() => app.close());

  it('are made, rotated and revoked by a person, not by a service account', async () => {
    const fields = {
      name: 'Platform backend',
      role: 'admin',
      networks: ['127.0.0.1'],
      requests_per_minute: 900_000,
    };
    const { body } = await app.send('post', ACCOUNTS, PERSON).send(fields).expect(201);
    const { id, key } = body as { id: string; key: string };
    await app.send('get', PROJECTS, key).expect(200);
    const { body: listed } = await app.send('get', ACCOUNTS, key).expect(200);
    expect(listed).toEqual([expect.objectContaining({ id, ...fields })]);
    expect(JSON.stringify(listed)).not.toContain('tks_');
    const personal =
      'A service account manages no service accounts: a person who is an operator does, or the command line.';
    await app.send('post', ACCOUNTS, key).send(fields).expect(403, { detail: personal });
    await app.send('put', `${ACCOUNTS}/${id}`, key).send({ name: 'Mine' }).expect(403);
    await app.send('post', `${ACCOUNTS}/${id}/rotate`, key).expect(403);
    await app.send('put', `${ACCOUNTS}/${id}`, PERSON).send({ requests_per_minute: 800_000 }).expect(200);
    await app.send('delete', `${ACCOUNTS}/${id}`, key).expect(403);
    const { body: rotated } = await app
      .send('post', `${ACCOUNTS}/${id}/rotate`, PERSON)
      .send({ grace_seconds: 0 })
      .expect(200);
    await app.send('get', PROJECTS, key).expect(401);
    const { key: next } = rotated as { key: string };
    await app.send('get', PROJECTS, next).expect(200);
    await app.send('delete', `${ACCOUNTS}/${id}`, PERSON).expect(204);
    await app.send('get', PROJECTS, next).expect(401);
    await app.send('delete', `${ACCOUNTS}/${id}`, PERSON).expect(404);
    const chain = (await rowsOf(app.database, 'audit_entries')).filter(({ action }) =>
      String(action).startsWith('service_accounts.'),
    );
    expect(chain.map(({ action, subject }) => [action, subject])).toEqual(
      ['created', 'updated', 'rotated', 'revoked'].map((what) => [`service_accounts.${what}`, 'operator-1']),
    );
  });

  it('are separate from those of projects', async () => {
    const projectId = await app.createProject();
    const { body } = await app
      .send('post', `/api/v1/projects/${projectId}/service-accounts`)
      .send({ name: 'A', role: 'viewer' })
      .expect(201);
    const { id } = body as { id: string };
    await app.send('delete', `${ACCOUNTS}/${id}`, PERSON).expect(404);
    await app.send('put', `${ACCOUNTS}/${id}`, PERSON).send({ name: 'B' }).expect(404);
    await app.send('post', `${ACCOUNTS}/${id}/rotate`, PERSON).expect(404);
    expect((await app.send('get', ACCOUNTS, PERSON).expect(200)).body).not.toContainEqual(
      expect.objectContaining({ id }),
    );
  });
});
