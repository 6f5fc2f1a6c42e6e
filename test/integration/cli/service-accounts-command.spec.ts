import { randomUUID } from 'node:crypto';
import { runInProcess } from '../../harness/command-line.js';
import { eventually } from '../../harness/eventually.js';
import { configPath, startTestApp, type TestApp } from '../../harness/test-app.js';

jest.setTimeout(60_000);

const REVOKED_WITHIN_MS = 2_000;
const PROJECTS = '/api/v1/operator/projects';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const run = (...args: string[]) => runInProcess(app.environment, 'service-accounts', ...args);
async function json<T = { id: string; key: string }>(...args: string[]): Promise<T> {
  const { code, output, errors } = await run(...args, '--json');
  expect([code, errors]).toEqual([0, '']);
  return JSON.parse(output) as T;
}
const isUsed = (key: string, status: number) =>
  eventually(async () => void (await app.send('get', PROJECTS, key).expect(status)), REVOKED_WITHIN_MS);

it('makes an account of the operator that works at once, and revokes it within two seconds', async () => {
  const made = await json('create', '--operator', '--name', 'Platform backend');
  expect(made).toMatchObject({ name: 'Platform backend', role: 'admin', project_id: null });
  await app.send('get', PROJECTS, made.key).expect(200);
  const listed = await json<object[]>('list');
  expect(listed).toEqual([expect.objectContaining({ id: made.id, name: 'Platform backend' })]);
  expect(JSON.stringify(listed)).not.toContain('tks_');
  await isUsed(made.key, 200);

  const rotated = await json('rotate', made.id, '--grace-seconds', '0');
  await isUsed(made.key, 401);
  await app.send('get', PROJECTS, rotated.key).expect(200);

  expect(await run('revoke', made.id)).toEqual({
    code: 0,
    output: 'Revoked Platform backend.\n',
    errors: '',
  });
  await isUsed(rotated.key, 401);
  expect(await run('list')).toMatchObject({ code: 0, output: 'There are none.\n' });
});

it('makes an account of a project with every option, and prints its key as text', async () => {
  const projectId = await app.createProject();
  const { code, output } = await run(
    ...['create', '--project', projectId, '--name', 'Reader', '--role', 'viewer'],
    ...['--expires-at', '2040-01-01T00:00:00Z', '--network', '127.0.0.0/8', '--network', '::1'],
    ...['--requests-per-minute', '50'],
  );
  expect(code).toBe(0);
  const [, key = ''] = /which is not shown again: (tks_\w+)\n/.exec(output) ?? [];
  await app.send('get', configPath(projectId), key).expect(200);
  await app.send('put', configPath(projectId), key).send({}).expect(403);
  const { body } = await app.send('get', `/api/v1/projects/${projectId}/service-accounts`).expect(200);
  expect(body).toEqual([
    expect.objectContaining({
      name: 'Reader',
      role: 'viewer',
      expires_at: '2040-01-01T00:00:00.000Z',
      networks: ['127.0.0.0/8', '::1'],
      requests_per_minute: 50,
    }),
  ]);
  const [{ id } = { id: '' }] = body as { id: string }[];
  expect((await run('list', '--project', projectId)).output).toContain('Reader');
  expect(await run('revoke', id)).toMatchObject({ code: 0 });
  // Another process: the server learns of it within two seconds.
  await eventually(
    async () => void (await app.send('get', configPath(projectId), key).expect(401)),
    REVOKED_WITHIN_MS,
  );
  const { body: history } = await app.send('get', `${configPath(projectId)}/history`).expect(200);
  const { entries } = history as { entries: { action: string; actor: { kind: string } }[] };
  expect(entries.slice(0, 2).map(({ action, actor }) => [action, actor.kind])).toEqual([
    ['service_account.revoked', 'system'],
    ['service_account.created', 'system'],
  ]);
});

it.each([
  [['create', '--name', 'A'], 2, /Say whose it is/],
  [['create', '--name', 'A', '--operator', '--project', randomUUID()], 2, /Say whose it is/],
  [['create', '--operator'], 2, /--name/],
  [['create', '--operator', '--name', ''], 2, /at least 1 character/],
  [['create', '--operator', '--name', 'A', '--role', 'owner'], 2, /viewer, admin/],
  [['create', '--operator', '--name', 'A', '--expires-at', '2020-01-01T00:00:00Z'], 2, /a time to come/],
  [['create', '--operator', '--name', 'A', '--network', '10.0.0.0/33'], 2, /CIDR/],
  [['create', '--operator', '--name', 'A', '--requests-per-minute', '0'], 2, /at least 1/],
  [['create', '--project', randomUUID(), '--name', 'A'], 1, /There is no project with this id/],
  [['create', '--project', 'nope', '--name', 'A'], 2, /UUID/],
  [['revoke', randomUUID()], 1, /There is no service account with this id/],
  [['rotate', 'nope'], 2, /UUID/],
])('refuses %j', async (args, code, message) => {
  const ended = await run(...args);
  expect(ended).toMatchObject({ code, output: '', errors: expect.stringMatching(message) as string });
  expect(await json('list')).toEqual([]);
});
