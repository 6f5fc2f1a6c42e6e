import { HistoryTrail } from '../../../src/history/history-trail.js';
import { systemActor } from '../../../src/common/actor.js';
import { Database, type Steps } from '../../../src/database/database.js';
import {
  type AppWithStripe,
  endpointsPath,
  startAppWithStripe,
  validatePath,
} from '../../harness/app-with-stripe.js';
import { numbered } from '../../harness/credentials.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { down } from '../../harness/stripe/faults.js';
import { configPath } from '../../harness/test-app.js';
import { engine } from '../../harness/database/test-database.js';

let app: AppWithStripe;

beforeAll(async () => {
  app = await startAppWithStripe({ environment: { PUBLIC_BASE_URL: 'https://till.test' } });
});
afterAll(() => app.close());

interface Entry {
  seq: number;
  action: string;
  result: string;
  mac: string;
  details: Record<string, unknown>;
}
const entriesOf = async (projectId: string): Promise<Entry[]> =>
  (
    await rowsOf(
      app.database,
      `(SELECT * FROM audit_entries WHERE project_id = '${projectId}' ORDER BY seq) AS entries`,
    )
  ).map((row) => ({ ...row, details: JSON.parse(String(row['details'])) as unknown }) as Entry);
const headOf = async (projectId: string) =>
  (await rowsOf(app.database, 'audit_heads')).find((row) => row['project_id'] === projectId);
const actionsOf = async (projectId: string) => (await entriesOf(projectId)).map((entry) => entry.action);
const projectPath = (projectId: string) => `/api/v1/projects/${projectId}`;

describe('the history of a project', () => {
  it('records who created, changed and deleted the project, and from where', async () => {
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
    const by = {
      project_id: projectId,
      actor_kind: 'person',
      subject: 'developer-1',
      ip: '127.0.0.1',
      result: 'done',
    };
    expect(entries[0]).toMatchObject({
      ...by,
      seq: 1,
      action: 'project.created',
      details: { fields: [{ field: 'name' }] },
    });
    expect(entries[1]).toMatchObject({
      ...by,
      seq: 2,
      action: 'project.updated',
      user_agent: 'curl/8.5.0',
      request_id: headers['x-request-id'],
      details: { fields: [{ field: 'name' }] },
    });
    expect(entries[2]).toMatchObject({ ...by, seq: 3, action: 'project.deleted', details: {} });
    expect(await headOf(projectId)).toMatchObject({ seq: 3, mac: entries[2]?.mac });
  });

  it('is one chain, even with concurrent writers', async () => {
    const projectId = await app.createProject();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, client) =>
        app.send('put', projectPath(projectId)).send({ name: `Shop ${client}` }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const entries = await entriesOf(projectId);
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    expect(new Set(entries.map(({ mac }) => mac)).size).toBe(21);
  });

  it('has no entry for a refused request', async () => {
    const projectId = await app.createProject();
    await app.send('put', projectPath(projectId)).send({ name: '' }).expect(422);
    await app.send('put', projectPath(projectId), null).send({ name: 'x' }).expect(401);
    expect(await actionsOf(projectId)).toEqual(['project.created']);
  });

  it.each(['audit_entries', 'audit_heads'])(
    'is written, or the project is not changed: without %s',
    async (table) => {
      const projectId = await app.createProject();
      await execute(app.database, `ALTER TABLE ${table} RENAME TO elsewhere`);
      try {
        await app.send('post', '/api/v1/projects/').send({ name: 'Not made' }).expect(500);
        await app.send('put', projectPath(projectId)).send({ name: 'Not changed' }).expect(500);
        await app.send('delete', projectPath(projectId)).expect(500);
      } finally {
        await execute(app.database, `ALTER TABLE elsewhere RENAME TO ${table}`);
      }
      expect((await app.send('get', projectPath(projectId)).expect(200)).body).toHaveProperty(
        'name',
        'Corner shop',
      );
      expect((await rowsOf(app.database, 'projects')).map((row) => row['name'])).not.toContain('Not made');
      expect(await actionsOf(projectId)).toEqual(['project.created']);
    },
  );
});

