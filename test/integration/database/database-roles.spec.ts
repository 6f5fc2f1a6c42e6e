import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { runInProcess } from '../../harness/command-line.js';
import { rowsOf } from '../../harness/database/rows.js';
import { configPath, startTestApp, type TestApp, testEnvironment } from '../../harness/test-app.js';
import type { Environment } from '../../harness/servers/server-process.js';
import { createTestDatabase, engine, type TestDatabase } from '../../harness/database/test-database.js';

/** The statements that docs/security.md gives to operators: before the first migration, and after each. */
const [BEFORE = '', AFTER = ''] = [
  ...readFileSync('docs/security.md', 'utf8').matchAll(/```sql\n(.*?)```/gs),
].map(([, text]) => text);

it('docs/security.md has the two steps that set up both roles', () => {
  expect([BEFORE, AFTER]).toEqual([
    expect.stringContaining('CREATE ROLE'),
    expect.stringContaining('REVOKE'),
  ]);
});

if (engine === 'postgres')
  describe('with one role to migrate and another to run', () => {
    let database: TestDatabase;
    let app: TestApp;
    let projectId: string;
    let environment: Environment;
    /** Roles belong to the whole server, so this database's have names of their own. */
    const name = () => new URL(database.url).pathname.slice(1);
    const asRole = (role: string) => database.url.replace('//app@', `//${name()}_${role}@`);
    const own = (text: string) =>
      text.replaceAll('DATABASE tillkeeper', `DATABASE ${name()}`).replaceAll('tillkeeper_', `${name()}_`);

    const tillkeeper = (role: string, ...args: string[]) =>
      runInProcess({ ...environment, DATABASE_URL: asRole(role) }, ...args);

    async function query(url: string, text: string): Promise<void> {
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query(text).finally(() => client.end());
    }

    beforeAll(async () => {
      database = await createTestDatabase();
      environment = testEnvironment(database);
      await query(database.url, own(BEFORE));
      expect(await tillkeeper('migrate', 'migrate')).toMatchObject({ code: 0, errors: '' });
      await query(database.url, own(AFTER));
      app = await startTestApp({
        database,
        environment: { ...environment, DATABASE_URL: asRole('run'), MIGRATE_ON_START: 'false' },
      });
    });
    afterAll(async () => {
      await app.close();
      await database.drop();
      await query(process.env.TEST_POSTGRES_URL ?? '', `DROP ROLE ${name()}_migrate, ${name()}_run`);
    });

    it('the server starts, is ready and serves every operation', async () => {
      await app.send('get', '/health/ready', null).expect(200);
      projectId = await app.createProject();
      for (const letter of 'ab') {
        const body = {
          test_secret_key: `sk_test_${letter.repeat(24)}`,
          test_webhook_secret: `whsec_${letter.repeat(32)}`,
        };
        await app.send('put', configPath(projectId)).send(body).expect(200);
      }
      await app.send('get', `${configPath(projectId)}/status`).expect(200);
      await app.send('delete', configPath(projectId)).expect(204);
      await app.send('delete', `/api/v1/projects/${projectId}`).expect(204);
      expect(await rowsOf(database, 'audit_entries')).not.toEqual([]);
    });

    it.each([
      'CREATE TABLE attempt (id integer)',
      'DROP TABLE projects',
      'ALTER TABLE stripe_credentials DROP COLUMN sealed',
      'ALTER TABLE audit_entries DISABLE TRIGGER ALL',
      'DROP TRIGGER audit_entries_stay ON audit_entries',
      "UPDATE audit_entries SET result = 'x'",
      'DELETE FROM audit_entries',
      'TRUNCATE audit_entries',
      'DELETE FROM audit_heads',
      'INSERT INTO audit_permits SELECT project_id, 1000 FROM audit_heads',
      'INSERT INTO data_keys SELECT * FROM data_keys',
      'INSERT INTO retired_data_keys (id) VALUES (1)',
      "UPDATE data_keys SET wrapped = ''",
      'DELETE FROM data_keys',
      'DELETE FROM migrations',
    ])('the role of the server may not: %s', async (statement) => {
      await expect(query(asRole('run'), statement)).rejects.toMatchObject({ code: '42501' });
    });

    it('a command explains that the role of the server lacks a right', async () => {
      const refused = await tillkeeper('run', 'keys', 'rotate-data', '--json');
      expect(refused.code).toBe(1);
      expect(JSON.parse(refused.output)).toEqual({
        error: expect.stringMatching(/^The database does not allow this to the user of DATABASE_URL/),
      });
    });

    it('the doctor accepts the role of the server, and warns of the role that migrates', async () => {
      const rolesAs = async (role: string) => {
        const { output } = await tillkeeper(role, 'doctor', '--json');
        const { checks } = JSON.parse(output) as {
          checks: { check: string; verdict: string; message: string }[];
        };
        return checks.find(({ check }) => check === 'roles');
      };
      expect(await rolesAs('run')).toMatchObject({ verdict: 'ok' });
      expect(await rolesAs('migrate')).toMatchObject({
        verdict: 'warning',
        message: expect.stringContaining('audit_entries'),
      });
      await query(database.url, `REVOKE INSERT ON projects FROM ${name()}_run`);
      expect(await rolesAs('run')).toMatchObject({
        verdict: 'failed',
        message: expect.stringContaining('may not read and write projects:'),
      });
      await query(database.url, `GRANT INSERT ON projects TO ${name()}_run`);
    });

    it('the role of the server can verify the history, also with a foreign data key in the table', async () => {
      await query(
        database.url,
        `INSERT INTO data_keys SELECT 'foreignkey01', purpose, 'superseded', wrapped, 'local-0000000000000000', created_at FROM data_keys WHERE purpose = 'audit'`,
      );
      const { code, output } = await tillkeeper('run', 'audit', 'verify', '--json');
      expect(code).toBe(1);
      const problems = [{ chain: 'system', problem: 'there is no history of it' }];
      expect(JSON.parse(output)).toMatchObject({ chains: 1, entries: 5, problems });
      await query(database.url, `DELETE FROM data_keys WHERE id = 'foreignkey01'`);
      expect(await tillkeeper('run', 'audit', 'verify')).toMatchObject({ code: 0 });
    });
  });
