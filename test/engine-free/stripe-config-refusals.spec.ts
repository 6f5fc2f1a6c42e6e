import { DataSource } from 'typeorm';
import type { ProjectId } from '../../src/common/ids.js';
import { StripeConfigService } from '../../src/payments/stripe-config/stripe-config.service.js';
import { configPath, startTestApp, type TestApp } from '../harness/test-app.js';

const PREFIXES = {
  test_secret_key: 'sk_test_',
  test_publishable_key: 'pk_test_',
  test_webhook_secret: 'whsec_',
  live_secret_key: 'sk_live_',
  live_publishable_key: 'pk_live_',
  live_webhook_secret: 'whsec_',
};
const FIELDS = Object.keys(PREFIXES) as (keyof typeof PREFIXES)[];
type Field = (typeof FIELDS)[number];

/** A recognisable text. */
const BODY = 'QwErTyUiOpAsDfGhJkLz';
const valid = (field: Field, letter = 'a') => PREFIXES[field] + letter.repeat(32);

interface Problem {
  loc: string[];
  msg: string;
  type: string;
}
const problemsOf = ({ body }: { body: unknown }) => (body as { detail: Problem[] }).detail;

describe('a wrong Stripe configuration', () => {
  let app: TestApp;
  let empty: string;
  let projectId: string;
  let path: string;
  let stored: object;

  beforeAll(async () => {
    app = await startTestApp();
    empty = configPath(await app.createProject());
    projectId = await app.createProject();
    path = configPath(projectId);
    const answer = await app
      .send('put', path)
      .send(Object.fromEntries(FIELDS.map((field) => [field, valid(field)])))
      .expect(200);
    stored = answer.body as object;
  });
  afterAll(() => app.close());

  async function refuse(body: object | string): Promise<Problem[]> {
    const onEmpty = await app.send('put', empty).type('json').send(body);
    const onStored = await app.send('put', path).type('json').send(body);
    for (const answer of [onEmpty, onStored]) {
      expect(answer.status).toBe(422);
      expect(answer.text).not.toContain(BODY);
      expect(answer.text.length).toBeLessThan(4_096);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    expect(onStored.body).toEqual(onEmpty.body);
    for (const { msg } of problemsOf(onEmpty)) expect(msg).toMatch(/^(?:must|has|is|this|\d)/);
    return problemsOf(onEmpty);
  }

  describe.each(FIELDS)('in %s', (field) => {
    const prefix = PREFIXES[field];
    const other = field.startsWith('test') ? field.replace('test', 'live') : field.replace('live', 'test');
    const swapped = PREFIXES[other as Field] === prefix ? `sk_live_${BODY}` : PREFIXES[other as Field] + BODY;

    it.each<[string, unknown, RegExp]>([
      ['empty', '', /leave the field out/],
      ['white space', ' \n\t ', /leave the field out/],
      ['the prefix alone', prefix, /nothing follows/],
      ['the prefix and a space', `${prefix} `, /nothing follows/],
      ['without the prefix', BODY, /must start with/],
      ['of the other mode or kind', swapped, /must start with .+; this looks like a/],
      ['a webhook endpoint', `we_${BODY}`, /webhook endpoint/],
      ['an organisation key', `sk_org_${BODY}`, /organisation/],
      ['masked as we mask', `${prefix}...aBcD`, /masked/],
      ['masked with nothing', `${prefix}...`, /masked/],
      ['masked with asterisks', `${prefix}****`, /masked/],
      ['masked with dots', `${prefix}••••••aBcD`, /masked/],
      ['with a space inside', `${prefix}${BODY} ${BODY}`, /letters, digits and underscores/],
      ['with a dot', `${prefix}${BODY}.`, /letters, digits and underscores/],
      ['with a hyphen', `${prefix}${BODY}-${BODY}`, /letters, digits and underscores/],
      ['with a letter of another alphabet', `${prefix}${BODY}\u0430`, /letters, digits and underscores/],
      ['with a line break inside', `${prefix}${BODY}\n${BODY}`, /invisible/],
      ['with a NUL', `${prefix}${BODY}\0`, /invisible/],
      ['with a zero-width space', `${prefix}${BODY}\u200b`, /invisible/],
      ['behind a zero-width space', `\u200b${prefix}${BODY}`, /invisible/],
      ['with half a surrogate pair', `${prefix}${BODY}\ud800`, /invisible/],
      ['513 characters', prefix.padEnd(513, BODY), /512/],
      ['600 characters and white space', ` ${prefix.padEnd(600, BODY)} `, /512/],
      ['60,000 characters', prefix.padEnd(60_000, BODY), /512/],
      ['in capitals', (prefix + BODY).toUpperCase(), /must start with/],
      ['quoted', `"${prefix}${BODY}"`, /must start with/],
      ['a number', 1, /string/],
      ['a boolean', true, /string/],
      ['an array', [`${prefix}${BODY}`], /string/],
      ['an object', { value: `${prefix}${BODY}` }, /string/],
      ['an object like a string', { length: 20, toString: `${prefix}${BODY}`, constructor: 1 }, /string/],
    ])('is refused: %s', async (_, value, message) => {
      const problems = await refuse({ [field]: value });
      expect(problems).toEqual([
        {
          loc: ['body', field],
          msg: expect.stringMatching(message) as string,
          type: expect.any(String) as string,
        },
      ]);
    });
  });

  it.each(['test_secret_key', 'live_secret_key'] as const)(
    'in %s is a restricted key, with a message that names the setting',
    async (field) => {
      const [problem] = await refuse({ [field]: PREFIXES[field].replace('sk', 'rk') + BODY });
      expect(problem?.msg).toContain('STRIPE_ACCEPT_RESTRICTED_KEYS=true');
    },
  );

  it('reports all errors at once, and stores nothing', async () => {
    const wrong = Object.fromEntries(FIELDS.map((field) => [field, `${PREFIXES[field]}${BODY}!`]));
    const problems = await refuse({ ...wrong, colour: 'red', [`sk_live_${BODY}`]: 1 });
    expect(problems.map(({ loc }) => loc.join('.'))).toEqual([
      ...FIELDS.map((field) => `body.${field}`),
      'body.colour',
      'body',
    ]);
  });

  it.each(FIELDS)('stores no valid field next to %s', async (field) => {
    const others = Object.fromEntries(FIELDS.map((other) => [other, valid(other, 'z')]));
    expect(await refuse({ ...others, [field]: PREFIXES[field] })).toHaveLength(1);
    expect(await refuse({ ...others, [`${field}s`]: null })).toEqual([
      {
        loc: ['body', `${field}s`],
        msg: expect.stringContaining('typing error') as string,
        type: 'extra_forbidden',
      },
    ]);
  });

  it('is the masked answer sent back', async () => {
    const masks = Object.fromEntries(
      FIELDS.map((field) => [field, (stored as Record<string, string>)[`${field}_masked`]]),
    );
    const problems = await refuse(masks);
    expect(problems).toHaveLength(6);
    for (const { msg } of problems) expect(msg).toContain('masked');
    expect(await refuse(stored)).not.toHaveLength(0);
  });

  it.each([
    'testSecretKey',
    'test-secret-key',
    'secret_key',
    'test_secret',
    'is_active',
    'project_id',
    'validate',
    'warnings',
    'constructor',
    'toString',
  ])('has the unknown field %s', async (name) => {
    expect(await refuse({ [name]: null })).toEqual([
      expect.objectContaining({ loc: ['body', name], type: 'extra_forbidden' }),
    ]);
  });

  it.each([
    `sk_live_${BODY}`,
    `rk_test_${BODY}`,
    `whsec_${BODY}`,
    BODY,
    `skLive${BODY}`,
    `pk-test-${BODY}`,
    `test_secret_key=${BODY}`,
    ` test_secret_key`,
    `test_secret_key\0`,
    `${BODY}\n`,
    '',
    '$where',
    '__proto__x',
  ])('has the unknown field %j, which is not repeated', async (name) => {
    expect(await refuse({ [name]: 1 })).toEqual([
      expect.objectContaining({ loc: ['body'], type: 'extra_forbidden' }),
    ]);
  });

  it('has one field twice, the last time wrong', async () => {
    expect(
      await refuse(
        `{"test_secret_key":"${valid('test_secret_key', 'z')}","test_secret_key":"sk_live_${BODY}"}`,
      ),
    ).toHaveLength(1);
  });

  it('does not bring a deleted configuration back', async () => {
    const deleted = await app.createProject();
    await app.send('put', configPath(deleted)).send({}).expect(200);
    await app.send('delete', configPath(deleted)).expect(204);
    await app.send('put', configPath(deleted)).send({ test_secret_key: 'x' }).expect(422);
    expect((await app.send('get', configPath(deleted)).expect(200)).body).toMatchObject({ is_active: false });
    await app.send('delete', `/api/v1/projects/${deleted}`).expect(204);
    await app.app.get(DataSource).query(`DELETE FROM stripe_configs WHERE project_id = '${deleted}'`);
  });

  it('left no trace in all tests above', async () => {
    expect((await app.send('get', empty).expect(200)).body).toBeNull();
    expect((await app.send('get', path).expect(200)).body).toEqual(stored);
    expect(await app.app.get(DataSource).query('SELECT version FROM stripe_configs')).toEqual([
      { version: 1 },
    ]);
    expect(app.log.join('')).not.toContain(BODY);
  });
});

describe('a Stripe configuration with white space around its values', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  it.each([' ', '\n', '\r\n', '\t', '\v', '\f', '\u00a0', '\u2028', '\u3000', ' \n\t '])(
    'is stored without it: %j',
    async (space) => {
      const projectId = await app.createProject();
      const values = Object.fromEntries(FIELDS.map((field) => [field, space + valid(field) + space]));
      const { body } = await app.send('put', configPath(projectId)).send(values).expect(200);
      for (const field of FIELDS) expect(body).toHaveProperty(`${field}_masked`, `${PREFIXES[field]}...aaaa`);
      const { value } = await app.app.get(StripeConfigService).openSecretKey(projectId as ProjectId, 'live');
      expect(value.reveal()).toBe(valid('live_secret_key'));
    },
  );

  it('may be 512 characters long without it', async () => {
    const path = configPath(await app.createProject());
    const values = Object.fromEntries(
      FIELDS.map((field) => [field, `\n ${PREFIXES[field].padEnd(512, 'a')} \n`]),
    );
    await app.send('put', path).send(values).expect(200);
    const tooLong = Object.fromEntries(
      FIELDS.map((field) => [field, `\n ${PREFIXES[field].padEnd(513, 'a')} \n`]),
    );
    expect(problemsOf(await app.send('put', path).send(tooLong).expect(422))).toHaveLength(6);
  });
});
