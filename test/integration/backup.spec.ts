import { randomBytes } from 'node:crypto';
import type { ProjectId } from '../../src/common/ids.js';
import { StripeConfigService } from '../../src/payments/stripe-config/stripe-config.service.js';
import { configPath, startTestApp, type TestApp, testEnvironment } from '../support/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../support/test-database.js';

const KEY = `sk_test_${'a'.repeat(24)}`;
const LATER_KEY = `sk_test_${'b'.repeat(24)}`;

describe('a backup', () => {
  let original: TestDatabase;
  let environment: ReturnType<typeof testEnvironment>;
  let backup: TestDatabase;
  let projectId: string;
  let saved: unknown;
  const restored: TestDatabase[] = [];
  let app: TestApp | undefined;

  const put = (to: TestApp, key: string) => to.send('put', configPath(projectId)).send({ test_secret_key: key }).expect(200);

  beforeAll(async () => {
    original = await createTestDatabase();
    environment = testEnvironment(original);
    const running = await startTestApp({ database: original, environment });
    projectId = await running.createProject();
    saved = (await put(running, KEY)).body;
    // A file can be copied while the server runs.
    if (engine === 'postgres') await running.close();
    backup = await createTestDatabase(original);
    if (engine === 'sqlite') {
      await put(running, LATER_KEY);
      await running.close();
    }
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => Promise.all([original, backup, ...restored].map((database) => database.drop())));

  async function restore(masterKey: string | undefined): Promise<TestApp> {
    const database = await createTestDatabase(backup);
    restored.push(database);
    return startTestApp({ database, environment: { ...environment, DATABASE_URL: database.url, MASTER_KEY: masterKey } });
  }

  const anotherKey = () => randomBytes(32).toString('base64');

  it('opens with the master key, as it was then', async () => {
    app = await restore(environment.MASTER_KEY);
    expect((await app.send('get', configPath(projectId)).expect(200)).body).toEqual(saved);
    const { value } = await app.app.get(StripeConfigService).openSecretKey(projectId as ProjectId, 'test');
    expect(value.reveal()).toBe(KEY);
    await put(app, LATER_KEY);
  });

  it('is of no use without its master key, and not harmed by the attempt', async () => {
    await expect(restore(anotherKey())).rejects.toMatchObject({ name: 'WrongMasterKey' });
    app = await restore(environment.MASTER_KEY);
  });

  it('from before the master key was changed opens when the old one is given beside the new', async () => {
    app = await restore(`${anotherKey()},${environment.MASTER_KEY}`);
    expect((await app.send('get', configPath(projectId)).expect(200)).body).toEqual(saved);
  });
});
