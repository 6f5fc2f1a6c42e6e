import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  accountPart,
  CREDENTIAL_RULES,
  type CredentialField,
  credentialProblem,
  credentialRule,
  type CredentialRule,
  looksCutOff,
  maskCredential,
} from './credential-rules.js';

const PAYMENTS = 'src/payments';
const COMMENTS = /\/\*\*[^]*?\*\/|^\s*\/\/.*$/gm;

it.each(CREDENTIAL_RULES)('the rule of $field is found by mode and kind', (rule) => {
  expect(credentialRule(rule.mode, rule.kind)).toBe(rule);
});

it('no other code lists the fields of credentials', () => {
  const sources = readdirSync(PAYMENTS, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(?<!\.spec)\.ts$/.test(path),
  );
  const fields = new RegExp(`\\b(?:${CREDENTIAL_RULES.map(({ field }) => field).join('|')})(?:_masked)?\\b`);
  const listing = sources.filter((path) =>
    fields.test(readFileSync(`${PAYMENTS}/${path}`, 'utf8').replaceAll(COMMENTS, '')),
  );
  expect(sources).toContain('stripe-config/stripe-config.service.ts');
  expect(listing).toEqual([]);
});

function ruleFor(field: CredentialField): CredentialRule {
  const rule = CREDENTIAL_RULES.find((known) => known.field === field);
  if (!rule) throw new Error(`There is no rule for ${field}.`);
  return rule;
}

const SECRET_KEY = ruleFor('test_secret_key');
const WEBHOOK_SECRET = ruleFor('live_webhook_secret');
/** Account id without `acct_`. */
const ACCOUNT = `1${'A'.repeat(15)}`;

describe('maskCredential', () => {
  it.each(CREDENTIAL_RULES)('shows the last four characters of $field', (rule) => {
    expect(maskCredential(rule, `${rule.prefix}${'x'.repeat(20)}aBcD`)).toBe(`${rule.prefix}...aBcD`);
  });

  it('shows no character of fewer than eight, so never more than half', () => {
    for (let length = 1; length <= 7; length++)
      expect(maskCredential(SECRET_KEY, `sk_test_${'a'.repeat(length)}`)).toBe('sk_test_...');
    expect(maskCredential(SECRET_KEY, 'sk_test_xxxxaBcD')).toBe('sk_test_...aBcD');
    expect(maskCredential(WEBHOOK_SECRET, 'whsec_xxxaBcD')).toBe('whsec_...');
    expect(maskCredential(WEBHOOK_SECRET, 'whsec_xxxxaBcD')).toBe('whsec_...aBcD');
  });

  it('keeps the prefix of a restricted key', () => {
    expect(maskCredential(SECRET_KEY, `rk_test_${'x'.repeat(20)}aBcD`)).toBe('rk_test_...aBcD');
    expect(maskCredential(ruleFor('live_secret_key'), 'rk_live_xxxxaBcD')).toBe('rk_live_...aBcD');
    expect(maskCredential(SECRET_KEY, 'rk_test_aaaaaaa')).toBe('rk_test_...');
  });

  it('ignores a prefix within the value', () => {
    expect(maskCredential(SECRET_KEY, 'sk_test_sk_test_')).toBe('sk_test_...est_');
    expect(maskCredential(SECRET_KEY, 'sk_test_rk_test_aBcD')).toBe('sk_test_...aBcD');
  });
});

describe('accountPart', () => {
  it('follows the 5 of a key that names its account', () => {
    expect(accountPart(SECRET_KEY, `sk_test_5${ACCOUNT}${'x'.repeat(82)}`)).toBe(ACCOUNT);
    expect(accountPart(SECRET_KEY, `rk_test_5${ACCOUNT}${'x'.repeat(82)}`)).toBe(ACCOUNT);
    expect(accountPart(ruleFor('live_publishable_key'), `pk_live_5${ACCOUNT}${'x'.repeat(82)}`)).toBe(
      ACCOUNT,
    );
  });

  it('is unknown for keys of other forms and for webhook secrets', () => {
    expect(accountPart(SECRET_KEY, `sk_test_5${ACCOUNT}${'x'.repeat(7)}`)).toBeUndefined();
    expect(accountPart(SECRET_KEY, `sk_test_${'x'.repeat(99)}`)).toBeUndefined();
    expect(accountPart(SECRET_KEY, `sk_test_51${'_'.repeat(97)}`)).toBeUndefined();
    expect(accountPart(WEBHOOK_SECRET, `whsec_5${ACCOUNT}${'x'.repeat(82)}`)).toBeUndefined();
  });
});

