import { join } from 'node:path';
import { Readable } from 'node:stream';
import { runInProcess } from '../../harness/command-line.js';
import { eventually } from '../../harness/eventually.js';
import { Installation } from '../../harness/installation.js';
import { rowsOf } from '../../harness/database/rows.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

jest.setTimeout(60_000);

const ENDED_WITHIN_MS = 2_000;
const PASSWORD = 'correct horse battery staple';

let installation: Installation;
let app: TestApp;

beforeAll(async () => {
  installation = new Installation();
  app = await startTestApp({ environment: { AUTH_REGISTRATION: 'closed' } });
});
afterAll(async () => {
  await installation.remove();
  await app.close();
});

const developers = (...args: string[]) => runInProcess(app.environment, 'developers', ...args);

/** With something on the standard input, in this process. */
async function given(input: string, ...args: string[]) {
  const stdin = jest
    .spyOn(process, 'stdin', 'get')
    .mockReturnValue(Readable.from([input]) as typeof process.stdin);
  return developers(...args).finally(() => stdin.mockRestore());
}

/** With a pipe to its standard input, in a process of its own. */
async function piped(input: string, ...args: string[]) {
  const script = `printf %s "$INPUT" | "${process.execPath}" "${join(installation.folder, 'dist/cli/main.js')}" developers ${args.join(' ')}`;
  const command = installation.start({ ...app.environment, INPUT: input }, ['sh', '-c', script]);
  const { code } = await command.ended;
  return { code, output: command.output, errors: command.errors };
}

const logIn = (email: string, password: string) =>
  app.send('post', '/api/v1/auth/login', null).send({ email, password });
const refresh = (token: string) =>
  app.send('post', '/api/v1/auth/refresh', null).send({ refresh_token: token });

it('adds developers while the server runs, sets a new password and revokes them', async () => {
  const made = await developers('add', 'Ada@Example.com', '--name', 'Ada', '--json');
  expect(made).toMatchObject({ code: 0, errors: '' });
  const { id, password } = JSON.parse(made.output) as { id: string; password: string };
  expect(password).toMatch(/^[\w-]{24}$/);
  expect(await rowsOf(app.database, 'accounts')).toMatchObject([
    { id, email: 'ada@example.com', full_name: 'Ada' },
  ]);
  const { body } = await logIn('ada@example.com', password).expect(200);
  expect(await developers('add', 'ada@example.com')).toEqual({
    code: 1,
    output: '',
    errors: 'There is an account with this address.\n',
  });

  const changed = await piped(`${PASSWORD}\n`, 'set-password', 'ada@example.com', '--password-stdin');
  expect(changed).toEqual({ code: 0, output: 'Set a new password for ada@example.com.\n', errors: '' });
  await logIn('ada@example.com', password).expect(401);
  await refresh((body as { refresh_token: string }).refresh_token).expect(401);
  const { body: second } = await logIn('ada@example.com', PASSWORD).expect(200);

  expect(await developers('revoke', 'ADA@example.com')).toMatchObject({
    code: 0,
    output: 'Revoked the account of ada@example.com.\n',
  });
  await logIn('ada@example.com', PASSWORD).expect(401);
  await refresh((second as { refresh_token: string }).refresh_token).expect(401);
});

it('ends the access tokens of a developer within two seconds, and records each command in the history', async () => {
  const { id } = JSON.parse((await developers('add', 'eve@example.com', '--json')).output) as { id: string };
  const use = (token: string) => app.send('get', '/api/v1/projects/', token);
  const tokenWith = async (password: string) => {
    const { body } = await logIn('eve@example.com', password).expect(200);
    const { access_token: token } = body as { access_token: string };
    await use(token).expect(200);
    return token;
  };
  const setPassword = (password: string) =>
    given(password, 'set-password', 'eve@example.com', '--password-stdin');

  expect(await setPassword(PASSWORD)).toMatchObject({ code: 0 });
  const first = await tokenWith(PASSWORD);
  await setPassword(`${PASSWORD}!`);
  await eventually(
    () => use(first).expect(401, { detail: 'The session of this access token has ended: log in again.' }),
    ENDED_WITHIN_MS,
  );
  const second = await tokenWith(`${PASSWORD}!`);
  expect(await developers('revoke', 'eve@example.com')).toMatchObject({ code: 0 });
  await eventually(
    () => use(second).expect(401, { detail: 'The account of this access token was revoked.' }),
    ENDED_WITHIN_MS,
  );
  // Reactivating the account doesn't reactivate former tokens.
  await setPassword(PASSWORD);
  await tokenWith(PASSWORD);
  await eventually(
    () => use(second).expect(401, { detail: 'The session of this access token has ended: log in again.' }),
    ENDED_WITHIN_MS,
  );

  const history = (await rowsOf(app.database, 'audit_entries'))
    .filter(({ details }) => String(details).includes(id))
    .map((entry): unknown[] => [entry['action'], entry['subject']]);
  expect(history).toEqual(
    ['added', 'password_set', 'password_set', 'revoked', 'password_set'].map((what): unknown[] => [
      `developers.${what}`,
      expect.stringContaining('command line: '),
    ]),
  );
  expect(await runInProcess(app.environment, 'audit', 'verify')).toMatchObject({ code: 0 });
});

