import { randomUUID } from 'node:crypto';
import { hash } from 'argon2';
import jsonwebtoken from 'jsonwebtoken';
import { Passwords } from '../../src/accounts/passwords/passwords.js';
import { execute, rowsOf } from '../harness/database/rows.js';
import { startTestApp, STRANGER, type TestApp } from '../harness/test-app.js';
import { accessToken, endUserToken } from '../harness/tokens.js';

const PASSWORD = 'correct horse battery staple';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const WRONG = { detail: 'The e-mail address or the password is wrong.' };
const NOT_VALID = { detail: 'The refresh token is not valid, or no longer: log in again.' };

interface Tokens {
  access_token: string;
  refresh_token: string;
  token_type: string;
}

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const newEmail = () => `${randomUUID()}@example.com`;
const post = (operation: string, body: object, on = app) =>
  on.send('post', `/api/v1/auth/${operation}`, null).send(body);
const form = (body: string, type = 'application/x-www-form-urlencoded', path = '/api/v1/auth/login') =>
  app.send('post', path, null).set('content-type', type).send(body);
const me = (token: string | null) => app.send('get', '/api/v1/auth/me', token);

async function register(email = newEmail(), password = PASSWORD) {
  const { body } = await post('register', { email, password }).expect(201);
  return body as Tokens & { id: string; email: string };
}

async function logIn(email: string, password = PASSWORD) {
  return (await post('login', { email, password }).expect(200)).body as Tokens;
}

const refresh = (token: string) => post('refresh', { refresh_token: token });
const problems = (body: unknown) =>
  (body as { detail: { loc: string[]; type: string }[] }).detail.map(({ loc, type }) =>
    [...loc, type].join(' '),
  );

