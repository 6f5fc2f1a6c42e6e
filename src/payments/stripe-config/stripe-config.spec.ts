import { DomainError } from '../../common/errors.js';
import { CREDENTIAL_RULES, type CredentialField } from './credential-rules.js';
import {
  assertCondition,
  type ConfigState,
  type ConfigWarning,
  configWarnings,
  entityTagOf,
  failedCondition,
  type Precondition,
  type StoredCredential,
} from './stripe-config.js';

function stored(field: CredentialField, changes: Partial<StoredCredential> = {}): StoredCredential {
  const rule = CREDENTIAL_RULES.find((known) => known.field === field);
  if (!rule) throw new Error(`There is no rule for ${field}.`);
  return {
    mode: rule.mode,
    kind: rule.kind,
    mask: `${rule.prefix}...aBcD`,
    fingerprint: `fingerprint of ${field}`,
    accountFingerprint: rule.kind === 'webhook_secret' ? null : 'account 1',
    replacedAccountFingerprint: null,
    looksCutOff: false,
    writtenAt: new Date('2026-11-21T09:30:00.000Z'),
    ...changes,
  };
}

const complete = (changes: { [Field in CredentialField]?: Partial<StoredCredential> } = {}) =>
  CREDENTIAL_RULES.map(({ field }) => stored(field, changes[field]));

const codes = (warnings: ConfigWarning[]) => warnings.map(({ code, field }) => `${code} ${field}`);

describe('configWarnings', () => {
  it('is empty without credentials, with all six, and with a publishable key alone', () => {
    expect(configWarnings([])).toEqual([]);
    expect(configWarnings(complete())).toEqual([]);
    expect(configWarnings([stored('live_publishable_key')])).toEqual([]);
    expect(configWarnings([stored('live_webhook_secret')])).toEqual([]);
  });

  it.each(['test', 'live'] as const)('warns that the %s keys belong to different accounts', (mode) => {
    const warnings = configWarnings(
      complete({ [`${mode}_secret_key`]: { accountFingerprint: 'account 2' } }),
    );
    expect(codes(warnings)).toEqual([`different_accounts ${mode}_publishable_key`]);
  });

  it('compares accounts only within a mode, and only if both are known', () => {
    const live = { accountFingerprint: 'account 2' };
    expect(configWarnings(complete({ live_secret_key: live, live_publishable_key: live }))).toEqual([]);
    expect(configWarnings(complete({ test_secret_key: { accountFingerprint: null } }))).toEqual([]);
    expect(configWarnings(complete({ test_publishable_key: { accountFingerprint: null } }))).toEqual([]);
  });

  it.each(['test', 'live'] as const)(
    'warns that the %s webhook endpoint is in another account than the secret key',
    (mode) => {
      const warnings = configWarnings(
        complete({ [`${mode}_webhook_secret`]: { accountFingerprint: 'account 2' } }),
      );
      expect(codes(warnings)).toEqual([`endpoint_of_other_account ${mode}_webhook_secret`]);
      expect(
        configWarnings(complete({ [`${mode}_webhook_secret`]: { accountFingerprint: 'account 1' } })),
      ).toEqual([]);
    },
  );

  it.each(['test', 'live'] as const)('warns that the %s secret key has no webhook secret', (mode) => {
    const without = complete().filter(
      (credential) => credential.mode !== mode || credential.kind !== 'webhook_secret',
    );
    expect(codes(configWarnings(without))).toEqual([`missing_webhook_secret ${mode}_webhook_secret`]);
  });

  it('warns that both modes have one webhook secret', () => {
    const same = { fingerprint: 'the same' };
    const warnings = configWarnings(complete({ test_webhook_secret: same, live_webhook_secret: same }));
    expect(codes(warnings)).toEqual(['same_webhook_secret live_webhook_secret']);
  });

  it('does not treat two missing webhook secrets as equal', () => {
    expect(codes(configWarnings([stored('test_webhook_secret')]))).toEqual([]);
  });

  it.each(CREDENTIAL_RULES)('warns that $field looks cut off', ({ field }) => {
    expect(codes(configWarnings(complete({ [field]: { looksCutOff: true } })))).toEqual([
      `looks_cut_off ${field}`,
    ]);
  });

  it('calls the credential by its name', () => {
    const [warning] = configWarnings(complete({ live_webhook_secret: { looksCutOff: true } }));
    expect(warning?.message).toContain('The live webhook secret is shorter');
  });

  it('warns that a secret key belongs to another account than the key before', () => {
    const moved = { replacedAccountFingerprint: 'account 0' };
    expect(codes(configWarnings(complete({ live_secret_key: moved })))).toEqual([
      'account_changed live_secret_key',
    ]);
    expect(
      configWarnings(complete({ live_secret_key: { replacedAccountFingerprint: 'account 1' } })),
    ).toEqual([]);
    expect(
      configWarnings(
        complete({ live_secret_key: { ...moved, accountFingerprint: null }, live_publishable_key: moved }),
      ),
    ).toEqual([]);
  });

  it('gives all warnings at once', () => {
    const warnings = configWarnings([
      stored('test_secret_key', { accountFingerprint: 'account 2', looksCutOff: true }),
      stored('test_publishable_key'),
      stored('live_secret_key'),
    ]);
    expect(codes(warnings)).toEqual([
      'different_accounts test_publishable_key',
      'missing_webhook_secret test_webhook_secret',
      'missing_webhook_secret live_webhook_secret',
      'looks_cut_off test_secret_key',
    ]);
    for (const { message } of warnings) expect(message).toMatch(/^[A-Z].+\.$/);
  });
});