describe('the history of a configuration', () => {
  const LAST_FOUR = (number: number) => String(number).padStart(4, '0');
  const fields = (mode: string, number: number) =>
    ['secret_key', 'publishable_key', 'webhook_secret'].map((kind) => ({
      field: `${mode}_${kind}`,
      last_four: LAST_FOUR(number),
    }));
  const actsOf = async (projectId: string) =>
    (await entriesOf(projectId)).slice(1).map(({ action, details }) => [action, details]);

  it('has each change, with field names and last four characters', async () => {
    const projectId = await app.createProject();
    const path = configPath(projectId);
    await app.send('put', path).send({}).expect(200);
    await app.send('put', path).send(numbered(1)).expect(200);
    await app.send('put', path).send({ live_secret_key: 'sk_live_short' }).expect(200);
    await app.send('delete', `${path}/test`).expect(204);
    await app.send('delete', path).expect(204);
    await app.send('put', path).send({}).expect(200);
    expect(await actsOf(projectId)).toEqual([
      ['config.created', { version: 1, fields: [] }],
      ['config.updated', { version: 2, fields: [...fields('test', 1), ...fields('live', 1)] }],
      // Four of five characters would be too much to show.
      ['config.updated', { version: 3, fields: [{ field: 'live_secret_key' }] }],
      [
        'config.mode_deleted',
        { mode: 'test', version: 4, fields: expect.arrayContaining(fields('test', 1)) as unknown },
      ],
      [
        'config.deleted',
        { version: 5, fields: expect.arrayContaining(fields('live', 1).slice(1)) as unknown },
      ],
      ['config.created', { version: 6, fields: [] }],
    ]);
    const { headers } = await app.send('get', path).expect(200);
    expect(headers['etag']).toBe('"6"');
  });

  it('has no entry for requests that change nothing or are refused', async () => {
    const projectId = await app.createProject();
    const path = configPath(projectId);
    await app.send('delete', path).expect(404);
    await app.send('put', path).send(numbered(1)).expect(200);
    await app.send('put', path).send({}).expect(200);
    await app.send('put', path).send({ test_secret_key: 'x' }).expect(422);
    await app.send('put', path).set('if-match', '"7"').send(numbered(2)).expect(412);
    await app.send('delete', path).set('if-match', '"7"').expect(412);
    await app.send('delete', path).expect(204);
    for (const suffix of ['', '/test']) await app.send('delete', path + suffix).expect(204);
    expect((await actsOf(projectId)).map(([action]) => action)).toEqual(['config.created', 'config.deleted']);
  });

  const ended = (...numbers: number[]) => numbers.map((number) => fields('test', number)[2]);

  it('records the end of former webhook secrets', async () => {
    const projectId = await app.createProject();
    const path = configPath(projectId);
    for (const number of [1, 2, 3])
      await app
        .send('put', path)
        .send(numbered(number, ['test_webhook_secret']))
        .expect(200);
    for (const body of [{}, {}, numbered(4, ['test_webhook_secret'])])
      await app.send('put', `${path}?webhook_secret_overlap=0`).send(body).expect(200);
    expect((await actsOf(projectId)).slice(3)).toEqual([
      ['config.updated', { version: 4, fields: [], former_webhook_secrets_ended: ended(1, 2) }],
      [
        'config.updated',
        { version: 5, fields: [fields('test', 4)[2]], former_webhook_secrets_ended: ended(3) },
      ],
    ]);
    for (const number of [5, 6])
      await app
        .send('put', path)
        .send(numbered(number, ['test_webhook_secret']))
        .expect(200);
    await app.send('delete', `${path}/test`).expect(204);
    expect((await actsOf(projectId)).at(-1)).toEqual([
      'config.mode_deleted',
      {
        mode: 'test',
        version: 8,
        fields: ended(6),
        former_webhook_secrets_ended: expect.arrayContaining(ended(4, 5)) as unknown,
      },
    ]);
  });

  it('records which former webhook secret the eleventh evicts', async () => {
    const [neighbourId, projectId] = [await app.createProject(), await app.createProject()];
    const put = (number: number, project = projectId) =>
      app
        .send('put', configPath(project))
        .send(numbered(number, ['test_webhook_secret']))
        .expect(200);
    for (let number = 21; number <= 31; number += 1) await put(number, neighbourId);
    for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 4, 11, 12]) await put(number);
    await app.send('delete', configPath(projectId)).expect(204);
    const destroyed = (await actsOf(projectId)).map(
      ([, details]) => (details as { former_webhook_secrets_ended?: object }).former_webhook_secrets_ended,
    );
    const last = destroyed.pop() as { last_four: string }[];
    expect(destroyed.slice(0, 12)).toEqual(Array(12).fill(undefined));
    expect(destroyed.slice(12)).toEqual([ended(2), ended(3)]);
    expect(last.map(({ last_four }) => last_four).sort()).toEqual(
      [4, 5, 6, 7, 8, 9, 10, 11, 1].map(LAST_FOUR).sort(),
    );
  });

  it('has one entry for each of many concurrent writes, in the order of the versions', async () => {
    const projectId = await app.createProject();
    const path = configPath(projectId);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, client) => app.send('put', path).send(numbered(client))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const acts = await actsOf(projectId);
    expect(acts.map(([action]) => action)).toEqual([
      'config.created',
      ...Array.from({ length: 29 }, () => 'config.updated'),
    ]);
    expect(acts.map(([, details]) => (details as { version: number }).version)).toEqual(
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
    const writers = new Map(answers.map(({ headers }, client) => [headers['etag'], LAST_FOUR(client)]));
    for (const [, details] of acts) {
      const { version, fields } = details as { version: number; fields: { last_four: string }[] };
      expect(fields[0]?.last_four).toBe(writers.get(`"${version}"`));
    }
  });

  it('records the destruction of the credentials with the deletion of the project', async () => {
    const projectId = await app.createProject();
    await app
      .send('put', configPath(projectId))
      .send(numbered(1, ['test_secret_key']))
      .expect(200);
    await app.send('delete', projectPath(projectId)).expect(204);
    expect((await actsOf(projectId)).slice(1)).toEqual([
      ['config.deleted', { version: 2, fields: [fields('test', 1)[0]] }],
      ['project.deleted', {}],
    ]);
  });

  it('adds one locked read and two writes to the one transaction of a PUT', async () => {
    const projectId = await app.createProject();
    const database = app.app.get(Database);
    const begun: string[][] = [];
    function* recorded(body: Steps<unknown>, steps: string[]): Steps<unknown> {
      let step = body.next([]);
      while (!step.done) {
        steps.push(
          ...step.value.map(
            ({ statement, isPipelined }) => `${statement.name}${isPipelined ? ' (pipelined)' : ''}`,
          ),
        );
        step = body.next(yield step.value);
      }
      return step.value;
    }
    const transaction = database.transaction.bind(database);
    const spy = jest.spyOn(database, 'transaction').mockImplementation((body) => {
      const steps: string[] = [];
      begun.push(steps);
      return transaction(() => recorded(body(), steps));
    });
    await app.send('put', configPath(projectId)).send(numbered(1)).expect(200);
    spy.mockRestore();
    // The event of the change may be published meanwhile, in a transaction of its own.
    const [steps = [], ...others] = begun.filter((names) => names.includes('lock_audit_head'));
    expect(others).toEqual([]);
    expect(steps[0]).toBe('lock_audit_head');
    expect(steps.filter((name) => name.includes('audit'))).toEqual([
      'lock_audit_head',
      'advance_audit_head (pipelined)',
      'add_audit_entry (pipelined)',
    ]);
  });

  it.each(['audit_entries', 'audit_heads'])(
    'is written, or no credential is stored or destroyed: without %s',
    async (table) => {
      const projectId = await app.createProject();
      const path = configPath(projectId);
      const empty = await app.createProject();
      await app.send('put', path).send(numbered(1)).expect(200);
      const before = (await app.send('get', path).expect(200)).body as unknown;
      await execute(app.database, `ALTER TABLE ${table} RENAME TO elsewhere`);
      try {
        for (const body of [numbered(2), { live_secret_key: numbered(3).live_secret_key }])
          await app.send('put', path).send(body).expect(500);
        for (const body of [numbered(2), {}]) await app.send('put', configPath(empty)).send(body).expect(500);
        await app.send('put', path).set('if-match', '"1"').send(numbered(2)).expect(500);
        for (const suffix of ['', '/test']) await app.send('delete', path + suffix).expect(500);
      } finally {
        await execute(app.database, `ALTER TABLE elsewhere RENAME TO ${table}`);
      }
      expect((await app.send('get', path).expect(200)).body).toEqual(before);
      expect((await app.send('get', configPath(empty)).expect(200)).body).toBeNull();
      expect(await actsOf(empty)).toEqual([]);
      expect((await actsOf(projectId)).map(([action]) => action)).toEqual(['config.created']);
      await app.send('put', path).send(numbered(2)).expect(200);
    },
  );
});