it('lists all accounts, and makes a reset token that works once', async () => {
  const made = await developers('add', 'grace@example.com', '--name', 'Grace', '--json');
  const { id, password } = JSON.parse(made.output) as { id: string; password: string };
  await developers('add', 'old@example.com');
  await developers('revoke', 'old@example.com');
  const listed = await developers('list', '--json');
  expect(JSON.parse(listed.output)).toEqual({
    developers: expect.arrayContaining([
      {
        id,
        email: 'grace@example.com',
        full_name: 'Grace',
        created_at: expect.any(String) as string,
        is_revoked: false,
      },
      expect.objectContaining({ email: 'old@example.com', full_name: null, is_revoked: true }),
    ]) as unknown,
  });
  const { output } = await developers('list');
  expect(output).toMatch(/^ID +ADDRESS +CREATED +STATE +NAME\n/);
  expect(output).toMatch(/ old@example\.com +\S+ +revoked\n/);
  expect(listed.output + output).not.toMatch(/argon2/);

  const issued = await developers('reset', 'GRACE@example.com', '--json');
  const { token, expires_at: expiry } = JSON.parse(issued.output) as { token: string; expires_at: string };
  expect(Date.parse(expiry) - Date.now()).toBeGreaterThan(23 * 3_600_000);
  await logIn('grace@example.com', password).expect(200);
  const reset = () =>
    app
      .send('post', '/api/v1/auth/password-reset', null)
      .send({ token, new_password: 'a new horse, another staple' });
  await reset().expect(204);
  await reset().expect(401);
  await logIn('grace@example.com', password).expect(401);
  await logIn('grace@example.com', 'a new horse, another staple').expect(200);

  const { output: text } = await developers('reset', 'grace@example.com');
  const second = /^tkp_\w{49}$/m.exec(text)?.[0];
  await developers('revoke', 'grace@example.com');
  await app
    .send('post', '/api/v1/auth/password-reset', null)
    .send({ token: second, new_password: 'a third horse' })
    .expect(401);
  for (const email of ['grace@example.com', 'nobody@example.com'])
    expect(await developers('reset', email)).toEqual({
      code: 1,
      output: '',
      errors:
        'There is no active account with this address. `tillkeeper developers set-password` restores a revoked one.\n',
    });
  const history = (await rowsOf(app.database, 'audit_entries')).filter(({ details }) =>
    String(details).includes(id),
  );
  expect(history.map(({ action }) => action)).toEqual([
    'developers.added',
    'developers.reset_issued',
    'developers.password_reset',
    'developers.reset_issued',
    'developers.revoked',
  ]);
});

it('explains what it can not do', async () => {
  expect(await given('1234567', 'add', 'bob@example.com', '--password-stdin')).toEqual({
    code: 1,
    output: '',
    errors: 'The password must have at least 8 characters.\n',
  });
  expect(await developers('add', 'bob')).toMatchObject({
    code: 1,
    errors: 'The address must be an e-mail address, such as ada@example.com.\n',
  });
  const off = await runInProcess(
    { ...app.environment, AUTH_BUILTIN: 'false' },
    'developers',
    'add',
    'bob@example.com',
  );
  expect(off).toMatchObject({
    code: 1,
    errors: 'The built-in authorization server is off here: see AUTH_BUILTIN.\n',
  });
  expect(
    (await rowsOf(app.database, 'accounts')).filter((row) => row['email'] === 'bob@example.com'),
  ).toEqual([]);
});