const never = undefined;
const active: ConfigState = { version: 3, isActive: true };
const deleted: ConfigState = { version: 4, isActive: false };

function refusal(precondition: Precondition, state: ConfigState): unknown {
  try {
    assertCondition(precondition, state);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('a condition', () => {
  it.each<[string, Precondition, { never: boolean; active: boolean; deleted: boolean }]>([
    ['none', {}, { never: true, active: true, deleted: true }],
    ['If-Match: *', { ifMatch: '*' }, { never: false, active: true, deleted: false }],
    ['If-Match: "0"', { ifMatch: [0] }, { never: true, active: false, deleted: false }],
    ['If-Match: "3"', { ifMatch: [3] }, { never: false, active: true, deleted: false }],
    ['If-Match: "4"', { ifMatch: [4] }, { never: false, active: false, deleted: true }],
    ['If-Match: "3", "4"', { ifMatch: [3, 4] }, { never: false, active: true, deleted: true }],
    ['If-Match with other tags only', { ifMatch: [] }, { never: false, active: false, deleted: false }],
    ['If-None-Match: *', { ifNoneMatch: '*' }, { never: true, active: false, deleted: true }],
    ['If-None-Match: "0"', { ifNoneMatch: [0] }, { never: false, active: true, deleted: true }],
    ['If-None-Match: "3"', { ifNoneMatch: [3] }, { never: true, active: false, deleted: true }],
    ['If-None-Match: "4"', { ifNoneMatch: [4] }, { never: true, active: true, deleted: false }],
    ['If-None-Match with other tags only', { ifNoneMatch: [] }, { never: true, active: true, deleted: true }],
    [
      'both headers, which hold',
      { ifMatch: [3], ifNoneMatch: [2] },
      { never: false, active: true, deleted: false },
    ],
    [
      'two headers that exclude each other',
      { ifMatch: '*', ifNoneMatch: '*' },
      { never: false, active: false, deleted: false },
    ],
  ])('%s holds for the right states only', (_, precondition, holds) => {
    const held = (state: ConfigState) => refusal(precondition, state) === undefined;
    expect({ never: held(never), active: held(active), deleted: held(deleted) }).toEqual(holds);
  });

  it('names the failed one of two headers, If-Match first', () => {
    expect(failedCondition({ ifMatch: [2], ifNoneMatch: [3] }, active)).toBe('ifMatch');
    expect(failedCondition({ ifMatch: [3], ifNoneMatch: [3] }, active)).toBe('ifNoneMatch');
    expect(failedCondition({ ifMatch: [3], ifNoneMatch: [2] }, active)).toBeUndefined();
  });

  it('is refused with the current tag and its own message', () => {
    const outdated = refusal({ ifMatch: [2] }, active);
    expect(outdated).toBeInstanceOf(DomainError);
    expect(outdated).toMatchObject({
      code: 'precondition_failed',
      entityTag: '"3"',
      message: expect.stringContaining('If-Match') as string,
    });
    expect(refusal({ ifNoneMatch: '*' }, active)).toMatchObject({
      code: 'precondition_failed',
      entityTag: '"3"',
      message: expect.stringContaining('If-None-Match') as string,
    });
    expect(refusal({ ifNoneMatch: [0] }, never)).toMatchObject({
      entityTag: '"0"',
      message: expect.stringContaining('never had a configuration') as string,
    });
    expect(refusal({ ifMatch: '*' }, never)).toMatchObject({ entityTag: '"0"' });
  });
});

it('every state has its own strong tag', () => {
  expect([never, active, deleted].map(entityTagOf)).toEqual(['"0"', '"3"', '"4"']);
});
