import jsonwebtoken from 'jsonwebtoken';
import { startTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;
let projectId: string;
beforeAll(async () => {
  app = await startTestApp();
  projectId = await app.createProject();
});
afterAll(() => app.close());

const ask = (body: object, id = projectId) => app.send('post', `/api/v1/projects/${id}/end-user-tokens`).send(body);

describe('POST …/end-user-tokens', () => {
  it('makes a token for one user of one project, good for half an hour', async () => {
    const { body, headers } = await ask({ user_id: 'auth0|4711' }).expect(201);
    expect(body).toEqual({ access_token: expect.any(String) as string, token_type: 'bearer', expires_in: 1800 });
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

  it('makes it for as long as it is asked to, within bounds', async () => {
    for (const seconds of [60, 86_400]) {
      const { body } = await ask({ user_id: 'user-1', expires_in: seconds }).expect(201);
      const { exp = 0, iat = 0 } = jsonwebtoken.decode((body as { access_token: string }).access_token) as jsonwebtoken.JwtPayload;
      expect([(body as { expires_in: number }).expires_in, exp - iat]).toEqual([seconds, seconds]);
    }
  });

  it.each<[object, string, string, string]>([
    [{}, 'user_id', 'missing', 'is required'],
    [{ user_id: null }, 'user_id', 'string_type', 'must be a string'],
    [{ user_id: 7 }, 'user_id', 'string_type', 'must be a string'],
    [{ user_id: '' }, 'user_id', 'value_error', 'must be 1 to 255 characters without control characters'],
    [{ user_id: 'x'.repeat(256) }, 'user_id', 'value_error', 'must be 1 to 255 characters without control characters'],
    [{ user_id: 'a\0b' }, 'user_id', 'value_error', 'must be 1 to 255 characters without control characters'],
    [{ user_id: '\ud800' }, 'user_id', 'value_error', 'must be 1 to 255 characters without control characters'],
    [{ user_id: 'a', expires_in: 59 }, 'expires_in', 'greater_than_equal', 'must be at least 60'],
    [{ user_id: 'a', expires_in: -1 }, 'expires_in', 'greater_than_equal', 'must be at least 60'],
    [{ user_id: 'a', expires_in: 86_401 }, 'expires_in', 'less_than_equal', 'must be at most 86400'],
    [{ user_id: 'a', expires_in: 60.5 }, 'expires_in', 'int_type', 'must be a whole number'],
    [{ user_id: 'a', expires_in: '60' }, 'expires_in', 'int_type', 'must be a whole number'],
    [{ user_id: 'a', expires_in: null }, 'expires_in', 'int_type', 'must be a whole number'],
    [{ user_id: 'a', project_id: 'b' }, 'project_id', 'extra_forbidden', 'is not a field of this operation; look for a typing error'],
  ])('refuses %j', async (body, field, type, msg) => {
    await ask(body).expect(422, { detail: [{ loc: ['body', field], msg, type }] });
  });
});
