import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HistoryRepository } from '../../../src/history/history.repository.js';
import { HistoryRetention } from '../../../src/history/history-retention.js';
import { HistoryTrail } from '../../../src/history/history-trail.js';
import { HistoryVerifier } from '../../../src/history/history-verifier.js';
import { systemActor } from '../../../src/common/actor.js';
import { parseProjectId, type ProjectId } from '../../../src/common/ids.js';
import { runCommand, runInProcess } from '../../harness/command-line.js';
import { numbered } from '../../harness/credentials.js';
import { Installation } from '../../harness/installation.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { tamper } from '../../harness/vault/tampering.js';
import { configPath, startTestApp, type TestApp } from '../../harness/test-app.js';
import { engine } from '../../harness/database/test-database.js';

jest.setTimeout(60_000);

const SOMEBODY = systemActor('test');

let app: TestApp;
let projectId: ProjectId;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

async function createProject(): Promise<ProjectId> {
  const id = parseProjectId(await app.createProject());
  if (!id) throw new Error('The new project has no id.');
  return id;
}

/** A project with entries 1 to 5. */
async function projectWithHistory(): Promise<ProjectId> {
  const id = await createProject();
  for (let number = 1; number <= 4; number += 1)
    await app.send('put', configPath(id)).send(numbered(number)).expect(200);
  return id;
}

const problemsOf = async (id = projectId) => (await app.app.get(HistoryVerifier).verify(id)).problems;
const headOf = async (id = projectId) => {
  const head = await app.app.get(HistoryRepository).findHead(id);
  if (!head) throw new Error('There is no head.');
  return head;
};
const entriesOf = async (id = projectId) => app.app.get(HistoryRepository).listAfter(id, 0, 1_000);
const erase = (id: ProjectId) =>
  tamper(
    app.database,
    ...['audit_entries', 'audit_heads'].map((table) => `DELETE FROM ${table} WHERE project_id = '${id}'`),
  );
/** Resets the history to a new one. */
async function startAnew(id: ProjectId): Promise<void> {
  await erase(id);
  await execute(app.database, `DELETE FROM stripe_credentials WHERE project_id = '${id}'`);
  await app.send('put', `/api/v1/projects/${id}`).send({ name: 'Another' }).expect(200);
}
const sqliteTrigger = async (name: string) =>
  String((await rowsOf(app.database, 'sqlite_master')).find((row) => row['name'] === name)?.['sql']);
const change = (...statements: string[]) =>
  tamper(app.database, ...statements.map((text) => text.replaceAll('$1', `'${projectId}'`)));

