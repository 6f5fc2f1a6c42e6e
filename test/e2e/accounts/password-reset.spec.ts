import { AccountsRepository } from '../../../src/accounts/accounts.repository.js';
import { Passwords } from '../../../src/accounts/passwords/passwords.js';
import { accountsOf, newEmail, PASSWORD } from '../../harness/accounts.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { eventually } from '../../harness/eventually.js';
import { TestSmtpServer } from '../../harness/servers/smtp-server.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const NEXT = 'a new horse, another staple';
const NOT_VALID = { detail: 'The reset token is not valid, or no longer: ask for another one.' };
const MAILED = {
  message: 'If there is an account with this address, a mail with a reset token is on its way to it.',
};
const TOKEN = /^tkp_[0-9A-Za-z]{49}\r?$/m;

let smtp: TestSmtpServer;
let app: TestApp;
let accounts: ReturnType<typeof accountsOf>;

beforeAll(async () => {
  smtp = new TestSmtpServer();
  app = await startTestApp({
    environment: { SMTP_URL: await smtp.start(), MAIL_FROM: 'Tillkeeper <pay@example.com>' },
  });
  accounts = accountsOf(app);
});
afterAll(async () => {
  await app.close();
  await smtp.stop();
});
beforeEach(() => {
  smtp.mails.length = 0;
  smtp.isFull = false;
});

const ask = (email: string) => accounts.post('password-reset-request', { email });
const reset = (token: string, next = NEXT) => accounts.post('password-reset', { token, new_password: next });
const mailsTo = (email: string) => smtp.mails.filter(({ to }) => to.includes(email));
const entriesAbout = async (id: string) =>
  (await rowsOf(app.database, 'audit_entries'))
    .filter(({ details }) => String(details).includes(id))
    .map(({ action, subject }): unknown[] => [action, subject]);

async function mailedToken(email: string): Promise<string> {
  await ask(email).expect(202, MAILED);
  return eventually(async () => {
    const token = TOKEN.exec(mailsTo(email.toLowerCase()).at(-1)?.content ?? '')?.[0].trim();
    if (token === undefined) throw new Error('No mail has arrived yet.');
    return token;
  });
}

