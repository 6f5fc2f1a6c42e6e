import jsonwebtoken from 'jsonwebtoken';
import { AuthorizationServer } from '../harness/servers/authorization-server.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';
import { AUDIENCE, ISSUER, SigningKey } from '../harness/tokens.js';

let app: TestApp;
let projectId: string;
beforeAll(async () => {
  app = await startTestApp();
  projectId = await app.createProject();
});
afterAll(() => app.close());

const ask = (body: object, id = projectId) =>
  app.send('post', `/api/v1/projects/${id}/end-user-tokens`).send(body);

describe('POST …/end-user-tokens', () => {
  it('issues a token for one user of one project, valid for half an hour', async () => {
    const { body, headers } = await ask({ user_id: 'auth0|4711' }).expect(201);
    expect(body).toEqual({
      access_token: expect.any(String) as string,
      token_type: 'bearer',
      expires_in: 1800,
    });
    expect((await ask({ user_id: 'user-1', expires_in: null }).expect(201)).body).toMatchObject({
      expires_in: 1800,
    });
    expect(headers['cache-control']).toBe('no-store');
    const { access_token: token } = body as { access_token: string };
    const { iat = 0, ...claims } = jsonwebtoken.decode(token) as jsonwebtoken.JwtPayload;
    expect(claims).toEqual({
      iss: 'urn:tillkeeper:end-users',
      sub: 'auth0|4711',
      project_id: projectId,
      type: 'end_user',
      exp: iat + 1800,
    });
  });

  it('issues it for the requested time, within bounds', async () => {
    for (const seconds of [60, 86_400]) {
      const { body } = await ask({ user_id: 'user-1', expires_in: seconds }).expect(201);
      const { exp = 0, iat = 0 } = jsonwebtoken.decode(
        (body as { access_token: string }).access_token,
      ) as jsonwebtoken.JwtPayload;
      expect([(body as { expires_in: number }).expires_in, exp - iat]).toEqual([seconds, seconds]);
    }
  });

  it.each<[object, string, string, string]>([
    [{}, 'user_id', 'missing', 'is required'],
    [{ user_id: null }, 'user_id', 'string_type', 'must be a string'],
    [{ user_id: 7 }, 'user_id', 'string_type', 'must be a string'],
    [
      { user_id: '' },
      'user_id',
      'value_error',
      'must be 1 to 255 characters without control characters, and neither . nor ..',
    ],
    [
      { user_id: 'x'.repeat(256) },
      'user_id',
      'value_error',
      'must be 1 to 255 characters without control characters, and neither . nor ..',
    ],
    [
      { user_id: 'a\0b' },
      'user_id',
      'value_error',
      'must be 1 to 255 characters without control characters, and neither . nor ..',
    ],
    [
      { user_id: '..' },
      'user_id',
      'value_error',
      'must be 1 to 255 characters without control characters, and neither . nor ..',
    ],
    [
      { user_id: '\ud800' },
      'user_id',
      'value_error',
      'must be 1 to 255 characters without control characters, and neither . nor ..',
    ],
    [{ user_id: 'a', expires_in: 59 }, 'expires_in', 'greater_than_equal', 'must be at least 60'],
    [{ user_id: 'a', expires_in: -1 }, 'expires_in', 'greater_than_equal', 'must be at least 60'],
    [{ user_id: 'a', expires_in: 86_401 }, 'expires_in', 'less_than_equal', 'must be at most 86400'],
    [{ user_id: 'a', expires_in: 60.5 }, 'expires_in', 'int_type', 'must be a whole number'],
    [{ user_id: 'a', expires_in: '60' }, 'expires_in', 'int_type', 'must be a whole number'],
    [
      { user_id: 'a', project_id: 'b' },
      'project_id',
      'extra_forbidden',
      'is not a field of this operation; look for a typing error',
    ],
  ])('refuses %j', async (body, field, type, msg) => {
    await ask(body).expect(422, { detail: [{ loc: ['body', field], msg, type }] });
  });
});

describe('the token', () => {
  const MINE = '/api/v1/payments/stripe/my-payments';
  const tokenFor = async (id: string, on = app, developer?: string) => {
    const { body } = await on
      .send('post', `/api/v1/projects/${id}/end-user-tokens`, developer)
      .send({ user_id: 'user-1' })
      .expect(201);
    return (body as { access_token: string }).access_token;
  };

  it('gives access to the operations of end users until its project is deleted, and to none of developers', async () => {
    const id = await app.createProject();
    await app
      .send('put', `/api/v1/payments/stripe/projects/${id}/config`)
      .send({ test_secret_key: `sk_test_${'a'.repeat(24)}` })
      .expect(200);
    const token = await tokenFor(id);
    await app.send('get', MINE, token).expect(200);
    await app.send('get', '/api/v1/projects/', token).expect(403);
    await app
      .send('post', `/api/v1/projects/${id}/end-user-tokens`, token)
      .send({ user_id: 'user-2' })
      .expect(403);
    await app.send('get', '/api/v1/auth/me', token).expect(403);
    await app.send('get', MINE).expect(403);
    await app.send('delete', `/api/v1/projects/${id}`).expect(204);
    await app.send('get', MINE, token).expect(404, { detail: 'There is no project with this id.' });
  });

  it('is valid in every process, also with another authorization server for developers', async () => {
    const key = new SigningKey('ES256', 'key-1');
    const server = await AuthorizationServer.start(key);
    const environment = {
      ...app.environment,
      AUTH_JWT_SECRET: undefined,
      AUTH_JWKS_URI: server.jwksUri,
      AUTH_ISSUER: ISSUER,
      AUTH_AUDIENCE: AUDIENCE,
    };
    const other = await startTestApp({ database: app.database, environment });
    const id = await other.createProject(key.token());
    const token = await tokenFor(id, other, key.token());
    for (const process of [app, other]) await process.send('get', MINE, token).expect(404, /configur/);
    for (const process of [app, other]) await process.send('get', '/api/v1/projects/', token).expect(403);
    await other.close();
    await server.stop();
  });
});
