import { StripeConfigService } from '../../../src/payments/stripe-config/stripe-config.service.js';
import { parseProjectId } from '../../../src/common/ids.js';
import { moduleActor } from '../../../src/common/actor.js';
import { numbered } from '../../harness/credentials.js';
import { execute } from '../../harness/database/rows.js';
import { tamper } from '../../harness/vault/tampering.js';
import { configPath, startTestApp, STRANGER, type TestApp } from '../../harness/test-app.js';

interface Entry {
  seq: number;
  at: string;
  action: string;
}

describe('GET config/history', () => {
  let app: TestApp;
  let projectId: string;
  let path: string;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    projectId = await app.createProject();
    path = configPath(projectId);
  });

  const read = async (query = '') => {
    const { body } = await app.send('get', `${path}/history${query}`).expect(200);
    return body as { entries: Entry[]; total: number; page: number; page_size: number };
  };

  it('shows who did what, when and from where, newest first', async () => {
    const { headers } = await app
      .send('put', path)
      .set('user-agent', 'curl/8.5.0')
      .send({ live_secret_key: numbered(7).live_secret_key })
      .expect(200);
    const { entries, ...rest } = await read();
    expect(rest).toEqual({ total: 2, page: 1, page_size: 50 });
    expect(entries[0]).toEqual({
      seq: 2,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      action: 'config.created',
      result: 'done',
      actor: { kind: 'person', subject: 'developer-1', name: null },
      ip: '127.0.0.1',
      user_agent: 'curl/8.5.0',
      request_id: headers['x-request-id'],
      mode: null,
      version: 1,
      fields: [{ field: 'live_secret_key', last_four: '0007' }],
      endpoint_id: null,
      service_account_id: null,
      gateway_key_id: null,
      gateway_key_name: null,
      invitation_id: null,
      webhook_event_id: null,
      connect_link_id: null,
      event_destination_id: null,
      event_destination_host: null,
      member: null,
      role: null,
      former_webhook_secrets_ended: [],
    });
    expect(entries[1]).toMatchObject({
      seq: 1,
      action: 'project.created',
      fields: [{ field: 'name', last_four: null }],
    });
  });

  it('distinguishes modules of the process from people', async () => {
    const id = parseProjectId(projectId);
    if (!id) throw new Error('The project has no id.');
    const configs = app.app.get(StripeConfigService);
    await configs.save(id, {});
    await configs.remove(id, { actor: moduleActor('shop') });
    const { entries } = await read();
    const from = { ip: null, user_agent: null, request_id: null };
    expect(entries[0]).toMatchObject({
      action: 'config.deleted',
      actor: { kind: 'module', subject: 'shop' },
      ...from,
    });
    expect(entries[1]).toMatchObject({
      action: 'config.created',
      actor: { kind: 'module', subject: 'module' },
      ...from,
    });
  });

  it('has pages', async () => {
    for (let number = 1; number <= 4; number += 1)
      await app.send('put', path).send(numbered(number)).expect(200);
    const places = async (query: string) => (await read(query)).entries.map(({ seq }) => seq);
    expect(await places('?page_size=2')).toEqual([5, 4]);
    expect(await places('?page=2&page_size=2')).toEqual([3, 2]);
    expect(await places('?page=3&page_size=2')).toEqual([1]);
    expect(await read('?page=4&page_size=2')).toEqual({ entries: [], total: 5, page: 4, page_size: 2 });
    for (const query of ['page=0', 'page_size=0', 'page_size=101', 'page=x']) {
      const { body } = await app.send('get', `${path}/history?${query}`).expect(422);
      expect(body).toEqual({ detail: [expect.objectContaining({ loc: ['query', query.split('=')[0]] })] });
    }
  });

  it('has filters by action and actor, with pages of their own', async () => {
    const { body: account } = await app
      .send('post', `/api/v1/projects/${projectId}/service-accounts`)
      .send({ name: 'CI deploy', role: 'admin' })
      .expect(201);
    const { id: machine, key } = account as { id: string; key: string };
    for (const number of [1, 2]) await app.send('put', path).send(numbered(number)).expect(200);
    await app.send('put', path, key).send(numbered(3)).expect(200);
    const found = async (query: string) => {
      const { entries, total } = await read(`?${query}`);
      return [entries.map(({ seq, action }) => `${seq} ${action}`), total];
    };
    const [created, second, third] = ['3 config.created', '4 config.updated', '5 config.updated'];
    expect(await found('action=config.updated')).toEqual([[third, second], 2]);
    expect(await found('action=config.updated&page_size=1&page=2')).toEqual([[second], 2]);
    expect(await found(`actor=${machine}`)).toEqual([[third], 1]);
    expect(await found(`actor=developer-1&action=config.updated`)).toEqual([[second], 1]);
    expect(await found('actor=developer-1')).toEqual([
      [second, created, '2 service_account.created', '1 project.created'],
      4,
    ]);
    expect(await found('actor=nobody')).toEqual([[], 0]);
    const { body } = await app.send('get', `${path}/history?action=keys.rotated`).expect(422);
    expect(body).toEqual({
      detail: [expect.objectContaining({ loc: ['query', 'action'], type: 'enum' })],
    });
  });

  it('is verified on request', async () => {
    const verification = () => app.send('get', `${path}/history/verification`).expect(200);
    await app.send('put', path).send(numbered(7)).expect(200);
    const { body } = await verification();
    expect(body).toEqual({
      valid: true,
      entries: 2,
      problems: [],
      verified_at: expect.any(String) as string,
    });
    const of = `project_id = '${projectId}'`;
    await execute(
      app.database,
      `UPDATE stripe_credentials SET mask = 'sk_test_...zzzz' WHERE ${of} AND mode = 'test' AND kind = 'secret_key'`,
    );
    expect((await verification()).body).toMatchObject({
      valid: false,
      entries: 2,
      problems: ['the test_secret_key ends with other characters than the history says'],
    });
    await tamper(app.database, `UPDATE audit_entries SET subject = 'nobody' WHERE ${of} AND seq = 1`);
    const problem = 'entry 1 was altered, moved here, or never written by this service';
    for (const { body: each } of await Promise.all([verification(), verification()]))
      expect(each).toMatchObject({ valid: false, problems: [problem] });
    await tamper(
      app.database,
      `DELETE FROM audit_entries WHERE ${of}`,
      `DELETE FROM audit_heads WHERE ${of}`,
    );
    expect((await verification()).body).toMatchObject({ valid: false, entries: 0 });
    await app.send('get', `${path}/history/verification`, STRANGER).expect(403);
  });

  it('is for the owner while the project exists', async () => {
    await app.send('get', `${path}/history`, STRANGER).expect(403);
    await app.send('delete', `/api/v1/projects/${projectId}`).expect(204);
    await app.send('get', `${path}/history`).expect(404);
  });
});
