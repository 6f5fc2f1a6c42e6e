import { randomUUID } from 'node:crypto';
import { ProjectsService } from '../../src/projects/projects.service.js';
import { execute, rowsOf } from '../harness/database/rows.js';
import { eventually } from '../harness/eventually.js';
import { TestSmtpServer } from '../harness/servers/smtp-server.js';
import { OWNER, startTestApp, STRANGER, type TestApp } from '../harness/test-app.js';
import { accessToken, endUserToken } from '../harness/tokens.js';

interface Member {
  subject: string;
  role: string;
  created_at: string | null;
}
interface HistoryEntry {
  action: string;
  member: string | null;
  role: string | null;
  invitation_id: string | null;
  actor: { subject: string };
}

let app: TestApp;
let project: string;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  project = await app.createProject();
});

const tokenOf = (sub: string) => accessToken({ sub });
const at = (path = '', id = project) => `/api/v1/projects/${id}${path}`;
const add = (subject: string, role = 'viewer', token = OWNER) =>
  app.send('post', at('/members'), token).send({ subject, role });
const members = async (token = OWNER) =>
  ((await app.send('get', at('/members'), token).expect(200)).body as { members: Member[] }).members;
const roles = async () => (await members()).map(({ subject, role }) => `${subject} ${role}`);
/** Adds rows of this project, which requests would add too slowly. */
const fill = (table: string, count: number, valuesOf: (index: number) => string) =>
  execute(
    app.database,
    `INSERT INTO ${table} VALUES ${Array.from({ length: count }, (_, index) => `(${valuesOf(index)})`).join(', ')}`,
  );
const history = async () =>
  (
    (await app.send('get', `/api/v1/payments/stripe/projects/${project}/config/history`).expect(200))
      .body as {
      entries: HistoryEntry[];
    }
  ).entries;