describe('the history of the connection to Stripe', () => {
  const resultsOf = async (projectId: string) =>
    (await entriesOf(projectId)).slice(1).map(({ action, result, details }) => [action, result, details]);
  const validate = (projectId: string, secretKey: string) =>
    app.send('post', validatePath(projectId)).send({ secret_key: secretKey, is_test_mode: true });
  const unknown = `sk_test_${'Q'.repeat(24)}`;
  const field = (key: string) => ({
    mode: 'test',
    fields: [{ field: 'test_secret_key', last_four: key.slice(-4) }],
  });

  it('has the result of each validation, whether the key is stored or not', async () => {
    const projectId = await app.createProject();
    const { secret } = app.account.keys.test;
    await validate(projectId, secret).expect(200);
    await validate(projectId, unknown).expect(200);
    await validate(projectId, 'correct horse battery staple').expect(200);
    app.stripe.fail(down(), { times: Infinity });
    await validate(projectId, secret).expect(503);
    app.stripe.heal();
    expect(await resultsOf(projectId)).toEqual([
      ['credentials.validated', 'valid', field(secret)],
      ['credentials.validated', 'invalid', field(unknown)],
      ['credentials.validated', 'invalid', { mode: 'test' }],
      ['credentials.validated', 'unavailable', field(secret)],
    ]);
  });

  it('has the results of a validated save, which stores nothing when a key is refused', async () => {
    const projectId = await app.createProject();
    const path = `${configPath(projectId)}?validate=true`;
    const { secret } = app.account.keys.test;
    await app.send('put', path).send({ test_secret_key: unknown }).expect(422);
    await app.send('put', path).send({ test_secret_key: secret }).expect(200);
    expect(await resultsOf(projectId)).toEqual([
      ['credentials.validated', 'invalid', field(unknown)],
      ['config.created', 'done', { version: 1, fields: field(secret).fields }],
      ['credentials.validated', 'valid', field(secret)],
    ]);
  });

  it('has the version of a warning that Stripe’s answer caused', async () => {
    const [account, other] = [app.stripe.addAccount(), app.stripe.addAccount()];
    const projectId = await app.createProject();
    const path = configPath(projectId);
    const secret = account.keys.test.legacySecret;
    const read = async () => app.send('get', path).expect(200);
    await app
      .send('put', path)
      .send({ test_secret_key: secret, test_publishable_key: other.keys.test.publishable })
      .expect(200);
    const before = await read();
    for (const tag of ['"2"', '"2"']) {
      await validate(projectId, secret).expect(200);
      expect((await read()).headers['etag']).toBe(tag);
    }
    await app
      .send('get', path)
      .set('if-none-match', before.headers['etag'] ?? '')
      .expect(200);
    const { body } = await read();
    expect(body).toMatchObject({ updated_at: (before.body as { updated_at: string }).updated_at });
    expect((body as { warnings: object[] }).warnings).toContainEqual(
      expect.objectContaining({ code: 'different_accounts' }),
    );
    expect((await resultsOf(projectId)).slice(1)).toEqual([
      ['credentials.validated', 'valid', { ...field(secret), version: 2 }],
      ['credentials.validated', 'valid', field(secret)],
    ]);
  });

  it('stores no verdict if the history can not be written', async () => {
    const projectId = await app.createProject();
    const { secret } = app.account.keys.test;
    await app.send('put', configPath(projectId)).send({ test_secret_key: secret }).expect(200);
    await execute(app.database, 'ALTER TABLE audit_entries RENAME TO elsewhere');
    try {
      await validate(projectId, secret).expect(500);
    } finally {
      await execute(app.database, 'ALTER TABLE elsewhere RENAME TO audit_entries');
    }
    expect((await rowsOf(app.database, 'stripe_key_checks')).map((row) => row['project_id'])).not.toContain(
      projectId,
    );
  });

  it('has the endpoints that were created and removed at Stripe', async () => {
    const account = app.stripe.addAccount();
    const projectId = await app.createProject();
    const path = configPath(projectId);
    await app.send('put', path).send({ test_secret_key: account.keys.test.secret }).expect(200);
    const made = await app.send('post', endpointsPath(projectId)).send({ mode: 'test' }).expect(201);
    await app.send('delete', `${endpointsPath(projectId)}/test`).expect(204);
    const { id } = made.body as { id: string };
    const fields = [{ field: 'test_webhook_secret', last_four: expect.stringMatching(/^\w{4}$/) as string }];
    expect((await resultsOf(projectId)).slice(1)).toEqual([
      ['webhook_endpoint.created', 'done', { mode: 'test', version: 2, endpoint: id, fields }],
      ['webhook_endpoint.removed', 'done', { mode: 'test', version: 3, endpoint: id, fields }],
    ]);
    expect(
      new Set((await entriesOf(projectId)).map((entry) => (entry as { subject?: string }).subject)),
    ).toEqual(new Set(['developer-1']));

    const stray = await app.send('post', endpointsPath(projectId)).send({ mode: 'test' }).expect(201);
    await execute(app.database, `DELETE FROM stripe_webhook_endpoints WHERE project_id = '${projectId}'`);
    await app.send('delete', `${endpointsPath(projectId)}/test`).expect(204);
    const { id: strayId } = stray.body as { id: string };
    expect((await resultsOf(projectId)).at(-1)).toEqual([
      'webhook_endpoint.removed',
      'done',
      { mode: 'test', endpoint: strayId },
    ]);
  });
});

