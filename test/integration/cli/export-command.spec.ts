import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { runInProcess } from '../../harness/command-line.js';
import { FIELDS, type Masks, numbered } from '../../harness/credentials.js';
import { Installation } from '../../harness/installation.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { configPath, startTestApp, STRANGER, type TestApp } from '../../harness/test-app.js';

jest.setTimeout(60_000);

let from: TestApp;
let to: TestApp;
let folder: string;
let identity: string;
let recipient: string;
beforeAll(async () => {
  [from, to] = [await startTestApp(), await startTestApp()];
  folder = mkdtempSync(join(tmpdir(), 'tillkeeper-export-'));
  const key = await generateIdentity();
  recipient = await identityToRecipient(key);
  identity = join(folder, 'identity.txt');
  writeFileSync(identity, `# created by a test\n${key}\n`);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await from.close();
  await to.close();
});

const exportTo = (output: string, ...args: string[]) =>
  runInProcess(from.environment, 'export', '--recipient', recipient, '--output', output, ...args);
const importFrom = (...args: string[]) => runInProcess(to.environment, 'import', ...args);

async function makeProject(number: number, token?: string): Promise<string> {
  const id = await from.createProject(token, `Shop ${number}`);
  await from.send('put', configPath(id), token).send(numbered(number)).expect(200);
  return id;
}

it('moves projects with all their credentials, of which nothing can be read on the way', async () => {
  const ids = [await makeProject(1), await makeProject(2, STRANGER)];
  const bare = await from.createProject(undefined, 'Without keys');
  const deleted = await makeProject(3);
  await from.send('delete', `/api/v1/projects/${deleted}`).expect(204);

  const output = join(folder, 'export.age');
  const exported = await exportTo(output, '--json');
  expect(exported).toMatchObject({ code: 0, errors: '' });
  expect(JSON.parse(exported.output)).toEqual({ file: output, projects: 3, credentials: 12, unreadable: [] });
  const written = readFileSync(output, 'latin1');
  expect(written).toMatch(/^age-encryption.org\/v1\n/);
  expect(written).not.toMatch(/Shop|[sp]k_|whsec|developer|aaaa/);
  expect(statSync(output).mode & 0o077).toBe(0);

  expect(await importFrom(output, '--identity', identity)).toEqual({
    code: 0,
    output: 'Read 3 projects: 3 created, 0 updated, 0 unchanged, 0 refused.\n',
    errors: '',
  });
  for (const [index, token] of [undefined, STRANGER].entries()) {
    const id = ids[index] ?? '';
    const before = (await from.send('get', configPath(id), token).expect(200)).body as Masks;
    const after = (await to.send('get', configPath(id), token).expect(200)).body as Masks;
    for (const field of FIELDS) expect(after[`${field}_masked`]).toBe(before[`${field}_masked`]);
    expect(after.test_secret_key_masked).toContain('sk_test_...');
  }
  await to.send('get', `/api/v1/projects/${bare}`).expect(200);
  await to.send('get', `/api/v1/projects/${deleted}`).expect(404);
  expect((await importFrom(output, '--identity', identity)).output).toContain('3 unchanged');
});

it('exports one project, and notes each export in the history of the installation', async () => {
  const id = await makeProject(4);
  expect(await exportTo(join(folder, 'one.age'), '--project', id)).toMatchObject({ code: 0 });
  expect((await importFrom(join(folder, 'one.age'), '--identity', identity, '--dry-run')).output).toContain(
    'Checked 1 projects',
  );
  const entries = (await rowsOf(from.database, 'audit_entries')).filter(
    ({ action }) => action === 'projects.exported',
  );
  const last = entries.at(-1);
  expect(JSON.parse(String(last?.details))).toEqual({ recipients: [recipient], project: id });
  expect(last?.subject).toMatch(/^command line: /);
  expect(await exportTo(join(folder, 'none.age'), '--project', randomUUID())).toMatchObject({
    code: 1,
    errors: 'There is no project with this id.\n',
  });
});

