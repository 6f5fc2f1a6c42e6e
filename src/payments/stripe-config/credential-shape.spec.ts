import { CREDENTIAL_RULES, type CredentialField, type CredentialRule } from './credential-rules.js';
import { accountPart, looksCutOff, maskCredential } from './credential-shape.js';

function ruleOf(field: CredentialField): CredentialRule {
  const rule = CREDENTIAL_RULES.find((known) => known.field === field);
  if (!rule) throw new Error(`There is no rule for ${field}.`);
  return rule;
}

const SECRET_KEY = ruleOf('test_secret_key');
const WEBHOOK_SECRET = ruleOf('live_webhook_secret');
/** As in `acct_1AAAAAAAAAAAAAAA`. */
const ACCOUNT = `1${'A'.repeat(15)}`;

describe('maskCredential', () => {
  it.each(CREDENTIAL_RULES)('shows the last four characters of $field', (rule) => {
    expect(maskCredential(rule, `${rule.prefix}${'x'.repeat(20)}aBcD`)).toBe(`${rule.prefix}...aBcD`);
  });

  it('shows nothing of fewer than eight characters, so never more than half', () => {
    for (let length = 1; length <= 7; length++) expect(maskCredential(SECRET_KEY, `sk_test_${'a'.repeat(length)}`)).toBe('sk_test_...');
    expect(maskCredential(SECRET_KEY, 'sk_test_xxxxaBcD')).toBe('sk_test_...aBcD');
    expect(maskCredential(WEBHOOK_SECRET, 'whsec_xxxaBcD')).toBe('whsec_...');
    expect(maskCredential(WEBHOOK_SECRET, 'whsec_xxxxaBcD')).toBe('whsec_...aBcD');
  });

  it('shows what kind of key a restricted one is', () => {
    expect(maskCredential(SECRET_KEY, `rk_test_${'x'.repeat(20)}aBcD`)).toBe('rk_test_...aBcD');
    expect(maskCredential(ruleOf('live_secret_key'), 'rk_live_xxxxaBcD')).toBe('rk_live_...aBcD');
    expect(maskCredential(SECRET_KEY, 'rk_test_aaaaaaa')).toBe('rk_test_...');
  });

  it('is not confused by a prefix within the value', () => {
    expect(maskCredential(SECRET_KEY, 'sk_test_sk_test_')).toBe('sk_test_...est_');
    expect(maskCredential(SECRET_KEY, 'sk_test_rk_test_aBcD')).toBe('sk_test_...aBcD');
  });
});

describe('accountPart', () => {
  it('is what follows the 5 of a key that carries its account', () => {
    expect(accountPart(SECRET_KEY, `sk_test_5${ACCOUNT}${'x'.repeat(82)}`)).toBe(ACCOUNT);
    expect(accountPart(SECRET_KEY, `rk_test_5${ACCOUNT}${'x'.repeat(82)}`)).toBe(ACCOUNT);
    expect(accountPart(ruleOf('live_publishable_key'), `pk_live_5${ACCOUNT}${'x'.repeat(82)}`)).toBe(ACCOUNT);
  });

  it('is unknown of a key of the older form, of another form, and of a webhook secret', () => {
    expect(accountPart(SECRET_KEY, `sk_test_5${ACCOUNT}${'x'.repeat(7)}`)).toBeUndefined();
    expect(accountPart(SECRET_KEY, `sk_test_${'x'.repeat(99)}`)).toBeUndefined();
    expect(accountPart(SECRET_KEY, `sk_test_51${'_'.repeat(97)}`)).toBeUndefined();
    expect(accountPart(WEBHOOK_SECRET, `whsec_5${ACCOUNT}${'x'.repeat(82)}`)).toBeUndefined();
  });
});

describe('looksCutOff', () => {
  it.each([
    ['a key of the older form', SECRET_KEY, 'sk_test_', '', 24],
    ['a key that carries its account', SECRET_KEY, 'sk_test_', `5${ACCOUNT}`, 99],
    ['a restricted key', SECRET_KEY, 'rk_test_', `5${ACCOUNT}`, 99],
    ['a webhook secret', WEBHOOK_SECRET, 'whsec_', '', 32],
  ])('tells %s that is one character short', (_, rule, prefix, start, length) => {
    const value = prefix + start.padEnd(length, 'x');
    expect(looksCutOff(rule, value)).toBe(false);
    expect(looksCutOff(rule, `${value}x`)).toBe(false);
    expect(looksCutOff(rule, value.slice(0, -1))).toBe(true);
  });
});
