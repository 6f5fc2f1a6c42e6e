import { randomUUID } from 'node:crypto';
import { Passwords } from '../../../src/accounts/passwords/passwords.js';
import { accountsOf, PASSWORD } from '../../harness/accounts.js';
import { eventually } from '../../harness/eventually.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

const ENDED = { detail: 'The session of this access token has ended: log in again.' };
const NOT_VALID = { detail: 'The refresh token is not valid, or no longer: log in again.' };
const NO_SESSION = { detail: 'There is no session with this id.' };
const ENDED_WITHIN_MS = 2_000;
const WEEK_MS = 7 * 24 * 60 * 60 * 1_000;

interface Session {
  id: string;
  is_current: boolean;
}

let app: TestApp;
/** Another application on the database, like a second process. */
let neighbour: TestApp;
let accounts: ReturnType<typeof accountsOf>;

beforeAll(async () => {
  app = await startTestApp();
  neighbour = await startTestApp({ database: app.database, environment: app.environment });
  accounts = accountsOf(app);
});
afterAll(async () => {
  await neighbour.close();
  await app.close();
});

const sessions = (token: string | null, path = '') => app.send('get', `/api/v1/auth/sessions${path}`, token);
const end = (token: string | null, path = '') => app.send('delete', `/api/v1/auth/sessions${path}`, token);
const logOut = (token: string | null) => app.send('post', '/api/v1/auth/logout', token);
const listed = async (token: string) => (await sessions(token).expect(200)).body as { sessions: Session[] };
const currentId = async (token: string) =>
  (await listed(token)).sessions.find((session) => session.is_current)?.id ?? '';

describe('POST /auth/logout', () => {
  it('ends the session at once, with its access and refresh tokens, and no other session', async () => {
    const { email, access_token: other } = await accounts.register();
    const { access_token: token, refresh_token: refreshToken } = await accounts.logIn(email);
    await accounts.me(token).expect(200);
    await logOut(token).expect(204);
    const { headers } = await accounts.me(token).expect(401, ENDED);
    expect(headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/);
    await app.send('get', '/api/v1/projects/', token).expect(401, ENDED);
    await accounts.refresh(refreshToken).expect(401, NOT_VALID);
    await logOut(token).expect(401, ENDED);
    await accounts.me(other).expect(200);
  });

  it('takes effect in every process within two seconds', async () => {
    const { access_token: token } = await accounts.register();
    const elsewhere = () => neighbour.send('get', '/api/v1/projects/', token);
    await elsewhere().expect(200);
    await logOut(token).expect(204);
    await eventually(() => elsewhere().expect(401, ENDED), ENDED_WITHIN_MS);
  });

  it('also ends access tokens from before the last refresh', async () => {
    const { access_token: first, refresh_token: refreshToken } = await accounts.register();
    const { body } = await accounts.refresh(refreshToken).expect(200);
    await logOut((body as { access_token: string }).access_token).expect(204);
    await accounts.me(first).expect(401, ENDED);
  });

  it('refuses tokens without a session', async () => {
    const { id } = await accounts.register();
    await logOut(accessToken({ sub: id })).expect(404, NO_SESSION);
    await logOut(null).expect(401);
  });
});

