import { DataSource } from 'typeorm';
import { SessionEntity } from '../../../src/accounts/account.entities.js';
import { SignInLinks } from '../../../src/accounts/sessions/sign-in-links.js';
import type { OwnerId } from '../../../src/common/ids.js';
import { eventually } from '../../harness/eventually.js';
import { accountsOf, PASSWORD } from '../../harness/accounts.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const PUBLIC_ORIGIN = 'https://pay.example.com';
const FOREIGN = {
  detail:
    'Sessions of a browser are for pages of this service: Origin must be the origin of this service. Other clients use /auth/login.',
};
const NOT_VALID = { detail: 'The refresh token is not valid, or no longer: log in again.' };
const HOST = '__Host-tillkeeper_session';

interface Answer {
  status: number;
  body: Record<string, unknown>;
  headers: Record<string, string | string[]>;
}

let app: TestApp;
/** An application that browsers reach over HTTP on a loopback address. */
let local: TestApp;

beforeAll(async () => {
  app = await startTestApp({ environment: { PUBLIC_BASE_URL: `${PUBLIC_ORIGIN}/till`, TRUST_PROXY: '1' } });
  local = await startTestApp({
    database: app.database,
    environment: app.environment && {
      ...app.environment,
      PUBLIC_BASE_URL: 'http://localhost:3000',
      TRUST_PROXY: '0',
    },
  });
});
afterAll(async () => {
  await local.close();
  await app.close();
});

interface Sent {
  origin?: string;
  cookie?: string;
  on?: TestApp;
  headers?: Record<string, string>;
}

const send = (method: 'post' | 'delete', path: string, { origin, cookie, on = app, headers = {} }: Sent) =>
  on.send(method, `/api/v1/session${path}`, null).set({
    ...(origin !== undefined && { origin }),
    ...(cookie !== undefined && { cookie }),
    ...headers,
  });
const signIn = (email: string, sent: Sent = { origin: PUBLIC_ORIGIN }, password = PASSWORD) =>
  send('post', '', sent).send({ email, password });
const cookieOf = ({ headers }: Pick<Answer, 'headers'>) => {
  const [header = '', ...others] = [headers['set-cookie'] ?? []].flat();
  const [pair = '', ...attributes] = header.split('; ');
  expect(others).toEqual([]);
  return { pair, attributes: attributes.sort() };
};
const signedIn = async (email: string) => {
  const answer = await signIn(email).expect(200);
  return { ...cookieOf(answer), token: (answer.body as { access_token: string }).access_token };
};
/** Makes the session of a cookie older, as if nobody had used it for a while. */
const age = (pair: string, ms: number) =>
  app.app
    .get(DataSource)
    .getRepository(SessionEntity)
    .update({ id: pair.split('_')[4] }, { lastUsedAt: new Date(Date.now() - ms) });
const registered = async () => (await accountsOf(app).register()).email;

