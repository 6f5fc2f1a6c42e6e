import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { PasswordResetsService } from '../../../src/accounts/passwords/password-resets.service.js';
import { AccountsRepository } from '../../../src/accounts/accounts.repository.js';
import { AccountsService } from '../../../src/accounts/accounts.service.js';
import { DomainError } from '../../../src/common/errors.js';
import { systemActor } from '../../../src/common/actor.js';
import { accountsOf, PASSWORD } from '../../harness/accounts.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const BASE = 'https://till.test/pay';
const CALLBACK = '/api/v1/session/oidc/callback';
const CLIENT = { id: 'tillkeeper', secret: 's'.repeat(40) };

let provider: ChildProcess;
let issuer: string;
let app: TestApp;

beforeAll(async () => {
  const words = ['test/harness/servers/oidc-provider.mjs', `${BASE}${CALLBACK}`, CLIENT.id, CLIENT.secret];
  provider = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  if (!provider.stdout) throw new Error('The provider has no output.');
  const [line] = (await once(provider.stdout.setEncoding('utf8'), 'data')) as [string];
  issuer = line.trim();
  app = await startTestApp({ environment: environment() });
});
afterAll(async () => {
  await app.close();
  provider.kill();
});

const environment = (url = issuer) => ({
  PUBLIC_BASE_URL: BASE,
  AUTH_OIDC_ISSUER: url,
  AUTH_OIDC_CLIENT_ID: CLIENT.id,
  AUTH_OIDC_CLIENT_SECRET: CLIENT.secret,
});

/** What a browser keeps: the cookies of answers, without their attributes. */
class Jar {
  readonly #cookies = new Map<string, string>();

  keep(headers: readonly string[]): void {
    for (const header of headers) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }

  get header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  get names(): string[] {
    return [...this.#cookies.keys()];
  }
}

const open = async (path: string, jar: Jar, on = app) => {
  const answer = await on.send('get', path, null).set('cookie', jar.header).expect(303);
  const cookies = (answer.headers['set-cookie'] ?? []) as unknown as string[];
  jar.keep(cookies);
  return { location: answer.headers['location'] ?? '', cookies };
};

/** Follows the provider's redirects until they lead back. @returns path and query of the callback */
async function signInAtProvider(url: string, person: string): Promise<string> {
  const jar = new Jar();
  for (let next = url; ;) {
    if (next.startsWith(BASE)) return next.slice(BASE.length);
    const at = new URL(next, issuer);
    if (at.pathname.startsWith('/interaction/')) at.searchParams.set('as', person);
    const answer = await fetch(at, { headers: { cookie: jar.header }, redirect: 'manual' });
    jar.keep(answer.headers.getSetCookie());
    const location = answer.headers.get('location');
    if (location === null) throw new Error(`The provider answered ${answer.status}.`);
    next = location;
  }
}

async function signIn(person: string) {
  const jar = new Jar();
  const begun = await open('/api/v1/session/oidc', jar);
  const callback = await signInAtProvider(begun.location, person);
  const finished = await open(callback, jar);
  return { begun, finished, jar, callback };
}

const accessTokenOf = async (jar: Jar) => {
  const refreshed = await app
    .send('post', '/api/v1/session/refresh', null)
    .set({ cookie: jar.header, origin: 'https://till.test' })
    .expect(200);
  return (refreshed.body as { access_token: string }).access_token;
};
const failure = (reason: string) => `${BASE}/console/sign-in?sign_in_error=${reason}`;

it('signs a person in with an account without a password, and again with the same one', async () => {
  const ids: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    const { begun, finished, jar } = await signIn('ada');
    const { origin, searchParams } = new URL(begun.location);
    expect(origin).toBe(issuer);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      client_id: CLIENT.id,
      response_type: 'code',
      redirect_uri: `${BASE}${CALLBACK}`,
      scope: 'openid email profile',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      state: expect.stringMatching(/^[\w-]{43}$/) as string,
      nonce: expect.stringMatching(/^[\w-]{43}$/) as string,
    });
    expect(begun.cookies).toEqual([
      expect.stringMatching(
        /^__Host-tillkeeper_sign_in=[\w.-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
      ),
    ]);
    expect(finished.location).toBe(`${BASE}/console`);
    expect(finished.cookies).toEqual([
      '__Host-tillkeeper_sign_in=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure',
      expect.stringMatching(/^__Host-tillkeeper_session=tkrt_.*SameSite=Strict; Secure$/),
    ]);
    expect(jar.names).toEqual(['__Host-tillkeeper_session']);
    const { body } = await accountsOf(app)
      .me(await accessTokenOf(jar))
      .expect(200);
    expect(body).toMatchObject({ email: 'ada@example.com', full_name: 'ada' });
    ids.push((body as { id: string }).id);
  }
  expect(new Set(ids).size).toBe(1);
  const email = 'ada@example.com';
  for (const password of ['', PASSWORD]) {
    const { status } = await accountsOf(app).post('login', { email, password });
    expect([401, 422]).toContain(status);
  }
  const reset = await app.app.get(PasswordResetsService).issue(email, systemActor('test'));
  expect(reset).toBeUndefined();
});