describe('POST /auth/password-reset-request and /auth/password-reset', () => {
  it('mail a token that sets a new password once, and ends all sessions', async () => {
    const { id, email, access_token: access, refresh_token: refresh } = await accounts.register();
    const token = await mailedToken(email.toUpperCase());
    const [mail] = mailsTo(email);
    expect(mail).toMatchObject({ from: 'pay@example.com', to: [email] });
    expect(mail?.content).toMatch(/^From: Tillkeeper <pay@example\.com>\r$/m);
    expect(mail?.content).toMatch(/^Subject: Reset your password\r$/m);
    await accounts.me(access).expect(200);
    await reset(token).expect(204);
    await accounts.me(access).expect(401);
    await accounts.refresh(refresh).expect(401);
    await accounts.post('login', { email, password: PASSWORD }).expect(401);
    await accounts.logIn(email, NEXT);
    const { headers } = await reset(token, 'a third horse').expect(401, NOT_VALID);
    expect(headers['www-authenticate']).toBe('Bearer');
    await accounts.logIn(email, NEXT);
    expect(await entriesAbout(id)).toEqual([
      ['developers.reset_issued', 'password reset'],
      ['developers.password_reset', id],
    ]);
    expect(JSON.stringify(await rowsOf(app.database, 'opaque_keys'))).not.toContain(token);
    expect(app.log.join()).not.toContain(token);
    expect(app.log.join()).not.toContain(email);
  });

  it('answer alike, and before any lookup, for known, unknown and revoked addresses', async () => {
    const { email } = await accounts.register();
    const revoked = await accounts.register();
    await execute(app.database, `UPDATE accounts SET revoked_at = created_at WHERE id = '${revoked.id}'`);
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const find = AccountsRepository.prototype.findByEmail;
    const spy = jest.spyOn(AccountsRepository.prototype, 'findByEmail').mockImplementation(async function (
      this: AccountsRepository,
      address,
    ) {
      await released;
      return find.call(this, address);
    });
    const answers = [];
    for (const address of [email, newEmail(), revoked.email]) answers.push(await ask(address));
    release();
    const facts = answers.map(({ status, body, headers }) => ({
      status,
      body: body as unknown,
      headers: { ...(headers as Record<string, string>), date: '', 'x-request-id': '' },
    }));
    expect(facts[0]).toMatchObject({ status: 202, body: MAILED });
    expect(facts[1]).toEqual(facts[0]);
    expect(facts[2]).toEqual(facts[0]);
    await eventually(async () => expect(mailsTo(email)).toHaveLength(1));
    spy.mockRestore();
    expect(smtp.mails).toHaveLength(1);
  });

  it('send at most three mails to an account within an hour', async () => {
    const { id, email } = await accounts.register();
    for (let index = 0; index < 5; index += 1) await ask(email).expect(202, MAILED);
    const { email: other } = await accounts.register();
    await mailedToken(other);
    await eventually(async () => expect(mailsTo(email)).toHaveLength(3));
    // Each of them works until one is used.
    const [first, second] = mailsTo(email).map(({ content }) => TOKEN.exec(content)?.[0].trim() ?? '');
    await reset(first ?? '').expect(204);
    await reset(second ?? '').expect(401, NOT_VALID);
    expect(await entriesAbout(id)).toHaveLength(4);
    // A used token frees no mail. The mail to another account shows that this request was handled.
    await ask(email).expect(202, MAILED);
    await mailedToken((await accounts.register()).email);
    expect(mailsTo(email)).toHaveLength(3);
    expect(await entriesAbout(id)).toHaveLength(4);
  });

  it('refuse forged, expired and outdated tokens without hashing a password', async () => {
    const { id, email, access_token: access } = await accounts.register();
    const token = await mailedToken(email);
    const hash = jest.spyOn(Passwords.prototype, 'hash');
    const last = token.endsWith('a') ? 'b' : 'a';
    for (const forged of ['', 'x', token.slice(0, -1) + last, `tks_${token.slice(4)}`, ` ${token}`])
      await reset(forged).expect(401, NOT_VALID);
    await execute(
      app.database,
      `UPDATE opaque_keys SET expires_at = '2026-01-01 00:00:00.000' WHERE holder_id = '${id}'`,
    );
    await reset(token).expect(401, NOT_VALID);
    expect(hash).not.toHaveBeenCalled();
    hash.mockRestore();
    const second = await mailedToken(email);
    await accounts
      .post('change-password', { current_password: PASSWORD, new_password: NEXT }, access)
      .expect(204);
    await reset(second).expect(401, NOT_VALID);
    await accounts.logIn(email, NEXT);
  });

  it('let one of concurrent resets win', async () => {
    const { email } = await accounts.register();
    const token = await mailedToken(email);
    const answers = await Promise.all(
      ['first', 'second', 'third'].map((name) => reset(token, `the ${name}`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 401, 401]);
    const winner = ['first', 'second', 'third'][answers.findIndex(({ status }) => status === 204)] ?? '';
    await accounts.logIn(email, `the ${winner}`);
  });

  it('keep the token when the new password is refused, and give no revoked account back', async () => {
    const { id, email } = await accounts.register();
    const token = await mailedToken(email);
    const { body } = await reset(token, '1234567').expect(422);
    expect(body).toMatchObject({ detail: [{ loc: ['body', 'new_password'] }] });
    await accounts.post('password-reset', { token, new_password: NEXT, email }).expect(422);
    await reset(token).expect(204);
    const second = await mailedToken(email);
    await execute(app.database, `UPDATE accounts SET revoked_at = created_at WHERE id = '${id}'`);
    await reset(second).expect(401, NOT_VALID);
    await accounts.post('login', { email, password: NEXT }).expect(401);
  });

  it('log a mail that the server refused, without its address', async () => {
    const { email } = await accounts.register();
    smtp.isFull = true;
    app.log.length = 0;
    await ask(email).expect(202, MAILED);
    await eventually(async () => expect(app.log.join()).toContain('A mail could not be sent: EENVELOPE'));
    expect(app.log.join()).not.toContain(email);
  });

  it.each([{}, { email: 'ada' }, { email: newEmail(), name: 'Ada' }])('refuse %j', async (body) => {
    await accounts.post('password-reset-request', body).expect(422);
  });
});

describe('without SMTP_URL', () => {
  let silent: TestApp;
  beforeAll(async () => {
    silent = await startTestApp();
  });
  afterAll(() => silent.close());

  it('says what to do instead, alike for known and unknown addresses', async () => {
    const { register, post } = accountsOf(silent);
    const { email } = await register();
    for (const address of [email, newEmail()])
      await post('password-reset-request', { email: address }).expect(202, {
        message:
          'This service sends no mail: ask its operator for a reset token, which `tillkeeper developers reset` makes.',
      });
    expect(await rowsOf(silent.database, 'opaque_keys')).toEqual([]);
  });
});