describe('HistoryVerifier', () => {
  beforeEach(async () => {
    projectId = await projectWithHistory();
  });
  // Removes the altered history, so that `audit verify` below doesn't report it.
  afterEach(() => startAnew(projectId));

  it('accepts every chain that the service wrote, also during writes', async () => {
    expect(await app.app.get(HistoryVerifier).verify(projectId)).toEqual({ entries: 5, problems: [] });
    const writing = Promise.all(
      Array.from({ length: 20 }, (_, client) =>
        app.send('put', configPath(projectId)).send(numbered(client)),
      ),
    );
    for (let round = 0; round < 10; round += 1) expect(await problemsOf()).toEqual([]);
    await writing;
    expect(await app.app.get(HistoryVerifier).verify(projectId)).toEqual({ entries: 25, problems: [] });
  });

  const ALTERED = 'entry 3 was altered, moved here, or never written by this service';
  it.each([
    ['at', `'2026-01-01 00:00:00.000'`],
    ['actor_kind', `'system'`],
    ['subject', `'somebody else'`],
    ['ip', `'192.0.2.1'`],
    ['ip', 'NULL'],
    ['ip', `''`],
    ['user_agent', `'another'`],
    ['request_id', 'NULL'],
    ['action', `'config.deleted'`],
    ['result', `'valid'`],
    ['details', `'{}'`],
    ['details', `details || ' '`],
    ['key_id', `'nosuchkey000'`],
    ['key_id', `(SELECT id FROM data_keys WHERE purpose = 'seal')`],
  ])('detects an entry with a changed %s: %s', async (column, value) => {
    await change(`UPDATE audit_entries SET ${column} = ${value} WHERE project_id = $1 AND seq = 3`);
    expect(await problemsOf()).toEqual([ALTERED]);
  });

  if (engine === 'sqlite') {
    it.each([
      ['subject', 'CAST(subject AS BLOB)'],
      ['ip', 'CAST(ip AS BLOB)'],
      ['details', 'CAST(details AS BLOB)'],
      ['mac', 'CAST(mac AS BLOB)'],
      ['at', '1793347200'],
      ['at', `x'00'`],
    ])('detects an entry whose %s has another type: %s', async (column, value) => {
      await change(`UPDATE audit_entries SET ${column} = ${value} WHERE project_id = $1 AND seq = 3`);
      expect(await problemsOf()).toEqual([ALTERED]);
    });

    it.each([`'three'`, '2.5', `x'03'`, '9007199254740993'])(
      'detects an entry with an invalid number: %s',
      async (seq) => {
        await change(`UPDATE audit_entries SET seq = ${seq} WHERE project_id = $1 AND seq = 3`);
        expect(await problemsOf()).toEqual(
          expect.arrayContaining([
            'entry 3 is missing',
            expect.stringMatching(/^entry (without a number|\d{16}) was never written by this service$/),
          ]),
        );
      },
    );

    it.each([`seq = 'five'`, 'mac = CAST(mac AS BLOB)'])(
      'detects a head with a value of another type: %s',
      async (assignment) => {
        await change(`UPDATE audit_heads SET ${assignment} WHERE project_id = $1`);
        expect(await problemsOf()).toEqual(['the head was altered']);
        await change('DELETE FROM audit_heads WHERE project_id = $1');
      },
    );
  }

  it('detects a forged MAC, and that the next entry does not follow from it', async () => {
    await change(
      `UPDATE audit_entries SET subject = 'somebody else', mac = '${'A'.repeat(43)}' WHERE project_id = $1 AND seq = 3`,
    );
    expect(await problemsOf()).toEqual([ALTERED, ALTERED.replace('3', '4')]);
  });

  it('detects swapped entries', async () => {
    await change(
      'UPDATE audit_entries SET seq = 1003 WHERE project_id = $1 AND seq = 3',
      'UPDATE audit_entries SET seq = 3 WHERE project_id = $1 AND seq = 4',
      'UPDATE audit_entries SET seq = 4 WHERE project_id = $1 AND seq = 1003',
    );
    expect(await problemsOf()).toEqual([3, 4, 5].map((seq) => ALTERED.replace('3', String(seq))));
  });

  it('detects an entry of another project', async () => {
    const other = await projectWithHistory();
    await change(
      'DELETE FROM audit_entries WHERE project_id = $1 AND seq = 3',
      `UPDATE audit_entries SET project_id = $1 WHERE project_id = '${other}' AND seq = 3`,
    );
    expect(await problemsOf()).toEqual([ALTERED, ALTERED.replace('3', '4')]);
    expect(await problemsOf(other)).toEqual(['entry 3 is missing']);
    await startAnew(other);
  });

  it('detects a chain that was moved to another project', async () => {
    const other = await createProject();
    await tamper(app.database, `DELETE FROM audit_entries WHERE project_id = '${other}'`);
    await change(`UPDATE audit_entries SET project_id = '${other}' WHERE project_id = $1`);
    expect(await problemsOf(other)).toContain(ALTERED.replace('3', '1'));
    await startAnew(other);
  });

  it('detects an added entry', async () => {
    const columns =
      'at, actor_kind, subject, ip, user_agent, request_id, action, result, details, key_id, mac';
    const copy = (seq: number) =>
      `INSERT INTO audit_entries (project_id, seq, ${columns}) SELECT project_id, ${seq}, ${columns} FROM audit_entries WHERE project_id = $1 AND seq = 5`;
    await change(copy(6));
    expect(await problemsOf()).toEqual([ALTERED.replace('3', '6'), 'the head was set back to entry 5']);
    await change('DELETE FROM audit_entries WHERE project_id = $1 AND seq = 6', copy(-1));
    expect(await problemsOf()).toContain('entry -1 was never written by this service');
  });

  it('lets signals and timers run while it reads a long chain', async () => {
    const columns =
      'at, actor_kind, subject, ip, user_agent, request_id, action, result, details, key_id, mac';
    await change(`INSERT INTO audit_entries (project_id, seq, ${columns})
      WITH RECURSIVE numbers (number) AS (SELECT 6 UNION ALL SELECT number + 1 FROM numbers WHERE number < 600)
      SELECT project_id, number, ${columns} FROM numbers CROSS JOIN audit_entries WHERE project_id = $1 AND seq = 5`);
    let isHeard = false;
    setImmediate(() => (isHeard = true));
    await app.app.get(HistoryVerifier).verify(projectId);
    expect(isHeard).toBe(true);
  });

  it.each([
    ['in the middle', 'seq = 3', ['entry 3 is missing']],
    ['in the middle, several', 'seq IN (2, 3)', ['entries 2 to 3 are missing']],
    ['at the beginning', 'seq <= 2', ['entries 1 to 2 are missing']],
    ['at the end', 'seq >= 4', ['entries 4 to 5 are missing, which the head names']],
    ['all', 'seq > 0', ['entries 1 to 5 are missing, which the head names']],
  ])('detects deleted entries: %s', async (_, which, problems) => {
    await change(`DELETE FROM audit_entries WHERE project_id = $1 AND ${which}`);
    expect(await problemsOf()).toEqual(problems);
  });

  it('detects a head that was deleted, set back, advanced or replaced', async () => {
    const { seq, mac } = await headOf();
    await change('DELETE FROM audit_heads WHERE project_id = $1');
    expect(await problemsOf()).toEqual(['the head is missing']);
    await change(`INSERT INTO audit_heads (project_id, seq, mac) VALUES ($1, ${seq}, 'another')`);
    expect(await problemsOf()).toEqual([`entry ${seq} is another one than the head names`]);
    await change(
      `UPDATE audit_heads SET seq = ${seq - 1}, mac = (SELECT mac FROM audit_entries WHERE project_id = $1 AND seq = ${seq - 1}) WHERE project_id = $1`,
    );
    expect(await problemsOf()).toEqual([`the head was set back to entry ${seq - 1}`]);
    await change(`UPDATE audit_heads SET seq = ${seq + 1}, mac = '${mac}' WHERE project_id = $1`);
    expect(await problemsOf()).toEqual([`entry ${seq + 1} is missing, which the head names`]);
  });

  it('detects with an anchor entries that were cut off with the head, and rewritten ones', async () => {
    const anchored = await headOf();
    const withAnchor = async () => (await app.app.get(HistoryVerifier).verify(projectId, anchored)).problems;
    await app.send('put', configPath(projectId)).send(numbered(9)).expect(200);
    expect(await withAnchor()).toEqual([]);
    const cut = (through: number) =>
      change(
        `DELETE FROM audit_entries WHERE project_id = $1 AND seq > ${through}`,
        `UPDATE audit_heads SET seq = ${through}, mac = (SELECT mac FROM audit_entries WHERE project_id = $1 AND seq = ${through}) WHERE project_id = $1`,
      );
    await cut(3);
    expect(await problemsOf()).toEqual([]);
    expect(await withAnchor()).toEqual(['entries 4 to 5 are missing, which the anchor names']);
    for (const number of [5, 6, 7])
      await app.send('put', configPath(projectId)).send(numbered(number)).expect(200);
    expect(await problemsOf()).toEqual([]);
    expect(await withAnchor()).toEqual(['entry 5 is another one than the anchor names']);
    await change(
      'DELETE FROM audit_entries WHERE project_id = $1',
      'DELETE FROM audit_heads WHERE project_id = $1',
    );
    expect(await withAnchor()).toEqual(['the whole history is missing']);
  });
});

