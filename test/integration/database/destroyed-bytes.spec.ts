import { randomUUID } from 'node:crypto';
import { vaultServices } from '../../../src/cli/keys/vault-services.js';
import type { ProjectId } from '../../../src/common/ids.js';
import { Secret } from '../../../src/common/secret.js';
import { IdempotencyKeysRepository } from '../../../src/payments/idempotency/idempotency-keys.repository.js';
import { StripeConfigService } from '../../../src/payments/stripe-config/stripe-config.service.js';
import { WebhookSecretOverlap } from '../../../src/payments/stripe-config/webhook-secret-overlap.js';
import type { ReceivedEvent } from '../../../src/payments/webhooks/events/event-reader.js';
import { WebhookEventsRepository } from '../../../src/payments/webhooks/events/webhook-events.repository.js';
import { WebhookSweeper } from '../../../src/payments/webhooks/events/webhook-sweeper.js';
import { rotateMasterKey } from '../../../src/vault/keys/master-key-rotation.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { engine } from '../../harness/database/test-database.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';
import { eventually } from '../../harness/eventually.js';
import { fillVault } from '../../harness/vault/key-rotation.js';
import { storedBytes } from '../../harness/vault/stored-bytes.js';

const YEAR_MS = 365 * 24 * 60 * 60 * 1_000;
const NO_WAIT = { milliseconds: 0, signal: new AbortController().signal, add: () => undefined };

// PostgreSQL keeps copies until a vacuum and in its log, as docs/security.md says.
const onSqlite = engine === 'sqlite' ? describe : describe.skip;

onSqlite('the database file and its log lose', () => {
  let app: TestApp;
  let vault: ReturnType<typeof vaultServices>;
  let configs: StripeConfigService;
  let projectId: ProjectId;

  beforeAll(async () => {
    app = await startTestApp();
    vault = vaultServices(app.app);
    configs = app.app.get(StripeConfigService);
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    [projectId = projectId] = await fillVault(app, 1);
  });

  const textsOf = async (column: string, from: string) =>
    (await rowsOf(app.database, from)).map((row) => String(row[column]));
  const credentials = (where = 'true') =>
    textsOf('sealed', `stripe_credentials WHERE project_id = '${projectId}' AND ${where}`);

  async function filesWith(texts: readonly string[]): Promise<string[]> {
    const files = await storedBytes(app.database, '');
    return files.filter(({ bytes }) => texts.some((text) => bytes.includes(text))).map(({ name }) => name);
  }

  async function expectDestroyed(texts: readonly string[], destroy: () => Promise<unknown>): Promise<void> {
    expect(await filesWith(texts)).not.toEqual([]);
    await destroy();
    await eventually(async () => expect(await filesWith(texts)).toEqual([]));
  }

  const seal = () => vault.keyring.seal({ purpose: 'test', tenant: projectId, field: 'x' }, new Secret('a'));

  /** Stores an answer for an idempotency key that is older than a day. */
  async function oldAnswer() {
    const keys = app.app.get(IdempotencyKeysRepository);
    const use = { projectId, scope: randomUUID().slice(0, 32), request: 'request', holder: randomUUID() };
    await keys.claim(use);
    const answer = seal();
    await keys.answer(use, answer);
    await execute(app.database, `UPDATE idempotency_keys SET created_at = '2020-01-01 00:00:00.000'`);
    return { keys, use, texts: [answer.sealed] };
  }

  it('all credentials of a removed configuration', async () => {
    await expectDestroyed(await credentials(), () => configs.remove(projectId));
  });

  it('the credentials of a removed mode', async () => {
    await expectDestroyed(await credentials(`mode = 'live'`), () => configs.removeMode(projectId, 'live'));
  });

  it('a replaced credential', async () => {
    const key = { test_secret_key: `sk_test_${'b'.repeat(24)}` };
    await expectDestroyed(await credentials(`mode = 'test' AND kind = 'secret_key'`), () =>
      configs.save(projectId, key),
    );
  });

  it('a webhook secret that was replaced without an overlap', async () => {
    const secret = { test_webhook_secret: `whsec_${'b'.repeat(32)}` };
    await expectDestroyed(await credentials(`mode = 'test' AND kind = 'webhook_secret'`), () =>
      configs.save(projectId, secret, { webhookSecretOverlap: 0 }),
    );
  });

  it('former webhook secrets whose overlap has ended', async () => {
    await configs.save(projectId, { test_webhook_secret: `whsec_${'b'.repeat(32)}` });
    const later = new Date(Date.now() + YEAR_MS);
    await expectDestroyed(await credentials('slot > 0'), () =>
      app.app.get(WebhookSecretOverlap).sweep(later),
    );
  });

  it('expired webhook payloads', async () => {
    const payload = seal();
    const event: ReceivedEvent = {
      projectId,
      mode: 'test',
      id: 'evt_1',
      type: 'invoice.paid',
      created: new Date(),
      apiVersion: null,
      object: {},
      livemode: false,
      isDelivered: true,
      accountIds: [],
      ignoredBecause: undefined,
      unreadableField: undefined,
      json: '{}',
    };
    const verdict = { outcome: 'ignored', reason: 'It is a test.' } as const;
    await app.app.get(WebhookEventsRepository).settle(event, verdict, payload);
    await expectDestroyed([payload.sealed], () =>
      app.app.get(WebhookSweeper).sweep(new Date(Date.now() + YEAR_MS)),
    );
  });

  it('answers of expired idempotency keys', async () => {
    const { keys, texts } = await oldAnswer();
    await expectDestroyed(texts, () => keys.sweep());
  });

  it('the answer of an expired idempotency key when the key is used again', async () => {
    const { keys, use, texts } = await oldAnswer();
    await expectDestroyed(texts, () => keys.claim(use));
  });

  it('sealed texts that a rotation of the data key replaced', async () => {
    const texts = await credentials();
    const [former] = (await vault.rotation.list()).filter(({ state }) => state === 'primary');
    const id = await vault.rotation.publish();
    await vault.keyring.sync();
    await vault.rotation.makePrimary(id, NO_WAIT);
    await vault.keyring.sync();
    await expectDestroyed(texts, () => vault.sealedRows.reseal([former?.id ?? ''], NO_WAIT));
  });

  it('data keys wrapped by a former master key', async () => {
    const wrapped = await textsOf('wrapped', 'data_keys');
    await expectDestroyed(wrapped, () =>
      rotateMasterKey(vault.dataKeys, vault.masterKeys, vault.recordRewrapping),
    );
  });
});
