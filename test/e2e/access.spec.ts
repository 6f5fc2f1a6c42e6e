import { randomUUID } from 'node:crypto';
import { RouteTable } from '../../src/http/route-table.js';
import { PATH_METADATA } from '@nestjs/common/constants';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { ACCESS } from '../../src/auth/route-access.js';
import { REQUIREMENT } from '../../src/projects/project.guards.js';
import { configPath, OWNER, startTestApp, STRANGER, type TestApp } from '../harness/test-app.js';
import { accessToken, endUserToken } from '../harness/tokens.js';

const METHODS = ['get', 'head', 'post', 'put', 'delete'] as const;
type Method = (typeof METHODS)[number];

interface Expectation {
  nobody: number;
  endUser: number;
  stranger: number;
  owner: number;
  body?: object;
}

const everybody = (status: number): Expectation => ({
  nobody: status,
  endUser: status,
  stranger: status,
  owner: status,
});
const everyDeveloper = (status: number, body?: object): Expectation => ({
  nobody: 401,
  endUser: 403,
  stranger: status,
  owner: status,
  body,
});
const theOwner = (status: number, body?: object): Expectation => ({
  nobody: 401,
  endUser: 403,
  stranger: 403,
  owner: status,
  body,
});

const endUsers = (status: number, body?: object): Expectation => ({
  nobody: 401,
  endUser: status,
  stranger: 403,
  owner: 403,
  body,
});

const PROJECT = '/api/v1/projects/:project_id';
const STRIPE = '/api/v1/payments/stripe/projects/:project_id';
const TILL = '/api/v1/payments/stripe';

/**
 * Every route there is. A route that is missing here fails the suite: say who may call it. HEAD is as GET.
 */
const ROUTES: Record<string, Expectation> = {
  'GET /docs': everybody(200),
  'GET /docs/': everybody(302),
  'GET /docs/*': everybody(200),
  'GET /docs/LICENSE': everybody(404),
  'GET /docs/index.html': everybody(302),
  'GET /docs/swagger-ui-init.js': everybody(200),
  'GET /docs/docs/swagger-ui-init.js': everybody(200),
  'GET /docs-json': everybody(200),
  'GET /docs-yaml': everybody(200),
  'GET /health/live': everybody(200),
  'GET /health/ready': everybody(200),
  'GET /metrics': everybody(401),
  'POST /api/v1/auth/register': everybody(422),
  'POST /api/v1/auth/login': everybody(422),
  'POST /api/v1/auth/refresh': everybody(422),
  // These tokens were made for no account.
  'GET /api/v1/auth/me': everyDeveloper(404),
  'GET /api/v1/projects': everyDeveloper(200),
  'POST /api/v1/projects': everyDeveloper(201, { name: 'Corner shop' }),
  [`GET ${PROJECT}`]: theOwner(200),
  [`PUT ${PROJECT}`]: theOwner(200, { name: 'Corner shop' }),
  [`DELETE ${PROJECT}`]: theOwner(204),
  [`POST ${PROJECT}/end-user-tokens`]: theOwner(201, { user_id: 'user-1' }),
  [`GET ${STRIPE}/config`]: theOwner(200),
  [`PUT ${STRIPE}/config`]: theOwner(200, {}),
  [`DELETE ${STRIPE}/config`]: theOwner(204),
  [`DELETE ${STRIPE}/config/:mode`]: theOwner(204),
  [`GET ${STRIPE}/config/status`]: theOwner(200),
  [`GET ${STRIPE}/config/history`]: theOwner(200),
  [`GET ${STRIPE}/webhook-urls`]: theOwner(200),
  [`GET ${STRIPE}/subscriptions`]: theOwner(200),
  [`GET ${STRIPE}/payments`]: theOwner(200),
  'GET /api/v1/payments/subscriptions': everyDeveloper(200),
  'GET /api/v1/payments/transactions': everyDeveloper(200),
  'GET /api/v1/payments/projects': everyDeveloper(200),
  'GET /api/v1/payments/stats': everyDeveloper(200),
  // Without a key there is nobody to ask.
  [`POST ${STRIPE}/webhook-endpoints`]: theOwner(404, { mode: 'test' }),
  [`DELETE ${STRIPE}/webhook-endpoints/:mode`]: theOwner(404),
  [`GET ${STRIPE}/webhook-events`]: theOwner(200),
  [`POST ${STRIPE}/webhook-events/:event_id/replay`]: theOwner(404),
  [`POST ${STRIPE}/reconcile`]: theOwner(404, { mode: 'test' }),
  // Stripe proves itself by its signature, where there is a secret to check it with.
  'POST /api/v1/payments/stripe/webhooks/:project_id/:mode': everybody(404),
  [`POST ${TILL}/checkout-session`]: endUsers(404, {}),
  [`POST ${TILL}/customer-portal`]: endUsers(404, {}),
  [`GET ${TILL}/my-subscription`]: endUsers(404),
  [`GET ${TILL}/my-payments`]: endUsers(404),
  [`POST ${TILL}/cancel-subscription`]: endUsers(404, {}),
  [`POST ${TILL}/update-subscription`]: endUsers(404, {}),
  // Stripe is not asked about a key of the wrong kind.
  [`POST ${STRIPE}/validate-credentials`]: theOwner(200, {
    secret_key: 'pk_test_aaaaaaaa',
    is_test_mode: true,
  }),
};

