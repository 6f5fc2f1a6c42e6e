import { readdirSync, readFileSync } from 'node:fs';
import { CREDENTIAL_RULES, credentialRule } from './credential-rules.js';

const PAYMENTS = 'src/payments';
const COMMENTS = /\/\*\*[^]*?\*\/|^\s*\/\/.*$/gm;

it.each(CREDENTIAL_RULES)('the rule of $field is found by mode and kind', (rule) => {
  expect(credentialRule(rule.mode, rule.kind)).toBe(rule);
});

it('is all that another kind of credential needs: no code lists the fields', () => {
  const sources = readdirSync(PAYMENTS, { recursive: true, encoding: 'utf8' }).filter((path) => /(?<!\.spec)\.ts$/.test(path));
  const fields = new RegExp(`\\b(?:${CREDENTIAL_RULES.map(({ field }) => field).join('|')})(?:_masked)?\\b`);
  const listing = sources.filter((path) => fields.test(readFileSync(`${PAYMENTS}/${path}`, 'utf8').replaceAll(COMMENTS, '')));
  expect(sources).toContain('stripe-config/stripe-config.service.ts');
  expect(listing).toEqual([]);
});
