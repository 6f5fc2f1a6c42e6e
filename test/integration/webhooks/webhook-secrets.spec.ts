import { randomUUID } from 'node:crypto';
import type { ProjectId } from '../../../src/common/ids.js';
import { PeriodicTasks } from '../../../src/database/periodic-tasks.js';
import { ConfigChanges } from '../../../src/payments/stripe-config/config-cache.js';
import type { StripeMode } from '../../../src/payments/stripe/stripe-mode.js';
import { StripeConfigService } from '../../../src/payments/stripe-config/stripe-config.service.js';
import { WebhookSecretOverlap } from '../../../src/payments/stripe-config/webhook-secret-overlap.js';
import { eventually } from '../../harness/eventually.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { anEvent, deliver } from '../../harness/ledger/signed-events.js';
import { configPath, startTestApp, type TestApp } from '../../harness/test-app.js';

const DAY_MS = 86_400_000;

const secret = (letter: string) => `whsec_${letter.repeat(32)}`;
const [A, B, C] = [secret('a'), secret('b'), secret('c')];

describe('the webhook secrets of a project', () => {
  let app: TestApp;
  let projectId: ProjectId;

  beforeAll(async () => {
    app = await startTestApp();
    // Only the tests sweep.
    await app.app.get(PeriodicTasks).stop();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    projectId = (await app.createProject()) as ProjectId;
  });

  async function open(mode: StripeMode = 'test', project = projectId): Promise<string[]> {
    const secrets = await app.app.get(StripeConfigService).openWebhookSecrets(project, mode);
    return secrets.map(({ value }) => value.reveal());
  }
  const put = (body: object, query = '') => app.send('put', `${configPath(projectId)}${query}`).send(body);
  const rows = async () =>
    (await rowsOf(app.database, 'stripe_credentials')).filter((row) => row['project_id'] === projectId);
  async function validUntil(mode: StripeMode = 'test'): Promise<string | null> {
    const { body } = await app.send('get', `${configPath(projectId)}/status`).expect(200);
    return (body as Record<StripeMode, { webhook: { former_secret_valid_until: string | null } }>)[mode]
      .webhook.former_secret_valid_until;
  }
  /** Expires all former secrets. */
  const expire = () =>
    execute(
      app.database,
      `UPDATE stripe_credentials SET valid_until = '2020-01-01 00:00:00.000' WHERE project_id = '${projectId}' AND slot > 0`,
    );
  const sweep = () => app.app.get(WebhookSecretOverlap).sweep();

  it('are unsealed for their own mode only', async () => {
    await put({ test_webhook_secret: A, live_webhook_secret: B }).expect(200);
    expect(await open('test')).toEqual([A]);
    expect(await open('live')).toEqual([B]);
  });

  it('name what is missing: the project, the configuration, or the mode', async () => {
    const refusal = (code: string): unknown => expect.objectContaining({ code });
    await expect(open('test', randomUUID() as ProjectId)).rejects.toEqual(refusal('project_not_found'));
    await expect(open()).rejects.toEqual(refusal('config_not_found'));
    await put({ test_secret_key: `sk_test_${'a'.repeat(24)}`, live_webhook_secret: B }).expect(200);
    await expect(open()).rejects.toEqual(refusal('mode_not_configured'));
    await app.send('delete', configPath(projectId)).expect(204);
    await expect(open('live')).rejects.toEqual(refusal('config_deleted'));
    await app.send('delete', `/api/v1/projects/${projectId}`).expect(204);
    await expect(open('live')).rejects.toEqual(refusal('project_not_found'));
  });

  it('stay valid for a day after they were replaced', async () => {
    await put({ test_webhook_secret: A, live_webhook_secret: A }).expect(200);
    expect(await validUntil()).toBeNull();
    const { body: second } = await put({ test_webhook_secret: B }).expect(200);
    expect(second).toMatchObject({ test_webhook_secret_masked: 'whsec_...bbbb', warnings: [] });
    expect(await open()).toEqual([B, A]);
    expect(await validUntil()).toBe(new Date(Date.parse(second.updated_at as string) + DAY_MS).toISOString());
    const { body: third } = await put({ test_webhook_secret: C }).expect(200);
    expect(await open()).toEqual([C, B, A]);
    expect(await validUntil()).toBe(new Date(Date.parse(third.updated_at as string) + DAY_MS).toISOString());
    expect(await open('live')).toEqual([A]);
    expect(await validUntil('live')).toBeNull();
  });

  it('are ten at most, which bounds the time of a signature check', async () => {
    for (const letter of 'abcdefghijkl') await put({ test_webhook_secret: secret(letter) }).expect(200);
    expect(await open()).toEqual([...'lkjihgfedc'].map(secret));
  });

  it('are stored once, even if a former one is stored again', async () => {
    for (const each of [A, B, A]) await put({ test_webhook_secret: each }).expect(200);
    expect(await open()).toEqual([A, B]);
    for (const each of [B, C]) await put({ test_webhook_secret: each }).expect(200);
    expect(await open()).toEqual([C, B, A]);
  });

  it('have no overlap after the same secret was stored again, with or without other credentials', async () => {
    await put({ test_webhook_secret: A }).expect(200);
    await put({ test_webhook_secret: A }).expect(200);
    await put({ test_publishable_key: 'pk_test_aaaaaaaa', live_webhook_secret: B }).expect(200);
    await put({}).expect(200);
    expect(await open()).toEqual([A]);
    expect(await validUntil()).toBeNull();
  });

  it('expire with or without a sweep, which destroys only expired ones', async () => {
    await put({ test_webhook_secret: A }).expect(200);
    await put({ test_webhook_secret: B }).expect(200);
    await expire();
    expect(await open()).toEqual([B]);
    expect(await validUntil()).toBeNull();
    expect(await rows()).toHaveLength(2);
    const { body: before } = await app.send('get', configPath(projectId)).expect(200);
    expect((await Promise.all([sweep(), sweep()])).reduce((sum, count) => sum + count)).toBe(1);
    expect(await rows()).toEqual([expect.objectContaining({ slot: 0 })]);
    expect((await app.send('get', configPath(projectId)).expect(200)).body).toEqual(before);
    const { body } = await app.send('get', `${configPath(projectId)}/history`).expect(200);
    expect((body as { entries: object[]; total: number }).total).toBe(4);
    expect((body as { entries: object[] }).entries[0]).toMatchObject({
      action: 'webhook_secret.expired',
      actor: { kind: 'system' },
      fields: [{ field: 'test_webhook_secret', last_four: 'aaaa' }],
    });
  });

  it('survive a sweep while they are valid', async () => {
    await put({ test_webhook_secret: A }).expect(200);
    await put({ test_webhook_secret: B }).expect(200);
    expect(await sweep()).toBe(0);
    expect(await open()).toEqual([B, A]);
  });

  it('overlap for the requested time', async () => {
    await put({ test_webhook_secret: A }).expect(200);
    const { body } = await put({ test_webhook_secret: B }, '?webhook_secret_overlap=604800').expect(200);
    expect(await validUntil()).toBe(
      new Date(Date.parse(body.updated_at as string) + 7 * DAY_MS).toISOString(),
    );
  });

  it('overlap no longer in the modes of secrets that are stored with an overlap of 0', async () => {
    for (const each of [A, B])
      await put({ test_webhook_secret: each, live_webhook_secret: each }).expect(200);
    await put({ test_webhook_secret: C }, '?webhook_secret_overlap=0').expect(200);
    expect(await open()).toEqual([C]);
    expect(await open('live')).toEqual([B, A]);
    expect((await rows()).filter(({ mode }) => mode === 'test')).toEqual([
      expect.objectContaining({ slot: 0, valid_until: null }),
    ]);
  });

  it('overlap no longer in both modes after an overlap of 0 without a new secret, which counts as a change', async () => {
    for (const each of [A, B])
      await put({ test_webhook_secret: each, live_webhook_secret: each }).expect(200);
    const before = await app.app.get(StripeConfigService).find(projectId);
    await put({ test_webhook_secret: null }, '?webhook_secret_overlap=0').expect(200);
    expect(await open()).toEqual([B]);
    expect(await open('live')).toEqual([B]);
    expect(await rows()).toHaveLength(2);
    const after = await app.app.get(StripeConfigService).find(projectId);
    expect(after?.version).toBe((before?.version ?? 0) + 1);
    await put({}, '?webhook_secret_overlap=0').expect(200);
    expect(await app.app.get(StripeConfigService).find(projectId)).toEqual(after);
  });

  it.each(['-1', '', '1.5', '604801', '24h', '0&webhook_secret_overlap=1'])(
    'refuse the overlap %j',
    async (given) => {
      await put({ test_webhook_secret: A }).expect(200);
      const { body } = await put({ test_webhook_secret: B }, `?webhook_secret_overlap=${given}`).expect(422);
      expect(body.detail).toEqual([
        {
          loc: ['query', 'webhook_secret_overlap'],
          msg: 'must be a whole number from 0 to 604800',
          type: 'value_error',
        },
      ]);
      expect(await open()).toEqual([A]);
    },
  );

  it.each([
    ['the configuration', () => configPath(projectId)],
    ['the mode', () => `${configPath(projectId)}/test`],
    ['the project', () => `/api/v1/projects/${projectId}`],
  ])('are destroyed with %s, including former ones', async (_, path) => {
    await put({ test_webhook_secret: A }).expect(200);
    await put({ test_webhook_secret: B }).expect(200);
    await app.send('delete', path()).expect(204);
    expect(await rows()).toEqual([]);
  });

  it('verify signatures, former ones during the overlap', async () => {
    const delivered = async (signedWith: string) =>
      (await deliver(app, projectId, signedWith, anEvent())).status;
    await put({ test_webhook_secret: A }).expect(200);
    expect([await delivered(A), await delivered(B)]).toEqual([200, 400]);
    await put({ test_webhook_secret: B }).expect(200);
    expect([await delivered(A), await delivered(B)]).toEqual([200, 200]);
    await expire();
    // Simulates a write by another process.
    app.app.get(ConfigChanges).announce(projectId);
    expect([await delivered(A), await delivered(B)]).toEqual([400, 200]);
    await put({ test_webhook_secret: C }, '?webhook_secret_overlap=0').expect(200);
    expect([await delivered(B), await delivered(C)]).toEqual([400, 200]);
  });

  it('expire in the cache too', async () => {
    await put({ test_webhook_secret: A }).expect(200);
    await put({ test_webhook_secret: B }).expect(200);
    const soon = new Date(Date.now() + 1_000).toISOString().replace('T', ' ').slice(0, -1);
    const utc = app.database.engine === 'postgres' ? '+00' : '';
    await execute(
      app.database,
      `UPDATE stripe_credentials SET valid_until = '${soon}${utc}' WHERE project_id = '${projectId}' AND slot > 0`,
    );
    app.app.get(ConfigChanges).announce(projectId);
    await deliver(app, projectId, B, anEvent()).expect(200);
    await eventually(async () => void (await deliver(app, projectId, A, anEvent()).expect(400)));
    await deliver(app, projectId, B, anEvent()).expect(200);
  });

  it('are not lost to concurrent saves', async () => {
    await put({ test_webhook_secret: A }).expect(200);
    const given = [B, C, secret('d')];
    await Promise.all(given.map((test_webhook_secret) => put({ test_webhook_secret }).expect(200)));
    expect((await open()).sort()).toEqual([A, ...given]);
    expect((await rows()).filter(({ valid_until }) => valid_until === null)).toEqual([
      expect.objectContaining({ slot: 0 }),
    ]);
  });
});
