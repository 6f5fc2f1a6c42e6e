import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { ProjectId } from '../../../src/common/ids.js';
import { StripeConfigService } from '../../../src/payments/stripe-config/stripe-config.service.js';
import { runInProcess } from '../../harness/command-line.js';
import { configPath, startTestApp, type TestApp, testEnvironment } from '../../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../../harness/database/test-database.js';

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

  const put = (to: TestApp, key: string) =>
    to.send('put', configPath(projectId)).send({ test_secret_key: key }).expect(200);

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
    return startTestApp({
      database,
      environment: { ...environment, DATABASE_URL: database.url, MASTER_KEY: masterKey },
    });
  }

  const anotherKey = () => randomBytes(32).toString('base64');

  it('opens with the master key of its time', async () => {
    app = await restore(environment.MASTER_KEY);
    expect((await app.send('get', configPath(projectId)).expect(200)).body).toEqual(saved);
    const { value } = await app.app.get(StripeConfigService).openSecretKey(projectId as ProjectId, 'test');
    expect(value.reveal()).toBe(KEY);
    await put(app, LATER_KEY);
  });

  it('can not be opened without its master key, and stays unchanged', async () => {
    await expect(restore(anotherKey())).rejects.toMatchObject({ name: 'WrongMasterKey' });
    app = await restore(environment.MASTER_KEY);
  });

  it('opens with the former master key configured after the new one', async () => {
    app = await restore(`${anotherKey()},${environment.MASTER_KEY}`);
    expect((await app.send('get', configPath(projectId)).expect(200)).body).toEqual(saved);
  });
});

describe('tillkeeper backup', () => {
  let database: TestDatabase;
  let environment: ReturnType<typeof testEnvironment>;
  let app: TestApp;
  const tillkeeper = (...args: string[]) => runInProcess(environment, ...args);

  beforeAll(async () => {
    database = await createTestDatabase();
    environment = testEnvironment(database);
    app = await startTestApp({ database, environment });
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  if (engine === 'postgres') {
    it('prints the pg_dump command without the password, and does not run it', async () => {
      const folder = join(database.folder, `it's here`);
      mkdirSync(folder);
      const url = `${database.url.replace('//app@', '//app:hunter2%40@')}?sslmode=no-verify&password=hunter3`;
      environment = {
        ...environment,
        DATABASE_URL: 'postgres://app:hunter4@127.0.0.1:1/pooled',
        DATABASE_DIRECT_URL: url,
      };
      const { code, output, errors } = await tillkeeper('backup', join(folder, 'a.dump'));
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      expect(output).not.toMatch(/hunter/);
      expect(output).toContain('the value of MASTER_KEY');
      const { command } = JSON.parse(
        (await tillkeeper('backup', join(folder, 'a.dump'), '--json')).output,
      ) as { command: string };
      expect(output).toContain(command);
      const stub = join(database.folder, 'pg_dump');
      writeFileSync(stub, '#!/bin/sh\numask >"$0.out"\nprintf "%s\\n" "$@" >>"$0.out"\n', { mode: 0o755 });
      execFileSync('sh', ['-c', command], { env: { PATH: `${database.folder}:${process.env.PATH}` } });
      expect(readFileSync(`${stub}.out`, 'utf8').trimEnd().split('\n')).toEqual([
        '0077',
        '--format=custom',
        `--file=${join(folder, 'a.dump')}`,
        `${database.url}?sslmode=require`,
      ]);
    });
    return;
  }

  it('copies the file during writes, with every write acknowledged before', async () => {
    const projectIds: string[] = [];
    let isDone = false;
    const write = async () => {
      while (!isDone) {
        const id = await app.createProject();
        await app.send('put', configPath(id)).send({ test_secret_key: KEY }).expect(200);
        projectIds.push(id);
      }
    };
    const writing = Promise.all([write(), write(), write()]);
    while (projectIds.length < 10) await app.send('get', '/health/ready', null);
    const before = [...projectIds];
    const folder = join(database.folder, 'backups');
    mkdirSync(folder);
    const file = join(folder, 'tillkeeper.db');
    const { code, output, errors } = await tillkeeper('backup', file);
    isDone = true;
    await writing;
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(projectIds.length).toBeGreaterThan(before.length);
    expect(output).toContain('the value of MASTER_KEY');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['tillkeeper.db']);

    const restored = await startTestApp({
      database: { ...database, url: `sqlite:${file}`, folder, drop: () => Promise.resolve() },
      environment: { ...environment, DATABASE_URL: `sqlite:${file}`, DATA_DIR: folder },
    });
    try {
      for (const id of before) {
        const there = await app.send('get', configPath(id)).expect(200);
        const here = await restored.send('get', configPath(id)).expect(200);
        expect(here.body).toEqual(there.body);
      }
      const { value } = await restored.app
        .get(StripeConfigService)
        .openSecretKey(before[0] as ProjectId, 'test');
      expect(value.reveal()).toBe(KEY);
    } finally {
      await restored.close();
    }
  });

  it('overwrites no file, and leaves none behind when it fails', async () => {
    const folder = join(database.folder, 'other');
    mkdirSync(folder);
    const file = join(folder, 'taken');
    writeFileSync(file, 'mine');
    const refused = await tillkeeper('backup', file);
    expect(refused).toEqual({ code: 1, output: '', errors: expect.stringContaining('not overwritten') });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    const late = join(folder, 'late');
    const takeName = () => {
      if (readdirSync(folder).some((name) => name.startsWith('late.'))) writeFileSync(late, 'mine');
      else setImmediate(takeName);
    };
    takeName();
    expect(await tillkeeper('backup', late)).toEqual(refused);
    expect(readFileSync(late, 'utf8')).toBe('mine');
    rmSync(late);
    expect(await tillkeeper('backup', join(folder, 'missing', 'copy'))).toMatchObject({
      code: 1,
      errors: expect.stringContaining('folder'),
    });
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  it('deletes a damaged copy', async () => {
    const damaged = join(database.folder, 'damaged.db');
    const driver = new Sqlite(damaged);
    driver.exec('CREATE TABLE t (a); CREATE INDEX i ON t (a); ');
    driver.exec(
      'WITH RECURSIVE n (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 5000) INSERT INTO t SELECT a FROM n',
    );
    driver.close();
    // Damages an inner page, which only a check of the content detects.
    const bytes = readFileSync(damaged);
    writeFileSync(damaged, bytes.fill(0xff, 4 * 4_096, 4 * 4_096 + 100));
    const copy = join(database.folder, 'copy-of-damaged');
    environment = { ...environment, DATABASE_URL: `sqlite:${damaged}` };
    const { code, errors } = await tillkeeper('backup', copy);
    expect(code).toBe(1);
    expect(errors).toMatch(/^The copy is damaged/);
    expect(existsSync(copy)).toBe(false);
  });
});
