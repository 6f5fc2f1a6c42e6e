import { randomUUID } from 'node:crypto';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { runInProcess } from '../../harness/command-line.js';
import { eventually } from '../../harness/eventually.js';
import { configPath, STRANGER } from '../../harness/test-app.js';

jest.setTimeout(60_000);

let app: AppWithStripe;
beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());

const run = (...args: string[]) => runInProcess(app.environment, ...args);
async function json<T>(...args: string[]): Promise<{ code: number | null; body: T }> {
  const { code, output, errors } = await run(...args, '--json');
  expect(errors).toBe('');
  return { code, body: JSON.parse(output) as T };
}
interface Listed {
  projects: { id: string; owner_id: string; name: string; health: string }[];
  next_cursor: string | null;
}
const list = async (...args: string[]) => {
  const { code, body } = await json<Listed>('projects', 'list', ...args);
  expect(code).toBe(0);
  return body;
};
const refuseKey = async (projectId: string, secret: string) => {
  await app.send('put', configPath(projectId)).send({ test_secret_key: secret }).expect(200);
  await app
    .send('post', `/api/v1/payments/stripe/projects/${projectId}/validate-credentials`)
    .send({ secret_key: secret, is_test_mode: true })
    .expect(200);
};

it('lists projects of all owners, newest first, by filter and page by page', async () => {
  const first = await app.createProject(undefined, 'Bakery');
  const second = await app.createProject(STRANGER, 'Bank');
  const { projects } = await list();
  expect(projects.map(({ id }) => id)).toEqual([second, first]);
  expect(projects[0]).toMatchObject({ owner_id: 'developer-2', name: 'Bank', health: 'unconfigured' });
  expect((await list('--owner', 'developer-1')).projects).toMatchObject([{ id: first }]);
  expect((await list('--search', 'bak')).projects).toMatchObject([{ id: first }]);
  expect((await list('--search', second)).projects).toMatchObject([{ id: second }]);
  expect((await list('--health', 'healthy')).projects).toEqual([]);

  const page = await list('--limit', '1');
  expect(page.projects).toMatchObject([{ id: second }]);
  const rest = await list('--limit', '1', '--cursor', String(page.next_cursor));
  expect(rest).toMatchObject({ projects: [{ id: first }], next_cursor: null });
  expect((await run('projects', 'list')).output).toMatch(
    /^ID +HEALTH +CREATED +OWNER +NAME\n.+ Bank\n.+ Bakery\n$/,
  );
  expect(await run('projects', 'list', '--cursor', 'x')).toMatchObject({
    code: 1,
    errors: expect.stringContaining('--cursor is of another list') as string,
  });
  expect(await run('projects', 'list', '--limit', '0')).toMatchObject({ code: 2 });
});

it('shows a project with its members, masks and the state of its keys, and no secret', async () => {
  const id = await app.createProject(undefined, 'Shown');
  const { keys } = app.stripe.addAccount();
  await app
    .send('put', `${configPath(id)}?validate=true`)
    .send({ test_secret_key: keys.test.secret })
    .expect(200);
  await app
    .send('post', `/api/v1/projects/${id}/members`)
    .send({ subject: 'developer-2', role: 'viewer' })
    .expect(201);
  const { code, body } = await json<object>('projects', 'show', id);
  expect(code).toBe(0);
  expect(body).toMatchObject({
    id,
    name: 'Shown',
    owner_id: 'developer-1',
    health: 'healthy',
    members: [{ subject: 'developer-2', role: 'viewer' }],
    config: { test_secret_key_masked: `sk_test_...${keys.test.secret.slice(-4)}` },
    status: { test: { state: 'valid' }, live: { state: 'not_configured' } },
  });
  const { output } = await run('projects', 'show', id);
  expect(output).toMatch(/test +valid +sk_test_\.\.\./);
  expect(output + JSON.stringify(body)).not.toContain(keys.test.secret);
  expect(await run('projects', 'show', randomUUID())).toEqual({
    code: 1,
    output: '',
    errors: 'There is no project with this id.\n',
  });
  expect(await run('projects', 'show', 'shop')).toMatchObject({ code: 2 });
});

it('gives a project to another owner, and names the command line in its history', async () => {
  const id = await app.createProject();
  const { body } = await json('projects', 'transfer', id, 'developer-2');
  expect(body).toEqual({ id, owner_id: 'developer-2' });
  await app.send('delete', `/api/v1/projects/${id}`).expect(403);
  const history = await app.send('get', `${configPath(id)}/history`, STRANGER).expect(200);
  expect(history.body).toMatchObject({
    entries: [
      {
        action: 'project.transferred',
        member: 'developer-2',
        actor: { kind: 'system', subject: expect.stringMatching(/^command line: /) as string },
      },
      {},
    ],
  });
  expect(await run('projects', 'transfer', id, 'developer-2')).toMatchObject({ code: 1 });
  expect(await run('projects', 'transfer', randomUUID(), 'developer-2')).toMatchObject({ code: 1 });
  for (const subject of ['', '..', `sk_live_${'a'.repeat(24)}`])
    expect(await run('projects', 'transfer', id, subject)).toMatchObject({ code: 2 });
});

it('deletes a project with all that belongs to it, once', async () => {
  const id = await app.createProject();
  const { keys } = app.stripe.addAccount();
  await app.send('put', configPath(id)).send({ test_secret_key: keys.test.secret }).expect(200);
  const account = await app
    .send('post', `/api/v1/projects/${id}/service-accounts`)
    .send({ name: 'Backend', role: 'admin' })
    .expect(201);
  const { key } = account.body as { key: string };
  await app.send('get', configPath(id), key).expect(200);
  expect(await json('projects', 'delete', id)).toEqual({ code: 0, body: { id } });
  await app.send('get', configPath(id)).expect(404);
  await eventually(async () => void (await app.send('get', configPath(id), key).expect(401)), 2_000);
  expect(await run('projects', 'delete', id)).toMatchObject({ code: 1, output: '' });
  const { code } = await run('audit', 'verify');
  expect(code).toBe(0);
});

it('lists the keys that Stripe refuses, and exits with 1 while there are any', async () => {
  const before = await json<{ projects: object; refused: object[] }>('status');
  expect(before).toMatchObject({ code: 0, body: { refused: [], has_more: false } });
  const id = await app.createProject(undefined, 'Revoked');
  const secret = `sk_test_${'z'.repeat(32)}`;
  await refuseKey(id, secret);
  const { code, body } = await json<{ projects: object; refused: object[] }>('status');
  expect(code).toBe(1);
  expect(body).toMatchObject({
    projects: { unhealthy: 1 },
    refused: [{ project_id: id, name: 'Revoked', mode: 'test', last_error: expect.any(String) as string }],
  });
  const { output } = await run('status');
  expect(output).toContain('1 unhealthy');
  expect(output).toMatch(new RegExp(`${id} +test `));
  expect(output).not.toContain(secret);
  await app.send('delete', `/api/v1/projects/${id}`).expect(204);
  expect(await json('status')).toMatchObject({ code: 0 });
});
