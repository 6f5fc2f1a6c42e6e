import { randomUUID } from 'node:crypto';
import { Controller, Get, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, MODULE_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer, Reflector } from '@nestjs/core';
import { ForDevelopers } from '../../src/auth/route-access.js';
import { openApiDocument } from '../../src/http/openapi/docs.js';
import { RouteTable } from '../../src/http/route-table.js';
import {
  accountRolesWith,
  hasPermission,
  type Permission,
  PERMISSIONS,
  type Role,
  ROLES,
} from '../../src/projects/permissions/permissions.js';
import { REQUIREMENT } from '../../src/projects/permissions/project.guards.js';
import { ProjectsModule } from '../../src/projects/projects.module.js';
import { execute } from '../harness/database/rows.js';
import { systemActor } from '../../src/common/actor.js';
import type { ProjectId } from '../../src/common/ids.js';
import { ServiceAccountsService } from '../../src/projects/service-accounts/service-accounts.service.js';
import { configPath, OWNER, startTestApp, STRANGER, type TestApp } from '../harness/test-app.js';
import { accessToken, endUserToken } from '../harness/tokens.js';

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;
type Method = (typeof METHODS)[number];

/** Service accounts, and operators with and without one. */
const MACHINES = ['viewerAccount', 'adminAccount', 'foreignAccount'] as const;
const OPERATORS = ['operatorPerson', 'operatorAccount', 'operatorViewer'] as const;
const CALLERS = ['nobody', 'endUser', 'stranger', ...ROLES, ...MACHINES, ...OPERATORS] as const;
type Caller = (typeof CALLERS)[number];

interface Expectation extends Record<Caller, number> {
  permission?: Permission;
  body?: object;
}

const eachRole = (statusOf: (role: Role) => number) =>
  Object.fromEntries(ROLES.map((role) => [role, statusOf(role)])) as Record<Role, number>;

const everybody = (status: number) =>
  Object.fromEntries(CALLERS.map((caller) => [caller, status])) as Record<Caller, number>;
const everyDeveloper = (status: number, body?: object): Expectation => ({
  ...everybody(status),
  nobody: 401,
  endUser: 403,
  viewerAccount: 403,
  adminAccount: 403,
  foreignAccount: 403,
  operatorAccount: 403,
  operatorViewer: 403,
  body,
});
/** Lists of what the caller may read. */
const readers = (status: number): Expectation => ({ ...everybody(status), nobody: 401, endUser: 403 });
const allowed = (permission: Permission, status: number, body?: object): Expectation => {
  const { viewer, admin, owner } = eachRole((role) => (hasPermission(role, permission) ? status : 403));
  return {
    ...{ viewer, admin, owner },
    nobody: 401,
    endUser: 403,
    stranger: 403,
    viewerAccount: accountRolesWith(permission).includes('viewer') ? status : 403,
    adminAccount: accountRolesWith(permission).includes('admin') ? status : 403,
    foreignAccount: 403,
    operatorPerson: admin,
    operatorAccount: admin,
    operatorViewer: viewer,
    permission,
    body,
  };
};
/** `allowed`, but refused to service accounts of the operator too. */
const people = (permission: Permission, status: number, body?: object): Expectation => ({
  ...allowed(permission, status, body),
  operatorAccount: 403,
  operatorViewer: 403,
});
/** @param refused those operators who may not */
const operators = (
  status: number,
  refused: (typeof OPERATORS)[number][] = [],
  body?: object,
): Expectation => ({
  ...everybody(403),
  nobody: 401,
  ...Object.fromEntries(OPERATORS.map((caller) => [caller, refused.includes(caller) ? 403 : status])),
  body,
});
const endUsers = (status: number, body?: object): Expectation => ({
  ...everybody(403),
  nobody: 401,
  endUser: status,
  body,
});

const PROJECT = '/api/v1/projects/:project_id';
const STRIPE = '/api/v1/payments/stripe/projects/:project_id';
const TILL = '/api/v1/payments/stripe';
const OPERATOR = '/api/v1/operator';
const MACHINE_OPERATORS: (typeof OPERATORS)[number][] = ['operatorAccount', 'operatorViewer'];

