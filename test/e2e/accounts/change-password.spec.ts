import { accountsOf, PASSWORD } from '../../harness/accounts.js';
import { rowsOf } from '../../harness/database/rows.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const NEXT = 'a new horse, another staple';
const WRONG = { detail: 'The current password is wrong.' };

let app: TestApp;
let limited: TestApp;
let accounts: ReturnType<typeof accountsOf>;

beforeAll(async () => {
  app = await startTestApp();
  accounts = accountsOf(app);
  limited = await startTestApp({ environment: { RATE_LIMIT_PER_MINUTE: '10000', TRUST_PROXY: '1' } });
});
afterAll(async () => {
  await limited.close();
  await app.close();
});

const change = (token: string | null, current = PASSWORD, next = NEXT) =>
  accounts.post('change-password', { current_password: current, new_password: next }, token);
const entriesAbout = async (id: string) =>
  (await rowsOf(app.database, 'audit_entries')).filter(({ details }) => String(details).includes(id));

describe('POST /auth/change-password', () => {
  it('sets the password, and ends all sessions but the one that asked', async () => {
    const { id, email, access_token: other, refresh_token: otherRefresh } = await accounts.register();
    const { access_token: token, refresh_token: refreshToken } = await accounts.logIn(email);
    await accounts.me(other).expect(200);
    await change(token).expect(204);
    await accounts.me(other).expect(401);
    await accounts.refresh(otherRefresh).expect(401);
    await accounts.me(token).expect(200);
    await accounts.refresh(refreshToken).expect(200);
    await accounts.post('login', { email, password: PASSWORD }).expect(401);
    await accounts.logIn(email, NEXT);
    expect(await entriesAbout(id)).toMatchObject([
      { action: 'developers.password_changed', actor_kind: 'person', subject: id, ip: '127.0.0.1' },
    ]);
    expect(app.log.join()).not.toContain(NEXT);
  });

  it('asks for the current password, and changes nothing without it', async () => {
    const { id, email, access_token: token } = await accounts.register();
    const { access_token: other } = await accounts.logIn(email);
    await change(token, 'wrong').expect(403, WRONG);
    await change(token, '').expect(403, WRONG);
    await accounts.me(other).expect(200);
    await accounts.logIn(email);
    expect(await entriesAbout(id)).toEqual([]);
    await change(null).expect(401);
  });

  it('lets one of two concurrent changes win', async () => {
    const { email, access_token: token } = await accounts.register();
    const answers = await Promise.all(
      ['first', 'second'].map((name) => change(token, PASSWORD, `the ${name}`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 403]);
    await accounts.logIn(email, answers[0]?.status === 204 ? 'the first' : 'the second');
  });

  it.each<[object, string[]]>([
    [{}, ['body current_password missing', 'body new_password missing']],
    [{ current_password: PASSWORD, new_password: '1234567' }, ['body new_password string_too_short']],
    [
      { current_password: 7, new_password: null },
      ['body current_password string_type', 'body new_password string_type'],
    ],
    [{ current_password: PASSWORD, new_password: NEXT, keep: 1 }, ['body keep extra_forbidden']],
  ])('refuses %j', async (body, expected) => {
    const { access_token: token } = await accounts.register();
    const { body: answer } = await accounts.post('change-password', body, token).expect(422);
    const { detail } = answer as { detail: { loc: string[]; type: string }[] };
    expect(detail.map(({ loc, type }) => [...loc, type].join(' '))).toEqual(expected);
  });

  it('counts wrong passwords like failed logins', async () => {
    const { register, post } = accountsOf(limited);
    const { email, access_token: token } = await register();
    const guess = () => post('change-password', { current_password: 'guess', new_password: NEXT }, token);
    for (let index = 0; index < 10; index += 1) await guess().expect(403, WRONG);
    const { headers } = await guess().expect(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(500);
    await post('login', { email, password: PASSWORD }).expect(429);
  });
});