describe('members of a project', () => {
  it('are added, listed after the owner, changed and removed', async () => {
    const { body } = await add('grace', 'viewer').expect(201);
    expect(body).toEqual({
      subject: 'grace',
      role: 'viewer',
      created_at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/) as string,
    });
    await add('auth0|b/c?d e%', 'admin').expect(201);
    expect(await members(tokenOf('grace'))).toEqual([
      { subject: 'developer-1', role: 'owner', created_at: null },
      body,
      { subject: 'auth0|b/c?d e%', role: 'admin', created_at: expect.any(String) as string },
    ]);
    await app
      .send('put', at('/members/grace'))
      .send({ role: 'admin' })
      .expect(200, { ...(body as Member), role: 'admin' });
    await app.send('put', at('/members/grace')).send({ role: 'admin' }).expect(200);
    await app.send('delete', at(`/members/${encodeURIComponent('auth0|b/c?d e%')}`)).expect(204);
    expect(await roles()).toEqual(['developer-1 owner', 'grace admin']);
    expect(
      (await history())
        .slice(0, 4)
        .map(({ action, member, role, actor }) => [action, member, role, actor.subject]),
    ).toEqual([
      ['member.removed', 'auth0|b/c?d e%', 'admin', 'developer-1'],
      ['member.changed', 'grace', 'admin', 'developer-1'],
      ['member.added', 'auth0|b/c?d e%', 'admin', 'developer-1'],
      ['member.added', 'grace', 'viewer', 'developer-1'],
    ]);
  });

  it('have their role from the next request on, and lose it with the next', async () => {
    const grace = tokenOf('grace');
    const rename = (status: number) => app.send('put', at(), grace).send({ name: 'Tea' }).expect(status);
    await app.send('get', at(), grace).expect(403, { detail: 'This project belongs to somebody else.' });
    await add('grace', 'viewer').expect(201);
    await app.send('get', at(), grace).expect(200);
    await rename(403);
    await app.send('put', at('/members/grace')).send({ role: 'admin' }).expect(200);
    await rename(200);
    await app.send('delete', at('/members/grace')).expect(204);
    await rename(403);
    // A project's end user with this subject is somebody else.
    await add('grace', 'admin').expect(201);
    await app.send('get', at(), endUserToken(project, 'grace')).expect(403);
  });

  it('see the project in their lists, with their role, and its rows in lists and statistics', async () => {
    const sub = `lists-${randomUUID()}`;
    const own = await app.createProject(tokenOf(sub), 'Own');
    await add(sub, 'viewer').expect(201);
    await execute(
      app.database,
      `INSERT INTO ledger_counts (project_id, mode, kind, status, slot, total) VALUES ('${project}', 'live', 'payment', 'succeeded', 0, 1)`,
    );
    await execute(
      app.database,
      `INSERT INTO stripe_payments (project_id, mode, payment_intent_id, id, user_rank, status, amount_cents, currency, refunded_amount_cents, created_at, updated_at, source_rank, as_of, revision)
       VALUES ('${project}', 'live', 'pi_1', '${randomUUID()}', 0, 'succeeded', 5, 'eur', 0, '2026-01-01 00:00:00.000', '2026-01-01 00:00:00.000', 1, '2026-01-01 00:00:00.000', 1)`,
    );
    const get = async (path: string) =>
      (await app.send('get', `/api/v1/${path}`, tokenOf(sub)).expect(200)).body as object;
    expect(await get('projects/')).toMatchObject([
      { id: own, role: 'owner' },
      { id: project, role: 'viewer' },
    ]);
    expect(await get('payments/projects')).toMatchObject({
      projects: [{ id: own }, { id: project }],
      total: 2,
    });
    for (const query of ['', `?project_id=${project}`, '?test_mode=false'])
      expect(await get(`payments/transactions${query}`)).toMatchObject({
        payments: [{ project_id: project }],
        total: 1,
      });
    expect(await get('payments/stats')).toMatchObject({ total_projects: 2, total_payments: 1 });

    await app.send('delete', at(`/members/${sub}`)).expect(204);
    expect(await get('projects/')).toMatchObject([{ id: own }]);
    expect(await get(`payments/transactions?project_id=${project}`)).toMatchObject({
      payments: [],
      total: 0,
    });
    expect(await get('payments/stats')).toMatchObject({ total_projects: 1, total_payments: 0 });
  });

  it('may leave, whatever their role, and remove nobody else', async () => {
    for (const role of ['viewer', 'admin']) {
      await add(role, role).expect(201);
      const { body } = await app.send('delete', at('/members/developer-1'), tokenOf(role)).expect(403);
      expect(body).toEqual({ detail: `This needs the role owner in the project; yours is ${role}.` });
    }
    await app.send('delete', at('/members/admin'), tokenOf('viewer')).expect(403);
    await app.send('delete', at('/members/viewer'), tokenOf('viewer')).expect(204);
    await app.send('delete', at('/members/viewer'), tokenOf('viewer')).expect(403);
    await app.send('delete', at('/members/developer-2'), STRANGER).expect(403);
    expect(await roles()).toEqual(['developer-1 owner', 'admin admin']);
  });

  it('can not be added twice, and never include the owner', async () => {
    const detail = 'This person has a role in the project already.';
    await add('grace').expect(201);
    await add('grace', 'admin').expect(409, { detail });
    await add('developer-1', 'admin').expect(409, { detail });
    expect(await roles()).toEqual(['developer-1 owner', 'grace viewer']);
  });

  it('are at most 1,000, also for people who were invited', async () => {
    const { body: invited } = await app
      .send('post', at('/members'))
      .send({ email: 'ada@example.com', role: 'admin' })
      .expect(201);
    await fill(
      'project_members',
      1_000,
      (index) => `'${project}', 'm${index}', 'viewer', '2026-01-01 00:00:00.000'`,
    );
    const detail = 'The project has 1000 members, which is the most: remove one first.';
    await add('grace').expect(409, { detail });
    for (const known of ['m7', 'developer-1'])
      await add(known).expect(409, { detail: 'This person has a role in the project already.' });
    await app
      .send('post', '/api/v1/projects/invitations/accept', tokenOf('grace'))
      .send({ token: (invited as { invite_url: string }).invite_url })
      .expect(409, { detail });
    await app.send('delete', at('/members/m7')).expect(204);
    await add('grace').expect(201);
  });

  it('always include the owner, with this role', async () => {
    const detail = 'This person owns the project; transfer it to another member first.';
    await app.send('delete', at('/members/developer-1')).expect(409, { detail });
    await app.send('put', at('/members/developer-1')).send({ role: 'viewer' }).expect(409, { detail });
    expect(await roles()).toEqual(['developer-1 owner']);
  });

  it.each([
    [{}, ['subject missing', 'role missing']],
    [{ subject: 'grace', role: 'owner' }, ['role enum']],
    [{ subject: 'grace', role: 'Admin' }, ['role enum']],
    [{ subject: 'grace', role: null }, ['role enum']],
    [{ subject: '', role: 'admin' }, ['subject value_error']],
    [{ subject: 'a'.repeat(256), role: 'admin' }, ['subject value_error']],
    [{ subject: 'a\0', role: 'admin' }, ['subject value_error']],
    [{ subject: '.', role: 'admin' }, ['subject value_error']],
    [{ subject: '..', role: 'admin' }, ['subject value_error']],
    [{ subject: `sk_live_${'a'.repeat(24)}`, role: 'admin' }, ['subject value_error']],
    [{ subject: `tks_${'a'.repeat(49)}`, role: 'admin' }, ['subject value_error']],
    [{ subject: 1, role: 'boss' }, ['subject string_type', 'role enum']],
    [{ subject: 'grace', email: 'ada@example.com', role: 'admin' }, ['email value_error']],
    [{ email: 'ada', role: 'admin' }, ['email value_error']],
    [{ subject: 'grace', role: 'admin', name: 'x' }, ['name extra_forbidden']],
  ])('are not added by %j', async (body, expected) => {
    const answer = await app.send('post', at('/members')).send(body).expect(422);
    const { detail } = answer.body as { detail: { loc: string[]; type: string }[] };
    expect(detail.map(({ loc, type }) => `${loc[1]} ${type}`)).toEqual(expected);
    expect(await roles()).toEqual(['developer-1 owner']);
  });

  it('are deleted with the project', async () => {
    await add('grace').expect(201);
    await app.send('post', at('/members')).send({ email: 'ada@example.com', role: 'admin' }).expect(201);
    await app.send('delete', at()).expect(204);
    for (const table of ['project_members', 'project_invitations', 'opaque_keys'])
      expect(
        (await rowsOf(app.database, table)).filter((row) => JSON.stringify(row).includes(project)),
      ).toEqual([]);
    await app.send('get', at('/members'), tokenOf('grace')).expect(404);
  });
});

