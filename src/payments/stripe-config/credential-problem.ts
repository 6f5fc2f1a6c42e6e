import { CREDENTIAL_RULES, type CredentialRule, MAX_CREDENTIAL_LENGTH } from './credential-rules.js';

export interface CredentialProblem {
  type: 'string_type' | 'string_too_short' | 'string_too_long' | 'value_error';
  msg: string;
}

export interface CredentialPolicy {
  /** Whether `rk_…` keys are taken as secret keys. */
  readonly acceptRestrictedKeys: boolean;
  /** Whether the value is what the request is about; else it can be left out to keep what is stored. */
  readonly isRequired?: boolean;
}

/** What follows the prefix. */
const BODY = /^[A-Za-z0-9_]+$/;
/** Controls, zero-width characters, halves of surrogate pairs. */
const INVISIBLE = /\p{C}/u;
const MASKED = /\.{2,}|…|[*•·●]{2,}/u;

/** What people paste by mistake: other credentials of the table, then what is none. */
const LOOK_ALIKES: readonly (readonly [prefix: string, name: string])[] = [
  ...CREDENTIAL_RULES.flatMap(({ mode, name, prefix, restrictedPrefix }) => [
    [prefix, prefix.includes(mode) ? `a ${mode} ${name}` : `a ${name}`] as const,
    ...(restrictedPrefix ? [[restrictedPrefix, `a ${mode} restricted key`] as const] : []),
  ]),
  ['sk_org_', 'an organisation key, which belongs to no single Stripe account'],
  ['rkcs_', "a claimable sandbox's restricted key; copy the standard key from that sandbox's page of API keys"],
  ['we_', "a webhook endpoint's id; the signing secret is shown when you reveal it on that endpoint's page"],
  ['acct_', 'an account id'],
  ['ek_', 'an ephemeral key'],
];

/** What comes along when a key is copied from code, a shell or a settings file. */
const WRAPPINGS: readonly [start: RegExp, name: string][] = [
  [/^(?:export\s+)?[A-Za-z]\w*\s*=/, "a variable's name is before it; send what follows the ="],
  [/^(?:authorization\s*:\s*)?(?:bearer|basic)\b/i, 'Bearer, or another word of a header, is before it; send the value alone'],
  [/^["'`\u2018-\u201f\u00ab\u00bb]/, 'it begins with a quotation mark; send what is between the marks'],
];

/**
 * What is wrong with a credential, and what to do about it; never the value.
 * @param value already without surrounding whitespace
 * @returns `undefined` when the value can be stored
 */
export function credentialProblem(rule: CredentialRule, value: unknown, policy: CredentialPolicy): CredentialProblem | undefined {
  if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
  const keepInstead = (link: string) => (policy.isRequired ? '' : `${link}leave the field out to keep what is stored`);
  if (value === '') return { type: 'string_too_short', msg: `must not be empty${keepInstead('; ')}` };
  if (MASKED.test(value.slice(0, MAX_CREDENTIAL_LENGTH)))
    return invalid(`is a masked value; send the whole one from Stripe${keepInstead(', or ')}`);
  if (value.length > MAX_CREDENTIAL_LENGTH)
    return { type: 'string_too_long', msg: `must be at most ${MAX_CREDENTIAL_LENGTH} characters long` };
  if (INVISIBLE.test(value))
    return invalid('has an invisible character in it, like a line break or a zero-width space; copy it again from Stripe');
  const prefix = acceptedPrefix(rule, value, policy);
  if (prefix === undefined) return invalid(wrongPrefix(rule, value));
  const body = value.slice(prefix.length);
  if (body === '') return invalid(`is cut off: nothing follows ${prefix}`);
  if (!BODY.test(body)) {
    return invalid(
      `has characters that no such value has: after ${prefix} come only letters, digits and underscores; copy it again from Stripe`,
    );
  }
  return undefined;
}

function acceptedPrefix(rule: CredentialRule, value: string, policy: CredentialPolicy): string | undefined {
  if (value.startsWith(rule.prefix)) return rule.prefix;
  const { restrictedPrefix } = rule;
  return policy.acceptRestrictedKeys && restrictedPrefix && value.startsWith(restrictedPrefix) ? restrictedPrefix : undefined;
}

function wrongPrefix(rule: CredentialRule, value: string): string {
  if (rule.restrictedPrefix && value.startsWith(rule.restrictedPrefix)) {
    return `must start with ${rule.prefix}; restricted keys are accepted only where the operator sets STRIPE_ACCEPT_RESTRICTED_KEYS=true`;
  }
  const wrapping = WRAPPINGS.find(([start]) => start.test(value));
  if (wrapping) return `must start with ${rule.prefix}; ${wrapping[1]}`;
  const lookAlike = LOOK_ALIKES.find(([start]) => value.startsWith(start));
  return `must start with ${rule.prefix}${lookAlike ? `; this looks like ${lookAlike[1]}` : ''}`;
}

function invalid(msg: string): CredentialProblem {
  return { type: 'value_error', msg };
}