describe('POST /session', () => {
  it('answers an access token, and sets a cookie that scripts and other hosts can not read', async () => {
    const { email, id } = await accountsOf(app).register();
    const answer = await signIn(email).expect(200);
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 1_800,
    });
    const { pair, attributes } = cookieOf(answer);
    expect(pair).toMatch(new RegExp(`^${HOST}=tkrt_[0-9a-f-]{36}_[\\w-]{43}$`));
    expect(attributes).toEqual(['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Strict', 'Secure']);
    const { access_token: token } = answer.body as { access_token: string };
    await accountsOf(app)
      .me(token)
      .expect(200)
      .expect(({ body }) => expect(body).toMatchObject({ id }));
    const { body } = await app.send('get', '/api/v1/auth/sessions', token).expect(200);
    expect(body).toMatchObject({ total: 2, sessions: [{ is_current: true }, { is_current: false }] });
    expect(app.log.join('\n')).not.toContain(pair.slice(-43));
  });

  it('refuses a wrong password, and one too many, without a cookie', async () => {
    const email = await registered();
    const answer = await signIn(email, { origin: PUBLIC_ORIGIN }, 'wrong password').expect(401, {
      detail: 'The e-mail address or the password is wrong.',
    });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    await send('post', '', { origin: PUBLIC_ORIGIN }).send({ email }).expect(422);
  });

  it.each([
    ['the public base URL', { origin: PUBLIC_ORIGIN }, true],
    [
      'the address that the proxy was asked for',
      {
        origin: 'https://till.test',
        headers: {
          host: 'internal:3000',
          'x-forwarded-host': 'till.test',
          'x-forwarded-proto': 'https',
        },
      },
      true,
    ],
    ['no origin, as from a command line', {}, false],
    ['no origin, but the word of the browser', { headers: { 'sec-fetch-site': 'same-origin' } }, true],
    ['no origin, and a foreign page', { headers: { 'sec-fetch-site': 'cross-site' } }, false],
    [
      'another host, and the word of a browser',
      { origin: 'https://evil.test', headers: { 'sec-fetch-site': 'same-origin' } },
      false,
    ],
    ['another host', { origin: 'https://evil.test' }, false],
    ['another scheme', { origin: 'http://pay.example.com' }, false],
    ['another port', { origin: 'https://pay.example.com:8443' }, false],
    ['a subdomain', { origin: 'https://x.pay.example.com' }, false],
    ['a sandboxed frame', { origin: 'null' }, false],
    ['an empty origin', { origin: '' }, false],
    ['two origins', { origin: `${PUBLIC_ORIGIN}, https://evil.test` }, false],
    ['a URL', { origin: `${PUBLIC_ORIGIN}/` }, false],
  ])('from %s', async (_, sent: Sent, isAllowed) => {
    const email = await registered();
    const answer = await signIn(email, sent).expect(isAllowed ? 200 : 403);
    if (isAllowed) return;
    expect(answer.body).toEqual(FOREIGN);
    expect(answer.headers).not.toHaveProperty('set-cookie');
  });

  it('ends the session that the browser had, and no other', async () => {
    const email = await registered();
    const [former, other] = [await signedIn(email), await signedIn(email)];
    const cookie = former.pair;
    await signIn(email, { origin: PUBLIC_ORIGIN, cookie }, 'wrong password').expect(401);
    await accountsOf(app).me(former.token).expect(200);
    await signIn(email, { origin: PUBLIC_ORIGIN, cookie }).expect(200);
    await accountsOf(app).me(former.token).expect(401);
    await accountsOf(app).me(other.token).expect(200);
  });

  it('uses a plain cookie over HTTP', async () => {
    const { host } = new URL(await local.app.getUrl());
    const answer = await signIn(await registered(), {
      on: local,
      origin: `http://${host}`,
      headers: { host },
    });
    const { pair, attributes } = cookieOf(answer);
    expect(pair).toMatch(/^tillkeeper_session=tkrt_/);
    expect(attributes).toEqual(['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Strict']);
    await send('post', '/refresh', { on: local, origin: 'http://localhost:3000', cookie: pair }).expect(200);
  });
});

describe('POST /session/refresh', () => {
  const refresh = (cookie: string | undefined, sent: Sent = { origin: PUBLIC_ORIGIN }) =>
    send('post', '/refresh', { ...sent, ...(cookie !== undefined && { cookie }) });

  it('exchanges the cookie, among others, for the next one and an access token', async () => {
    const first = await signedIn(await registered());
    const answer = await refresh(`a=b;${first.pair}; c=d`).expect(200);
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 1_800,
    });
    const next = cookieOf(answer);
    expect(next.attributes).toEqual(first.attributes);
    expect(next.pair).not.toBe(first.pair);
    await accountsOf(app)
      .me((answer.body as { access_token: string }).access_token)
      .expect(200);
    await refresh(next.pair).expect(200);
  });

  it('takes the former cookie once more, as a closed tab loses the next one, and then ends the session', async () => {
    const { pair, token } = await signedIn(await registered());
    await refresh(pair).expect(200);
    const { pair: next } = cookieOf(await refresh(pair).expect(200));
    const { pair: last } = cookieOf(await refresh(next).expect(200));
    const answer = await refresh(pair).expect(401, NOT_VALID);
    expect(cookieOf(answer)).toEqual({
      pair: `${HOST}=`,
      attributes: ['HttpOnly', 'Max-Age=0', 'Path=/', 'SameSite=Strict', 'Secure'],
    });
    await refresh(last).expect(401, NOT_VALID);
    await accountsOf(app).me(token).expect(401);
  });

  it('ends the session if the former cookie is used a second time', async () => {
    const { pair, token } = await signedIn(await registered());
    for (const status of [200, 200, 401]) await refresh(pair).expect(status);
    await accountsOf(app).me(token).expect(401);
  });

  it('ends the session if the former cookie is used after 30 seconds', async () => {
    const { pair, token } = await signedIn(await registered());
    const { pair: next } = cookieOf(await refresh(pair).expect(200));
    expect(await age(pair, 31_000)).toMatchObject({ affected: 1 });
    await refresh(pair).expect(401, NOT_VALID);
    await refresh(next).expect(401, NOT_VALID);
    await accountsOf(app).me(token).expect(401);
  });

  it('leaves POST /auth/refresh strict', async () => {
    const { pair, token } = await signedIn(await registered());
    await refresh(pair).expect(200);
    await app
      .send('post', '/api/v1/auth/refresh', null)
      .send({ refresh_token: pair.slice(HOST.length + 1) })
      .expect(401, NOT_VALID);
    await accountsOf(app).me(token).expect(401);
  });

  it('needs the cookie under the name that only this host can set', async () => {
    const { pair } = await signedIn(await registered());
    for (const cookie of [undefined, 'other=1', pair.replace('__Host-', ''), `${HOST}=nonsense`])
      await refresh(cookie).expect(401, NOT_VALID);
    await refresh(pair).expect(200);
  });

  it('refuses other pages, and a cookie without an origin', async () => {
    const { pair } = await signedIn(await registered());
    for (const sent of [{ origin: 'https://evil.test' }, { origin: 'null' }, {}])
      await refresh(pair, sent).expect(403, FOREIGN);
    await refresh(pair).expect(200);
  });
});