const split = (route: string): [Method, string] => {
  const [name = '', path = ''] = route.split(' ');
  const method = METHODS.find((known) => known === name.toLowerCase());
  if (!method) throw new Error(`${route} is not tested.`);
  return [method, path];
};

const fill = (path: string, projectId: string, mode = 'test') =>
  path
    .replace(':project_id', projectId)
    .replace(':mode', mode)
    .replace(':event_id', 'evt_1')
    .replace('*', 'swagger-ui.css');

/** Wrong for every operation that takes a body. */
const WRONG_BODY = { test_secret_key: 1, name: 1, secret_key: 1, user_id: 1 };

const guarded = Object.entries(ROUTES).filter(([, { nobody, owner }]) => nobody === 401 && owner !== 401);
const ofProjects = guarded.filter(([route]) => route.includes(':project_id'));
const withBody = Object.entries(ROUTES).filter(([, { body, owner }]) => body !== undefined && owner !== 403);
const forEndUsers = Object.entries(ROUTES).filter(([, { nobody, owner }]) => nobody === 401 && owner === 403);

describe('who may call what', () => {
  const registered: string[] = [];
  let app: TestApp;
  let projectId: string;
  const deletedIds: string[] = [];

  beforeAll(async () => {
    const watch = RouteTable.prototype.watch;
    jest.spyOn(RouteTable.prototype, 'watch').mockImplementation(function (this: RouteTable, fastify) {
      fastify.addHook('onRoute', ({ method, url }) => {
        registered.push(...[method].flat().map((each) => `${each} ${url}`));
      });
      watch.call(this, fastify);
    });
    app = await startTestApp({ environment: { METRICS_TOKEN: 'm'.repeat(32) } });
    projectId = await newProject();
    for (const token of [OWNER, STRANGER]) {
      const id = await app.createProject(token);
      await app.send('delete', fill(PROJECT, id), token).expect(204);
      deletedIds.push(id, id.toUpperCase());
    }
  });
  afterAll(() => app.close());

  const newProject = async () => {
    const id = await app.createProject();
    await app.send('put', configPath(id)).send({}).expect(200);
    return id;
  };

  it('is decided for every registered route, and for no other', () => {
    const routes = new Set(registered.map((route) => route.replace('HEAD ', 'GET ')));
    expect([...routes].sort()).toEqual(Object.keys(ROUTES).sort());
  });

  it('is declared by every handler, as a permission if the path has a project', () => {
    const undeclared: string[] = [];
    const controllers = [...app.app.get(ModulesContainer).values()].flatMap((module) => [
      ...module.controllers.values(),
    ]);
    for (const { metatype: controller } of controllers) {
      if (!controller) continue;
      const { prototype } = controller as { prototype: Record<string, object> };
      for (const name of new MetadataScanner().getAllMethodNames(prototype)) {
        const handler = prototype[name] ?? {};
        const declared = (key: string): unknown =>
          Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, controller);
        const path = Reflect.getMetadata(PATH_METADATA, handler) as string | undefined;
        if (path === undefined) continue;
        const isOfProject = `${Reflect.getMetadata(PATH_METADATA, controller)}/${path}`.includes(
          ':project_id',
        );
        const isComplete =
          declared(ACCESS) === 'developer' && isOfProject ? declared(REQUIREMENT) : declared(ACCESS);
        if (!isComplete) undeclared.push(`${controller.name}.${name}`);
      }
    }
    expect(controllers.length).toBeGreaterThan(10);
    expect(undeclared).toEqual([]);
  });

  describe.each(Object.entries(ROUTES))('%s', (route, { body, ...expected }) => {
    const [method, path] = split(route);

    it.each(['nobody', 'endUser', 'stranger', 'owner'] as const)('answers %s', async (caller) => {
      const id = method === 'delete' && caller === 'owner' ? await newProject() : projectId;
      const token = { nobody: null, endUser: endUserToken(id), stranger: STRANGER, owner: OWNER }[caller];
      const answer = await app.send(method, fill(path, id), token).send(body);
      expect(answer.status).toBe(expected[caller]);
      if (method === 'get') {
        const head = await app.send('head', fill(path, id), token);
        expect(head.status).toBe(expected[caller]);
        expect(head.text).toBeUndefined();
      }
    });
  });

  describe.each(guarded)('%s', (route) => {
    const [method, path] = split(route);
    it('asks for a token before anything else, with an error in the challenge only for a wrong one', async () => {
      const expired = accessToken({ exp: 1 });
      for (const id of [projectId, randomUUID(), 'nope']) {
        const none = await app.send(method, fill(path, id, 'nope'), null).send(WRONG_BODY);
        expect(none.status).toBe(401);
        expect(none.headers['www-authenticate']).toBe('Bearer');
        const wrong = await app.send(method, fill(path, id, 'nope'), expired).send(WRONG_BODY);
        expect(wrong.status).toBe(401);
        expect(wrong.headers['www-authenticate']).toMatch(
          /^Bearer error="invalid_token"(?:, error_description="[^"\\]+")?$/,
        );
        expect(wrong.body).toEqual({ detail: expect.stringMatching(/^[A-Z].+\.$/) as string });
      }
    });

    if (ROUTES[route]?.endUser !== 403) return;

    it('refuses an end user before the project is read', async () => {
      for (const id of [projectId, randomUUID(), 'nope']) {
        for (const token of [
          endUserToken(projectId),
          endUserToken(id),
          endUserToken(projectId, 'developer-1'),
        ]) {
          const answer = await app.send(method, fill(path, id, 'nope'), token).send(WRONG_BODY);
          expect(answer.status).toBe(403);
          expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="insufficient_scope"/);
        }
      }
    });
  });

  it.each(forEndUsers)('%s refuses developers before any other check', async (route) => {
    const [method, path] = split(route);
    for (const token of [OWNER, STRANGER]) {
      const answer = await app.send(method, `${path}?test_mode=nope`, token).send(WRONG_BODY);
      expect(answer.status).toBe(403);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="insufficient_scope"/);
    }
  });

  it.each(forEndUsers)(
    '%s answers 404 for an unknown or deleted project, before the body is read',
    async (route) => {
      const [method, path] = split(route);
      for (const id of [randomUUID(), 'nope', ...deletedIds]) {
        const answer = await app.send(method, `${path}?test_mode=nope`, endUserToken(id)).send(WRONG_BODY);
        expect(answer.status).toBe(404);
        expect(answer.body).toEqual({ detail: 'There is no project with this id.' });
      }
    },
  );

  describe.each(ofProjects)('%s', (route, { body, owner }) => {
    const [method, path] = split(route);
    it.each([
      'nope',
      'null',
      '0',
      '%00',
      '6f1c1d1e6f0a4b579a3e0a6f0e6f2b11',
      "'%20OR%201=1--",
      '%F0%9F%98%80',
      '..%2f..',
      'a'.repeat(8_000),
    ])('refuses %s as a malformed UUID before any other check', async (id) => {
      const answer = await app.send(method, fill(path, id)).send(WRONG_BODY);
      expect(answer.status).toBe(422);
      expect(answer.body).toEqual({
        detail: [{ loc: ['path', 'project_id'], msg: 'must be a UUID', type: 'uuid_parsing' }],
      });
    });

    it('answers 404 for an unknown or deleted project, to its owner too', async () => {
      for (const id of [randomUUID(), ...deletedIds]) {
        const answer = await app.send(method, fill(path, id, 'nope')).send(WRONG_BODY);
        expect(answer.status).toBe(404);
        expect(answer.body).toEqual({ detail: 'There is no project with this id.' });
      }
    });

    it('refuses strangers before the body is read', async () => {
      const answer = await app.send(method, fill(path, projectId, 'nope'), STRANGER).send(WRONG_BODY);
      expect(answer.status).toBe(403);
      expect(answer.body).toEqual({ detail: 'This project belongs to somebody else.' });
    });

    it('accepts the id of a project in any case', async () => {
      const id = await newProject();
      const answer = await app.send(method, fill(path, id.toUpperCase())).send(body);
      expect(answer.status).toBe(owner);
    });
  });

  it.each(withBody)('%s checks the body last', async (route) => {
    const [method, path] = split(route);
    const answer = await app.send(method, fill(path, projectId)).send(WRONG_BODY);
    expect(answer.status).toBe(422);
    const { detail } = answer.body as { detail: { loc: string[] }[] };
    for (const { loc } of detail) expect(loc[0]).toBe('body');
  });

  it('accepts only test and live as a mode', async () => {
    for (const mode of ['prod', 'TEST', 'live%20', 'status', '%00', '0']) {
      const { body } = await app.send('delete', `${configPath(projectId)}/${mode}`).expect(422);
      expect(body).toEqual({
        detail: [{ loc: ['path', 'mode'], msg: 'must be test or live', type: 'enum' }],
      });
    }
  });

  it('compares owners exactly', async () => {
    for (const sub of ['Developer-1', 'developer-1 ', 'developer-10', 'developer-', 'ｄeveloper-1', '%']) {
      await app.send('get', configPath(projectId), accessToken({ sub })).expect(403);
    }
  });
});