describe('GET /auth/sessions', () => {
  it('lists the sessions of the account, newest first, with address and client', async () => {
    const { email, access_token: first } = await accounts.register();
    await accounts.register();
    const { body: tokens } = await accounts
      .post('login', { email, password: PASSWORD })
      .set('user-agent', 'the phone')
      .expect(200);
    const { access_token: second } = tokens as { access_token: string };
    const { body } = await sessions(first).expect(200);
    expect(body).toEqual({
      sessions: [false, true].map((isCurrent): unknown => ({
        id: expect.any(String) as string,
        is_current: isCurrent,
        created_at: expect.any(String) as string,
        last_used_at: expect.any(String) as string,
        expires_at: expect.any(String) as string,
        ip: '127.0.0.1',
        user_agent: isCurrent ? null : 'the phone',
      })),
      total: 2,
      page: 1,
      page_size: 50,
    });
    const [newest, oldest] = (await listed(second)).sessions;
    expect([newest?.is_current, oldest?.is_current]).toEqual([true, false]);
    expect((await sessions(first, `/${newest?.id.toUpperCase()}`).expect(200)).body).toMatchObject({
      id: newest?.id,
      is_current: false,
    });
  });

  it('has pages', async () => {
    const { email, access_token: token } = await accounts.register();
    await accounts.logIn(email);
    await accounts.logIn(email);
    const pages = [1, 2, 3].map(async (page) => {
      const { body } = await sessions(token, `?page=${page}&page_size=2`).expect(200);
      const { sessions: found, total } = body as { sessions: Session[]; total: number };
      return { ids: found.map(({ id }) => id), total };
    });
    const [first, second, third] = await Promise.all(pages);
    expect(new Set([...(first?.ids ?? []), ...(second?.ids ?? [])]).size).toBe(3);
    expect(third).toEqual({ ids: [], total: 3 });
    await sessions(token, '?page=0').expect(422);
    await sessions(token, '?page_size=101').expect(422);
  });

  it('shows the last refresh, and no session that expired, which ends its refresh token', async () => {
    const { email, access_token: token, refresh_token: refreshToken } = await accounts.register();
    const id = await currentId(token);
    const other = await accounts.logIn(email);
    const expired = await currentId(other.access_token);
    await execute(
      app.database,
      `UPDATE account_sessions SET created_at = '2026-01-01 00:00:00.000', last_used_at = '2026-01-01 00:00:00.000' WHERE id = '${id}'`,
    );
    await execute(
      app.database,
      `UPDATE account_sessions SET expires_at = '2026-01-01 00:00:00.000' WHERE id = '${expired}'`,
    );
    await accounts.refresh(refreshToken).expect(200);
    const { body } = await sessions(token).expect(200);
    const { sessions: found } = body as {
      sessions: { created_at: string; last_used_at: string; expires_at: string }[];
    };
    expect(found).toHaveLength(1);
    expect(found[0]?.created_at).toBe('2026-01-01T00:00:00.000Z');
    const lastUsed = Date.parse(found[0]?.last_used_at ?? '');
    expect(Date.now() - lastUsed).toBeLessThan(60_000);
    expect(Math.abs(Date.parse(found[0]?.expires_at ?? '') - lastUsed - WEEK_MS)).toBeLessThan(1_000);
    await sessions(token, `/${expired}`).expect(404, NO_SESSION);
    await accounts.refresh(other.refresh_token).expect(401, NOT_VALID);
  });
});

describe('DELETE /auth/sessions', () => {
  it('ends one session of the account', async () => {
    const { email, access_token: here } = await accounts.register();
    const { access_token: there } = await accounts.logIn(email);
    await end(here, `/${await currentId(there)}`).expect(204);
    await accounts.me(there).expect(401, ENDED);
    await accounts.me(here).expect(200);
    expect((await listed(here)).sessions).toHaveLength(1);
  });

  it('ends all sessions of the account, but of no other one', async () => {
    const { email, access_token: here } = await accounts.register();
    const { access_token: there } = await accounts.logIn(email);
    const { access_token: stranger } = await accounts.register();
    await end(here).expect(204);
    await accounts.me(here).expect(401, ENDED);
    await accounts.me(there).expect(401, ENDED);
    await accounts.me(stranger).expect(200);
    await accounts.logIn(email);
  });

  it('answers 404 for a session of another account, or one that ended', async () => {
    const { access_token: token } = await accounts.register();
    const { access_token: stranger } = await accounts.register();
    const foreign = await currentId(stranger);
    for (const id of [foreign, randomUUID()]) {
      await end(token, `/${id}`).expect(404, NO_SESSION);
      await sessions(token, `/${id}`).expect(404, NO_SESSION);
    }
    await accounts.me(stranger).expect(200);
    for (const id of ['nope', '%00']) {
      const detail = [{ loc: ['path', 'session_id'], msg: 'must be a UUID', type: 'uuid_parsing' }];
      await end(token, `/${id}`).expect(422, { detail });
      await sessions(token, `/${id}`).expect(422, { detail });
    }
    const { body } = await end(token, '/nope?force=1').expect(422);
    expect((body as { detail: { loc: string[] }[] }).detail.map(({ loc }) => loc)).toEqual([
      ['path', 'session_id'],
      ['query', 'force'],
    ]);
  });
});

it.each(['password_hash', 'revoked_at'])(
  'a login creates no session if %s changes before it ends',
  async (column) => {
    const { id, email } = await accounts.register();
    const value = { password_hash: "'another'", revoked_at: 'created_at' }[column];
    const matches = jest.spyOn(Passwords.prototype, 'matches').mockImplementationOnce(async () => {
      await execute(app.database, `UPDATE accounts SET ${column} = ${value} WHERE id = '${id}'`);
      return true;
    });
    await accounts.post('login', { email, password: PASSWORD }).expect(401, {
      detail: 'The e-mail address or the password is wrong.',
    });
    expect(matches).toHaveBeenCalled();
    matches.mockRestore();
    const sessionsOfAccount = (await rowsOf(app.database, 'account_sessions')).filter(
      (row) => row['account_id'] === id,
    );
    expect(sessionsOfAccount).toHaveLength(1);
  },
);
