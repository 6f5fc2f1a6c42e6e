import { FailedLoginsRepository } from '../../../src/accounts/attempts/failed-logins.repository.js';
import { Passwords } from '../../../src/accounts/passwords/passwords.js';
import { accountsOf, newEmail, PASSWORD } from '../../harness/accounts.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

/** Two applications on one database, like two processes. */
let first: TestApp;
let second: TestApp;

beforeAll(async () => {
  const environment = { RATE_LIMIT_PER_MINUTE: '10000', TRUST_PROXY: '1' };
  first = await startTestApp({ environment });
  second = await startTestApp({ database: first.database, environment: first.environment });
});
afterAll(async () => {
  await second.close();
  await first.close();
});

const logIn = (app: TestApp, email: string, password: string, ip = '192.0.2.1') =>
  accountsOf(app).post('login', { email, password }).set('x-forwarded-for', ip);
const counts = () => rowsOf(first.database, 'failed_logins');

describe('failed logins', () => {
  it('count across processes, at known and unknown accounts', async () => {
    const { email } = await accountsOf(first).register();
    for (const target of [email, newEmail()]) {
      for (let index = 0; index < 5; index += 1) {
        await logIn(first, target, 'wrong', `198.51.100.${index}`).expect(401);
        await logIn(second, target, 'wrong', `198.51.100.${index}`).expect(401);
      }
      for (const app of [first, second]) {
        const { headers } = await logIn(app, target, PASSWORD).expect(429);
        expect(Number(headers['retry-after'])).toBeGreaterThan(500);
      }
    }
  });

  it('get one entry in the history for each lock', async () => {
    const { id, email } = await accountsOf(first).register();
    const guesses = Array.from({ length: 20 }, (_, index) =>
      logIn(index % 2 === 0 ? first : second, email, 'wrong', `203.0.113.${index}`),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401).length).toBeGreaterThanOrEqual(10);
    await logIn(first, email, PASSWORD).expect(429);
    const entries = (await rowsOf(first.database, 'audit_entries')).filter(({ details }) =>
      String(details).includes(id),
    );
    expect(entries.map(({ action }) => action)).toEqual(['developers.locked_out']);
  });

  it('refuse a right password after too many failures that another process counted meanwhile', async () => {
    const { email } = await accountsOf(first).register();
    const matches = jest.spyOn(Passwords.prototype, 'matches').mockImplementationOnce(async () => {
      for (let index = 0; index < 10; index += 1)
        await logIn(second, email, 'wrong', `203.0.113.${index}`).expect(401);
      return true;
    });
    await logIn(first, email, PASSWORD).expect(429);
    matches.mockRestore();
  });

  it('are not written by a login that succeeds, and name no address', async () => {
    const { email } = await accountsOf(first).register();
    const before = await counts();
    await logIn(first, email, PASSWORD, '192.0.2.77').expect(200);
    expect(await counts()).toEqual(before);
    await logIn(first, email, 'wrong', '192.0.2.77').expect(401);
    const stored = JSON.stringify(await counts());
    expect((await counts()).length).toBe(before.length + 2);
    expect(stored).not.toContain(email);
    expect(stored).not.toContain('192.0.2.77');
  });

  it('are forgotten after ten minutes', async () => {
    const { email } = await accountsOf(first).register();
    for (let index = 0; index < 10; index += 1)
      await logIn(first, email, 'wrong', `192.0.2.${index}`).expect(401);
    await logIn(second, email, PASSWORD).expect(429);
    await execute(first.database, `UPDATE failed_logins SET ends_at = '2026-01-01 00:00:00.000'`);
    await logIn(second, email, PASSWORD).expect(200);
    // The next failure starts another count.
    await logIn(first, email, 'wrong', '192.0.2.1').expect(401);
    await logIn(second, email, PASSWORD, '192.0.2.1').expect(200);
    await first.app.get(FailedLoginsRepository, { strict: false }).sweep.run();
    expect(await counts()).toHaveLength(2);
  });
});
