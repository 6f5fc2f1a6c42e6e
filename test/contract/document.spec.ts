import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { eventually } from '../harness/eventually.js';
import { StripeServer } from '../harness/stripe/stripe-server.js';
import { OWNER, startTestApp, STRANGER, type TestApp } from '../harness/test-app.js';
import { accessToken, endUserToken } from '../harness/tokens.js';
import { breaksOf, contract, operationsOf } from './contract.js';
import { exampleOf } from './examples.js';
import { alternatives, type Document, type Operation, resolve, type Schema } from './schema-compatibility.js';

const CONTRACT_OPERATIONS = [...operationsOf(contract).keys()];

const IS_PUBLIC =
  / \/health\/|\/webhooks\/| \/api\/v1\/auth\/(?:register|login|refresh|password-reset(?:-request)?)$| \/api\/v1\/(?:session|connect)(?:\/|$)/;

const SCOPE = 'till:operate';
const OPERATOR = accessToken({ sub: 'operator-1', scope: SCOPE });

/** A developer who logs in here gets a 403 from these. */
const FOR_BUYERS = /\/(?:my-\w+|checkout-session|(?:cancel|update)-subscription|customer-portal)$/;

const NOBODY = '00000000-0000-4000-8000-000000000000';

/** Patterns of credentials are narrower than the contract's schemas, as its descriptions demand. */
const NARROWER_BY_TEXT =
  /^body\.(?:test|live)_(?:secret_key|publishable_key|webhook_secret) is narrower: pattern$/;

/** The contract has these without a rule, so their schemas can't be narrower: the description has it. */
const RULE_IN_DESCRIPTION = new Set([
  ...['password', 'current_password', 'new_password', 'full_name', 'username', 'refresh_token'],
  ...['If-Match', 'If-None-Match', 'mode', 'event_id', 'status', 'secret_key'],
  ...['price_id', 'new_price_id', 'success_url', 'cancel_url', 'return_url'],
]);