it('passes an export through a pipe', async () => {
  const installation = new Installation();
  try {
    const program = `"${process.execPath}" "${join(installation.folder, 'dist/cli/main.js')}"`;
    const environment = (app: TestApp) =>
      Object.entries(app.environment)
        .map(([name, value]) => `${name}='${value}'`)
        .join(' ');
    const id = await makeProject(5);
    const { stdout, stderr } = await promisify(execFile)('sh', [
      '-c',
      `env ${environment(from)} ${program} export --recipient ${recipient} --project ${id} |
       env ${environment(to)} ${program} import --identity "${identity}"`,
    ]);
    expect(stdout).toBe('Read 1 projects: 1 created, 0 updated, 0 unchanged, 0 refused.\n');
    expect(stderr).toBe('Wrote 1 projects with 6 credentials, encrypted.\n');
  } finally {
    await installation.remove();
  }
});

it('overwrites no file, and refuses what is no public key without repeating it', async () => {
  const output = join(folder, 'taken.age');
  writeFileSync(output, 'mine');
  expect(await exportTo(output)).toMatchObject({
    code: 1,
    errors: expect.stringContaining('not overwritten') as string,
  });
  expect(readFileSync(output, 'utf8')).toBe('mine');
  const free = join(folder, 'free.age');
  const key = readFileSync(identity, 'utf8').trim().split('\n').at(-1) ?? '';
  for (const wrong of [key, 'age1', 'ssh-ed25519 AAAA', `${recipient}x`]) {
    const {
      code,
      output: text,
      errors,
    } = await runInProcess(
      ...([from.environment, 'export', '--recipient', wrong, '--output', free] as const),
    );
    expect([code, text]).toEqual([2, '']);
    expect(errors).toMatch(/^--recipient is no public key of age\./);
    expect(errors).not.toContain('AGE-SECRET-KEY-1');
  }
  expect(await runInProcess(from.environment, 'export')).toMatchObject({ code: 2 });
  expect(existsSync(free)).toBe(false);
});

describe('an encrypted file', () => {
  let output: string;
  beforeAll(async () => {
    await makeProject(6);
    output = join(folder, 'sealed.age');
    await exportTo(output);
  });

  const fileOf = (content: Buffer | string) => {
    const path = join(folder, randomUUID());
    writeFileSync(path, content);
    return path;
  };
  const refusal = async (...args: string[]) => {
    const { code, output: text, errors } = await importFrom(...args);
    expect([code, text]).toEqual([1, '']);
    return errors;
  };

  it('is refused without its key, with another, and with what is none', async () => {
    expect(await refusal(output)).toContain('name the file with its private key by --identity');
    const other = fileOf(await generateIdentity());
    expect(await refusal(output, '--identity', other)).toContain('is encrypted for another key');
    expect(await refusal(output, '--identity', output)).toContain('has no private key of age');
    expect(await refusal(output, '--identity', join(folder, 'none'))).toContain('is missing');
    expect(await refusal(output, '--identity', fileOf('AGE-SECRET-KEY-1QQQ'))).toContain(
      'has a damaged private key',
    );
    expect(await refusal(fileOf('project_id,owner_id,name\n'), '--identity', identity)).toContain(
      'is not encrypted',
    );
    expect(await refusal(fileOf('-----BEGIN AGE ENCRYPTED FILE-----\n'), '--identity', identity)).toContain(
      'is armored',
    );
  });

  it('is refused where it is cut off or altered', async () => {
    const bytes = readFileSync(output);
    const altered = Buffer.from(bytes);
    altered[bytes.length - 20] = (altered[bytes.length - 20] ?? 0) ^ 1;
    for (const broken of [bytes.subarray(0, -10), altered])
      expect(await refusal(fileOf(broken), '--identity', identity)).toContain('is damaged or cut off');
    expect(await refusal(fileOf(bytes.subarray(0, 60)), '--identity', identity)).toContain('or damaged');
  });
});

it('leaves a credential out that was altered in the database, says which, and exits with 1', async () => {
  const id = await makeProject(7);
  await execute(
    from.database,
    `UPDATE stripe_credentials SET sealed = sealed || 'AA' WHERE project_id = '${id}' AND mode = 'live' AND kind = 'secret_key'`,
  );
  const { code, output } = await exportTo(join(folder, 'altered.age'), '--project', id, '--json');
  expect(code).toBe(1);
  expect(JSON.parse(output)).toMatchObject({
    credentials: 5,
    unreadable: [{ project_id: id, field: 'live_secret_key' }],
  });
});
