import type { CredentialRule } from './credential-rules.js';

const VISIBLE_CHARACTERS = 4;
/** With fewer characters after the prefix, four of them would be more than half. */
const MIN_BODY_TO_SHOW = 8;

/** Characters after the prefix of a key that carries its account: `51`, the rest of the account's id, the secret part. */
const ACCOUNT_KEY_BODY = 99;
const ACCOUNT_KEY = /^5(1[A-Za-z0-9]{15})/;

/** The prefix as it stands in `value`: that of a restricted key where it is one. */
function prefixOf(rule: CredentialRule, value: string): string {
  return rule.restrictedPrefix && value.startsWith(rule.restrictedPrefix) ? rule.restrictedPrefix : rule.prefix;
}

/** `sk_test_...aBcD`; `sk_test_...` where fewer than eight characters follow the prefix. */
export function maskCredential(rule: CredentialRule, value: string): string {
  const prefix = prefixOf(rule, value);
  const shown = value.length - prefix.length < MIN_BODY_TO_SHOW ? '' : value.slice(-VISIBLE_CHARACTERS);
  return `${prefix}...${shown}`;
}

/** The part of a key that names its Stripe account, or `undefined` where the format doesn't tell. */
export function accountPart(rule: CredentialRule, value: string): string | undefined {
  if (!rule.namesAccount) return undefined;
  const body = value.slice(prefixOf(rule, value).length);
  return body.length > rule.minBody ? ACCOUNT_KEY.exec(body)?.[1] : undefined;
}

/** Whether a valid value is shorter than Stripe makes them. */
export function looksCutOff(rule: CredentialRule, value: string): boolean {
  const { length } = value.slice(prefixOf(rule, value).length);
  return length < (accountPart(rule, value) ? ACCOUNT_KEY_BODY : rule.minBody);
}