describe('the served OpenAPI document', () => {
  const stripe = new StripeServer();
  let app: TestApp;
  let document: Document;

  beforeAll(async () => {
    await stripe.start();
    app = await startTestApp({ environment: { STRIPE_API_BASE: stripe.url, AUTH_OPERATOR_SCOPE: SCOPE } });
    document = (await app.send('get', '/docs-json', null).expect(200)).body as Document;
  });
  afterAll(async () => {
    await stripe.stop();
    await app.close();
  });

  const breaks = (name: string, ours = document) =>
    breaksOf(ours, name).filter((problem) => !NARROWER_BY_TEXT.test(problem));
  const operations = () => [...operationsOf(document)];

  it('says that every member may leave', () => {
    const leave = operations().find(([name]) => /^DELETE .*\/members\/\{subject\}$/i.test(name))?.[1];
    expect(leave).toMatchObject({
      'x-permission': { name: 'members:write', roles: ['owner'], or_self: true },
      description: expect.stringContaining('Every member has it over themselves') as string,
    });
  });

  it.each([
    ['projects/', 'project:read'],
    ['payments/projects', 'config:read'],
    ['payments/subscriptions', 'ledger:read'],
    ['payments/transactions', 'ledger:read'],
    ['payments/stats', 'ledger:read'],
    ['payments/stats/series', 'ledger:read'],
  ])('names the permission by which GET %s covers a project', (path, name) => {
    const operation = operations().find(([key]) => key === `GET /api/v1/${path}`)?.[1];
    expect(operation).toMatchObject({
      'x-permission': { name, each_project: true, roles: ['viewer', 'admin', 'owner'] },
      description: expect.stringContaining(
        `Covers each project in which you have the permission \`${name}\``,
      ) as string,
    });
  });

  describe('compared with the contract', () => {
    it.each(CONTRACT_OPERATIONS)('has everything of %s', (name) => {
      expect(breaks(name)).toEqual([]);
    });

    it.each(CONTRACT_OPERATIONS)(
      'fails this test if anything of %s is removed, renamed or narrowed',
      (name) => {
        const [method = '', path = ''] = name.split(' ');
        const damaged = (damage: (operation: Operation, copy: Document) => void) => {
          // The other operations, most of the document, stay unchanged.
          const { paths, ...rest } = document;
          const copy = {
            ...structuredClone(rest),
            paths: { ...paths, [path]: structuredClone(paths[path] ?? {}) },
          };
          const operation = copy.paths[path]?.[method.toLowerCase()];
          if (!operation) throw new Error(`There is no ${name}.`);
          damage(operation, copy);
          return breaks(name, copy);
        };
        const wanted = operationsOf(contract).get(name);
        for (const status of Object.keys(wanted?.responses ?? {})) {
          expect(damaged(({ responses }) => void delete responses[status])).toEqual([`${status} is missing`]);
          const schema = wanted?.responses[status]?.content?.['application/json']?.schema;
          for (const { properties } of schema ? alternatives(contract, schema) : []) {
            for (const property of Object.keys(properties ?? {})) {
              const inOurs = (copy: Document, operation: Operation) => {
                const content = operation.responses[status]?.content?.['application/json'];
                const object =
                  content && alternatives(copy, content.schema).find(({ type }) => type === 'object');
                if (!object?.properties) throw new Error(`There is no body in ${status}.`);
                return object.properties;
              };
              expect(damaged((operation, copy) => void delete inOurs(copy, operation)[property])).toContain(
                `${status}.${property} is missing`,
              );
              expect(
                damaged((operation, copy) => void (inOurs(copy, operation)[property] = { type: 'null' })),
              ).not.toEqual([]);
            }
          }
        }
        if (wanted?.parameters)
          expect(damaged((operation) => void (operation.parameters = []))).not.toEqual([]);
        if (wanted?.requestBody) {
          const bodyOf = (copy: Document, { requestBody }: Operation) =>
            resolve(copy, requestBody?.content['application/json']?.schema ?? {});
          expect(damaged((operation) => void delete operation.requestBody)).not.toEqual([]);
          expect(damaged((operation, copy) => void (bodyOf(copy, operation).required = ['new']))).toContain(
            'body.new is required',
          );
          for (const property of Object.keys(bodyOf(contract, wanted).properties ?? {})) {
            const narrow = (schema: Schema) =>
              damaged(
                (operation, copy) => void ((bodyOf(copy, operation).properties ?? {})[property] = schema),
              );
            expect(narrow({ type: 'object' })).not.toEqual([]);
            expect(
              narrow({
                anyOf: [{ type: 'string', maxLength: 1 }, { type: 'null' }, { type: 'boolean', const: true }],
              }),
            ).not.toEqual([]);
          }
        }
      },
    );
  });

  describe('by itself', () => {
    it('passes the recommended lint rules, except for the trailing slash of the contract', async () => {
      const config = await createConfig({ extends: ['recommended'] });
      const problems = await lintFromString({ source: JSON.stringify(document), config });
      expect(
        problems.map(({ severity, ruleId, location }) => `${severity} ${ruleId} ${location[0]?.pointer}`),
      ).toEqual(['error no-path-trailing-slash #/paths/~1api~1v1~1projects~1']);
    });

    it('names and describes each operation', () => {
      const ids = operations().map(([, { operationId }]) => operationId);
      expect(new Set(ids).size).toBe(ids.length);
      const tags = document.tags?.map(({ name }) => name) ?? [];
      for (const [name, operation] of operations()) {
        expect([name, operation.operationId]).toEqual([name, expect.stringMatching(/^[a-z]+[A-Za-z]+$/)]);
        expect([name, operation.summary]).toEqual([name, expect.stringMatching(/^[A-Z].*[^.]$/)]);
        expect([name, operation.description]).toEqual([name, expect.stringMatching(/^[A-Z][^]*\.$/)]);
        expect([name, operation.tags]).toEqual([name, [expect.any(String)]]);
        expect(tags).toEqual(expect.arrayContaining(operation.tags ?? []));
        for (const { description } of Object.values(operation.responses))
          expect(description).toMatch(/^[A-Z].*\.$/);
      }
    });

    it('has the security schemes of the contract', () => {
      expect(document.components.securitySchemes).toMatchObject(contract.components.securitySchemes ?? {});
    });

    it('describes each field and each parameter', () => {
      for (const [name, schema] of Object.entries(document.components.schemas)) {
        for (const [field, property] of Object.entries(schema.properties ?? {})) {
          const described = property.$ref ? resolve(document, property) : property;
          const items = described.items && resolve(document, described.items);
          expect([name, field, described['description'] ?? items?.['description']]).toEqual([
            name,
            field,
            expect.any(String),
          ]);
        }
      }
      for (const [name, { parameters }] of operations()) {
        for (const parameter of parameters ?? [])
          expect([name, parameter]).toEqual([
            name,
            expect.objectContaining({ description: expect.any(String) as string }),
          ]);
      }
    });

    it('states the rule of each text that a client sends, where the contract leaves room', () => {
      const isFree = (schema: Schema): boolean =>
        alternatives(document, schema).some(
          (each) =>
            each.type === 'string' &&
            !['pattern', 'format', 'enum', 'const', 'maxLength'].some((rule) => rule in each),
        );
      const free = operations().flatMap(([name, { parameters = [], requestBody }]) => {
        const inBody = Object.values(requestBody?.content ?? {}).flatMap(({ schema }) =>
          alternatives(document, schema).flatMap(({ properties }) => Object.entries(properties ?? {})),
        );
        const inUrl = parameters.map((each) => [each.name, each.schema] as const);
        return [...inBody, ...inUrl]
          .filter(([, schema]) => isFree(schema))
          .map(([field]) => [name, field] as const);
      });
      expect(free.filter(([, field]) => !RULE_IN_DESCRIPTION.has(field))).toEqual([]);
    });

    it('has every error that an operation may answer, as JSON', () => {
      for (const [name, operation] of operations()) {
        const isPublic = operation.security?.length === 0;
        const hasProject = name.includes('{project_id}');
        const expected = [
          ...['400', '500'],
          ...(isPublic ? [] : ['401', '403', '429', '503']),
          ...(hasProject ? ['422'] : []),
          ...(hasProject && operation.operationId !== 'provisionProject' ? ['404'] : []),
          ...(operation.requestBody ? ['413', '415', '422'] : []),
        ];
        expect([name, Object.keys(operation.responses)]).toEqual([name, expect.arrayContaining(expected)]);
        for (const [status, { content }] of Object.entries(operation.responses).filter(
          ([known]) => Number(known) >= 400,
        )) {
          const wanted = status === '422' ? 'HTTPValidationError' : 'ErrorResponse';
          expect([name, status, content?.['application/json']?.schema.$ref]).toEqual([
            name,
            status,
            `#/components/schemas/${wanted}`,
          ]);
        }
      }
    });

    it('requires a token where an operation needs one', () => {
      for (const [name, { security }] of operations()) {
        const schemes = IS_PUBLIC.test(name)
          ? []
          : ['HTTPBearer', ...(FOR_BUYERS.test(name) ? [] : ['OAuth2PasswordBearer'])];
        const wanted = operationsOf(contract).get(name)?.security?.flatMap(Object.keys) ?? [];
        expect([name, new Set(security?.flatMap(Object.keys))]).toEqual([
          name,
          new Set([...schemes, ...wanted]),
        ]);
      }
    });

    it('has a valid example for every body, with every field', () => {
      const ajv = new Ajv2020({ strict: false, allErrors: true });
      addFormats.default(ajv);
      ajv.addSchema(JSON.parse(JSON.stringify(document)) as object, 'openapi');
      const check = ({ schema, example }: { schema: Schema; example?: unknown }, at: string) => {
        const validate = ajv.compile(
          JSON.parse(JSON.stringify(schema).replaceAll('#/components', 'openapi#/components')) as object,
        );
        expect([at, example === undefined]).toEqual([at, false]);
        for (const each of [example, exampleOf(document, schema, at)])
          expect([at, validate(each), validate.errors]).toEqual([at, true, null]);
        const [object] = alternatives(document, schema);
        for (const field of object?.required ?? [])
          expect([at, Object.keys(example as object)]).toEqual([at, expect.arrayContaining([field])]);
      };
      for (const [name, { requestBody, responses }] of operations()) {
        for (const media of Object.values(requestBody?.content ?? {})) check(media, `${name} body`);
        for (const [status, { content }] of Object.entries(responses)) {
          for (const media of Object.values(content ?? {})) check(media, `${name} ${status}`);
        }
      }
    });

    it('tells one story in its examples', () => {
      const seen = new Map<string, Set<unknown>>();
      const collect = (value: unknown, name = '') => {
        if (typeof value === 'object' && value)
          for (const [field, each] of Object.entries(value)) collect(each, field);
        else if (
          value !== null &&
          ['project_id', 'user_id', 'subscription_id', 'email', 'project_name'].includes(name)
        )
          seen.set(name, (seen.get(name) ?? new Set()).add(value));
      };
      for (const [, { responses }] of operations())
        for (const { content } of Object.values(responses)) collect(content?.['application/json']?.example);
      expect(seen.get('project_id')?.size).toBe(1);
      expect(seen.get('user_id')?.size).toBe(1);
      expect(seen.get('email')?.size).toBe(1);
      expect(seen.get('project_name')).toEqual(new Set(['Corner shop']));
      // Stripe's id, and our own of its row.
      expect(seen.get('subscription_id')?.size).toBe(2);
    });

    it('lists path parameters first, then query parameters, then headers', () => {
      const places = ['path', 'query', 'header'];
      for (const [name, { parameters = [] }] of operations()) {
        const ranks = parameters.map((parameter) => places.indexOf(parameter.in));
        expect([name, ranks]).toEqual([name, ranks.toSorted()]);
      }
    });

    it('lists projects and accounts first, then the configuration', () => {
      expect(document.tags?.map(({ name }) => name).slice(0, 3)).toEqual([
        'Projects',
        'Accounts',
        'Stripe configuration',
      ]);
      expect(document.info?.description).toContain('**Start here**');
    });
  });

  it('shows only errors that the operation can give', async () => {
    const wrongBodies: Record<string, object> = {
      updateProject: { name: 1 },
      saveStripeConfig: { test_secret_key: `sk_live_${'a'.repeat(24)}` },
      cancelMySubscription: { cancel_immediately: 'maybe' },
    };
    const wrongQueries: Record<string, string> = {
      getPaymentStats: 'test_mode=maybe',
      listAllProjects: 'health=sick',
      getMySubscription: 'test_mode=maybe',
    };
    const compared: string[] = [];
    for (const [name, operation] of operations()) {
      const [method = '', template = ''] = name.split(' ');
      const { operationId = '', requestBody, responses, security, tags } = operation;
      const isForBuyers = tags?.includes('Billing') ?? false;
      const projectId = await app.createProject();
      const hasProject = template.includes('{project_id}');
      const isForOperators = tags?.includes('Operator') ?? false;
      const token = isForOperators ? OPERATOR : isForBuyers ? endUserToken(projectId) : OWNER;
      const send = (id: string, who: string | null, query = '') =>
        app
          .send(
            method.toLowerCase() as 'put',
            `${template
              .replace('{project_id}', id)
              .replace('{mode}', 'test')
              .replace('{event_id}', 'evt_1')
              .replace('{subject}', 'nobody')
              .replace('{invitation_id}', NOBODY)}${query}`,
            who,
          )
          .set('sec-fetch-site', 'same-origin');
      const compare = async (status: number, sent: PromiseLike<{ status: number; body: unknown }>) => {
        const answer = await sent;
        // Some statuses have several reasons, and the example shows another one.
        if (answer.status !== status) return;
        const { detail } = responses[`${status}`]?.content?.['application/json']?.example as {
          detail: unknown;
        };
        const isShown = Array.isArray(detail) ? (expect.arrayContaining(detail) as unknown) : detail;
        expect([name, answer.body]).toEqual([name, { detail: isShown }]);
        compared.push(`${status}`);
      };
      const body = requestBody ? {} : undefined;
      if (security?.length) {
        await compare(401, send(projectId, null).send(body));
        await compare(
          403,
          send(projectId, isForBuyers ? OWNER : hasProject ? STRANGER : endUserToken(projectId)).send(body),
        );
      }
      if (requestBody) {
        await compare(415, send(projectId, token).set('content-type', 'text/plain').send('x'));
        // The server closes the connection after its answer, and the rest of the body may reset it before.
        await compare(
          413,
          eventually(
            async () =>
              await send(projectId, token)
                .set('content-type', 'application/json')
                .send(`{"a":"${'x'.repeat(1_100_000)}"}`),
          ),
        );
        await compare(422, send(projectId, token).send(wrongBodies[operationId] ?? {}));
      } else if (responses['422'] && hasProject) {
        const location = (
          responses['422'].content?.['application/json']?.example as { detail: [{ loc: string[] }] }
        ).detail[0].loc;
        const query = location[0] === 'query' ? '?page=0' : '';
        const path = location[1] === 'mode' ? template.replace('{mode}', 'nope') : template;
        await compare(
          422,
          app.send(
            method.toLowerCase() as 'put',
            `${path
              .replace('{project_id}', query || location[1] === 'mode' ? projectId : 'nope')
              .replace('{mode}', 'test')
              .replace('{event_id}', 'evt_1')
              .replace('{subject}', 'nobody')
              .replace('{invitation_id}', NOBODY)}${query}`,
            token,
          ),
        );
      } else if (responses['422'])
        await compare(422, send(projectId, token, `?${wrongQueries[operationId] ?? 'page=0'}`));
      const isOwn404 =
        isForBuyers ||
        /replay|payload|webhook-endpoints$|event-destinations\/|auth|service-accounts\/|gateway-keys\/|connect|\/members\/|\/invitations\//.test(
          template,
        );
      if (responses['404'] && !isOwn404) await compare(404, send(NOBODY, token).send(body));
    }
    const countOf = (status: string) => compared.filter((each) => each === status).length;
    const withToken = operations().filter(([, { security }]) => security?.length).length;
    expect([countOf('401'), countOf('403')]).toEqual([withToken, withToken]);
    for (const status of ['404', '413', '415', '422'])
      expect([status, countOf(status) >= 10]).toEqual([status, true]);
  });

  it('has examples that work unchanged', async () => {
    const sent: string[] = [];
    for (const [name, { requestBody, tags }] of operations()) {
      if (!requestBody) continue;
      const body = requestBody.content['application/json']?.example;
      const [method = '', path = ''] = name.split(' ');
      const projectId = await app.createProject();
      const answer = await app
        .send(
          method.toLowerCase() as 'put',
          path.replace('{project_id}', projectId).replace('{subject}', 'nobody'),
          tags?.includes('Operator') ? OPERATOR : tags?.includes('Billing') ? endUserToken(projectId) : OWNER,
        )
        .set('sec-fetch-site', 'same-origin')
        .send(body as object);
      sent.push(`${name} ${answer.status}`);
    }
    expect(sent.sort()).toEqual(
      [
        'POST /api/v1/auth/login 200',
        'POST /api/v1/auth/refresh 401',
        'POST /api/v1/session 200',
        'POST /api/v1/auth/register 201',
        // The token has no account.
        'POST /api/v1/auth/change-password 404',
        'POST /api/v1/auth/password-reset 401',
        'POST /api/v1/auth/password-reset-request 202',
        // Stripe can't be asked without a key.
        'POST /api/v1/payments/stripe/checkout-session 404',
        'POST /api/v1/payments/stripe/customer-portal 404',
        'POST /api/v1/payments/stripe/cancel-subscription 404',
        'POST /api/v1/payments/stripe/update-subscription 404',
        // An endpoint can't be created without a key.
        'POST /api/v1/payments/stripe/projects/{project_id}/webhook-endpoints 404',
        'POST /api/v1/payments/stripe/projects/{project_id}/reconcile 404',
        'POST /api/v1/payments/stripe/projects/{project_id}/validate-credentials 200',
        'POST /api/v1/payments/stripe/projects/{project_id}/event-destinations 201',
        'POST /api/v1/operator/event-destinations 201',
        // There is no destination with the id of the example.
        'PUT /api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id} 422',
        'PUT /api/v1/operator/event-destinations/{destination_id} 422',
        'POST /api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id}/rotate 422',
        'POST /api/v1/operator/event-destinations/{destination_id}/rotate 422',
        'POST /api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id}/recover 422',
        'POST /api/v1/operator/event-destinations/{destination_id}/recover 422',
        'POST /api/v1/projects/ 201',
        'POST /api/v1/payments/stripe/projects/{project_id}/connect-links 201',
        // The caller has no token of a link.
        'POST /api/v1/connect/check 404',
        'POST /api/v1/connect/complete 404',
        'POST /api/v1/payments/stripe/projects/{project_id}/gateway-keys 201',
        // No key has this id.
        'PATCH /api/v1/payments/stripe/projects/{project_id}/gateway-keys/{gateway_key_id} 422',
        'POST /api/v1/payments/stripe/projects/{project_id}/gateway-keys/{gateway_key_id}/rotate 422',
        'POST /api/v1/projects/{project_id}/service-accounts 201',
        'POST /api/v1/operator/service-accounts 201',
        // No account has this id.
        'POST /api/v1/projects/{project_id}/service-accounts/{service_account_id}/rotate 422',
        'POST /api/v1/operator/service-accounts/{service_account_id}/rotate 422',
        'PUT /api/v1/projects/{project_id}/service-accounts/{service_account_id} 422',
        'PUT /api/v1/operator/service-accounts/{service_account_id} 422',
        'PUT /api/v1/operator/projects/{project_id} 200',
        'PUT /api/v1/operator/projects/{project_id}/gateway 200',
        'POST /api/v1/operator/projects/{project_id}/transfer 204',
        'POST /api/v1/projects/invitations/accept 404',
        'POST /api/v1/projects/{project_id}/end-user-tokens 201',
        'POST /api/v1/projects/{project_id}/members 201',
        // No member was added before.
        'POST /api/v1/projects/{project_id}/transfer 409',
        'PUT /api/v1/projects/{project_id}/members/me/notifications 200',
        'PUT /api/v1/projects/{project_id}/members/{subject} 404',
        'PUT /api/v1/payments/stripe/projects/{project_id}/config 200',
        'PUT /api/v1/projects/{project_id} 200',
      ].sort(),
    );
  });
});
