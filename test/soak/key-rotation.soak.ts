import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { SealedText } from '../../src/vault/seal/seal.js';
import { Keyring } from '../../src/vault/keys/keyring.js';
import { SEALED_COLUMNS } from '../../src/payments/sealed-columns.js';
import { credentialContext } from '../../src/payments/stripe-config/credential-sealer.js';
import { Installation } from '../harness/installation.js';
import {
  countByKey,
  fillVault,
  KeyCommands,
  rotateThroughKill,
  rotateUnderLoad,
  wakeAfterRetirement,
} from '../harness/vault/key-rotation.js';
import { execute, rowsOf } from '../harness/database/rows.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';

jest.setTimeout(120_000);

const PROJECTS = 100;
const ROWS = 6 * PROJECTS;

let installation: Installation;
let app: TestApp;
let commands: KeyCommands;
let projectIds: string[];

beforeAll(async () => {
  installation = new Installation();
  app = await startTestApp();
  commands = new KeyCommands(installation, app);
  projectIds = await fillVault(app, PROJECTS);
});
afterAll(async () => {
  await app.close();
  await installation.remove();
});

it('lists every table that refers to a data key as sealed', () => {
  const referring = app.app
    .get(DataSource)
    .entityMetadatas.flatMap(({ tableName, foreignKeys, primaryColumns }) =>
      foreignKeys
        .filter(({ referencedEntityMetadata }) => referencedEntityMetadata.tableName === 'data_keys')
        .map(({ columnNames: [keyId] }) => ({
          table: tableName,
          keyId,
          primaryKey: primaryColumns.map(({ databaseName }) => databaseName),
        })),
    );
  const known = SEALED_COLUMNS.map(({ table, keyId, primaryKey }) => ({
    table,
    keyId,
    primaryKey: [...primaryKey],
  }));
  expect(known).toEqual(expect.arrayContaining(referring));
  expect(known).toHaveLength(referring.length);
});

it('reseals everything under load, and changes nothing else', async () => {
  const { resealed } = await rotateUnderLoad(commands, app, projectIds, 4);
  expect(resealed).toBeGreaterThanOrEqual(ROWS * 0.8);
});

it('resumes resealing after a kill -9', () => rotateThroughKill(commands, app));

it('retires a key only when no row needs it, and refuses rows sealed under it afterwards', async () => {
  const [projectId = ''] = projectIds;
  const [former] = (await countByKey(app)).keys();
  const ofOne = `project_id = '${projectId}' AND mode = 'test' AND kind = 'secret_key'`;
  const [row] = (await rowsOf(app.database, `stripe_credentials WHERE ${ofOne}`)) as {
    sealed: string;
    key_id: string;
  }[];
  const putBack = () =>
    execute(
      app.database,
      `UPDATE stripe_credentials SET sealed = '${row?.sealed}', key_id = '${row?.key_id}' WHERE ${ofOne}`,
    );
  expect(row?.key_id).toBe(former);

  await commands.json('rotate-data');
  await putBack();
  const refusal = await commands.run(['retire', former ?? '']);
  expect(refusal).toMatchObject({ code: 1, output: '' });
  expect(refusal.errors).toMatch(/^The database refuses .*1 in stripe_credentials/);

  expect(await commands.json('rotate-data')).toMatchObject({ resumed: true, resealed: 1 });
  await commands.json('retire', former ?? '');
  const [primary = ''] = (await countByKey(app)).keys();
  expect(await commands.sealKeys()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: former, state: 'retired', rows: 0 }),
      expect.objectContaining({ id: primary, state: 'primary', rows: (await countByKey(app)).get(primary) }),
    ]),
  );
  await expect(putBack()).rejects.toThrow(/foreign key/i);
  const keyring = app.app.get(Keyring);
  await expect(
    keyring.unseal(credentialContext(projectId, 'test_secret_key'), (row?.sealed ?? '') as SealedText),
  ).resolves.toBeDefined();

  const history = (
    await rowsOf(app.database, `audit_entries WHERE actor_kind = 'system' AND details LIKE '%${former}%'`)
  ).map((entry) => entry['action']);
  expect(history).toEqual(
    expect.arrayContaining(['keys.published', 'keys.made_primary', 'keys.resealed', 'keys.retired']),
  );

  const refused = await Promise.all([primary, 'unknownkey01'].map((id) => commands.run(['retire', id])));
  expect(refused.map(({ code }) => code)).toEqual([1, 1]);
  expect(refused.map(({ errors }) => errors)).toEqual([
    expect.stringContaining('is primary'),
    expect.stringContaining('There is no seal key'),
  ]);
});

it('stores nothing sealed under a retired key by a process that was paused', () =>
  wakeAfterRetirement(commands, app, installation));

it('reports rows that can not be unsealed, without their values', async () => {
  // No client wrote into these.
  const [one = '', other = ''] = projectIds.slice(-2);
  const kind = `mode = 'live' AND kind = 'secret_key'`;
  const swapped = `(SELECT sealed FROM stripe_credentials WHERE project_id = '${other}' AND ${kind})`;
  await execute(
    app.database,
    `UPDATE stripe_credentials SET sealed = ${swapped} WHERE project_id = '${one}' AND ${kind}`,
  );
  const [{ code, output }, told] = await Promise.all([
    commands.run(['verify', '--json']),
    commands.run(['verify']),
  ]);
  expect(code).toBe(1);
  expect(JSON.parse(output)).toMatchObject({
    broken: 1,
    places: [
      { table: 'stripe_credentials', row: { project_id: one, mode: 'live', kind: 'secret_key', slot: 0 } },
    ],
  });
  expect(told).toMatchObject({
    code: 1,
    output: expect.stringContaining(`project_id=${one} mode=live kind=secret_key`),
  });
  expect(told.output + output).not.toMatch(/sk_live_|tk1\./);
  await app
    .send('put', `/api/v1/payments/stripe/projects/${one}/config`)
    .send({ live_secret_key: `sk_live_${'a'.repeat(32)}` })
    .expect(200);
});

it('moves to another master key, and makes no key primary that a running process can not unwrap', async () => {
  const former = app.environment['MASTER_KEY'] ?? '';
  const next = randomBytes(32).toString('base64');
  const rotated = await commands.run(['rotate-master', '--json'], { MASTER_KEY: `${next},${former}` });
  expect(rotated.code).toBe(0);
  const stored = (await rowsOf(app.database, 'data_keys')).map((row) => row['master_key_id']);
  expect(new Set(stored)).toEqual(
    new Set([(JSON.parse(rotated.output) as { master_key: string }).master_key]),
  );

  const withFormer = await commands.run(['verify']);
  expect(withFormer).toMatchObject({
    code: 1,
    output: '',
    errors: expect.stringContaining('Configure the original master key.'),
  });
  expect(withFormer.errors).not.toContain(former);
  const count = (await rowsOf(app.database, 'stripe_credentials')).length;
  expect(JSON.parse((await commands.run(['verify', '--json'], { MASTER_KEY: next })).output)).toMatchObject({
    opened: count,
  });

  // The server runs with only the former master key.
  const before = await countByKey(app);
  const refused = await commands.run(['rotate-data', '--wait', '5'], { MASTER_KEY: next });
  expect(refused).toMatchObject({ code: 1, output: '', errors: expect.stringContaining(`can't open it`) });
  expect(refused.errors).toContain(String(process.pid));
  expect(await countByKey(app)).toEqual(before);
  await app
    .send('put', `/api/v1/payments/stripe/projects/${projectIds[0] ?? ''}/config`)
    .send({})
    .expect(200);
});
