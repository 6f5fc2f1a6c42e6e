import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { runInProcess } from '../../harness/command-line.js';
import { rowsOf } from '../../harness/database/rows.js';
import { Installation } from '../../harness/installation.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

jest.setTimeout(120_000);

let app: TestApp;
let installation: Installation;
beforeAll(async () => {
  app = await startTestApp();
  await app.createProject();
  installation = new Installation();
});
afterAll(async () => {
  await installation.remove();
  await app.close();
});

const FULL = 'exec "$@" >/dev/full';
/** Nobody has the pipe open to read when the command starts. */
const CLOSED = 'mkfifo pipe && exec 3<>pipe && exec 4>pipe 3<&- && exec "$@" >&4';

async function tillkeeper(redirection: string, ...args: string[]) {
  const program = [process.execPath, join(installation.folder, 'dist/cli/main.js')];
  const command = installation.start(app.environment, ['sh', '-c', redirection, 'sh', ...program, ...args]);
  const { code } = await command.ended;
  return { code, errors: command.errors };
}
const recipient = async () => identityToRecipient(await generateIdentity());

it('ends quietly with 141 when nobody reads its output', async () => {
  expect(await tillkeeper(CLOSED, 'projects', 'list')).toEqual({ code: 141, errors: '' });
  expect(await tillkeeper(CLOSED, 'export', '--recipient', await recipient())).toEqual({
    code: 141,
    errors: '',
  });
});

it('names the output when that is full', async () => {
  const full = {
    code: 1,
    errors:
      'The standard output can not be written (ENOSPC): check where it leads. What was done stays done.\n',
  };
  expect(await tillkeeper(FULL, 'projects', 'list', '--json')).toEqual(full);
  expect(await tillkeeper(FULL, 'export', '--recipient', await recipient())).toEqual(full);
});

it.each([
  ['full', FULL],
  ['closed', CLOSED],
])('says what to do about a key that a %s output lost', async (name, redirection) => {
  const create = ['service-accounts', 'create', '--operator', '--name', name, '--json'];
  const { code, errors } = await tillkeeper(redirection, ...create);
  const account = (await rowsOf(app.database, 'service_accounts')).find((row) => row.name === name);
  expect(code).toBe(1);
  expect(errors).toContain(`service-accounts rotate ${String(account?.id)}`);
  expect(errors).toContain(`service-accounts revoke ${String(account?.id)}`);
  expect(errors).not.toContain('tks_');
});

it('names the report of an import when its disk is full', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-output-'));
  const file = join(folder, 'projects.csv');
  writeFileSync(
    file,
    `project_id,owner_id,name\nshop-1,developer-1,Shop\n${randomUUID()},developer-1,Shop\n`,
  );
  const ended = await runInProcess(app.environment, 'import', file, '--report', '/dev/full');
  rmSync(folder, { recursive: true });
  expect(ended).toEqual({
    code: 1,
    output: '',
    errors:
      'The report can not be written (ENOSPC): name another file, and run the command again. What was imported stays.\n',
  });
});