describe('looksCutOff', () => {
  it.each([
    ['a key of the older form', SECRET_KEY, 'sk_test_', '', 24],
    ['a key that names its account', SECRET_KEY, 'sk_test_', `5${ACCOUNT}`, 99],
    ['a restricted key', SECRET_KEY, 'rk_test_', `5${ACCOUNT}`, 99],
    ['a webhook secret', WEBHOOK_SECRET, 'whsec_', '', 32],
  ])('detects %s that is one character short', (_, rule, prefix, start, length) => {
    const value = prefix + start.padEnd(length, 'x');
    expect(looksCutOff(rule, value)).toBe(false);
    expect(looksCutOff(rule, `${value}x`)).toBe(false);
    expect(looksCutOff(rule, value.slice(0, -1))).toBe(true);
  });
});

function ruleOf(field: CredentialField): CredentialRule {
  const rule = CREDENTIAL_RULES.find((known) => known.field === field);
  if (!rule) throw new Error(`There is no rule for ${field}.`);
  return rule;
}

const STRICT = { acceptRestrictedKeys: false };
const WITH_RESTRICTED = { acceptRestrictedKeys: true };
const problemOf = (field: CredentialField, value: unknown, policy = STRICT) =>
  credentialProblem(ruleOf(field), value, policy);
const messageOf = (field: CredentialField, value: unknown) => problemOf(field, value)?.msg;

const BODY = 'QwErTyUiOpAsDfGh';