describe('a transfer', () => {
  const transfer = (subject: string, token = OWNER) =>
    app.send('post', at('/transfer'), token).send({ subject });

  it('makes a member the owner, and the owner an admin', async () => {
    await add('grace').expect(201);
    await transfer('grace').expect(204);
    expect(await members(tokenOf('grace'))).toMatchObject([
      { subject: 'grace', role: 'owner' },
      { subject: 'developer-1', role: 'admin' },
    ]);
    await app.send('delete', at()).expect(403);
    await transfer('developer-1', tokenOf('grace')).expect(204);
    expect((await history())[0]).toMatchObject({
      action: 'project.transferred',
      member: 'developer-1',
      role: 'owner',
      actor: { subject: 'grace' },
    });
  });

  it('is refused to strangers, to the owner and to other roles', async () => {
    await transfer('developer-2').expect(409, {
      detail: 'This person is not a member; add them to the project first.',
    });
    await transfer('developer-1').expect(409);
    await add('grace', 'admin').expect(201);
    await transfer('grace', tokenOf('grace')).expect(403);
    await app.send('post', at('/transfer')).send({}).expect(422);
    for (const subject of ['.', '..', `rk_test_${'a'.repeat(24)}`, `tkg_live_${'a'.repeat(49)}`])
      await transfer(subject).expect(422);
    expect(await roles()).toEqual(['developer-1 owner', 'grace admin']);
  });

  it('leaves exactly one owner when it races with other changes', async () => {
    for (let round = 0; round < 10; round += 1) {
      project = await app.createProject();
      for (const subject of ['a', 'b', 'c']) await add(subject, 'admin').expect(201);
      const answers = await Promise.all([
        transfer('a'),
        transfer('b'),
        app.send('delete', at('/members/a')),
        app.send('delete', at('/members/b'), tokenOf('b')),
        app.send('delete', at('/members/developer-1')),
        app.send('put', at('/members/a')).send({ role: 'viewer' }),
        transfer('c'),
      ]);
      for (const { status } of answers) expect([200, 204, 403, 404, 409]).toContain(status);
      const [owner] = (await rowsOf(app.database, 'projects')).filter(({ id }) => id === project);
      const others = (await rowsOf(app.database, 'project_members')).filter(
        ({ project_id }) => project_id === project,
      );
      expect(others.map(({ subject }) => subject)).not.toContain(owner?.owner_id);
      const listed = await members(tokenOf(String(owner?.owner_id)));
      expect(listed.filter(({ role }) => role === 'owner')).toHaveLength(1);
      const won = [answers[0], answers[1], answers[6]].filter((answer) => answer?.status === 204);
      expect(owner?.owner_id === 'developer-1' ? 0 : 1).toBe(won.length);
    }
  });
});

