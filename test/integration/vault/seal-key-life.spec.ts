import { randomUUID } from 'node:crypto';
import { vaultServices } from '../../../src/cli/keys/vault-services.js';
import type { ProjectId } from '../../../src/common/ids.js';
import { Secret } from '../../../src/common/secret.js';
import { StripeConfigService } from '../../../src/payments/stripe-config/stripe-config.service.js';
import { rotateMasterKey } from '../../../src/vault/keys/master-key-rotation.js';
import { KeyNotHeld } from '../../../src/vault/keys/seal-key-rotation.js';
import { fillVault } from '../../harness/vault/key-rotation.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

const PROJECTS = 9;
/** More than a page. */
const ROWS = 6 * PROJECTS;

const PATIENCE = { milliseconds: 20_000, signal: new AbortController().signal };
const IMPATIENCE = { ...PATIENCE, milliseconds: 0 };

describe('a seal key', () => {
  let app: TestApp;
  let vault: ReturnType<typeof vaultServices>;
  let projectIds: ProjectId[];

  beforeAll(async () => {
    app = await startTestApp();
    vault = vaultServices(app.app);
    projectIds = await fillVault(app, PROJECTS);
  });
  afterAll(() => app.close());

  const states = async () =>
    Object.fromEntries((await vault.rotation.list()).map(({ id, state }) => [id, state]));
  const primaryId = async () =>
    (await vault.rotation.list()).find(({ state }) => state === 'primary')?.id ?? '';
  const sealedUnder = async (id: string) =>
    Object.values((await vault.sealedRows.count()).get(id) ?? {}).reduce((sum, each) => sum + each, 0);
  const history = async () =>
    (await rowsOf(app.database, `audit_entries WHERE actor_kind = 'system' ORDER BY seq`)).map(
      ({ action }) => action,
    );
  /** Counts the resealed rows page by page. */
  function work() {
    const pages: number[] = [];
    return { signal: PATIENCE.signal, add: (count: number) => void pages.push(count), pages };
  }
  /** A row of another process. */
  const addHolder = (keys: { held?: string[]; missing?: string[] }, answeredAt = new Date()) =>
    vault.nodes.upsert({
      id: randomUUID(),
      name: 'another',
      version: '0.1.0',
      primary: 'none',
      held: [],
      missing: [],
      ...keys,
      answeredAt,
    });
  const otherHolders = async () => (await vault.nodes.list()).filter(({ name }) => name === 'another');

  it('is published before it becomes primary, once for concurrent rotations', async () => {
    const former = await primaryId();
    const id = await vault.rotation.publish();
    expect(await vault.rotation.publish()).toBe(id);
    expect(await states()).toEqual({ [former]: 'primary', [id]: 'published' });
    await vault.keyring.sync();
    expect(
      vault.keyring.seal({ purpose: 'test', tenant: 'x', field: 'y' }, new Secret('a value')).keyId,
    ).toBe(former);

    // A process that reports without the key keeps it from becoming primary. A silent process counts as
    // ended.
    await addHolder({ held: [former] }, new Date('2020-01-01'));
    const lacking = {
      id: randomUUID(),
      name: 'another',
      version: '0.1.0',
      primary: former,
      held: [former],
      missing: [id],
    };
    await vault.nodes.upsert({ ...lacking, answeredAt: new Date('2020-01-01') });
    const list = jest.spyOn(vault.nodes, 'list');
    const refused = vault.rotation.makePrimary(id, { ...PATIENCE, milliseconds: 1_000 });
    // Its report counts as new only compared with the previous one.
    await list.mock.results[0]?.value;
    list.mockRestore();
    await vault.nodes.upsert({ ...lacking, answeredAt: new Date() });
    await expect(refused).rejects.toBeInstanceOf(KeyNotHeld);
    await expect(refused).rejects.toMatchObject({ nodes: [{ id: lacking.id }] });
    expect((await states())[id]).toBe('published');
    await vault.nodes.remove(lacking.id);

    expect(await vault.rotation.makePrimary(id, IMPATIENCE)).toContainEqual(
      expect.objectContaining({ name: 'another', held: [former] }),
    );
    expect(await otherHolders()).toEqual([]);
    expect(await states()).toEqual({ [former]: 'superseded', [id]: 'primary' });
    expect(await vault.keyring.sync()).toMatchObject({ primary: id, missing: [] });
    expect(await history()).toEqual(['keys.published', 'keys.made_primary']);
  });

  it('replaces another page by page, and changes no value', async () => {
    const [former = ''] = Object.entries(await states()).find(([, state]) => state === 'superseded') ?? [];
    const id = await primaryId();
    expect(await sealedUnder(former)).toBe(ROWS);
    const before = await rowsOf(app.database, 'stripe_credentials');
    expect(await vault.rotation.retire(former)).toBe(false);
    expect((await states())[former]).toBe('superseded');

    const progress = work();
    expect(await vault.sealedRows.reseal([former], progress)).toEqual([]);
    expect(progress.pages).toEqual([50, ROWS - 50]);
    expect([await sealedUnder(former), await sealedUnder(id)]).toEqual([0, ROWS]);
    const known = ({ project_id, mode, kind, slot, mask, written_at }: Record<string, unknown>) =>
      JSON.stringify([project_id, mode, kind, slot, mask, written_at]);
    expect((await rowsOf(app.database, 'stripe_credentials')).map(known).sort()).toEqual(
      before.map(known).sort(),
    );
    expect(await vault.sealedRows.check(work())).toEqual([]);
    const { value } = await app.app
      .get(StripeConfigService)
      .openSecretKey(projectIds[0] as ProjectId, 'test');
    expect(value.reveal()).toMatch(/^sk_test_/);

    expect(await vault.rotation.retire(former)).toBe(true);
    const putBack = execute(
      app.database,
      `UPDATE stripe_credentials SET key_id = '${former}' WHERE project_id = '${projectIds[0] ?? ''}'`,
    );
    await expect(putBack).rejects.toThrow(/foreign key/i);
    expect(await vault.rotation.retire(former)).toBe(false);
    expect(await vault.rotation.retire(id)).toBe(false);
    expect(await states()).toEqual({ [former]: 'retired', [id]: 'primary' });
    expect(await history()).toEqual(['keys.published', 'keys.made_primary', 'keys.retired']);
  });

  it('skips values that were replaced meanwhile, and values that can not be unsealed, when it replaces another', async () => {
    const former = await primaryId();
    const id = await vault.rotation.publish();
    await vault.rotation.makePrimary(id, IMPATIENCE);
    await vault.keyring.sync();
    const [moved, source] = projectIds.slice(-2);
    const key = `mode = 'live' AND kind = 'secret_key'`;
    await execute(
      app.database,
      `UPDATE stripe_credentials SET sealed = (SELECT sealed FROM stripe_credentials WHERE project_id = '${source}' AND ${key})
       WHERE project_id = '${moved}' AND ${key}`,
    );
    const place = expect.objectContaining({
      primaryKey: { project_id: moved, mode: 'live', kind: 'secret_key', slot: 0 },
    }) as unknown;
    expect(await vault.sealedRows.reseal([former], work())).toEqual([place]);
    expect(await sealedUnder(former)).toBe(1);
    expect(await vault.sealedRows.check(work())).toEqual([place]);
  });

  it('stops replacing another between two pages when the command is aborted', async () => {
    const stop = new AbortController();
    const pages: number[] = [];
    const add = (count: number) => {
      pages.push(count);
      stop.abort();
    };
    await expect(vault.sealedRows.check({ signal: stop.signal, add })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(pages).toEqual([50]);
  });

  it('is detected when a row names another key', async () => {
    const [projectId] = projectIds;
    const [retiredOrOther = ''] =
      Object.entries(await states()).find(([, state]) => state === 'superseded') ?? [];
    const where = `project_id = '${projectId}' AND mode = 'test' AND kind = 'secret_key'`;
    await execute(app.database, `UPDATE stripe_credentials SET key_id = '${retiredOrOther}' WHERE ${where}`);
    expect(await vault.sealedRows.check(work())).toContainEqual(
      expect.objectContaining({
        primaryKey: { project_id: projectId, mode: 'test', kind: 'secret_key', slot: 0 },
        keyId: retiredOrOther,
      }),
    );
  });

  it('reveals which columns of its row were edited', async () => {
    const [, projectId] = projectIds;
    const edits = {
      mask: `'sk_test_...zzzz'`,
      fingerprint: `'${'f'.repeat(22)}'`,
      looks_cut_off: 'NOT looks_cut_off',
    };
    const changes = Object.entries(edits).map(([name, value]) => `${name} = ${value}`);
    const where = `project_id = '${projectId}' AND mode = 'test' AND kind = 'secret_key'`;
    await execute(app.database, `UPDATE stripe_credentials SET ${changes.join(', ')} WHERE ${where}`);
    expect(await vault.sealedRows.check(work())).toContainEqual(
      expect.objectContaining({
        primaryKey: expect.objectContaining({ project_id: projectId }),
        altered: Object.keys(edits),
      }),
    );
  });

  it('is rewrapped with all other data keys, with a history entry for each', async () => {
    const before = await vault.dataKeys.list();
    const done = await rotateMasterKey(vault.dataKeys, vault.masterKeys, vault.recordRewrapping);
    const [masterKeyId] = vault.masterKeys.ids;
    expect(done.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
    expect(done.every(({ from }) => from === masterKeyId)).toBe(true);
    const after = await vault.dataKeys.list();
    for (const { id, wrapped } of before)
      expect(after.find((row) => row.id === id)?.wrapped).not.toBe(wrapped);
    expect((await history()).filter((action) => action === 'keys.rewrapped')).toHaveLength(before.length);
    await expect(vault.keyring.load()).resolves.toBeUndefined();
  });
});