describe('POST /auth/register', () => {
  it('creates an account and logs it in', async () => {
    const email = newEmail();
    const { body, headers } = await post('register', {
      email: ` ${email.toUpperCase()} `,
      password: PASSWORD,
      full_name: 'Ada Lovelace',
    }).expect(201);
    expect(body).toEqual({
      id: expect.stringMatching(UUID) as string,
      email,
      full_name: 'Ada Lovelace',
      role: 'developer',
      is_active: true,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      project_id: null,
      provisioning: null,
      access_token: expect.any(String) as string,
      refresh_token: expect.any(String) as string,
      token_type: 'bearer',
      expires_in: 1800,
    });
    expect(headers['cache-control']).toBe('no-store');
    const { access_token: token, id } = body as Tokens & { id: string };
    const { iat = 0, jti, ...claims } = jsonwebtoken.decode(token) as jsonwebtoken.JwtPayload;
    expect(claims).toEqual({ sub: id, type: 'access', sid: expect.stringMatching(UUID), exp: iat + 1800 });
    expect(jti).toMatch(UUID);
    const projectId = await app.createProject(token);
    await app.send('get', `/api/v1/projects/${projectId}`, token).expect(200);
    await app.send('get', `/api/v1/projects/${projectId}`, STRANGER).expect(403);
  });

  it('accepts an address only once, in any spelling', async () => {
    const { email } = await register();
    for (const again of [email, email.toUpperCase(), `\t${email}\n`]) {
      const { body } = await post('register', { email: again, password: 'another password' }).expect(409);
      expect(body).toEqual({ detail: 'There is an account with this e-mail address: log in.' });
    }
    await logIn(email);
  });

  it('treats a domain in Unicode and in Punycode as equal, also in accounts of older versions', async () => {
    const [unicode, ascii] = ['ann@münchen.de', 'ann@xn--mnchen-3ya.de'];
    const { body } = await post('register', { email: ascii, password: PASSWORD }).expect(201);
    expect(body).toMatchObject({ email: unicode });
    const storeAs = (email: string) =>
      execute(app.database, `UPDATE accounts SET email = '${email}' WHERE id = '${body.id}'`);
    for (const stored of [unicode, ascii]) {
      await storeAs(stored);
      for (const email of [unicode, ascii]) {
        await post('register', { email, password: 'another password' }).expect(409);
        await post('login', { email, password: PASSWORD }).expect(200);
      }
    }
    await storeAs('"ann"@i\u0307stanbul.com');
    await post('login', { email: '"ann"@i\u0307stanbul.com', password: PASSWORD }).expect(200);
  });

  it('creates one account from concurrent registrations', async () => {
    const email = newEmail();
    const statuses = await Promise.all(
      Array.from(
        { length: 5 },
        async (_, index) => (await post('register', { email, password: `password ${index}` })).status,
      ),
    );
    expect(statuses.sort()).toEqual([201, 409, 409, 409, 409]);
  });

  it('ignores unknown fields', async () => {
    const { body } = await post('register', {
      email: newEmail(),
      password: PASSWORD,
      full_name: null,
      role: 'admin',
      id: 1,
    }).expect(201);
    expect(body).toMatchObject({ role: 'developer', full_name: null });
  });

  it.each<[string, object, string[]]>([
    ['nothing', {}, ['body email missing', 'body password missing']],
    ['null', { email: null, password: null }, ['body email string_type', 'body password string_type']],
    ['7 characters', { email: 'a@example.com', password: 'é'.repeat(7) }, ['body password string_too_short']],
    [
      '1,001 characters',
      { email: 'a@example.com', password: 'é'.repeat(1001) },
      ['body password string_too_long'],
    ],
    [
      'half a character',
      { email: 'a@example.com', password: 'password\ud800' },
      ['body password value_error'],
    ],
    ['NUL', { email: 'a@example.com', password: 'password\0' }, ['body password value_error']],
    [
      'an address with Cyrillic letters among others',
      { email: 'аda@example.com', password: PASSWORD },
      ['body email value_error'],
    ],
    [
      'an address with a zero-width space',
      { email: 'a\u200bda@example.com', password: PASSWORD },
      ['body email value_error'],
    ],
    [
      'a name with a control',
      { email: 'a@example.com', password: PASSWORD, full_name: 'a\x1bb' },
      ['body full_name value_error'],
    ],
    [
      'a name of blanks',
      { email: 'a@example.com', password: PASSWORD, full_name: '\u3000 ' },
      ['body full_name value_error'],
    ],
    ['invalid Punycode', { email: 'joe@xn--a.com', password: PASSWORD }, ['body email value_error']],
    ['a dot upon an i', { email: 'joe@İstanbul.com', password: PASSWORD }, ['body email value_error']],
    ['a quoted address', { email: '"sam"@example.com', password: PASSWORD }, ['body email value_error']],
    ['no address', { email: 'ada', password: PASSWORD }, ['body email value_error']],
    ['no dot', { email: 'ada@localhost', password: PASSWORD }, ['body email value_error']],
    ['an address of a machine', { email: 'ada@127.0.0.1', password: PASSWORD }, ['body email value_error']],
    ['no domain', { email: 'ada@', password: PASSWORD }, ['body email value_error']],
    [
      'two addresses',
      { email: 'a@example.com,b@example.com', password: PASSWORD },
      ['body email value_error'],
    ],
    ['a name in front', { email: 'Ada <ada@example.com>', password: PASSWORD }, ['body email value_error']],
    [
      'a line break',
      { email: 'a@example.com\nb@example.com', password: PASSWORD },
      ['body email value_error'],
    ],
    [
      'a long address',
      { email: `${'a'.repeat(250)}@example.com`, password: PASSWORD },
      ['body email string_too_long'],
    ],
    [
      'a long name',
      { email: 'a@example.com', password: PASSWORD, full_name: 'a'.repeat(256) },
      ['body full_name string_too_long'],
    ],
    [
      'a name that is none',
      { email: 'a@example.com', password: PASSWORD, full_name: 7 },
      ['body full_name string_type'],
    ],
  ])('refuses %s', async (_, body, expected) => {
    expect(problems((await post('register', body).expect(422)).body)).toEqual(expected);
  });

  it('names the minimum length of a password', async () => {
    const { body } = await post('register', { email: newEmail(), password: '1234567' }).expect(422);
    expect(body).toMatchObject({
      detail: [{ loc: ['body', 'password'], msg: 'must have at least 8 characters' }],
    });
    await register(newEmail(), '12345678');
  });
});