function destinationRoutes(
  path: string,
  expect: (role: 'viewer' | 'admin', status: number, body?: object) => Expectation,
): Record<string, Expectation> {
  return {
    [`GET ${path}`]: expect('viewer', 200),
    [`POST ${path}`]: expect('admin', 201, { url: 'https://receiver.example/' }),
    [`GET ${path}/:destination_id`]: expect('viewer', 404),
    [`PUT ${path}/:destination_id`]: expect('admin', 404, {}),
    [`DELETE ${path}/:destination_id`]: expect('admin', 404),
    [`POST ${path}/:destination_id/rotate`]: expect('admin', 404),
    [`GET ${path}/:destination_id/deliveries`]: expect('viewer', 404),
    [`POST ${path}/:destination_id/deliveries/:delivery_id/retry`]: expect('admin', 404),
    [`POST ${path}/:destination_id/recover`]: expect('admin', 404, { since: '2026-11-21T09:30:00Z' }),
    [`POST ${path}/:destination_id/test`]: expect('admin', 404),
  };
}

/** Every route. An unlisted route fails the suite: declare who may call it. HEAD counts as GET. */
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
  'GET /invitations': everybody(200),
  'GET /console': everybody(200),
  'GET /console/*': everybody(200),
  'GET /console/config.json': everybody(200),
  'GET /console/assets/*': everybody(404),
  'GET /connect/:token': everybody(404),
  'GET /connect/assets/*': everybody(404),
  'POST /api/v1/session': everybody(422),
  'POST /api/v1/session/refresh': everybody(401),
  'DELETE /api/v1/session': everybody(204),
  'GET /api/v1/session/link/:token': everybody(303),
  'GET /api/v1/session/oidc': everybody(404),
  'GET /api/v1/session/oidc/callback': everybody(404),
  'POST /api/v1/auth/register': everybody(422),
  'POST /api/v1/auth/login': everybody(422),
  'POST /api/v1/auth/refresh': everybody(422),
  // These tokens have no account.
  'GET /api/v1/auth/me': everyDeveloper(404),
  'DELETE /api/v1/auth/me': everyDeveloper(404),
  'POST /api/v1/auth/password-reset': everybody(422),
  'POST /api/v1/auth/password-reset-request': everybody(422),
  'POST /api/v1/auth/logout': everyDeveloper(404),
  'GET /api/v1/auth/sessions': everyDeveloper(404),
  'DELETE /api/v1/auth/sessions': everyDeveloper(404),
  'GET /api/v1/auth/sessions/:session_id': everyDeveloper(404),
  'DELETE /api/v1/auth/sessions/:session_id': everyDeveloper(404),
  'POST /api/v1/auth/change-password': everyDeveloper(404, {
    current_password: 'p'.repeat(8),
    new_password: 'n'.repeat(8),
  }),
  'GET /api/v1/projects': readers(200),
  'POST /api/v1/projects': everyDeveloper(201, { name: 'Corner shop' }),
  [`GET ${PROJECT}`]: allowed('project:read', 200),
  [`PUT ${PROJECT}`]: allowed('project:write', 200, { name: 'Corner shop' }),
  [`DELETE ${PROJECT}`]: allowed('project:delete', 204),
  [`GET ${PROJECT}/members`]: allowed('members:read', 200),
  [`POST ${PROJECT}/members`]: allowed('members:write', 201, { email: 'ada@example.com', role: 'admin' }),
  [`PUT ${PROJECT}/members/:subject`]: allowed('members:write', 404, { role: 'admin' }),
  // Every member may leave, see members.spec.ts.
  [`DELETE ${PROJECT}/members/:subject`]: allowed('members:write', 404),
  [`POST ${PROJECT}/transfer`]: allowed('project:transfer', 409, { subject: 'nobody' }),
  // Machines get no mails.
  [`GET ${PROJECT}/members/me/notifications`]: people('notifications:write', 200),
  [`PUT ${PROJECT}/members/me/notifications`]: people('notifications:write', 200, {}),
  [`GET ${PROJECT}/invitations`]: allowed('members:write', 200),
  [`DELETE ${PROJECT}/invitations/:invitation_id`]: allowed('members:write', 404),
  'POST /api/v1/projects/invitations/accept': everyDeveloper(404, { token: 'tki_used' }),
  [`POST ${PROJECT}/end-user-tokens`]: allowed('end-user-tokens:create', 201, { user_id: 'user-1' }),
  [`GET ${PROJECT}/service-accounts`]: allowed('service-accounts:write', 200),
  [`POST ${PROJECT}/service-accounts`]: allowed('service-accounts:write', 201, { name: 'A', role: 'viewer' }),
  [`PUT ${PROJECT}/service-accounts/:service_account_id`]: allowed('service-accounts:write', 404, {
    name: 'A',
  }),
  [`POST ${PROJECT}/service-accounts/:service_account_id/rotate`]: allowed('service-accounts:write', 404),
  [`DELETE ${PROJECT}/service-accounts/:service_account_id`]: allowed('service-accounts:write', 404),
  [`GET ${OPERATOR}/projects`]: operators(200),
  [`GET ${OPERATOR}/system`]: operators(200),
  [`PUT ${OPERATOR}/projects/:project_id`]: operators(200, ['operatorViewer'], {
    owner_id: 'developer-1',
    name: 'Corner shop',
  }),
  [`POST ${OPERATOR}/projects/:project_id/transfer`]: operators(409, ['operatorViewer'], {
    subject: 'developer-1',
  }),
  [`PUT ${OPERATOR}/projects/:project_id/gateway`]: operators(200, ['operatorViewer'], { paused: false }),
  [`GET ${OPERATOR}/service-accounts`]: operators(200),
  [`POST ${OPERATOR}/service-accounts`]: operators(201, MACHINE_OPERATORS, { name: 'A', role: 'viewer' }),
  [`PUT ${OPERATOR}/service-accounts/:service_account_id`]: operators(404, MACHINE_OPERATORS, { name: 'A' }),
  [`POST ${OPERATOR}/service-accounts/:service_account_id/rotate`]: operators(404, MACHINE_OPERATORS),
  [`DELETE ${OPERATOR}/service-accounts/:service_account_id`]: operators(404, MACHINE_OPERATORS),
  [`GET ${STRIPE}/gateway-keys`]: allowed('gateway-keys:write', 200),
  [`POST ${STRIPE}/gateway-keys`]: allowed('gateway-keys:write', 201, {
    name: 'A',
    mode: 'test',
    permissions: {},
  }),
  [`GET ${STRIPE}/gateway-keys/:gateway_key_id/usage`]: allowed('gateway-keys:write', 404),
  [`PATCH ${STRIPE}/gateway-keys/:gateway_key_id`]: allowed('gateway-keys:write', 404, { name: 'B' }),
  [`POST ${STRIPE}/gateway-keys/:gateway_key_id/rotate`]: allowed('gateway-keys:write', 404),
  [`DELETE ${STRIPE}/gateway-keys/:gateway_key_id`]: allowed('gateway-keys:write', 404),
  [`GET ${STRIPE}/connect-links`]: allowed('connect-links:write', 200),
  [`POST ${STRIPE}/connect-links`]: allowed('connect-links:write', 201, {
    mode: 'test',
    return_url: 'https://platform.test/',
    expires_in: 60,
  }),
  [`DELETE ${STRIPE}/connect-links/:connect_link_id`]: allowed('connect-links:write', 404),
  // No caller has the token of a link.
  'GET /api/v1/connect': { ...everybody(404), nobody: 401 },
  'POST /api/v1/connect/check': { ...everybody(404), nobody: 401 },
  'POST /api/v1/connect/complete': { ...everybody(404), nobody: 401 },
  [`GET ${STRIPE}/config`]: allowed('config:read', 200),
  [`PUT ${STRIPE}/config`]: allowed('config:write', 200, {}),
  [`DELETE ${STRIPE}/config`]: allowed('config:write', 204),
  [`DELETE ${STRIPE}/config/:mode`]: allowed('config:write', 204),
  [`GET ${STRIPE}/config/status`]: allowed('config:read', 200),
  [`GET ${STRIPE}/config/history`]: allowed('history:read', 200),
  [`GET ${STRIPE}/config/history/verification`]: allowed('history:read', 200),
  [`GET ${STRIPE}/webhook-urls`]: allowed('config:read', 200),
  [`GET ${STRIPE}/subscriptions`]: allowed('ledger:read', 200),
  [`GET ${STRIPE}/payments`]: allowed('ledger:read', 200),
  [`GET ${STRIPE}/stats/series`]: allowed('ledger:read', 200),
  'GET /api/v1/payments/subscriptions': readers(200),
  'GET /api/v1/payments/transactions': readers(200),
  'GET /api/v1/payments/projects': readers(200),
  'GET /api/v1/payments/stats': readers(200),
  'GET /api/v1/payments/stats/series': readers(200),
  // Stripe can't be asked without a key.
  [`POST ${STRIPE}/webhook-endpoints`]: allowed('endpoints:write', 404, { mode: 'test' }),
  [`DELETE ${STRIPE}/webhook-endpoints/:mode`]: allowed('endpoints:write', 404),
  [`GET ${STRIPE}/events`]: allowed('event-log:read', 200),
  ...destinationRoutes(`${STRIPE}/event-destinations`, (_role, status, body) =>
    allowed('event-destinations:write', status, body),
  ),
  ...destinationRoutes(`${OPERATOR}/event-destinations`, (role, status, body) =>
    operators(status, role === 'admin' ? ['operatorViewer'] : [], body),
  ),
  [`GET ${STRIPE}/webhook-events`]: allowed('events:read', 200),
  [`GET ${STRIPE}/webhook-events/:event_id/payload`]: allowed('events:payload', 404),
  [`POST ${STRIPE}/webhook-events/:event_id/replay`]: allowed('events:replay', 404),
  [`POST ${STRIPE}/reconcile`]: allowed('events:reconcile', 404, { mode: 'test' }),
  // Stripe authenticates by its signature, which needs a stored webhook secret.
  'POST /api/v1/payments/stripe/webhooks/:project_id/:mode': everybody(404),
  [`POST ${TILL}/checkout-session`]: endUsers(404, {}),
  [`POST ${TILL}/customer-portal`]: endUsers(404, {}),
  [`GET ${TILL}/my-subscription`]: endUsers(404),
  [`GET ${TILL}/my-payments`]: endUsers(404),
  [`POST ${TILL}/cancel-subscription`]: endUsers(404, {}),
  [`POST ${TILL}/update-subscription`]: endUsers(404, {}),
  // Stripe is not asked about a key of the wrong kind.
  [`POST ${STRIPE}/validate-credentials`]: allowed('config:validate', 200, {
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

const NOBODYS_ID = '00000000-0000-4000-8000-000000000000';

const fill = (path: string, projectId: string, mode = 'test') =>
  path
    .replace(':project_id', projectId)
    .replace(':mode', mode)
    .replace(':event_id', 'evt_1')
    .replace(':subject', 'nobody')
    .replace(':invitation_id', NOBODYS_ID)
    .replace(':destination_id', NOBODYS_ID)
    .replace(':delivery_id', NOBODYS_ID)
    .replace(':session_id', randomUUID())
    .replace(':gateway_key_id', NOBODYS_ID)
    .replace(':connect_link_id', NOBODYS_ID)
    .replace(':service_account_id', 'b1f0c7de-3a52-4f6b-9d18-7c2e5a9f0d34')
    .replace('*', 'swagger-ui.css');

const SCOPE = 'till:operate';

const TOKENS = {
  nobody: null,
  stranger: STRANGER,
  viewer: accessToken({ sub: 'the-viewer' }),
  admin: accessToken({ sub: 'the-admin' }),
  owner: OWNER,
  operatorPerson: accessToken({ sub: 'the-operator', scope: SCOPE }),
};
const isRole = (caller: Caller): caller is Role => ROLES.some((role) => role === caller);

/** Wrong for every operation that takes a body. */
const WRONG_BODY = {
  test_secret_key: 1,
  name: 1,
  secret_key: 1,
  user_id: 1,
  new_password: 1,
  subject: 1,
  token: 1,
};

/** Routes whose token is that of a link. */
const OF_LINKS = / \/api\/v1\/connect/;

/** Browsers say so of a page of this service. Sessions of browsers are for such pages alone. */
const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };
const guarded = Object.entries(ROUTES).filter(
  ([route, { nobody, owner }]) => nobody === 401 && owner !== 401 && !OF_LINKS.test(route),
);
const ofProjects = guarded.filter(([route, { owner }]) => route.includes(':project_id') && owner !== 403);
const withBody = Object.entries(ROUTES).filter(([, { body, owner }]) => body !== undefined && owner !== 403);
const forEndUsers = guarded.filter(([, { endUser }]) => endUser !== 403);

describe('access to routes', () => {
  const registered: string[] = [];
  let app: TestApp;
  let projectId: string;
  let foreignId: string | undefined;
  const deletedIds: string[] = [];

  beforeAll(async () => {
    const watch = RouteTable.prototype.watch;
    jest.spyOn(RouteTable.prototype, 'watch').mockImplementation(function (this: RouteTable, fastify) {
      fastify.addHook('onRoute', ({ method, url }) => {
        registered.push(...[method].flat().map((each) => `${each} ${url}`));
      });
      watch.call(this, fastify);
    });
    app = await startTestApp({
      environment: { METRICS_TOKEN: 'm'.repeat(32), AUTH_OPERATOR_SCOPE: SCOPE, CONSOLE: 'true' },
      pages: 'test/fixtures/console',
    });
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
    for (const role of ['viewer', 'admin'])
      await execute(
        app.database,
        `INSERT INTO project_members (project_id, subject, role, created_at) VALUES ('${id}', 'the-${role}', '${role}', '2026-11-30 08:00:00.000')`,
      );
    return id;
  };

  /** Keys of service accounts by project and role. */
  const keys = new Map<string, Promise<string>>();
  const keyOf = (project: string | null, role: 'viewer' | 'admin') => {
    const name = `${project} ${role}`;
    const account = { name, role, expiresAt: null, networks: [], requestsPerMinute: null };
    const service = app.app.get(ServiceAccountsService);
    const made = () =>
      service.create(project as ProjectId | null, account, systemActor('test')).then(({ key }) => key);
    const key = keys.get(name) ?? made();
    keys.set(name, key);
    return key;
  };
  const tokenOf = async (caller: Caller, id: string): Promise<string | null> => {
    if (caller === 'endUser') return endUserToken(id);
    if (caller === 'viewerAccount') return keyOf(id, 'viewer');
    if (caller === 'adminAccount') return keyOf(id, 'admin');
    if (caller === 'foreignAccount') return keyOf((foreignId ??= await app.createProject()), 'admin');
    if (caller === 'operatorAccount') return keyOf(null, 'admin');
    return caller === 'operatorViewer' ? keyOf(null, 'viewer') : TOKENS[caller];
  };

  it('is tested for every registered route, and for no other', () => {
    const routes = new Set(registered.map((route) => route.replace('HEAD ', 'GET ')));
    expect([...routes].sort()).toEqual(Object.keys(ROUTES).sort());
  });

  it('is declared in the code as in this matrix', () => {
    const declared: Record<string, Permission> = {};
    const reflector = new Reflector();
    for (const { controllers } of app.app.get(ModulesContainer).values()) {
      for (const { metatype: controller } of controllers.values()) {
        const { prototype } = controller as { prototype: Record<string, () => unknown> };
        for (const name of Object.getOwnPropertyNames(prototype)) {
          const handler = prototype[name] as () => unknown;
          const of = <T>(key: string) =>
            reflector.getAllAndOverride<T>(key, [handler, controller as () => unknown]);
          const requirement = of<{ permission: Permission } | undefined>(REQUIREMENT);
          if (!requirement || reflector.get(METHOD_METADATA, handler) === undefined) continue;
          const method = RequestMethod[reflector.get<RequestMethod>(METHOD_METADATA, handler)];
          const parts = [controller as () => unknown, handler].map((of) =>
            reflector.get<string>(PATH_METADATA, of),
          );
          const path = `/api/v1/${parts.join('/')}`.replace(/\/+$/, '');
          declared[`${method} ${path}`] = requirement.permission;
        }
      }
    }
    const listed = Object.entries(ROUTES).flatMap(([route, { permission }]) =>
      permission ? [[route, permission]] : [],
    );
    expect(declared).toEqual(Object.fromEntries(listed));
    expect(new Set(Object.values(declared))).toEqual(new Set(Object.keys(PERMISSIONS)));
  });

  it('is described in the OpenAPI document', () => {
    const { paths } = openApiDocument(app.app);
    for (const [route, expected] of Object.entries(ROUTES)) {
      if (!expected.permission && !route.includes(OPERATOR)) continue;
      const [method, path] = split(route);
      const operation = paths[path.replace(/:(\w+)/g, '{$1}')]?.[method as 'get'];
      const [viewer, admin] = expected.permission
        ? (['viewerAccount', 'adminAccount'] as const)
        : (['operatorViewer', 'operatorAccount'] as const);
      const roles = [expected[viewer] !== 403 && '`viewer`', expected[admin] !== 403 && '`admin`'];
      const named = /service accounts(?: of the operator)? with the role ([^.]*)\./.exec(
        operation?.description ?? '',
      );
      expect([route, named?.[1] ?? '']).toEqual([route, roles.filter(Boolean).join(' or ')]);
      expect(/For operators|Operators have it/.test(operation?.description ?? '')).toBe(
        expected.operatorPerson !== 403,
      );
    }
  });

  it('must be declared by every route, or the server does not start', async () => {
    @Controller('projects/:project_id/undeclared')
    class Undeclared {
      @Get('one')
      @ForDevelopers()
      one() {
        return null;
      }
    }
    @Controller('undeclared')
    class WithoutProject {
      @Get('two')
      two() {
        return null;
      }
    }
    const known = Reflect.getMetadata(MODULE_METADATA.CONTROLLERS, ProjectsModule) as object[];
    Reflect.defineMetadata(
      MODULE_METADATA.CONTROLLERS,
      [...known, Undeclared, WithoutProject],
      ProjectsModule,
    );
    try {
      await expect(startTestApp()).rejects.toThrow(
        'These routes do not say who may call them: Undeclared.one, WithoutProject.two.',
      );
    } finally {
      Reflect.defineMetadata(MODULE_METADATA.CONTROLLERS, known, ProjectsModule);
    }
  });

  describe.each(Object.entries(ROUTES))('%s', (route, { body, ...expected }) => {
    const [method, path] = split(route);

    it.each(CALLERS)('answers %s', async (caller) => {
      const id = method === 'delete' && expected[caller] < 400 ? await newProject() : projectId;
      const token = await tokenOf(caller, id);
      const answer = await app.send(method, fill(path, id), token).set(OWN_PAGE).send(body);
      expect(answer.status).toBe(expected[caller]);
      if (expected.permission && isRole(caller) && !hasPermission(caller, expected.permission))
        expect(answer.body).toEqual({
          detail: `This needs the role ${PERMISSIONS[expected.permission].from} in the project; yours is ${caller}.`,
        });
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

    it('refuses a role that does not suffice before the body is read', async () => {
      for (const role of ROLES.filter((each) => ROUTES[route]?.[each] === 403)) {
        const answer = await app.send(method, fill(path, projectId, 'nope'), TOKENS[role]).send(WRONG_BODY);
        expect(answer.status).toBe(403);
        expect(answer.body).toEqual({ detail: expect.stringMatching(/^This needs the role /) as string });
      }
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