describe('retention', () => {
  const prune = (before: Date) => app.app.get(HistoryRetention).prune(projectId, before, SOMEBODY);
  const soon = () => new Date(Date.now() + 1_000);

  beforeEach(async () => {
    projectId = await projectWithHistory();
  });

  it('deletes the beginning of a chain, and lets the rest be verified', async () => {
    const before = await entriesOf();
    const third = before[2];
    const anchored = await headOf();
    expect(await prune(new Date(third?.at ?? 0))).toEqual({ entries: 2, problems: [] });
    const after = await entriesOf();
    expect(after.slice(0, -1)).toEqual(before.slice(2));
    expect(after.at(-1)).toMatchObject({
      seq: 6,
      action: 'history.pruned',
      actor: { kind: 'system', subject: 'test' },
    });
    expect(JSON.parse(after.at(-1)?.details ?? '')).toEqual({
      through_seq: 2,
      through_mac: before[1]?.mac,
      entries: 2,
      before: third?.at,
    });
    expect(await app.app.get(HistoryVerifier).verify(projectId, anchored)).toEqual({
      entries: 4,
      problems: [],
    });
    expect(await rowsOf(app.database, 'audit_permits')).toEqual([]);

    expect(await prune(soon())).toEqual({ entries: 4, problems: [] });
    expect(await prune(soon())).toEqual({ entries: 0, problems: [] });
    await app.send('put', configPath(projectId)).send(numbered(9)).expect(200);
    expect((await entriesOf()).map(({ seq, action }) => [seq, action])).toEqual([
      [7, 'history.pruned'],
      [8, 'config.updated'],
    ]);
    expect(await problemsOf()).toEqual([]);
  });

  it('does not hide entries that were deleted in another way', async () => {
    expect(await prune(new Date((await entriesOf())[1]?.at ?? 0))).toMatchObject({ entries: 1 });
    await change('DELETE FROM audit_entries WHERE project_id = $1 AND seq <= 3');
    expect(await problemsOf()).toEqual(['entries 2 to 3 are missing']);
    expect(await prune(soon())).toEqual({ entries: 0, problems: ['entries 2 to 3 are missing'] });
    expect(await entriesOf()).toHaveLength(3);
    await startAnew(projectId);
  });

  it('stops at the first newer entry, even if later entries have older times', async () => {
    const entries = await entriesOf();
    jest.useFakeTimers({
      now: Date.now() - 3_600_000,
      doNotFake: ['nextTick', 'setImmediate', 'setInterval', 'setTimeout', 'performance'],
    });
    await app.send('put', configPath(projectId)).send(numbered(9)).expect(200);
    jest.useRealTimers();
    expect(await prune(new Date(entries[0]?.at ?? 0))).toEqual({ entries: 0, problems: [] });
    expect(await entriesOf()).toHaveLength(6);
  });

  it('permits only the deletion in its permit', async () => {
    const other = await createProject();
    const refused = (statement: string) =>
      expect(execute(app.database, statement.replaceAll('$1', `'${projectId}'`))).rejects.toMatchObject({
        message: expect.stringContaining('append-only') as string,
      });
    await execute(
      app.database,
      `INSERT INTO audit_permits (project_id, through_seq) VALUES ('${projectId}', 2)`,
    );
    await refused('DELETE FROM audit_entries WHERE project_id = $1 AND seq <= 3');
    await refused(`DELETE FROM audit_entries WHERE project_id = '${other}'`);
    await refused(`UPDATE audit_entries SET subject = 'x' WHERE project_id = $1 AND seq = 1`);
    await execute(app.database, 'DELETE FROM audit_permits');
  });
});