describe('passwords', () => {
  it('are compared in full, beyond the 72 bytes of bcrypt', async () => {
    const long = 'x'.repeat(999);
    const { email } = await register(newEmail(), `${long}a`);
    await logIn(email, `${long}a`);
    await post('login', { email, password: `${long}b` }).expect(401, WRONG);
    await post('login', { email, password: long }).expect(401, WRONG);
  });

  it('may be in any script and Unicode form, and are never trimmed', async () => {
    const { email } = await register(newEmail(), ' pässwörd 用户 😀 ');
    await logIn(email, ' pässwörd 用户 😀 '.normalize('NFD'));
    await post('login', { email, password: 'pässwörd 用户 😀' }).expect(401, WRONG);
    await post('login', { email, password: ' passwörd 用户 😀 ' }).expect(401, WRONG);
  });

  it('are stored only as argon2id, with a recommended cost and their own salt', async () => {
    const { id } = await register();
    const twin = await register();
    const hashes = (await rowsOf(app.database, 'accounts'))
      .filter((row) => [id, twin.id].includes(String(row['id'])))
      .map((row) => row['password_hash']);
    expect(hashes).toEqual(
      [1, 2].map(
        () =>
          expect.stringMatching(
            /^\$argon2id\$v=19\$m=19456,(?:t=2,p=1|p=1,t=2)\$[\w+/]{22}\$[\w+/]{43}$/,
          ) as string,
      ),
    );
    expect(new Set(hashes).size).toBe(2);
  });

  it('are rehashed at the next login if their hash has another cost', async () => {
    const { id, email } = await register();
    const old = await hash(PASSWORD, { memoryCost: 64, timeCost: 1, parallelism: 1 });
    await execute(app.database, `UPDATE accounts SET password_hash = '${old}' WHERE id = '${id}'`);
    await post('login', { email, password: 'wrong' }).expect(401);
    const stored = async () =>
      (await rowsOf(app.database, 'accounts')).find((row) => row['id'] === id)?.['password_hash'];
    expect(await stored()).toBe(old);
    await logIn(email);
    expect(await stored()).toMatch(/^\$argon2id\$v=19\$m=19456,/);
    await logIn(email);
  });
});

