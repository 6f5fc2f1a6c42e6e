import { type ConfigWarning, configWarnings } from './config-warnings.js';
import { CREDENTIAL_RULES, type CredentialField } from './credential-rules.js';
import type { StoredCredential } from './stripe-config.js';

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
    writtenAt: '2026-11-21T09:30:00.000Z',
    ...changes,
  };
}

const complete = (changes: { [Field in CredentialField]?: Partial<StoredCredential> } = {}) =>
  CREDENTIAL_RULES.map(({ field }) => stored(field, changes[field]));

const codes = (warnings: ConfigWarning[]) => warnings.map(({ code, field }) => `${code} ${field}`);

describe('configWarnings', () => {
  it('has nothing to say of no credentials, of all six, and of a publishable key alone', () => {
    expect(configWarnings([])).toEqual([]);
    expect(configWarnings(complete())).toEqual([]);
    expect(configWarnings([stored('live_publishable_key')])).toEqual([]);
    expect(configWarnings([stored('live_webhook_secret')])).toEqual([]);
  });

  it.each(['test', 'live'] as const)('tells that the %s keys belong to different accounts', (mode) => {
    const warnings = configWarnings(
      complete({ [`${mode}_secret_key`]: { accountFingerprint: 'account 2' } }),
    );
    expect(codes(warnings)).toEqual([`different_accounts ${mode}_publishable_key`]);
  });

  it('compares accounts within a mode only, and only where both are known', () => {
    const live = { accountFingerprint: 'account 2' };
    expect(configWarnings(complete({ live_secret_key: live, live_publishable_key: live }))).toEqual([]);
    expect(configWarnings(complete({ test_secret_key: { accountFingerprint: null } }))).toEqual([]);
    expect(configWarnings(complete({ test_publishable_key: { accountFingerprint: null } }))).toEqual([]);
  });

  it.each(['test', 'live'] as const)(
    'tells that the %s webhook endpoint is in another account than the secret key',
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

  it.each(['test', 'live'] as const)(
    'tells that the %s secret key has no webhook secret beside it',
    (mode) => {
      const without = complete().filter(
        (credential) => credential.mode !== mode || credential.kind !== 'webhook_secret',
      );
      expect(codes(configWarnings(without))).toEqual([`missing_webhook_secret ${mode}_webhook_secret`]);
    },
  );

  it('tells that both modes have one webhook secret', () => {
    const same = { fingerprint: 'the same' };
    const warnings = configWarnings(complete({ test_webhook_secret: same, live_webhook_secret: same }));
    expect(codes(warnings)).toEqual(['same_webhook_secret live_webhook_secret']);
  });

  it('does not take two missing webhook secrets for the same', () => {
    expect(codes(configWarnings([stored('test_webhook_secret')]))).toEqual([]);
  });

  it.each(CREDENTIAL_RULES)('tells that $field looks cut off', ({ field }) => {
    expect(codes(configWarnings(complete({ [field]: { looksCutOff: true } })))).toEqual([
      `looks_cut_off ${field}`,
    ]);
  });

  it('calls the credential by its name', () => {
    const [warning] = configWarnings(complete({ live_webhook_secret: { looksCutOff: true } }));
    expect(warning?.message).toContain('The live webhook secret is shorter');
  });

  it('tells that a secret key belongs to another account than the one before', () => {
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

  it('tells everything at once', () => {
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