describe('DELETE /session', () => {
  const signOut = (cookie: string | undefined, origin: string | undefined = PUBLIC_ORIGIN) =>
    send('delete', '', { origin, ...(cookie !== undefined && { cookie }) });

  it('ends the session with its access tokens, clears the cookie, and may be repeated', async () => {
    const email = await registered();
    const [{ pair, token }, other] = [await signedIn(email), await signedIn(email)];
    const answer = await signOut(pair).expect(204);
    expect(cookieOf(answer)).toMatchObject({ pair: `${HOST}=` });
    await accountsOf(app).me(token).expect(401);
    await send('post', '/refresh', { origin: PUBLIC_ORIGIN, cookie: pair }).expect(401);
    await signOut(pair).expect(204);
    await signOut(undefined).expect(204);
    await accountsOf(app).me(other.token).expect(200);
    await eventually(() => local.send('get', '/api/v1/projects/', token).expect(401), 2_000);
  });

  it('ends the session also with the cookie that a lost refresh left', async () => {
    const { pair, token } = await signedIn(await registered());
    await send('post', '/refresh', { origin: PUBLIC_ORIGIN, cookie: pair }).expect(200);
    await signOut(pair).expect(204);
    await accountsOf(app).me(token).expect(401);
  });

  it('ends nothing for another page', async () => {
    const { pair, token } = await signedIn(await registered());
    await signOut(pair, 'https://evil.test').expect(403, FOREIGN);
    await send('delete', '', { cookie: pair }).expect(403, FOREIGN);
    await accountsOf(app).me(token).expect(200);
  });
});

describe('GET /session/link/{token}', () => {
  it('signs a browser in once, and leads to the console', async () => {
    const { id, email } = await accountsOf(app).register();
    const path = await app.app.get(SignInLinks).issue(id as OwnerId);
    expect(path).toMatch(/^\/api\/v1\/session\/link\/tkl_[0-9A-Za-z]{49}$/);
    const open = (to = path) => app.send('get', to, null).expect(303);
    const { headers: previewed } = await app.send('head', path, null).expect(303);
    expect(previewed).not.toHaveProperty('set-cookie');
    const opened = await open();
    expect(opened.headers['location']).toBe('../../../../console');
    const { pair } = cookieOf(opened);
    await send('post', '/refresh', { origin: PUBLIC_ORIGIN, cookie: pair }).expect(200);
    const again = await app.app.get(SignInLinks).issue(id as OwnerId);
    const { token } = await signedIn(email);
    const [cookie, sessions] = [pair, () => app.send('get', '/api/v1/auth/sessions', token)];
    const { total } = (await sessions()).body as { total: number };
    await open(again).set({ cookie });
    expect((await sessions()).body).toMatchObject({ total });
    for (const to of [path, '/api/v1/session/link/nonsense', '/api/v1/session/link/%00']) {
      const { headers } = await open(to);
      expect(headers['location']).toBe('../../../../console/sign-in?sign_in_error=link');
      expect(headers).not.toHaveProperty('set-cookie');
    }
    expect(app.log.join('\n')).not.toContain(path.slice(-49));
  });
});

it('has no sessions of browsers without built-in accounts', async () => {
  const without = await startTestApp({
    database: app.database,
    environment: { ...app.environment, AUTH_BUILTIN: 'false' },
  });
  await signIn('ada@example.com', { on: without }).expect(404);
  await send('post', '/refresh', { on: without }).expect(404);
  await send('delete', '', { on: without }).expect(404);
  await without.close();
});