describe('POST /auth/login', () => {
  it('returns tokens', async () => {
    const { id, email } = await register();
    const { body } = await post('login', { email: email.toUpperCase(), password: PASSWORD }).expect(200);
    expect(body).toEqual({
      access_token: expect.any(String) as string,
      refresh_token: expect.any(String) as string,
      token_type: 'bearer',
      expires_in: 1800,
    });
    expect((await me((body as Tokens).access_token).expect(200)).body).toMatchObject({ id, email });
  });

  it('answers alike for an unknown address, a wrong password and a revoked account', async () => {
    const { email } = await register();
    const revoked = await register();
    await execute(app.database, `UPDATE accounts SET revoked_at = created_at WHERE id = '${revoked.id}'`);
    const attempts = [
      { email: newEmail(), password: PASSWORD },
      { email, password: 'wrong' },
      { email, password: '' },
      { email, password: PASSWORD.toUpperCase() },
      { email: revoked.email, password: PASSWORD },
      { email: revoked.email, password: 'wrong' },
    ];
    for (const attempt of attempts) {
      const answer = await post('login', attempt).expect(401, WRONG);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
  });

  it('spends as much time on an unknown address or a revoked account as on a wrong password', async () => {
    const { email } = await register();
    const revoked = await register();
    await execute(app.database, `UPDATE accounts SET revoked_at = created_at WHERE id = '${revoked.id}'`);
    const matches = jest.spyOn(Passwords.prototype, 'matches');
    for (const address of [email, revoked.email, newEmail()])
      await post('login', { email: address, password: 'wrong' }).expect(401);
    const stored = matches.mock.calls.map(([hash]) => hash);
    matches.mockRestore();
    const aHash = expect.stringMatching(/^\$argon2id/) as string;
    expect(stored).toEqual([aHash, aHash, undefined]);
  });

  it.each<[object, string[]]>([
    [{}, ['body email missing', 'body password missing']],
    [{ email: 'ada', password: 'x' }, ['body email value_error']],
    [{ email: 'a@example.com', password: 7 }, ['body password string_type']],
  ])('refuses %j', async (body, expected) => {
    expect(problems((await post('login', body).expect(422)).body)).toEqual(expected);
  });

  describe('as an OAuth 2 password form', () => {
    const encode = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

    it('returns tokens as for JSON', async () => {
      const { id, email } = await register(newEmail(), 'a b+c&d=e%ü');
      const fields = {
        grant_type: 'password',
        username: email,
        password: 'a b+c&d=e%ü',
        scope: '',
        client_id: 'docs',
      };
      for (const type of [
        'application/x-www-form-urlencoded',
        'application/x-www-form-urlencoded; charset=UTF-8',
      ]) {
        const { body } = await form(encode(fields), type).expect(200);
        expect((await me((body as Tokens).access_token)).body).toMatchObject({ id });
      }
      await form(encode({ username: email, password: 'a b+c&d=e%ü' })).expect(200);
      // The Authorize button of /docs sends empty client credentials.
      await form(encode(fields)).set('authorization', 'Basic Og==').expect(200);
      await form(encode({ ...fields, password: 'wrong' })).expect(401, WRONG);
    });

    it.each<[string, string[]]>([
      ['', ['body missing']],
      ['scope=', ['body username missing', 'body password missing']],
      ['username=a%40example.com', ['body password missing']],
      ['password=x', ['body username missing']],
      ['grant_type=client_credentials&username=a%40example.com&password=x', ['body grant_type value_error']],
      [
        'grant_type=x&username=ada',
        ['body grant_type value_error', 'body username value_error', 'body password missing'],
      ],
      ['username=a%40example.com&username=b%40example.com&password=x', ['body username value_error']],
      ['username=ada&password=x', ['body username value_error']],
      ['username=a%40example.com&password=%ff', ['body value_error']],
      ['username=a%40example.com&password=x%00', ['body password value_error']],
    ])('refuses %j', async (body, expected) => {
      expect(problems((await form(body).expect(422)).body)).toEqual(expected);
    });

    it('is accepted by no other operation', async () => {
      for (const path of ['/api/v1/auth/register', '/api/v1/auth/refresh', '/api/v1/projects/'])
        await form('username=a&password=b&grant_type=password', undefined, path).expect(415, {
          detail: 'The body must be JSON, sent as application/json.',
        });
      await form(`username=${'a'.repeat(17_000)}`).expect(413);
      await form('username=a', 'multipart/form-data; boundary=x').expect(415);
    });
  });
});

describe('POST /auth/refresh', () => {
  it('returns new tokens again and again', async () => {
    const { id, refresh_token: first } = await register();
    let last = first;
    const seen = new Set([first]);
    for (let round = 0; round < 3; round += 1) {
      const { body } = await refresh(last).expect(200);
      expect(body).toEqual({
        access_token: expect.any(String) as string,
        refresh_token: expect.any(String) as string,
        token_type: 'bearer',
        expires_in: 1800,
      });
      expect((await me((body as Tokens).access_token).expect(200)).body).toMatchObject({ id });
      last = (body as Tokens).refresh_token;
      seen.add(last);
    }
    expect(seen.size).toBe(4);
  });

  it('ends only this session when a token is used twice', async () => {
    const { email, refresh_token: other } = await register();
    const { refresh_token: first } = await logIn(email);
    const { refresh_token: second } = (await refresh(first).expect(200)).body as Tokens;
    const { refresh_token: third } = (await refresh(second).expect(200)).body as Tokens;
    app.log.length = 0;
    const refused = await refresh(first).expect(401, NOT_VALID);
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect(app.log.filter((line) => line.includes('A refresh token was reused'))).toHaveLength(1);
    for (const token of [first, second, third]) await refresh(token).expect(401, NOT_VALID);
    await refresh(other).expect(200);
    await logIn(email);
  });

  it('gives new tokens to one of many concurrent requests, and treats the others as reuse', async () => {
    const { refresh_token: token } = await register();
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([
      200,
      ...Array.from({ length: 7 }, () => 401),
    ]);
    const { refresh_token: next } = answers.find(({ status }) => status === 200)?.body as Tokens;
    await refresh(next).expect(401, NOT_VALID);
  });

  it('accepts only the last refresh token of an active session', async () => {
    const { access_token: access, refresh_token: token, id } = await register();
    const [, session = '', secret = ''] = token.split('_');
    const forged = [
      '',
      'x',
      access,
      accessToken({ sub: id, type: 'refresh' }),
      secret,
      `tkrt_${session}`,
      `tkrt_${randomUUID()}_${secret}`,
      `${token}x`,
      ` ${token}`,
      token.toUpperCase(),
    ];
    for (const wrong of forged) await refresh(wrong).expect(401, NOT_VALID);
    await refresh(token).expect(200);
    expect(problems((await post('refresh', {}).expect(422)).body)).toEqual(['body refresh_token missing']);
    expect(problems((await post('refresh', { refresh_token: 7 }).expect(422)).body)).toEqual([
      'body refresh_token string_type',
    ]);
  });

  it('refuses an expired token, and deletes its session', async () => {
    const { refresh_token: token } = await register();
    const session = token.slice(5, 41);
    await execute(
      app.database,
      `UPDATE account_sessions SET expires_at = '2020-01-01 00:00:00.000' WHERE id = '${session}'`,
    );
    await refresh(token).expect(401, NOT_VALID);
    await register();
    expect((await rowsOf(app.database, 'account_sessions')).filter((row) => row['id'] === session)).toEqual(
      [],
    );
  });

  it('refuses a token of a revoked account', async () => {
    const { refresh_token: token, access_token: access, id } = await register();
    await execute(app.database, `UPDATE accounts SET revoked_at = created_at WHERE id = '${id}'`);
    await refresh(token).expect(401, NOT_VALID);
    const { headers } = await me(access).expect(401, {
      detail: 'The account of this access token was revoked.',
    });
    expect(headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/);
  });

  it('does not accept it as an access token, and stores only its hash', async () => {
    const { refresh_token: token } = await register();
    await me(token).expect(401, { detail: 'The access token is malformed.' });
    await app.send('get', '/api/v1/projects/', token).expect(401);
    const stored = JSON.stringify(await rowsOf(app.database, 'account_sessions'));
    expect(stored).toContain(token.slice(5, 41));
    expect(stored).not.toContain(token.slice(42));
  });
});

describe('GET /auth/me', () => {
  it('shows the account of the token', async () => {
    const { id, email, access_token: token } = await register();
    expect((await me(token).expect(200)).body).toEqual({
      id,
      email,
      full_name: null,
      role: 'developer',
      is_active: true,
      created_at: expect.any(String) as string,
      project_id: null,
    });
  });

  it('answers 404 for a token from elsewhere', async () => {
    for (const sub of ['developer-1', randomUUID()]) {
      await me(accessToken({ sub })).expect(404, {
        detail: 'The access token was not made for an account of this service.',
      });
    }
    await me(null).expect(401);
    await me(endUserToken(randomUUID())).expect(403);
  });
});

describe('with limits', () => {
  let limited: TestApp;
  beforeAll(async () => {
    limited = await startTestApp({
      environment: {
        RATE_LIMIT_PER_MINUTE: '10000',
        TRUST_PROXY: '1',
        AUTH_DEVELOPER_SCOPE: 'projects',
        AUTH_ISSUER: 'us',
        AUTH_AUDIENCE: 'all',
      },
    });
  });
  afterAll(() => limited.close());

  const from = (ip: string, operation: string, body: object) =>
    post(operation, body, limited).set('x-forwarded-for', ip);
  const guess = (ip: string, email: string) => from(ip, 'login', { email, password: 'guess' });

  const lockOuts = async (ip?: string) =>
    (await rowsOf(limited.database, 'audit_entries'))
      .filter((row) => row['action'] === 'developers.locked_out' && (ip === undefined || row['ip'] === ip))
      .map(({ details }) => JSON.parse(String(details)) as unknown);

  it('slows down guesses at one account from any address, even at an unknown account', async () => {
    const email = newEmail();
    const { body } = await from('192.0.2.1', 'register', { email, password: PASSWORD }).expect(201);
    for (const target of [email, newEmail()]) {
      const statuses = await Promise.all(
        Array.from({ length: 12 }, async (_, index) => (await guess(`198.51.100.${index}`, target)).status),
      );
      expect(statuses.sort()).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
      const { headers } = await guess('192.0.2.2', target.toUpperCase()).expect(429, {
        detail: 'Too many failed attempts; wait as long as Retry-After says.',
      });
      expect(Number(headers['retry-after'])).toBeGreaterThan(500);
    }
    await from('192.0.2.1', 'login', { email, password: PASSWORD }).expect(429);
    // Once, and not for the address without an account.
    expect(await lockOuts()).toEqual([{ by: 'account', account: (body as { id: string }).id }]);
    // Sessions continue.
    await from('192.0.2.1', 'refresh', { refresh_token: (body as Tokens).refresh_token }).expect(200);
  });

  it('slows down guesses from one address at any accounts', async () => {
    const matches = jest.spyOn(Passwords.prototype, 'matches').mockResolvedValue(false);
    const statuses: number[] = [];
    for (let index = 0; index < 60; index += 1)
      statuses.push((await guess('203.0.113.7', newEmail())).status);
    expect(statuses).toEqual([
      ...Array.from({ length: 50 }, () => 401),
      ...Array.from({ length: 10 }, () => 429),
    ]);
    await from('203.0.113.7', 'register', { email: newEmail(), password: PASSWORD }).expect(429);
    await guess('203.0.113.8', newEmail()).expect(401);
    expect(await lockOuts('203.0.113.7')).toEqual([{ by: 'address' }]);
    matches.mockRestore();
  });

  it('slows down probing for registered addresses', async () => {
    const email = newEmail();
    await from('192.0.2.9', 'register', { email, password: PASSWORD }).expect(201);
    for (let index = 0; index < 10; index += 1)
      await from('192.0.2.9', 'register', { email, password: PASSWORD }).expect(409);
    await from('192.0.2.9', 'register', { email, password: PASSWORD }).expect(429);
  });

  it('does not count successful logins', async () => {
    const email = newEmail();
    await from('192.0.2.3', 'register', { email, password: PASSWORD }).expect(201);
    for (let index = 0; index < 12; index += 1)
      await from('192.0.2.3', 'login', { email, password: PASSWORD }).expect(200);
  });

  it('lets 20 concurrent logins of one account succeed, with real hashes', async () => {
    const email = newEmail();
    await from('192.0.2.10', 'register', { email, password: PASSWORD }).expect(201);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => from('192.0.2.10', 'login', { email, password: PASSWORD })),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });

  it('issues tokens that the configured rules accept', async () => {
    const { body } = await from('192.0.2.4', 'register', { email: newEmail(), password: PASSWORD }).expect(
      201,
    );
    const token = (body as Tokens).access_token;
    expect(jsonwebtoken.decode(token)).toMatchObject({ iss: 'us', aud: 'all', scope: 'projects' });
    await limited.send('get', '/api/v1/auth/me', token).expect(200);
  });
});