describe('tillkeeper audit', () => {
  let installation: Installation;
  beforeAll(() => {
    installation = new Installation();
  });
  afterAll(() => installation.remove());

  const audit = (...args: string[]) => runInProcess(app.environment, 'audit', ...args);

  it('verifies, anchors and prunes from the command line', async () => {
    await app.app.get(HistoryTrail).recordSystemEvent('keys.rotated', { purpose: 'seal' }, SOMEBODY);
    projectId = await projectWithHistory();
    const anchored = await audit('anchor');
    expect(anchored).toMatchObject({ code: 0, errors: '' });
    const { heads } = JSON.parse(anchored.output) as { heads: object[] };
    expect(heads).toContainEqual({ project_id: projectId, ...(await headOf()) });
    const file = join(app.database.folder, 'anchor.json');
    writeFileSync(file, anchored.output);

    const verified = await audit('verify', '--json', '--anchor', file);
    expect({ ...verified, output: JSON.parse(verified.output) as unknown }).toMatchObject({
      code: 0,
      errors: '',
      output: { chains: heads.length, anchored: heads.length, problems: [] },
    });

    const pruned = await audit('prune', '--before', (await entriesOf())[2]?.at ?? '', '--json');
    expect(pruned).toMatchObject({ code: 0, errors: '' });
    expect((await entriesOf()).map(({ seq }) => seq)).toEqual([3, 4, 5, 6]);

    await change(
      'DELETE FROM audit_entries WHERE project_id = $1 AND seq > 4',
      `UPDATE audit_heads SET seq = 4, mac = (SELECT mac FROM audit_entries WHERE project_id = $1 AND seq = 4) WHERE project_id = $1`,
    );
    const gone = await createProject();
    await erase(gone);
    await execute(app.database, `INSERT INTO audit_permits (project_id, through_seq) VALUES ('${gone}', 1)`);
    const found = await audit('verify', '--anchor', file);
    await execute(app.database, 'DELETE FROM audit_permits');
    expect(found.code).toBe(1);
    expect(found.output).toContain(`  ${projectId}: entries 1 to 2 are missing\n`);
    expect(found.output).toContain(
      `  ${gone}: somebody put a row into audit_permits, which lets entries be deleted\n`,
    );
    expect(found.output).toContain(`  ${projectId}: entry 5 is missing, which the anchor names\n`);
    expect(found.output).toContain(`  ${gone}: there is no history of it\n`);
    expect(found.output.match(/^ {2}/gm)).toHaveLength(4);
  });

  it('detects a restored credential, a missing one, and one with other last characters', async () => {
    const credentials = async (id: string) =>
      (await rowsOf(app.database, 'stripe_credentials')).filter((row) => row['project_id'] === id);
    const put = async () => {
      const id = await app.createProject();
      await app
        .send('put', configPath(id))
        .send({ test_secret_key: `sk_test_${'a'.repeat(24)}`, live_secret_key: `sk_live_${'b'.repeat(24)}` });
      return id;
    };
    const [back, gone, edited] = [await put(), await put(), await put()];
    const of = (id: string) => `project_id = '${id}' AND mode = 'test'`;
    await execute(
      app.database,
      `CREATE TABLE kept_credentials AS SELECT * FROM stripe_credentials WHERE ${of(back)}`,
    );
    await app.send('delete', `${configPath(back)}/test`).expect(204);
    expect(await credentials(back)).toHaveLength(1);
    const before = (await audit('verify')).output;
    for (const id of [back, gone, edited]) expect(before).not.toContain(id);

    await execute(app.database, 'INSERT INTO stripe_credentials SELECT * FROM kept_credentials');
    await execute(app.database, 'DROP TABLE kept_credentials');
    await execute(app.database, `DELETE FROM stripe_credentials WHERE ${of(gone)}`);
    await execute(app.database, `UPDATE stripe_credentials SET mask = 'sk_test_...zzzz' WHERE ${of(edited)}`);
    const { code, output } = await audit('verify');
    expect(code).toBe(1);
    expect(output).toContain(
      `  ${back}: the test_secret_key is stored, though by the history it was destroyed\n`,
    );
    expect(output).toContain(`  ${gone}: the test_secret_key is gone, and the history does not say why\n`);
    expect(output).toContain(
      `  ${edited}: the test_secret_key ends with other characters than the history says\n`,
    );
  });

  it('detects a dropped or disabled trigger', async () => {
    const [name, dropped, restored] =
      engine === 'postgres'
        ? [
            'audit_entries_stay',
            'ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_stay',
            'ALTER TABLE audit_entries ENABLE TRIGGER audit_entries_stay',
          ]
        : [
            'audit_entries_refuse_update',
            'DROP TRIGGER audit_entries_refuse_update',
            await sqliteTrigger('audit_entries_refuse_update'),
          ];
    await execute(app.database, dropped);
    const found = await audit('verify');
    await execute(app.database, restored);
    expect(found).toMatchObject({ code: 1 });
    const sentence = `  system: the trigger ${name}, which refuses changes of the history, was dropped or disabled`;
    expect(found.output).toContain(sentence);
    expect((await audit('verify')).output).not.toContain(sentence);
  });

  it('detects that the whole history was deleted', async () => {
    const everything = ['audit_entries', 'audit_heads'].map((table) => `DELETE FROM ${table}`);
    await tamper(app.database, ...everything, `UPDATE projects SET created_at = '2020-01-01 00:00:00.000'`);
    const { code, output } = await audit('verify');
    expect({ code, first: output.split('\n')[0] }).toEqual({
      code: 1,
      first: '0 entries in 0 chains: this is wrong with them:',
    });
    const projects = await rowsOf(app.database, 'projects');
    expect(output.match(/: there is no history of it$/gm)).toHaveLength(projects.length);
  });

  it('can be interrupted between two steps, like keys verify', async () => {
    projectId = await projectWithHistory();
    // The first check comes before the command begins, the second when the services are there.
    const interrupt = `
      const { throwIfAborted } = AbortSignal.prototype;
      let checks = 0;
      AbortSignal.prototype.throwIfAborted = function () {
        throwIfAborted.call(this);
        if (++checks === 2) process.kill(process.pid, 'SIGINT');
      };`;
    const environment = {
      ...app.environment,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(interrupt)}`,
    };
    for (const command of ['audit verify', 'audit prune --before 2020-01-01T00:00:00Z', 'keys verify']) {
      const errors = expect.stringMatching(/^Interrupted/) as string;
      expect(await runCommand(installation, environment, ...command.split(' '))).toEqual({
        code: 130,
        output: '',
        errors,
      });
    }
  });

  it('explains what it can not do', async () => {
    const file = join(app.database.folder, 'other.json');
    writeFileSync(file, '{"format":"other","heads":[]}');
    const refused = await audit('verify', '--anchor', file);
    expect(refused).toEqual({
      code: 1,
      output: '',
      errors: `${file} is not an anchor that \`tillkeeper audit anchor\` made, or can't be read.\n`,
    });
    const usage = await audit('prune', '--before', 'tomorrow');
    expect(usage).toMatchObject({ code: 2, output: '' });
  });
});
