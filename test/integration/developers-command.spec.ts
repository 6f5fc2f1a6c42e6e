import { join } from 'node:path';
import { runCommand } from '../support/command-line.js';
import { Installation } from '../support/installation.js';
import { rowsOf } from '../support/rows.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

jest.setTimeout(60_000);

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

const developers = (...args: string[]) => runCommand(installation, app.environment, 'developers', ...args);

/** With something on the standard input. */
async function piped(input: string, ...args: string[]) {
  const script = `printf %s "$INPUT" | "${process.execPath}" "${join(installation.folder, 'dist/cli/main.js')}" developers ${args.join(' ')}`;
  const command = installation.start({ ...app.environment, INPUT: input }, ['sh', '-c', script]);
  const { code } = await command.ended;
  return { code, output: command.output, errors: command.errors };
}

const logIn = (email: string, password: string) => app.send('post', '/api/v1/auth/login', null).send({ email, password });
const refresh = (token: string) => app.send('post', '/api/v1/auth/refresh', null).send({ refresh_token: token });

it('adds developers beside the running server, sets a new password and revokes them', async () => {
  const made = await developers('add', 'Ada@Example.com', '--name', 'Ada', '--json');
  expect(made).toMatchObject({ code: 0, errors: '' });
  const { id, password } = JSON.parse(made.output) as { id: string; password: string };
  expect(password).toMatch(/^[\w-]{24}$/);
  expect(await rowsOf(app.database, 'accounts')).toMatchObject([{ id, email: 'ada@example.com', full_name: 'Ada' }]);
  const { body } = await logIn('ada@example.com', password).expect(200);
  expect(await developers('add', 'ada@example.com')).toEqual({ code: 1, output: '', errors: 'There is an account with this address.\n' });

  const changed = await piped(`${PASSWORD}\n`, 'set-password', 'ada@example.com', '--password-stdin');
  expect(changed).toEqual({ code: 0, output: 'Set a new password for ada@example.com.\n', errors: '' });
  await logIn('ada@example.com', password).expect(401);
  await refresh((body as { refresh_token: string }).refresh_token).expect(401);
  const { body: second } = await logIn('ada@example.com', PASSWORD).expect(200);

  expect(await developers('revoke', 'ADA@example.com')).toMatchObject({ code: 0, output: 'Revoked the account of ada@example.com.\n' });
  await logIn('ada@example.com', PASSWORD).expect(401);
  await refresh((second as { refresh_token: string }).refresh_token).expect(401);
});

it('says what it can’t do', async () => {
  expect(await piped('1234567', 'add', 'bob@example.com', '--password-stdin')).toEqual({
    code: 1,
    output: '',
    errors: 'The password must have at least 8 characters.\n',
  });
  expect(await developers('add', 'bob')).toMatchObject({
    code: 1,
    errors: 'The address must be an e-mail address, such as ada@example.com.\n',
  });
  const off = await runCommand(installation, { ...app.environment, AUTH_BUILTIN: 'false' }, 'developers', 'add', 'bob@example.com');
  expect(off).toMatchObject({ code: 1, errors: 'The built-in authorization server is off here: see AUTH_BUILTIN.\n' });
  expect((await rowsOf(app.database, 'accounts')).filter((row) => row['email'] === 'bob@example.com')).toEqual([]);
});