describe('with closed registration', () => {
  it('answers 403 before it checks the address', async () => {
    const closed = await startTestApp({ environment: { AUTH_REGISTRATION: 'closed' } });
    const detail = 'Registration is closed here: ask the operator of this service for an account.';
    await post('register', { email: newEmail(), password: PASSWORD }, closed).expect(403, { detail });
    await post('register', {}, closed).expect(403, { detail });
    await post('login', { email: newEmail(), password: PASSWORD }, closed).expect(401, WRONG);
    await closed.close();
  });
});

describe('with the built-in authorization server off', () => {
  it('answers 404, but stays documented', async () => {
    const off = await startTestApp({ environment: { AUTH_BUILTIN: 'false' } });
    const nothing = { detail: 'There is nothing at this URL.' };
    for (const operation of ['register', 'login', 'refresh', 'me']) {
      const path = `/api/v1/auth/${operation}`;
      for (const method of ['get', 'post', 'put', 'delete'] as const) {
        const answer = await off.send(method, path).expect(404, nothing);
        expect(answer.headers['allow']).toBeUndefined();
      }
      await off
        .send('post', path, null)
        .send({ email: 'a@example.com', password: PASSWORD })
        .expect(404, nothing);
      await off
        .send('post', path, null)
        .set('content-type', 'application/json')
        .send('{')
        .expect(404, nothing);
      await off.send('post', path, null).set('content-type', 'text/plain').send('x').expect(404, nothing);
    }
    const { body } = await off.send('get', '/docs-json', null).expect(200);
    expect(body).toHaveProperty(['paths', '/api/v1/auth/login', 'post']);
    await off.close();
  });
});
