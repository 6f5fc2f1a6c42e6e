import { randomUUID } from 'node:crypto';
import type { ProjectId } from '../../src/common/ids.js';
import { StripeConfigService } from '../../src/payments/stripe-config/stripe-config.service.js';
import { configPath, startTestApp, type TestApp } from '../support/test-app.js';

const secret = (letter: string) => `whsec_${letter.repeat(32)}`;

describe('the webhook secrets of a project', () => {
  let app: TestApp;
  let projectId: ProjectId;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    projectId = (await app.createProject()) as ProjectId;
  });

  const open = async (mode: 'test' | 'live' = 'test', project = projectId) =>
    (await app.app.get(StripeConfigService).openWebhookSecrets(project, mode)).map((opened) => opened.reveal());
  const put = (body: object) => app.send('put', configPath(projectId)).send(body).expect(200);

  it('are opened for their mode alone', async () => {
    await put({ test_webhook_secret: secret('a'), live_webhook_secret: secret('b') });
    expect(await open('test')).toEqual([secret('a')]);
    expect(await open('live')).toEqual([secret('b')]);
  });

  it('say what is missing: the project, the configuration, that of the mode', async () => {
    const refusal = (code: string): unknown => expect.objectContaining({ code });
    await expect(open('test', randomUUID() as ProjectId)).rejects.toEqual(refusal('project_not_found'));
    await expect(open()).rejects.toEqual(refusal('config_not_found'));
    await put({ test_secret_key: `sk_test_${'a'.repeat(24)}`, live_webhook_secret: secret('b') });
    await expect(open()).rejects.toEqual(refusal('mode_not_configured'));
    await app.send('delete', configPath(projectId)).expect(204);
    await expect(open('live')).rejects.toEqual(refusal('config_deleted'));
    await app.send('delete', `/api/v1/projects/${projectId}`).expect(204);
    await expect(open('live')).rejects.toEqual(refusal('project_not_found'));
  });
});