it.each([
  ['the person refuses', 'nobody', 'denied'],
  ['the provider knows no address', 'nameless', 'no_email'],
  ['the person has not proved the address', 'unproved', 'email_unverified'],
])('signs nobody in if %s', async (_, person, reason) => {
  const { finished, jar } = await signIn(person);
  expect(finished.location).toBe(failure(reason));
  expect(jar.names).toEqual([]);
});

it('does not join accounts that have the address, which nobody proved', async () => {
  await accountsOf(app).register('grace@example.com');
  const { finished, jar } = await signIn('grace');
  expect(finished.location).toBe(failure('email_taken'));
  expect(jar.names).toEqual([]);
});

it('ends the session that the browser had, whose cookie does not come back with it', async () => {
  const first = await signIn('dan');
  const token = await accessTokenOf(first.jar);
  const begun = await open('/api/v1/session/oidc', first.jar);
  const attempt = first.jar.header.split('; ').filter((pair) => pair.includes('sign_in='));
  const jar = new Jar();
  jar.keep(attempt);
  await open(await signInAtProvider(begun.location, 'dan'), jar);
  await accountsOf(app).me(token).expect(401);
  await accountsOf(app)
    .me(await accessTokenOf(jar))
    .expect(200);
});

it.each([
  ['/projects/1?a=b', '/projects/1?a=b'],
  ['//evil.example', ''],
  ['https://evil.example', ''],
  ['/a\r\nb', ''],
])('leads to the page of the console that somebody came for: %j', async (next, path) => {
  const jar = new Jar();
  const begin = `/api/v1/session/oidc?next=${encodeURIComponent(next)}`;
  const begun = await open(begin, jar);
  expect((await open(await signInAtProvider(begun.location, 'ada'), jar)).location).toBe(
    `${BASE}/console${path}`,
  );
  const refused = await open(await signInAtProvider((await open(begin, jar)).location, 'nobody'), jar);
  const query = new URLSearchParams({ sign_in_error: 'denied', ...(path && { next: path }) });
  expect(refused.location).toBe(`${BASE}/console/sign-in?${query.toString()}`);
});

it('leads back to the console if the account can not be read', async () => {
  const jar = new Jar();
  const begun = await open('/api/v1/session/oidc', jar);
  const callback = await signInAtProvider(begun.location, 'ada');
  const find = jest
    .spyOn(app.app.get(AccountsRepository), 'findByIdentity')
    .mockRejectedValueOnce(new DomainError('database_unavailable', 'The database is not available.'));
  expect((await open(callback, jar)).location).toBe(failure('unavailable'));
  find.mockRestore();
});

it('refuses a revoked account, and makes another one after its deletion', async () => {
  const { jar } = await signIn('eve');
  const token = await accessTokenOf(jar);
  const { body } = await accountsOf(app).me(token).expect(200);
  await app.app.get(AccountsService).revoke('eve@example.com', systemActor('test'));
  expect((await signIn('eve')).finished.location).toBe(failure('revoked'));
  const other = await accessTokenOf((await signIn('bob')).jar);
  await app.send('delete', '/api/v1/auth/me', other).expect(204);
  const again = await accountsOf(app)
    .me(await accessTokenOf((await signIn('bob')).jar))
    .expect(200);
  expect((again.body as { id: string }).id).not.toBe((body as { id: string }).id);
});

it('accepts the way back once, and only in the browser that began', async () => {
  const { callback, jar } = await signIn('carol');
  const other = new Jar();
  expect((await open(callback, other)).location).toBe(failure('failed'));
  const begun = await open('/api/v1/session/oidc', other);
  // The state is of another attempt.
  expect((await open(callback, other)).location).toBe(failure('failed'));
  expect((await open(callback, jar)).location).toBe(failure('failed'));
  const fresh = await signInAtProvider(begun.location, 'carol');
  expect((await open(fresh, new Jar())).location).toBe(failure('failed'));
  for (const query of ['', '?code=x', '?error=server_error&state=x', '?code=x&code=y&state=%00'])
    expect((await open(`${CALLBACK}${query}`, other)).location).toBe(failure('failed'));
  expect(app.log.join('\n')).not.toContain(CLIENT.secret);
});

it('leads back to the console if the provider can not be reached', async () => {
  const lonely = await startTestApp({
    database: app.database,
    environment: { ...app.environment, ...environment('http://127.0.0.1:9/') },
  });
  const { location } = await open('/api/v1/session/oidc', new Jar(), lonely);
  expect(location).toBe(failure('unavailable'));
  await lonely.close();
});
