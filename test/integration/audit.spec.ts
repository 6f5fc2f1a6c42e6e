import { AuditTrail } from '../../src/audit/audit-trail.js';
import { systemActor } from '../../src/common/actor.js';
import { execute, rowsOf } from '../support/rows.js';
import { configPath, startTestApp, type TestApp } from '../support/test-app.js';
import { engine } from '../support/test-database.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const entriesOf = async (projectId: string) =>
  (await rowsOf(app.database, `(SELECT * FROM audit_entries WHERE project_id = '${projectId}' ORDER BY seq) AS entries`)).map((row) => ({
    ...row,
    details: JSON.parse(String(row['details'])) as unknown,
  }));
const headOf = async (projectId: string) => (await rowsOf(app.database, 'audit_heads')).find((row) => row['project_id'] === projectId);
const actionsOf = async (projectId: string) => (await entriesOf(projectId)).map((entry) => (entry as { action?: string }).action);
const projectPath = (projectId: string) => `/api/v1/projects/${projectId}`;

describe('the history of a project', () => {
  it('says who made, changed and deleted it, and from where', async () => {
    const projectId = await app.createProject();
    const { headers } = await app
      .send('put', projectPath(projectId))
      .set('user-agent', 'curl/8.5.0')
      .send({ name: 'Another', description: null })
      .expect(200);
    await app.send('put', projectPath(projectId)).send({}).expect(200);
    await app.send('delete', projectPath(projectId)).expect(204);
    const entries = await entriesOf(projectId);
    expect(entries).toHaveLength(3);
    const by = { project_id: projectId, actor_kind: 'person', subject: 'developer-1', ip: '127.0.0.1', result: 'done' };
    expect(entries[0]).toMatchObject({ ...by, seq: 1, action: 'project.created', details: { fields: [{ field: 'name' }] } });
    expect(entries[1]).toMatchObject({
      ...by,
      seq: 2,
      action: 'project.updated',
      user_agent: 'curl/8.5.0',
      request_id: headers['x-request-id'],
      details: { fields: [{ field: 'name' }] },
    });
    expect(entries[2]).toMatchObject({ ...by, seq: 3, action: 'project.deleted', details: {} });
    expect(await headOf(projectId)).toMatchObject({ seq: 3, mac: (entries[2] as { mac?: string }).mac });
  });

  it('is of one line, however many write at once', async () => {
    const projectId = await app.createProject();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, client) => app.send('put', projectPath(projectId)).send({ name: `Shop ${client}` })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const entries = await entriesOf(projectId);
    expect(entries.map((entry) => (entry as { seq?: number }).seq)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    expect(new Set(entries.map((entry) => (entry as { mac?: string }).mac)).size).toBe(21);
  });

  it('gets no entry for what was not done', async () => {
    const projectId = await app.createProject();
    await app.send('put', projectPath(projectId)).send({ name: '' }).expect(422);
    await app.send('put', projectPath(projectId), null).send({ name: 'x' }).expect(401);
    expect(await actionsOf(projectId)).toEqual(['project.created']);
  });

  it.each(['audit_entries', 'audit_heads'])('is written, or nothing is done: without %s', async (table) => {
    const projectId = await app.createProject();
    await execute(app.database, `ALTER TABLE ${table} RENAME TO elsewhere`);
    try {
      await app.send('post', '/api/v1/projects/').send({ name: 'Not made' }).expect(500);
      await app.send('put', projectPath(projectId)).send({ name: 'Not changed' }).expect(500);
      await app.send('delete', projectPath(projectId)).expect(500);
    } finally {
      await execute(app.database, `ALTER TABLE elsewhere RENAME TO ${table}`);
    }
    expect((await app.send('get', projectPath(projectId)).expect(200)).body).toHaveProperty('name', 'Corner shop');
    expect((await rowsOf(app.database, 'projects')).map((row) => row['name'])).not.toContain('Not made');
    expect(await actionsOf(projectId)).toEqual(['project.created']);
  });
});

it('has a chain for the installation', async () => {
  await app.app.get(AuditTrail).recordSystemEvent('keys.rotated', { purpose: 'seal' }, systemActor('keys rotate-data'));
  const [entry] = await entriesOf('00000000-0000-0000-0000-000000000000');
  expect(entry).toMatchObject({
    seq: 1,
    actor_kind: 'system',
    subject: 'keys rotate-data',
    action: 'keys.rotated',
    details: { purpose: 'seal' },
  });
});

describe('the database', () => {
  const ADD = 'INTO audit_entries (project_id, seq, at, actor_kind, subject, action, result, details, key_id, mac)';
  const VALUES = "1, '2026-01-01 00:00:00.000', 'person', 'x', 'project.created', 'done', '{}', 'k', 'm'";
  const refusals: [string, string][] = [
    ['an entry changed', `UPDATE audit_entries SET subject = 'somebody else'`],
    ['an entry moved', `UPDATE audit_entries SET seq = seq + 1000`],
    ['an entry deleted', `DELETE FROM audit_entries WHERE project_id = '$1' AND seq = 1`],
    ['all entries deleted', 'DELETE FROM audit_entries'],
    ['a head deleted', `DELETE FROM audit_heads WHERE project_id = '$1'`],
    ['all heads deleted', 'DELETE FROM audit_heads'],
    ['a head set back', `UPDATE audit_heads SET seq = 0, mac = '' WHERE project_id = '$1'`],
    ['a head put forward', `UPDATE audit_heads SET seq = seq + 2 WHERE project_id = '$1'`],
    ['a head with another MAC', `UPDATE audit_heads SET mac = 'm' WHERE project_id = '$1'`],
    ...(engine === 'postgres'
      ? ([
          ['the entries truncated', 'TRUNCATE audit_entries'],
          ['the heads truncated', 'TRUNCATE audit_heads CASCADE'],
          ['an entry overwritten', `INSERT ${ADD} VALUES ('$1', ${VALUES}) ON CONFLICT (project_id, seq) DO UPDATE SET mac = 'm'`],
        ] satisfies [string, string][])
      : ([
          ['an entry replaced', `INSERT OR REPLACE ${ADD} VALUES ('$1', ${VALUES})`],
          ['an entry replaced by another word', `REPLACE ${ADD} VALUES ('$1', ${VALUES})`],
          ['an entry replaced by an update', `UPDATE OR REPLACE audit_entries SET seq = 1`],
          ['an entry overwritten', `INSERT ${ADD} VALUES ('$1', ${VALUES}) ON CONFLICT DO UPDATE SET mac = 'm'`],
          ['a head replaced', `INSERT OR REPLACE INTO audit_heads (project_id, seq, mac) VALUES ('$1', 1, 'm')`],
        ] satisfies [string, string][])),
  ];

  it.each(refusals)('does not have %s', async (_, statement) => {
    const projectId = await app.createProject();
    await app.send('put', configPath(projectId)).send({}).expect(200);
    const before = [await rowsOf(app.database, 'audit_entries'), await rowsOf(app.database, 'audit_heads')];
    // Not `toThrow`: the driver's errors may be of another realm than the test.
    await expect(execute(app.database, statement.replace('$1', projectId))).rejects.toMatchObject({
      message: expect.stringMatching(/append-only|unique/i) as string,
    });
    expect([await rowsOf(app.database, 'audit_entries'), await rowsOf(app.database, 'audit_heads')]).toEqual(before);
  });
});