describe('credentialProblem', () => {
  it.each(CREDENTIAL_RULES)('accepts valid values of $field', (rule) => {
    for (const body of ['a', '_', '0', BODY, `${BODY}_0`, 'a'.repeat(512 - rule.prefix.length)]) {
      expect(credentialProblem(rule, rule.prefix + body, STRICT)).toBeUndefined();
    }
  });

  it('accepts a string exactly when it is the prefix and 1 to 512 characters in all of [A-Za-z0-9_]', () => {
    const strings = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'aZ09_-. \n\0\u200b\u00e9.*'), maxLength: 20 }),
      fc.string({ unit: fc.constantFrom('a', '_'), minLength: 500, maxLength: 520 }),
    );
    const prefixes = fc.constantFrom(
      '',
      'sk_test_',
      'pk_live_',
      'whsec_',
      'SK_TEST_',
      'sk_test',
      'rk_test_',
      'sk_org_',
    );
    fc.assert(
      fc.property(fc.constantFrom(...CREDENTIAL_RULES), prefixes, strings, (rule, prefix, rest) => {
        const value = prefix + rest;
        const isValid =
          value.length <= 512 && new RegExp(`^${rule.prefix}[A-Za-z0-9_]+$(?![\\s\\S])`).test(value);
        expect(credentialProblem(rule, value, STRICT) === undefined).toBe(isValid);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never repeats the value', () => {
    const beginnings = [
      '',
      'sk_test_',
      'sk_live_',
      'pk_live_',
      'rk_live_',
      'whsec_',
      'we_',
      'sk_org_',
      'sk_test_...',
      ' ',
    ];
    for (const rule of CREDENTIAL_RULES) {
      for (const beginning of beginnings) {
        for (const end of ['.', ' x', '\0', 'a'.repeat(600), '\u200b']) {
          expect(credentialProblem(rule, beginning + BODY + end, STRICT)?.msg).not.toContain(BODY);
        }
      }
    }
  });

  it.each([[undefined], [null], [1], [true], [[]], [['sk_test_aaaaaaaa']], [{}], [{ length: 20 }]])(
    'requires a string, not %j',
    (value) => {
      expect(problemOf('test_secret_key', value)).toEqual({ type: 'string_type', msg: 'must be a string' });
    },
  );

  it('explains how to keep a stored credential when the value is empty', () => {
    expect(problemOf('test_secret_key', '')).toEqual({
      type: 'string_too_short',
      msg: 'must not be empty; leave the field out to keep what is stored',
    });
  });

  it('does not explain this if the value is required', () => {
    const required = { acceptRestrictedKeys: false, isRequired: true };
    expect(credentialProblem(ruleOf('test_secret_key'), '', required)?.msg).toBe('must not be empty');
    expect(credentialProblem(ruleOf('test_secret_key'), 'sk_test_...aBcD', required)).toEqual({
      type: 'value_error',
      msg: 'is a masked value; send the whole one from Stripe',
    });
    expect(messageOf('test_secret_key', 'sk_test_...aBcD')).toBe(
      'is a masked value; send the whole one from Stripe, or leave the field out to keep what is stored',
    );
  });

  it('ignores dots after the maximum length', () => {
    expect(problemOf('test_secret_key', `sk_test_${'a'.repeat(504)}...`)?.type).toBe('string_too_long');
  });

  it('accepts 512 characters with the prefix, and not 513', () => {
    expect(problemOf('test_secret_key', `sk_test_${'a'.repeat(504)}`)).toBeUndefined();
    expect(problemOf('test_secret_key', `sk_test_${'a'.repeat(505)}`)).toEqual({
      type: 'string_too_long',
      msg: 'must be at most 512 characters long',
    });
  });

  it('reports that nothing follows the prefix', () => {
    expect(messageOf('test_secret_key', 'sk_test_')).toBe('is cut off: nothing follows sk_test_');
    expect(messageOf('live_webhook_secret', 'whsec_')).toBe('is cut off: nothing follows whsec_');
  });

  it.each([
    ['test_secret_key', 'sk_live_', 'must start with sk_test_; this looks like a live secret key'],
    ['live_secret_key', 'sk_test_', 'must start with sk_live_; this looks like a test secret key'],
    ['test_secret_key', 'pk_test_', 'must start with sk_test_; this looks like a test publishable key'],
    ['live_secret_key', 'pk_live_', 'must start with sk_live_; this looks like a live publishable key'],
    ['test_publishable_key', 'sk_test_', 'must start with pk_test_; this looks like a test secret key'],
    ['live_publishable_key', 'pk_test_', 'must start with pk_live_; this looks like a test publishable key'],
    ['test_publishable_key', 'whsec_', 'must start with pk_test_; this looks like a webhook signing secret'],
    ['test_webhook_secret', 'sk_test_', 'must start with whsec_; this looks like a test secret key'],
    ['test_secret_key', 'whsec_', 'must start with sk_test_; this looks like a webhook signing secret'],
    ['test_secret_key', 'acct_', 'must start with sk_test_; this looks like an account id'],
    ['live_secret_key', 'rk_test_', 'must start with sk_live_; this looks like a test restricted key'],
    ['live_publishable_key', 'rk_live_', 'must start with pk_live_; this looks like a live restricted key'],
  ] as const)('recognises a swapped value: %s that starts with %s', (field, start, message) => {
    expect(messageOf(field, start + BODY)).toBe(message);
  });

  it('recognises an organisation key and the id of a webhook endpoint', () => {
    expect(messageOf('live_secret_key', `sk_org_live_${BODY}`)).toContain('an organisation key');
    expect(messageOf('test_webhook_secret', `we_${BODY}`)).toContain("a webhook endpoint's id");
  });

  it.each([
    ['"sk_test_aaaa"', 'quotation mark'],
    ["'sk_test_aaaa'", 'quotation mark'],
    ['\u201csk_test_aaaa\u201d', 'quotation mark'],
    ['`sk_test_aaaa`', 'quotation mark'],
    ['Bearer sk_test_aaaa', 'send the value alone'],
    ['Authorization: Bearer sk_test_aaaa', 'send the value alone'],
    ['STRIPE_SECRET_KEY=sk_test_aaaa', 'what follows the ='],
    ['export STRIPE_SECRET_KEY="sk_test_aaaa"', 'what follows the ='],
    ['key = sk_live_aaaa', 'what follows the ='],
    ['rkcs_test_aaaa', 'claimable sandbox'],
  ])('names the text around the key: %s', (value, hint) => {
    expect(messageOf('test_secret_key', value)).toMatch(/^must start with sk_test_; /);
    expect(messageOf('test_secret_key', value)).toContain(hint);
  });

  it.each(['QwErTy', 'SK_TEST_aaaa', 'sk-test-aaaa', 'sk_tes', 'sk_test', '_sk_test_a'])(
    'names the required prefix: %j',
    (value) => {
      expect(messageOf('test_secret_key', value)).toBe('must start with sk_test_');
    },
  );

  it.each([
    'sk_test_...aBcD',
    'sk_test_...',
    'sk_test_****',
    'sk_test_•••••aBcD',
    'sk_test_…aBcD',
    '************',
    'sk_live_...aBcD',
    'pk_..x',
  ])('recognises the masked value %s, even with another problem', (value) => {
    expect(messageOf('test_secret_key', value)).toContain('is a masked value');
    expect(messageOf('test_secret_key', value + 'a'.repeat(600))).toContain('is a masked value');
  });

  it.each(['a b', 'a.b', 'a-b', 'a/b', 'aé', 'аbc', 'ａ', 'a\u00a0b', 'a*', 'a"', "a'", 'a;', 'a=', '😀'])(
    'refuses sk_test_%s',
    (body) => {
      expect(messageOf('test_secret_key', `sk_test_${body}`)).toContain(
        'has characters that no such value has: after sk_test_ come only',
      );
    },
  );

  it.each([
    '\0',
    '\n',
    '\r',
    '\t',
    '\x7f',
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u00ad',
    '\u202e',
    '\ud800',
    '\u{e0001}',
  ])('reports that %j is invisible, at any place', (character) => {
    for (const value of [
      `sk_test_a${character}b`,
      `sk_test_a${character}`,
      `${character}sk_test_a`,
      `sk_${character}test_a`,
    ]) {
      expect(messageOf('test_secret_key', value)).toContain('has an invisible character');
    }
  });

  describe('with restricted keys', () => {
    it.each([
      ['test_secret_key', 'rk_test_'],
      ['live_secret_key', 'rk_live_'],
    ] as const)(
      'refuses one in %s with the name of the setting, and accepts one if the setting is on',
      (field, prefix) => {
        expect(messageOf(field, prefix + BODY)).toContain('STRIPE_ACCEPT_RESTRICTED_KEYS=true');
        expect(problemOf(field, prefix + BODY, WITH_RESTRICTED)).toBeUndefined();
        expect(problemOf(field, prefix + 'a'.repeat(504), WITH_RESTRICTED)).toBeUndefined();
      },
    );

    it('checks the other rules if they are accepted', () => {
      expect(problemOf('test_secret_key', `rk_live_${BODY}`, WITH_RESTRICTED)?.msg).toContain(
        'this looks like a live restricted key',
      );
      expect(problemOf('test_secret_key', 'rk_test_', WITH_RESTRICTED)?.msg).toBe(
        'is cut off: nothing follows rk_test_',
      );
      expect(problemOf('test_secret_key', 'rk_test_...aBcD', WITH_RESTRICTED)?.msg).toContain(
        'is a masked value',
      );
      expect(problemOf('test_secret_key', `rk_test_${'a'.repeat(505)}`, WITH_RESTRICTED)?.type).toBe(
        'string_too_long',
      );
      expect(problemOf('test_publishable_key', `rk_test_${BODY}`, WITH_RESTRICTED)?.msg).toContain(
        'must start with pk_test_',
      );
      expect(problemOf('test_webhook_secret', `rk_test_${BODY}`, WITH_RESTRICTED)?.msg).toContain(
        'must start with whsec_',
      );
    });
  });
});
