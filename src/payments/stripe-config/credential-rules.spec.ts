import { CREDENTIAL_RULES, credentialRule } from './credential-rules.js';

it.each(CREDENTIAL_RULES)('the rule of $field is found by mode and kind', (rule) => {
  expect(credentialRule(rule.mode, rule.kind)).toBe(rule);
});