describe('an invitation', () => {
  const ADDRESS = 'grace.hopper@example.com';
  const invite = async (role = 'admin', email = ADDRESS) =>
    (await app.send('post', at('/members')).send({ email, role }).expect(201)).body as {
      id: string;
      invite_url: string;
      expires_at: string;
      created_at: string;
    };
  const accept = (token: string, who: string | null = tokenOf('grace')) =>
    app.send('post', '/api/v1/projects/invitations/accept', who).send({ token });
  const tokenIn = (url: string) => new URL(url).hash.slice(1);
  const GONE = {
    detail: 'There is no such invitation: it was used, withdrawn or has expired. Ask for another one.',
  };

  it('lets the signed-in person with the token join, once', async () => {
    const { id, invite_url: url, created_at: from, expires_at: until } = await invite('viewer');
    expect(Date.parse(until) - Date.parse(from)).toBe(7 * 86_400_000);
    const { body } = await app.send('get', at('/invitations')).expect(200);
    expect(body).toEqual({
      invitations: [{ id, email: ADDRESS, role: 'viewer', created_at: from, expires_at: until }],
    });
    await accept(tokenIn(url), null).expect(401);
    await accept(tokenIn(url), endUserToken(project)).expect(403);
    const joined = await accept(tokenIn(url)).expect(200);
    expect(joined.body).toMatchObject({ id: project, role: 'viewer' });
    expect(await roles()).toEqual(['developer-1 owner', 'grace viewer']);
    await accept(tokenIn(url), STRANGER).expect(404, GONE);
    await app.send('get', at('/invitations')).expect(200, { invitations: [] });
    const [first, second] = await history();
    expect(first).toMatchObject({
      action: 'member.added',
      member: 'grace',
      role: 'viewer',
      invitation_id: id,
    });
    expect(second).toMatchObject({ action: 'invitation.created', role: 'viewer', invitation_id: id });
  });

  it('also works as the whole URL, and lets one of two concurrent callers join', async () => {
    const { invite_url: url } = await invite();
    const people = ['x', 'y', 'z'].map((name) => accept(url, tokenOf(name)));
    expect((await Promise.all(people)).map(({ status }) => status).sort()).toEqual([200, 404, 404]);
    expect(await roles()).toHaveLength(2);
  });

  it('leaves its address in no history, and no address once it is used or withdrawn', async () => {
    const used = await invite();
    const open = await invite('admin', `2.${ADDRESS}`);
    await accept(used.invite_url).expect(200);
    await app.send('delete', at(`/invitations/${open.id}`)).expect(204);
    await app.send('delete', at(`/invitations/${open.id}`)).expect(404, GONE);
    await accept(open.invite_url, STRANGER).expect(404, GONE);
    for (const table of ['audit_entries', 'project_invitations'])
      expect(JSON.stringify(await rowsOf(app.database, table))).not.toContain(ADDRESS);
    expect(app.log.join('\n')).not.toMatch(/grace\.hopper|tki_/);
  });

  it('replaces the open one of the same address, whose URL ends', async () => {
    const first = await invite('viewer');
    const second = await invite();
    const { body } = await app.send('get', at('/invitations')).expect(200);
    expect(body).toMatchObject({ invitations: [{ id: second.id, role: 'admin' }] });
    await accept(first.invite_url).expect(404, GONE);
    const entries = (await history()).slice(0, 2);
    expect(entries.map(({ action, invitation_id }) => [action, invitation_id])).toEqual([
      ['invitation.created', second.id],
      ['invitation.withdrawn', first.id],
    ]);
    await accept(second.invite_url).expect(200);
  });

  it.each(['ada@xn--a.example', 'аda@example.com', '"ada"@example.com', 'ada\u200b@example.com'])(
    'is not made for %j, which nobody can register',
    async (email) => {
      const { body } = await app.send('post', at('/members')).send({ email, role: 'viewer' }).expect(422);
      expect(body).toMatchObject({ detail: [{ loc: ['body', 'email'] }] });
    },
  );

  it('is one of at most 100 open ones', async () => {
    await fill(
      'project_invitations',
      100,
      (index) => `
      '${randomUUID()}', '${project}', 'ada${index}@example.com', 'viewer', '2026-01-01 00:00:00.000', '2099-01-01 00:00:00.000'`,
    );
    const ask = (email: string) => app.send('post', at('/members')).send({ email, role: 'viewer' });
    await ask(ADDRESS).expect(409, {
      detail: 'The project has 100 open invitations, which is the most: withdraw one first.',
    });
    await ask('ada7@example.com').expect(201);
    const { body } = await app.send('get', at('/invitations')).expect(200);
    expect((body as { invitations: object[] }).invitations).toHaveLength(100);
  });

  it('has the address in the form that accounts have', async () => {
    const { body } = await app
      .send('post', at('/members'))
      .send({ email: ' Grace.Hopper@Example.com\n', role: 'viewer' })
      .expect(201);
    expect(body).toMatchObject({ email: ADDRESS, mailed: false });
  });

  it('is mailed where mail is set up, at most three times an hour, whatever the project', async () => {
    const smtp = new TestSmtpServer();
    const environment = { SMTP_URL: await smtp.start(), MAIL_FROM: 'pay@example.com' };
    const mailing = await startTestApp({ environment });
    const id = await mailing.createProject();
    const { body } = await mailing
      .send('post', `/api/v1/projects/${id}/members`)
      .send({ email: ADDRESS, role: 'viewer' })
      .expect(201);
    await eventually(async () => expect(smtp.mails).toHaveLength(1));
    expect(smtp.mails[0]?.to).toEqual([ADDRESS]);
    expect(smtp.mails[0]?.content).toContain(tokenIn((body as { invite_url: string }).invite_url));
    expect(body).toMatchObject({ mailed: true });
    const mailed: boolean[] = [];
    for (let round = 0; round < 3; round += 1) {
      const other = await mailing.createProject();
      const { body: next } = await mailing
        .send('post', `/api/v1/projects/${other}/members`)
        .send({ email: ADDRESS, role: 'viewer' })
        .expect(201);
      const { mailed: isMailed, invite_url: url } = next as { mailed: boolean; invite_url: string };
      expect(tokenIn(url)).toMatch(/^tki_/);
      mailed.push(isMailed);
    }
    expect(mailed).toEqual([true, true, false]);
    await eventually(async () => expect(smtp.mails).toHaveLength(3));
    expect(JSON.stringify(await rowsOf(mailing.database, 'mail_counts'))).not.toContain(ADDRESS);
    await mailing.close();
    await smtp.stop();
  });

  it('is not stored if its mail can not be counted, since nothing could show its token again', async () => {
    const mailing = await startTestApp({
      environment: { SMTP_URL: 'smtp://127.0.0.1:1', MAIL_FROM: 'pay@example.com' },
    });
    const id = await mailing.createProject();
    const ask = () =>
      mailing.send('post', `/api/v1/projects/${id}/members`).send({ email: ADDRESS, role: 'viewer' });
    await execute(mailing.database, 'ALTER TABLE mail_counts RENAME TO mail_counts_away');
    await ask().expect(500);
    expect(await rowsOf(mailing.database, 'project_invitations')).toEqual([]);
    expect((await rowsOf(mailing.database, 'audit_entries')).map(({ action }) => action)).not.toContain(
      'invitation.created',
    );
    await execute(mailing.database, 'ALTER TABLE mail_counts_away RENAME TO mail_counts');
    await ask().expect(201);
    await mailing.close();
  });

  it('is answered with the project by the transaction in which somebody joins', async () => {
    const { invite_url: url } = await invite('viewer');
    const read = jest
      .spyOn(app.app.get(ProjectsService), 'get')
      .mockRejectedValue(new Error('The database went away after the commit.'));
    const { body } = await accept(url).expect(200);
    read.mockRestore();
    expect(body).toMatchObject({ id: project, role: 'viewer' });
  });

  it('is not used up by a person who already has a role', async () => {
    const { invite_url: url } = await invite();
    await accept(url, OWNER).expect(409);
    await accept(url).expect(200);
  });

  it('ends after seven days, and its address is deleted with the next change', async () => {
    const { id, invite_url: url } = await invite();
    for (const [table, column] of [
      ['project_invitations', 'id'],
      ['opaque_keys', 'holder_id'],
    ])
      await execute(
        app.database,
        `UPDATE ${table} SET expires_at = '2026-01-01 00:00:00.000' WHERE ${column} = '${id}'`,
      );
    await accept(url).expect(404, GONE);
    await app.send('get', at('/invitations')).expect(200, { invitations: [] });
    const other = await invite();
    expect((await rowsOf(app.database, 'project_invitations')).map((row) => row.id)).not.toContain(id);
    await app.send('delete', at(`/invitations/${other.id}`)).expect(204);
  });

  it('can not be withdrawn by the owner of another project', async () => {
    const { id } = await invite();
    const foreign = await app.createProject(STRANGER);
    await app.send('delete', at(`/invitations/${id}`, foreign), STRANGER).expect(404);
    await app.send('delete', at('/invitations/nope')).expect(422);
  });

  it.each(['', 'tki_', 'nonsense', `tki_${'a'.repeat(49)}`, `tks_${'a'.repeat(49)}`])(
    'is not found by %j',
    async (token) => {
      await accept(token).expect(token === '' ? 422 : 404);
    },
  );
});

it('refuses to invite an address without built-in accounts', async () => {
  const other = await startTestApp({ environment: { AUTH_BUILTIN: 'false' } });
  const id = await other.createProject();
  const { body } = await other
    .send('post', at('/members', id))
    .send({ email: 'ada@example.com', role: 'admin' })
    .expect(422);
  expect(body).toMatchObject({
    detail: [{ loc: ['body', 'email'], msg: expect.stringContaining('AUTH_BUILTIN') as string }],
  });
  await other.send('post', at('/members', id)).send({ subject: 'grace', role: 'admin' }).expect(201);
  await other.close();
});