it('has a chain for the installation', async () => {
  await app.app
    .get(HistoryTrail)
    .recordSystemEvent('keys.rotated', { purpose: 'seal' }, systemActor('keys rotate-data'));
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
  const ADD =
    'INTO audit_entries (project_id, seq, at, actor_kind, subject, action, result, details, key_id, mac)';
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
          [
            'an entry overwritten',
            `INSERT ${ADD} VALUES ('$1', ${VALUES}) ON CONFLICT (project_id, seq) DO UPDATE SET mac = 'm'`,
          ],
        ] satisfies [string, string][])
      : ([
          ['an entry replaced', `INSERT OR REPLACE ${ADD} VALUES ('$1', ${VALUES})`],
          ['an entry replaced by another word', `REPLACE ${ADD} VALUES ('$1', ${VALUES})`],
          ['an entry replaced by an update', `UPDATE OR REPLACE audit_entries SET seq = 1`],
          [
            'an entry overwritten',
            `INSERT ${ADD} VALUES ('$1', ${VALUES}) ON CONFLICT DO UPDATE SET mac = 'm'`,
          ],
          [
            'a head replaced',
            `INSERT OR REPLACE INTO audit_heads (project_id, seq, mac) VALUES ('$1', 1, 'm')`,
          ],
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
    expect([await rowsOf(app.database, 'audit_entries'), await rowsOf(app.database, 'audit_heads')]).toEqual(
      before,
    );
  });
});
