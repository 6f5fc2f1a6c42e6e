import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { loadSettings } from '../../src/config/load-settings.js';
import { createMigrationDataSource } from '../../src/database/data-source.js';
import { migrate } from '../../src/database/migrate.js';
import { ENTITIES } from '../../src/entities.js';
import { rowsOf } from '../support/rows.js';
import { configPath, startTestApp, type TestApp, testEnvironment } from '../support/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../support/test-database.js';

/** The statements that docs/security.md gives to operators: before the first migration, and after each. */
const [BEFORE = '', AFTER = ''] = [...readFileSync('docs/security.md', 'utf8').matchAll(/```sql\n(.*?)```/gs)].map(([, text]) => text);

it('are set up in two steps that are written down', () => {
  expect([BEFORE, AFTER]).toEqual([expect.stringContaining('CREATE ROLE'), expect.stringContaining('REVOKE')]);
});

if (engine === 'postgres')
  describe('with one role to migrate and another to run', () => {
    let database: TestDatabase;
    let app: TestApp;
    let projectId: string;
    /** Roles belong to the whole server, so this database's have names of their own. */
    const name = () => new URL(database.url).pathname.slice(1);
    const asRole = (role: string) => database.url.replace('//app@', `//${name()}_${role}@`);
    const own = (text: string) => text.replaceAll('DATABASE tillkeeper', `DATABASE ${name()}`).replaceAll('tillkeeper_', `${name()}_`);

    async function query(url: string, text: string): Promise<void> {
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query(text).finally(() => client.end());
    }

    beforeAll(async () => {
      database = await createTestDatabase();
      const environment = testEnvironment(database);
      const settings = (url: string) => loadSettings({ ...environment, DATABASE_URL: url });
      await query(database.url, own(BEFORE));
      await migrate(createMigrationDataSource(settings(asRole('migrate')).database, ENTITIES));
      await query(database.url, own(AFTER));
      app = await startTestApp({ database, environment: { ...environment, DATABASE_URL: asRole('run'), MIGRATE_ON_START: 'false' } });
    });
    afterAll(async () => {
      await app.close();
      await database.drop();
      await query(process.env.TEST_POSTGRES_URL ?? '', `DROP ROLE ${name()}_migrate, ${name()}_run`);
    });

    it('the server starts, is ready and does all of its work', async () => {
      await app.send('get', '/health/ready', null).expect(200);
      projectId = await app.createProject();
      for (const letter of 'ab') {
        const body = { test_secret_key: `sk_test_${letter.repeat(24)}`, test_webhook_secret: `whsec_${letter.repeat(32)}` };
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
      "UPDATE data_keys SET wrapped = ''",
      'DELETE FROM data_keys',
      'DELETE FROM migrations',
    ])('the role that runs may not: %s', async (statement) => {
      await expect(query(asRole('run'), statement)).rejects.toMatchObject({ code: '42501' });
    });
  });
