import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { accountsOf, PASSWORD } from '../../harness/accounts.js';
import { rowsOf } from '../../harness/database/rows.js';
import { engine } from '../../harness/database/test-database.js';
import { eventually } from '../../harness/eventually.js';
import { configPath, OWNER, startTestApp, type TestApp } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

const OWNS = {
  detail: 'The account owns projects: transfer or delete them before you delete the account.',
};
const REVOKED = { detail: 'The account of this access token was revoked.' };

let app: TestApp;
let accounts: ReturnType<typeof accountsOf>;

beforeAll(async () => {
  app = await startTestApp({ environment: { AUTH_OPERATOR_SCOPE: 'till:operate' } });
  accounts = accountsOf(app);
});
afterAll(() => app.close());

const OPERATOR = accessToken({ sub: 'operator-1', scope: 'till:operate' });
const GONE = { detail: 'The account of this person was revoked or deleted.' };
const add = (projectId: string, subject: string) =>
  app.send('post', `/api/v1/projects/${projectId}/members`).send({ subject, role: 'admin' });
const membersOf = async (projectId: string) =>
  (
    (await app.send('get', `/api/v1/projects/${projectId}/members`, OPERATOR).expect(200)).body as {
      members: { subject: string }[];
    }
  ).members.map(({ subject }) => subject);
const remove = (token: string | null) => app.send('delete', '/api/v1/auth/me', token);
const textOf = async (table: string) => JSON.stringify(await rowsOf(app.database, table));

