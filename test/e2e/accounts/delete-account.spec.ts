import { accountsOf, PASSWORD } from '../../harness/accounts.js';
import { rowsOf } from '../../harness/database/rows.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const OWNS = {
  detail: 'The account owns projects: transfer or delete them before you delete the account.',
};
const REVOKED = { detail: 'The account of this access token was revoked.' };

let app: TestApp;
let accounts: ReturnType<typeof accountsOf>;

beforeAll(async () => {
  app = await startTestApp();
  accounts = accountsOf(app);
});
afterAll(() => app.close());

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

  it('answers 404 for a token without an account', async () => {
    await remove(null).expect(401);
  });
});
