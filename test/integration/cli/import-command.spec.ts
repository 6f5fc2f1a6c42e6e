import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { accountsOf } from '../../harness/accounts.js';
import { runInProcess } from '../../harness/command-line.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { answers, down } from '../../harness/stripe/faults.js';
import { subscribe } from '../../harness/stripe/routes/subscription.routes.js';
import type { StripeAccount } from '../../harness/stripe/stripe-account.js';
import { configPath, startTestApp, type TestApp } from '../../harness/test-app.js';

jest.setTimeout(60_000);

const HEADER = 'project_id,owner_id,name,test_secret_key,test_webhook_secret';
const key = (letter: string) => `sk_test_${letter.repeat(32)}`;
const webhookSecret = (letter: string) => `whsec_${letter.repeat(32)}`;

let app: TestApp;
let folder: string;
beforeAll(async () => {
  app = await startTestApp();
  folder = mkdtempSync(join(tmpdir(), 'tillkeeper-import-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await app.close();
});

function fileOf(content: string | Buffer): string {
  const path = join(folder, randomUUID());
  writeFileSync(path, content);
  return path;
}

interface Summary {
  created: number;
  updated: number;
  unchanged: number;
  refused: number;
  refusals: { line: number; project_id?: string; problems: { field?: string; message: string }[] }[];
}

async function importOf(content: string | Buffer, ...args: string[]) {
  const { code, output, errors } = await runInProcess(
    app.environment,
    'import',
    fileOf(content),
    '--json',
    ...args,
  );
  expect(errors).toBe('');
  expect(output).not.toMatch(/(?:sk_test|sk_live|whsec)_\w{5}/);
  return { code, ...(JSON.parse(output) as Summary) };
}
const counts = ({ code, created, updated, unchanged, refused }: Summary & { code: number | null }) =>
  [code, created, updated, unchanged, refused].join(' ');
const read = async (projectId: string) =>
  (await app.send('get', configPath(projectId)).expect(200)).body as object;
async function history(projectId: string) {
  const { body } = await app.send('get', `${configPath(projectId)}/history`).expect(200);
  return (body as { entries: { action: string; actor: object; fields: object[] }[] }).entries;
}

it('makes projects with their credentials, and writes nothing when it runs again', async () => {
  const [one, two] = [randomUUID(), randomUUID()];
  const file = [
    HEADER,
    `${one},developer-1,"Corner, shop",${key('a')},${webhookSecret('a')}`,
    `${two.toUpperCase()},developer-1,Bakery,,`,
    '',
  ].join('\r\n');
  expect(counts(await importOf(`\uFEFF${file}`))).toBe('0 2 0 0 0');
  const stored = await read(one);
  expect(stored).toMatchObject({
    test_secret_key_masked: 'sk_test_...aaaa',
    test_webhook_secret_masked: 'whsec_...aaaa',
  });
  expect(await read(two)).toBeNull();
  const actor = { kind: 'system', subject: expect.stringMatching(/^command line: /) as string };
  const entries = await history(one);
  expect(entries).toMatchObject([
    { action: 'config.created', actor },
    { action: 'project.created', actor },
  ]);

  expect(counts(await importOf(file))).toBe('0 0 0 2 0');
  expect(await read(one)).toEqual(stored);
  expect(await history(one)).toEqual(entries);
});

it('updates what differs, keeps what a line leaves out, and leaves a name and keys of others alone', async () => {
  const id = randomUUID();
  await importOf(`${HEADER}\n${id},developer-1,Before,${key('a')},${webhookSecret('a')}\n`);
  const line = { project_id: id, owner_id: 'developer-1', name: 'After', test_secret_key: key('b') };
  expect(counts(await importOf(JSON.stringify(line)))).toBe('0 0 1 0 0');
  expect(await read(id)).toMatchObject({
    test_secret_key_masked: 'sk_test_...bbbb',
    test_webhook_secret_masked: 'whsec_...aaaa',
  });
  const [updated, renamed] = await history(id);
  expect(updated).toMatchObject({ action: 'config.updated', fields: [{ field: 'test_secret_key' }] });
  expect(renamed).toMatchObject({ action: 'project.updated' });

  const { refusals, ...others } = await importOf(JSON.stringify({ ...line, owner_id: 'developer-2' }));
  expect(counts({ refusals, ...others })).toBe('1 0 0 0 1');
  expect(refusals).toEqual([
    { line: 1, project_id: id, problems: [{ message: expect.stringContaining('another owner') as string }] },
  ]);
});

it('refuses lines of deleted projects', async () => {
  const id = await app.createProject();
  await app.send('delete', `/api/v1/projects/${id}`).expect(204);
  const result = await importOf(`${HEADER}\n${id},developer-1,Again,${key('a')},\n`);
  expect(counts(result)).toBe('1 0 0 0 1');
});

const line = (values: Record<string, unknown>) =>
  JSON.stringify({ project_id: randomUUID(), owner_id: 'developer-1', name: 'Shop', ...values });

it.each([
  ['an invalid UUID', line({ project_id: 'shop-1' }), 'project_id must be a UUID'],
  [
    'the nil UUID',
    line({ project_id: '00000000-0000-0000-0000-000000000000' }),
    'project_id must be another',
  ],
  ['a UUID that is a number', line({ project_id: 7 }), 'project_id must be a UUID'],
  ['no project', line({ project_id: undefined }), 'project_id is required'],
  ['no owner', line({ owner_id: undefined }), 'owner_id is required'],
  ['an owner with a line break', line({ owner_id: 'a\nb' }), 'owner_id must be 1 to 255'],
  ['an owner that is a part of a path', line({ owner_id: '..' }), 'owner_id must be 1 to 255'],
  [
    'an owner that is a key',
    line({ owner_id: key('a') }),
    'owner_id has what looks like a Stripe secret key',
  ],
  ['a name with NUL', line({ name: 'a\0b' }), 'name has a character that is not text'],
  ['an empty name', line({ name: '' }), 'name must'],
  ['a name that is a key', line({ name: key('a') }), 'name has what looks like a Stripe secret key'],
  [
    'a live key in a test field',
    line({ test_secret_key: 'sk_live_' + 'a'.repeat(32) }),
    'this looks like a live secret key',
  ],
  [
    'another prefix',
    line({ test_secret_key: 'zz_' + 'a'.repeat(32) }),
    'test_secret_key must start with sk_test_',
  ],
  ['a masked key', line({ test_secret_key: 'sk_test_...aaaa' }), 'masked'],
  ['an empty credential', line({ test_secret_key: '' }), 'must not be empty'],
  ['an unknown member', line({ [key('a')]: 1 }), 'has a member of an unknown name'],
  ['a prototype', `{"__proto__": {"name": "Shop"}, ${line({}).slice(1)}`, 'is not JSON that can be read'],
  ['a list', '[]', 'is not a JSON object'],
  ['broken JSON', `{"test_secret_key": "${key('a')}`, 'is not JSON that can be read'],
  ['NUL', `${line({})}\0`, 'has a NUL character'],
  ['an absurd length', `${line({ name: 'x'.repeat(3_000_000) })}`, 'is longer than 64 KB'],
  ['bytes that are no UTF-8', Buffer.from(line({ name: 'M\xfcller' }), 'latin1'), 'is not in UTF-8'],
])('refuses a line with %s, and imports its neighbours', async (_, bad, problem) => {
  const parts = [line({}), '\n', bad, '\n', line({})].map((part) => Buffer.from(part));
  const { refusals, ...others } = await importOf(Buffer.concat(parts));
  expect(counts({ refusals, ...others })).toBe('1 2 0 0 1');
  const [{ line: number, problems }] = refusals as [Summary['refusals'][0]];
  expect(number).toBe(2);
  expect(problems.map(({ field = '', message }) => `${field} ${message}`.trim()).join()).toContain(problem);
});

it.each([
  ['a quotation mark that is not closed', `"Shop,,`],
  ['a quotation mark inside of a value', `Sh"op,,`],
  ['text behind a quotation mark', `"Sh"op,,`],
  ['too few values', `Shop`],
  ['too many values', `Shop,,,,,,`],
])('refuses a line of CSV with %s, and imports its neighbours', async (_, rest) => {
  const good = () => `${randomUUID()},developer-1,"A ""good"" shop",${key('a')},`;
  const content = [HEADER, good(), `${randomUUID()},developer-1,${rest}`, good(), good()].join('\n');
  const { refusals, ...others } = await importOf(content);
  expect(counts({ refusals, ...others })).toBe('1 3 0 0 1');
  expect(refusals).toMatchObject([{ line: 3 }]);
});

it('refuses a record of CSV whose value has a line break once, and imports its neighbours', async () => {
  const good = () => `${randomUUID()},developer-1,"A ""good"" shop",${key('a')},`;
  const bad = () => `${randomUUID()},developer-1,"Corner\n\nshop, ""the"" second",${key('b')},`;
  const content = [HEADER, good(), bad(), good(), bad(), bad(), good()].join('\n').replaceAll('\n', '\r\n');
  const { refusals, ...others } = await importOf(content);
  expect(counts({ refusals, ...others })).toBe('1 3 0 0 3');
  expect(refusals).toEqual(
    [3, 7, 10].map((number) => ({
      line: number,
      problems: [{ message: 'has a value with a line break, which no value may have' }],
    })),
  );
});

it('lets an unclosed quotation mark spoil no more than a few lines', async () => {
  const unclosed = `${randomUUID()},developer-1,"Shop`;
  const good = () => `${randomUUID()},developer-1,Shop,,`;
  const text = Array.from({ length: 30 }, () => 'text');
  const content = [HEADER, unclosed, ...text, good(), unclosed, good(), unclosed].join('\n');
  const { refusals, ...others } = await importOf(content);
  expect(counts({ refusals, ...others })).toBe('1 2 0 0 33');
  const about = (word: string) =>
    refusals.filter(({ problems: [problem] }) => problem?.message.includes(word)).map(({ line: at }) => at);
  expect(about('quotation marks that do not match')).toEqual([2]);
  expect(about('line break')).toEqual([]);
});

it('refuses the second line of a project, and names the first', async () => {
  const id = randomUUID();
  const { refusals, ...others } = await importOf(
    [line({ project_id: id }), line({}), line({ project_id: id.toUpperCase(), name: 'Other' })].join('\n'),
  );
  expect(counts({ refusals, ...others })).toBe('1 2 0 0 1');
  expect(refusals).toEqual([
    { line: 3, project_id: id, problems: [{ message: 'Line 1 has this project already.' }] },
  ]);
});

it.each([
  ['an unknown column', `${HEADER},stripe_key`, 'has an unknown name in column 6'],
  ['a column twice', `${HEADER},name`, 'names the column name twice'],
  ['a missing column', 'project_id,name', 'lacks owner_id'],
  ['no header', `${randomUUID()},developer-1,Shop,${key('a')},`, 'has an unknown name in column 1'],
  ['another separator', HEADER.replaceAll(',', ';'), 'has an unknown name in column 1'],
  ['broken quotes', `"project_id,owner_id`, 'has quotation marks that do not match'],
  ['UTF-16', Buffer.from(`\uFEFF${HEADER}`, 'utf16le'), 'is not in UTF-8'],
  ['an absurd length', 'x'.repeat(100_000), 'is longer than 64 KB'],
])('refuses a file whose header has %s', async (_, header, problem) => {
  const content = Buffer.concat([Buffer.from(header), Buffer.from(`\n${randomUUID()},developer-1,Shop,,\n`)]);
  const { code, output } = await runInProcess(app.environment, 'import', fileOf(content), '--json');
  expect(code).toBe(1);
  expect(output).toContain(`The first line ${problem}.`);
  expect(output).not.toMatch(/sk_test_\w{5}|stripe_key/);
});

it('refuses only the line that the database refuses, and stores the others of its batch', async () => {
  const trigger = {
    sqlite: `CREATE TRIGGER cursed BEFORE INSERT ON projects WHEN NEW.name = 'Cursed' BEGIN SELECT RAISE(ABORT, 'no'); END`,
    postgres: `CREATE FUNCTION cursed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
      CREATE TRIGGER cursed BEFORE INSERT ON projects FOR EACH ROW WHEN (NEW.name = 'Cursed') EXECUTE FUNCTION cursed()`,
  };
  await execute(app.database, trigger[app.database.engine]);
  const id = randomUUID();
  const cursed = line({ project_id: id, name: 'Cursed', test_secret_key: key('c') });
  const others = Array.from({ length: 120 }, () => line({ test_secret_key: key('d') }));
  const result = await importOf([...others.slice(0, 50), cursed, ...others.slice(50)].join('\n'));
  expect(counts(result)).toBe('1 120 0 0 1');
  expect(result.refusals).toEqual([
    { line: 51, project_id: id, problems: [{ message: 'The database refuses this line.' }] },
  ]);
  for (const table of ['projects', 'audit_heads', 'audit_entries'])
    expect(await rowsOf(app.database, table)).not.toContainEqual(expect.objectContaining({ project_id: id }));
  const drop = { sqlite: 'DROP TRIGGER cursed', postgres: 'DROP TRIGGER cursed ON projects' };
  await execute(app.database, drop[app.database.engine]);
});

it('imports nothing from a file with a header only', async () => {
  expect(counts(await importOf(HEADER))).toBe('0 0 0 0 0');
});

it.each([
  ['an empty file', '', 'There is nothing to import.'],
  ['empty lines', '\n\n', 'There is nothing to import.'],
  ['a byte order mark', '\uFEFF', 'There is nothing to import.'],
  ['a JSON array', '[{"project_id": "a"}]', 'The first line begins a JSON array: write each project'],
])('refuses %s', async (_, content, sentence) => {
  const { code, errors } = await runInProcess(app.environment, 'import', fileOf(content));
  expect([code, errors]).toEqual([1, expect.stringContaining(sentence)]);
});

it('replaces no file that it reads by the report', async () => {
  const file = fileOf([line({}), line({ owner_id: '' })].join('\n'));
  const content = readFileSync(file, 'utf8');
  const other = join(folder, 'link.jsonl');
  symlinkSync(file, other);
  for (const report of [file, other]) {
    const { code, errors } = await runInProcess(app.environment, 'import', file, '--report', report);
    expect([code, errors]).toEqual([1, expect.stringContaining('The report would replace a file')]);
  }
  expect(readFileSync(file, 'utf8')).toBe(content);
});

it('writes refused lines to a report without values, which only this user may read', async () => {
  const report = join(folder, 'refused.jsonl');
  const bad = Array.from({ length: 30 }, () =>
    line({ name: 'Private name', test_secret_key: 'sk_live_' + 'a'.repeat(32) }),
  );
  const { refusals, ...others } = await importOf([...bad, line({})].join('\n'), '--report', report);
  expect(counts({ refusals, ...others })).toBe('1 1 0 0 30');
  expect(refusals).toHaveLength(20);
  const written = readFileSync(report, 'utf8');
  expect(written).not.toMatch(/a{13}|Private/);
  const rows = written
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as object);
  expect(rows).toHaveLength(30);
  expect(rows.slice(0, 20)).toEqual(refusals);
  expect(statSync(report).mode & 0o077).toBe(0);
});

it('writes nothing with --dry-run, and tells what it would do', async () => {
  const id = randomUUID();
  const content = [line({ project_id: id }), line({ owner_id: '' })].join('\n');
  expect(counts(await importOf(content, '--dry-run'))).toBe('1 1 0 0 1');
  await app.send('get', `/api/v1/projects/${id}`).expect(404);
});

it('refuses a line whose owner has no account any more, and says so with --dry-run too', async () => {
  const { id, access_token: token } = await accountsOf(app).register();
  await app.send('delete', '/api/v1/auth/me', token).expect(204);
  const content = line({ owner_id: id });
  for (const options of [['--dry-run'], []]) {
    const result = await importOf(content, ...options);
    expect([counts(result), result.refusals]).toEqual([
      '1 0 0 0 1',
      [
        expect.objectContaining({
          problems: [{ message: 'The account of this person was revoked or deleted.' }],
        }),
      ],
    ]);
  }
});

it('refuses a file that is missing, and a report that can not be written', async () => {
  const missing = await runInProcess(app.environment, 'import', join(folder, 'none.csv'));
  expect([missing.code, missing.errors]).toEqual([
    1,
    'There is no such file, or this user may not read it.\n',
  ]);
  const report = await runInProcess(app.environment, 'import', fileOf(HEADER), '--report', folder);
  expect([report.code, report.errors]).toEqual([1, expect.stringContaining('The report can not be written')]);
});

describe('with --validate', () => {
  let stripe: AppWithStripe;
  beforeAll(async () => {
    stripe = await startAppWithStripe();
  });
  afterAll(() => stripe.close());

  const run = async (content: string, ...args: string[]) => {
    const { code, output } = await runInProcess(
      stripe.environment,
      'import',
      fileOf(content),
      '--json',
      ...args,
    );
    return { code, ...(JSON.parse(output) as Summary) };
  };
  const healthOf = async (id: string) =>
    ((await stripe.send('get', `${configPath(id)}/status`).expect(200)).body as { test: { state: string } })
      .test.state;

  it('refuses lines whose key Stripe refuses, notes the verdict on others, and asks about no key twice', async () => {
    const [good, bad] = [randomUUID(), randomUUID()];
    const { secret } = stripe.stripe.addAccount().keys.test;
    const content = [
      line({ project_id: good, test_secret_key: secret }),
      line({ project_id: bad, test_secret_key: key('u') }),
      line({}),
    ].join('\n');
    const dry = await run(content, '--validate', '--dry-run');
    expect(counts(dry)).toBe('1 2 0 0 1');
    const { refusals, ...others } = await run(content, '--validate');
    expect(counts({ refusals, ...others })).toBe('1 2 0 0 1');
    expect(refusals).toMatchObject([{ line: 2, project_id: bad, problems: [{ field: 'test_secret_key' }] }]);
    expect(await healthOf(good)).toBe('valid');
    await stripe.send('get', `/api/v1/projects/${bad}`).expect(404);
    expect(await rowsOf(stripe.database, 'audit_heads')).not.toContainEqual(
      expect.objectContaining({ project_id: bad }),
    );

    const asked = stripe.stripe.requests.length;
    expect(counts(await run(line({ project_id: good, test_secret_key: secret }), '--validate'))).toBe(
      '0 0 0 1 0',
    );
    expect(stripe.stripe.requests).toHaveLength(asked);
  });

  it('asks about keys that were imported without it, and keeps them where Stripe refuses them', async () => {
    const id = randomUUID();
    const content = line({ project_id: id, test_secret_key: key('v') });
    expect(counts(await run(content))).toBe('0 1 0 0 0');
    expect(await healthOf(id)).toBe('unverified');
    expect(counts(await run(content, '--validate'))).toBe('1 0 0 0 1');
    expect(await healthOf(id)).toBe('invalid');
  });

  it('refuses a line while Stripe can not be asked', async () => {
    stripe.stripe.fail(down(), { times: Infinity });
    const content = line({ test_secret_key: key('w') });
    const { refusals, ...others } = await run(content, '--validate');
    expect(counts({ refusals, ...others })).toBe('1 0 0 0 1');
    expect(refusals[0]?.problems[0]?.message).toContain('can not be asked');
  });
});

describe('with --backfill', () => {
  let stripe: AppWithStripe;
  beforeAll(async () => {
    stripe = await startAppWithStripe();
  });
  afterAll(() => stripe.close());

  const run = async (content: string) => {
    const { code, output } = await runInProcess(
      stripe.environment,
      'import',
      fileOf(content),
      '--json',
      '--backfill',
    );
    return { code, ...(JSON.parse(output) as Summary & { incomplete: number }) };
  };
  const rows = async (table: string, projectId: string) =>
    (await rowsOf(stripe.database, table)).filter(({ project_id }) => project_id === projectId);

  /** An account with subscriptions of customers, one refunded, and without its events, which Stripe has deleted. */
  function oldAccount(subscriptions: number): StripeAccount {
    const account = stripe.stripe.addAccount();
    const { test } = account;
    const [price] = test.all('price').filter(({ recurring }) => recurring);
    for (let count = 0; count < subscriptions && price; count++) {
      const customer = test.create('customer', {});
      subscribe(test, { customer: customer.id, items: [{ price, quantity: 1 }], metadata: {}, trialDays: 0 });
    }
    const [charge] = test.all('charge');
    if (charge) charge.amount_refunded = 100;
    return account;
  }

  it('reads subscriptions, invoices, payments and refunds of the account, once', async () => {
    stripe.stripe.fail(answers(200, { object: 'list', data: [], has_more: false, url: '/v1/events' }), {
      on: 'GET /v1/events',
      times: Infinity,
    });
    const account = oldAccount(3);
    const id = randomUUID();
    const content = line({ project_id: id, test_secret_key: account.keys.test.secret });
    expect(await run(content)).toMatchObject({ code: 0, created: 1, incomplete: 0 });
    expect(await rows('stripe_subscriptions', id)).toHaveLength(3);
    const payments = await rows('stripe_payments', id);
    expect(payments).toHaveLength(3);
    expect(payments.map(({ status }) => status).sort()).toEqual([
      'partially_refunded',
      'succeeded',
      'succeeded',
    ]);
    expect(payments.filter(({ subscription_id }) => subscription_id !== null)).toHaveLength(3);
    expect(payments.map(({ refunded_amount_cents: cents }) => Number(cents)).sort()).toEqual([0, 0, 100]);

    const asked = stripe.stripe.requests.length;
    expect(await run(content)).toMatchObject({ code: 0, unchanged: 1 });
    expect(stripe.stripe.requests).toHaveLength(asked);
    stripe.stripe.heal();
  });

  it('imports a project whose account can not be read, lists it, and goes on where it ended', async () => {
    const account = oldAccount(1);
    const id = randomUUID();
    const content = line({ project_id: id, test_secret_key: account.keys.test.secret });
    stripe.stripe.fail(down(), { on: 'GET /v1/invoices', times: Infinity });
    const { refusals, ...others } = await run(content);
    expect(others).toMatchObject({ code: 1, created: 1, refused: 0, incomplete: 1 });
    expect(refusals).toMatchObject([{ line: 1, project_id: id, problems: [{ field: 'test_secret_key' }] }]);
    expect(await rows('stripe_subscriptions', id)).toHaveLength(1);
    stripe.stripe.heal();
    stripe.stripe.requests.length = 0;
    expect(await run(content)).toMatchObject({ code: 0, unchanged: 1, incomplete: 0 });
    const [first] = stripe.stripe.requests.filter(({ path }) => path !== '/v1/account');
    expect(first?.path).toBe('/v1/invoices');
    expect(await rows('stripe_payments', id)).toHaveLength(1);
  });

  it('is refused together with --dry-run', async () => {
    const { code } = await runInProcess(
      stripe.environment,
      'import',
      fileOf(HEADER),
      '--backfill',
      '--dry-run',
    );
    expect(code).toBe(2);
  });
});