describe('DELETE /auth/me', () => {
  it('erases address and name, ends all sessions, and keeps the id in the history', async () => {
    const { body } = await accounts
      .post('register', { email: 'erase.me@example.com', password: PASSWORD, full_name: 'Ada Lovelace' })
      .expect(201);
    const { id, access_token: token, refresh_token: refreshToken } = body as Record<string, string>;
    const projectId = await app.createProject(token);
    await app.send('delete', `/api/v1/projects/${projectId}`, token).expect(204);
    await remove(token ?? '').expect(204);

    const stored = (await textOf('accounts')) + (await textOf('audit_entries')) + app.log.join();
    expect(stored).not.toMatch(/erase\.me|Lovelace/);
    expect(await textOf('account_sessions')).not.toContain(id);
    await accounts.me(token ?? '').expect(401, REVOKED);
    await app.send('get', '/api/v1/projects/', token).expect(401, REVOKED);
    await accounts.refresh(refreshToken ?? '').expect(401);
    await accounts.post('login', { email: 'erase.me@example.com', password: PASSWORD }).expect(401);
    await remove(token ?? '').expect(401);
    const entries = await rowsOf(app.database, 'audit_entries');
    expect(
      entries
        .filter(({ subject }) => subject === id)
        .map(({ action }) => action)
        .sort(),
    ).toEqual(['developers.deleted', 'project.created', 'project.deleted']);
  });

  it('is known to another process that saw the account shortly before', async () => {
    const { database, environment } = app;
    const other = await startTestApp({ database, environment });
    const { access_token: token } = await accounts.register();
    await other.send('get', '/api/v1/auth/me', token).expect(200);
    await remove(token).expect(204);
    await other.send('get', '/api/v1/auth/me', token).expect(401, REVOKED);
    await other.close();
  });

  it('frees the address for another account', async () => {
    const { id, email, access_token: token } = await accounts.register();
    await remove(token).expect(204);
    const second = await accounts.register(email);
    expect(second.id).not.toBe(id);
    await accounts.me(token).expect(401);
    await accounts.me(second.access_token).expect(200);
    await remove(second.access_token).expect(204);
  });

  it('is refused while the account owns projects, and changes nothing', async () => {
    const { email, access_token: token } = await accounts.register();
    const projectId = await app.createProject(token);
    await remove(token).expect(409, OWNS);
    await accounts.me(token).expect(200);
    await accounts.logIn(email);
    await app.send('delete', `/api/v1/projects/${projectId}`, token).expect(204);
    await remove(token).expect(204);
  });

  it('leaves no project without an owner when it races with the creation of one', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { access_token: token } = await accounts.register();
      const create = app.send('post', '/api/v1/projects/', token).send({ name: 'Corner shop' });
      const [created, removed] = await Promise.all([create, remove(token)]);
      const isOwned = created.status === 201;
      expect([created.status, removed.status]).toEqual(isOwned ? [201, 409] : [401, 204]);
    }
  });

  it('takes the account out of the projects of others, whose history says so', async () => {
    const { id, access_token: token } = await accounts.register();
    const projects = [await app.createProject(), await app.createProject()];
    for (const projectId of projects) await add(projectId, id).expect(201);
    await remove(token).expect(204);
    for (const projectId of projects) {
      expect(await membersOf(projectId)).toEqual(['developer-1']);
      const { body } = await app.send('get', `${configPath(projectId)}/history`).expect(200);
      expect((body as { entries: object[] }).entries[0]).toMatchObject({
        action: 'member.removed',
        member: id,
        role: 'admin',
        actor: { subject: id },
      });
    }
  });

  it('leaves an id to which nobody can give a project or a role', async () => {
    const { id, access_token: token } = await accounts.register();
    await remove(token).expect(204);
    const projectId = await app.createProject();
    await add(projectId, id).expect(409, GONE);
    await app
      .send('post', `/api/v1/operator/projects/${projectId}/transfer`, OPERATOR)
      .send({ subject: id })
      .expect(409, GONE);
    const newId = randomUUID();
    await app
      .send('put', `/api/v1/operator/projects/${newId}`, OPERATOR)
      .send({ owner_id: id, name: 'Corner shop' })
      .expect(409, GONE);
    expect(await membersOf(projectId)).toEqual(['developer-1']);
    await app.send('get', `/api/v1/projects/${newId}`, OPERATOR).expect(404);
  });

  it.each([
    ['the owner', (id: string) => [`/api/v1/projects/${id}/transfer`, OWNER] as const, true],
    ['an operator', (id: string) => [`/api/v1/operator/projects/${id}/transfer`, OPERATOR] as const, false],
  ])('leaves every project with a living owner when %s transfers one meanwhile', async (_, call, joins) => {
    for (let round = 0; round < 5; round += 1) {
      const { id, access_token: token } = await accounts.register();
      const projectId = await app.createProject();
      if (joins) await add(projectId, id).expect(201);
      const [path, caller] = call(projectId);
      const transfer = app.send('post', path, caller).send({ subject: id });
      const [transferred, removed] = await Promise.all([transfer, remove(token)]);
      const isOwner = transferred.status === 204;
      expect([transferred.status, removed.status]).toEqual(isOwner ? [204, 409] : [409, 204]);
      expect(await membersOf(projectId)).toEqual(isOwner ? [id, 'developer-1'] : ['developer-1']);
    }
  });

  if (engine === 'postgres')
    it('waits for a transfer, and not in a circle, when the account joins the project meanwhile', async () => {
      const { id, access_token: token } = await accounts.register();
      const projectId = await app.createProject();
      const [holder, observer] = [0, 1].map(() => new Client({ connectionString: app.database.url }));
      if (!holder || !observer) throw new Error('There is no client.');
      await Promise.all([holder.connect(), observer.connect()]);
      const untilWaiting = (count: number) =>
        eventually(async () => {
          const { rowCount } = await observer.query(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
          );
          expect(rowCount).toBe(count);
        });
      await holder.query('BEGIN');
      await holder.query('SELECT FROM accounts WHERE id = $1 FOR UPDATE', [id]);
      const removed = remove(token).then(({ status }) => status);
      await untilWaiting(1);
      await observer.query("INSERT INTO project_members VALUES ($1, $2, 'admin', now())", [projectId, id]);
      const transferred = app
        .send('post', `/api/v1/projects/${projectId}/transfer`)
        .send({ subject: id })
        .then(({ status }) => status);
      await untilWaiting(2);
      await holder.end();
      expect(await Promise.all([transferred, removed])).toEqual([204, 409]);
      await observer.end();
    });

  it('answers 404 for a token without an account', async () => {
    await remove(null).expect(401);
  });
});
