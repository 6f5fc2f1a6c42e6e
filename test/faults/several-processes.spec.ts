import { Installation } from '../harness/installation.js';
import { runCommand } from '../harness/command-line.js';
import { eventually } from '../harness/eventually.js';
import type { ServerProcess } from '../harness/servers/server-process.js';
import { configPath, testEnvironment } from '../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../harness/database/test-database.js';
import { rowsOf } from '../harness/database/rows.js';
import { accessToken } from '../harness/tokens.js';

jest.setTimeout(120_000);

const REVOKED_WITHIN_MS = 2_000;
/** SQLite is for one server. Commands run beside it. */
const SERVERS = engine === 'postgres' ? 2 : 1;

interface Account {
  id: string;
  key: string;
}

let installation: Installation;
let database: TestDatabase;
let servers: ServerProcess[];
let first: ServerProcess;
let last: ServerProcess;
let projectId: string;

beforeAll(async () => {
  installation = new Installation();
  database = await createTestDatabase();
  const environment = testEnvironment(database);
  first = installation.start(environment);
  await first.listening();
  servers = [first];
  while (servers.length < SERVERS) servers.push(installation.start(environment));
  last = servers.at(-1) ?? first;
  await last.listening();
  projectId = await first.createProject();
  command = async (...args) => {
    const { code, output, errors } = await runCommand(installation, environment, ...args);
    expect([code, errors]).toEqual([0, '']);
    return output;
  };
});
afterAll(async () => {
  await installation.remove();
  await database.drop();
});

let command: (...args: string[]) => Promise<string>;

const accounts = () => `/api/v1/projects/${projectId}/service-accounts`;
const make = async () =>
  (await first.send('POST', accounts(), { body: { name: 'Backend', role: 'admin' } })).body as Account;
const use = async (server: ServerProcess, token: string) =>
  (await server.send('GET', configPath(projectId), { token })).status;
const warmUp = async (key: string) => {
  for (const server of servers)
    for (let count = 0; count < 3; count += 1) expect(await use(server, key)).toBe(200);
};
/** Counts from the end of the change. */
const expectRefused = (key: string) =>
  eventually(async () => {
    for (const server of servers) expect(await use(server, key)).toBe(401);
  }, REVOKED_WITHIN_MS);

it('every server refuses a key within two seconds after it was revoked or replaced through another one', async () => {
  const { id, key } = await make();
  await warmUp(key);
  const rotated = await first.send('POST', `${accounts()}/${id}/rotate`, { body: { grace_seconds: 0 } });
  await expectRefused(key);
  const { key: next } = rotated.body as Account;
  await warmUp(next);
  expect((await last.send('DELETE', `${accounts()}/${id}`)).status).toBe(204);
  await expectRefused(next);
});

it('every server refuses a key within two seconds after a command revoked it', async () => {
  const made = JSON.parse(
    await command('service-accounts', 'create', '--operator', '--name', 'Platform', '--json'),
  ) as Account;
  await warmUp(made.key);
  const rotated = JSON.parse(
    await command('service-accounts', 'rotate', made.id, '--grace-seconds', '0', '--json'),
  ) as Account;
  await expectRefused(made.key);
  await warmUp(rotated.key);
  await command('service-accounts', 'revoke', made.id);
  await expectRefused(rotated.key);
});

it('every server refuses the keys of a deleted project within two seconds', async () => {
  projectId = await first.createProject();
  const { key } = await make();
  await warmUp(key);
  expect((await first.send('DELETE', `/api/v1/projects/${projectId}`)).status).toBe(204);
  await expectRefused(key);
});

it('leaves exactly one owner when servers transfer a project and remove its members at once', async () => {
  const people = ['a', 'b', 'c', 'd'];
  for (let round = 0; round < 10; round += 1) {
    projectId = await first.createProject();
    const path = `/api/v1/projects/${projectId}`;
    for (const subject of people)
      await first.send('POST', `${path}/members`, { body: { subject, role: 'admin' } });
    const answers = await Promise.all(
      people.flatMap((subject, index) => {
        const [one, other] = index % 2 ? [first, last] : [last, first];
        return [
          one.send('POST', `${path}/transfer`, { body: { subject } }),
          other.send('DELETE', `${path}/members/${subject}`),
          one.send('DELETE', `${path}/members/${subject}`, { token: accessToken({ sub: subject }) }),
          other.send('DELETE', `${path}/members/developer-1`),
        ];
      }),
    );
    for (const { status } of answers) expect([204, 403, 404, 409]).toContain(status);
    const transfers = answers.filter((_, index) => index % 4 === 0).filter(({ status }) => status === 204);
    const [project] = (await rowsOf(database, 'projects')).filter(({ id }) => id === projectId);
    const members = (await rowsOf(database, 'project_members')).filter(
      ({ project_id: id }) => id === projectId,
    );
    const owner = String(project?.['owner_id']);
    expect(members.map(({ subject }) => subject)).not.toContain(owner);
    expect(transfers).toHaveLength(owner === 'developer-1' ? 0 : 1);
    const token = accessToken({ sub: owner });
    const { body } = await first.send('GET', `${path}/members`, { token });
    const roles = (body as { members: { role: string }[] }).members.map(({ role }) => role);
    expect(roles.filter((role) => role === 'owner')).toHaveLength(1);
  }
});
