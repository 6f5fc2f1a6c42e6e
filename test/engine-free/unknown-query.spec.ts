import { randomUUID } from 'node:crypto';
import { openApiDocument } from '../../src/http/openapi/docs.js';
import { receiverPath } from '../harness/ledger/signed-events.js';
import { configPath, startTestApp, type TestApp } from '../harness/test-app.js';
import { endUserToken } from '../harness/tokens.js';

interface Problem {
  loc: string[];
  type: string;
  msg: string;
}

const METHODS = ['get', 'post', 'put', 'delete'] as const;
const KEY = `sk_test_${'a'.repeat(24)}`;

describe('an unknown query parameter', () => {
  let app: TestApp;
  let projectId: string;
  let linkToken: string;

  beforeAll(async () => {
    app = await startTestApp({ environment: { AUTH_BUILTIN: 'true', AUTH_REGISTRATION: 'open' } });
    projectId = await app.createProject();
    await app.send('put', configPath(projectId)).send({ test_secret_key: KEY }).expect(200);
    const { body } = await app
      .send('post', configPath(projectId).replace(/config$/, 'connect-links'))
      .send({ mode: 'test', return_url: 'https://platform.example.com/stripe' })
      .expect(201);
    linkToken = (body as { url: string }).url.split('/').at(-1) ?? '';
  });
  afterAll(() => app.close());

  const problemsOf = ({ body }: { body: unknown }) => {
    const { detail } = body as { detail: Problem[] | string };
    return Array.isArray(detail) ? detail.map(({ loc, type }) => `${loc.join('.')} ${type}`) : [];
  };
  /** Every documented operation, with the path filled in. */
  const operations = () =>
    Object.entries(openApiDocument(app.app).paths).flatMap(([path, item]) =>
      METHODS.flatMap((method) => {
        const operation = item[method];
        if (!operation || !path.startsWith('/api/v1/') || operation.operationId === 'receiveStripeEvent')
          return [];
        const url = path
          .replace('{project_id}', projectId)
          .replace('{mode}', 'test')
          .replace(/\{\w+\}/g, randomUUID());
        const token = operation.tags?.includes('Billing')
          ? endUserToken(projectId)
          : path.startsWith('/api/v1/connect')
            ? linkToken
            : undefined;
        return [{ method, path, url, operation, token }];
      }),
    );

  it('is refused by every operation, and nothing is done', async () => {
    const refused: string[] = [];
    for (const { method, path, url, operation, token } of operations()) {
      const answer = await app.send(method, `${url}?surprise=1`, token).set('sec-fetch-site', 'same-origin');
      // The caller of this test may not reach every operation.
      if ([403, 404].includes(answer.status) && /operator|\{(?!project_id|mode|event_id)/.test(path))
        continue;
      expect([method, path, answer.status]).toEqual([method, path, 422]);
      expect(problemsOf(answer)).toContain('query.surprise extra_forbidden');
      refused.push(operation.operationId ?? '');
    }
    expect(refused).toEqual(expect.arrayContaining(['register', 'getMe', 'listProjects', 'deleteProject']));
    expect(refused.length).toBeGreaterThan(26);
    await app.send('get', configPath(projectId)).expect(200);
  });

  it('does not include documented parameters', async () => {
    for (const { method, url, operation, token } of operations()) {
      if (method !== 'get') continue;
      const query = (operation.parameters ?? [])
        .flatMap((parameter) => ('name' in parameter && parameter.in === 'query' ? [parameter.name] : []))
        .map((name) => `${name}=%00`)
        .join('&');
      const problems = problemsOf(await app.send(method, `${url}?${query}`, token));
      expect(problems.filter((problem) => problem.endsWith('extra_forbidden'))).toEqual([]);
    }
    const path = `${configPath(projectId)}?validate=maybe&webhook_secret_overlap=x`;
    expect(problemsOf(await app.send('put', path).send({}))).toEqual([
      'query.validate bool_type',
      'query.webhook_secret_overlap value_error',
    ]);
  });

  it('is reported together with all other problems', async () => {
    const save = app.send('put', `${configPath(projectId)}?validate=maybe&vaildate=true`);
    const saved = await save.send({ test_secret_key: 'x', live_secret_key: 'y', tset_webhook_secret: 'z' });
    expect(saved.status).toBe(422);
    expect(problemsOf(saved).sort()).toEqual([
      'body.live_secret_key value_error',
      'body.test_secret_key value_error',
      'body.tset_webhook_secret extra_forbidden',
      'query.vaildate extra_forbidden',
      'query.validate bool_type',
    ]);
    const listed = await app.send('get', '/api/v1/payments/transactions?page=0&statsu=succeeded');
    expect(problemsOf(listed)).toEqual(['query.page greater_than_equal', 'query.statsu extra_forbidden']);
    const removed = await app.send('delete', `${configPath(projectId)}/both?surprise=1`);
    expect(problemsOf(removed)).toEqual(['path.mode enum', 'query.surprise extra_forbidden']);
    const path = '/api/v1/payments/stripe/checkout-session';
    const bought = app.send('post', `${path}?test_mode=maybe&surprise=1`, endUserToken(projectId));
    expect(problemsOf(await bought.send({}))).toEqual(
      expect.arrayContaining([
        'query.test_mode bool_type',
        'body.price_id missing',
        'query.surprise extra_forbidden',
      ]),
    );
    await app.send('get', `${configPath(projectId)}/history`).expect(({ body }) => {
      // The project, its key, and the link.
      expect((body as { total: number }).total).toBe(3);
    });
  });

  it('is reported after 401, 404 and 403', async () => {
    await app.send('get', `${configPath(projectId)}?surprise=1`, null).expect(401);
    await app.send('get', `${configPath(randomUUID())}?surprise=1`).expect(404);
    await app.send('get', `${configPath(projectId)}?surprise=1`, endUserToken(projectId)).expect(403);
    await app.send('get', `/api/v1/nowhere?surprise=1`).expect(404);
    await app.send('patch', `${configPath(projectId)}?surprise=1`).expect(405);
  });

  it('is not repeated if it could be a secret', async () => {
    for (const name of [
      KEY,
      `whsec_${'a'.repeat(8)}`,
      'AKIAIOSFODNN7EXAMPLE',
      '__proto__',
      'a'.repeat(99),
      '%00',
    ]) {
      const answer = await app.send('get', `/api/v1/projects/?${name}=1`).expect(422);
      expect(problemsOf(answer)).toEqual(['query extra_forbidden']);
      expect(answer.text).not.toContain(name);
    }
    const many = Array.from({ length: 50 }, (_, number) => `a${'b'.repeat(number % 10)}_${number}=1`);
    const answer = await app.send('get', `/api/v1/projects/?${many.join('&')}`).expect(422);
    expect(problemsOf(answer)).toHaveLength(11);
    expect(app.log.join('\n')).not.toContain(KEY);
  });

  it('is ignored outside of the API, and by the webhook receiver', async () => {
    await app.send('get', '/health/live?surprise=1', null).expect(200);
    await app.send('get', '/docs-json?surprise=1', null).expect(200);
    await app.send('post', `${receiverPath(projectId, 'test')}?surprise=1`, null).expect(404);
  });
});
