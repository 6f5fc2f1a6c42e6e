import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';

interface KindRule {
  /** Name in messages. */
  readonly name: string;
  readonly prefix: (mode: StripeMode) => string;
  /** Prefix of a restricted key, accepted if the operator allows restricted keys. */
  readonly restrictedPrefix?: (mode: StripeMode) => string;
  /** Whether newer values contain the id of their Stripe account. */
  readonly namesAccount: boolean;
  /** Minimum characters after the prefix. A shorter value looks cut off. */
  readonly minBody: number;
}

/**
 * Credential kinds of each mode. Add a row for a new kind: fields, DTOs, OpenAPI, validation, sealing, masks
 * and the history derive from this table.
 */
const KINDS = {
  secret_key: {
    name: 'secret key',
    prefix: (mode) => `sk_${mode}_`,
    restrictedPrefix: (mode) => `rk_${mode}_`,
    namesAccount: true,
    minBody: 24,
  },
  publishable_key: {
    name: 'publishable key',
    prefix: (mode) => `pk_${mode}_`,
    namesAccount: true,
    minBody: 24,
  },
  webhook_secret: {
    name: 'webhook signing secret',
    prefix: () => 'whsec_',
    namesAccount: false,
    minBody: 32,
  },
} as const satisfies Record<string, KindRule>;

export type CredentialKind = keyof typeof KINDS;
export type CredentialField = `${StripeMode}_${CredentialKind}`;

export interface CredentialRule extends Omit<KindRule, 'prefix' | 'restrictedPrefix'> {
  readonly field: CredentialField;
  readonly mode: StripeMode;
  readonly kind: CredentialKind;
  readonly prefix: string;
  readonly restrictedPrefix?: string | undefined;
}

/** One rule per field, test mode first. */
export const CREDENTIAL_RULES: readonly CredentialRule[] = STRIPE_MODES.flatMap((mode) =>
  Object.entries<KindRule>(KINDS).map(([name, rule]) => {
    const kind = name as CredentialKind;
    const restrictedPrefix = rule.restrictedPrefix?.(mode);
    return {
      ...rule,
      field: `${mode}_${kind}` as const,
      mode,
      kind,
      prefix: rule.prefix(mode),
      restrictedPrefix,
    };
  }),
);

export function credentialRule(mode: StripeMode, kind: CredentialKind): CredentialRule {
  const rule = CREDENTIAL_RULES.find((each) => each.mode === mode && each.kind === kind);
  if (!rule) throw new Error(`There is no rule for the ${mode} ${kind}.`);
  return rule;
}

/** Maximum length, prefix included. */
export const MAX_CREDENTIAL_LENGTH = 512;

const VISIBLE_CHARACTERS = 4;
/** In a shorter body, the visible characters would be more than half. */
const MIN_BODY_TO_SHOW = 8;

/** Body length of a key with an account: `51`, the rest of the account's id, the secret part. */
const ACCOUNT_KEY_BODY = 99;
const ACCOUNT_KEY = /^5(1[A-Za-z0-9]{15})/;

export function isRestricted({ restrictedPrefix }: CredentialRule, value: string): boolean {
  return restrictedPrefix !== undefined && value.startsWith(restrictedPrefix);
}

/** Prefix of `value`, which may be a restricted key's. */
function prefixOf(rule: CredentialRule, value: string): string {
  return (isRestricted(rule, value) && rule.restrictedPrefix) || rule.prefix;
}

/** `sk_test_...aBcD`, or `sk_test_...` if fewer than eight characters follow the prefix. */
export function maskCredential(rule: CredentialRule, value: string): string {
  const prefix = prefixOf(rule, value);
  const shown = value.length - prefix.length < MIN_BODY_TO_SHOW ? '' : value.slice(-VISIBLE_CHARACTERS);
  return `${prefix}...${shown}`;
}

/** Account id without `acct_` in a key; `undefined` if the key's format has none. */
export function accountPart(rule: CredentialRule, value: string): string | undefined {
  if (!rule.namesAccount) return undefined;
  const body = value.slice(prefixOf(rule, value).length);
  return body.length > rule.minBody ? ACCOUNT_KEY.exec(body)?.[1] : undefined;
}

/** Whether a valid value is shorter than Stripe's values. */
export function looksCutOff(rule: CredentialRule, value: string): boolean {
  const { length } = value.slice(prefixOf(rule, value).length);
  return length < (accountPart(rule, value) ? ACCOUNT_KEY_BODY : rule.minBody);
}

export interface CredentialProblem {
  type: 'string_type' | 'string_too_short' | 'string_too_long' | 'value_error';
  msg: string;
}

export interface CredentialPolicy {
  /** Whether to accept `rk_…` as secret keys. */
  readonly acceptRestrictedKeys: boolean;
  /** Whether the value is required. Otherwise messages offer to leave the field out. */
  readonly isRequired?: boolean;
}

/** Body of a value, after the prefix. */
const BODY = /^[A-Za-z0-9_]+$/;
/** Control characters, zero-width characters, halves of surrogate pairs. */
const INVISIBLE = /\p{C}/u;
const MASKED = /\.{2,}|…|[*•·●]{2,}/u;

/** Prefixes of values pasted by mistake: credentials of other fields, then other ids and keys of Stripe. */
const LOOK_ALIKES: readonly (readonly [prefix: string, name: string])[] = [
  ...CREDENTIAL_RULES.flatMap(({ mode, name, prefix, restrictedPrefix }) => [
    [prefix, prefix.includes(mode) ? `a ${mode} ${name}` : `a ${name}`] as const,
    ...(restrictedPrefix ? [[restrictedPrefix, `a ${mode} restricted key`] as const] : []),
  ]),
  ['sk_org_', 'an organisation key, which belongs to no single Stripe account'],
  [
    'rkcs_',
    "a claimable sandbox's restricted key; copy the standard key from that sandbox's page of API keys",
  ],
  ['we_', "a webhook endpoint's id; the signing secret is shown when you reveal it on that endpoint's page"],
  ['acct_', 'an account id'],
  ['ek_', 'an ephemeral key'],
];

/** Text around a key that was copied from code, a shell or a settings file. */
const WRAPPINGS: readonly [start: RegExp, name: string][] = [
  [/^(?:export\s+)?[A-Za-z]\w*\s*=/, "a variable's name is before it; send what follows the ="],
  [
    /^(?:authorization\s*:\s*)?(?:bearer|basic)\b/i,
    'Bearer, or another word of a header, is before it; send the value alone',
  ],
  [/^["'`\u2018-\u201f\u00ab\u00bb]/, 'it begins with a quotation mark; send what is between the marks'],
];

/**
 * Describes the problem of a credential and the remedy, without the value.
 * @param value trimmed
 * @returns `undefined` for a valid value
 */
export function credentialProblem(
  rule: CredentialRule,
  value: unknown,
  policy: CredentialPolicy,
): CredentialProblem | undefined {
  if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
  const keepInstead = (link: string) =>
    policy.isRequired ? '' : `${link}leave the field out to keep what is stored`;
  if (value === '') return { type: 'string_too_short', msg: `must not be empty${keepInstead('; ')}` };
  if (MASKED.test(value.slice(0, MAX_CREDENTIAL_LENGTH)))
    return invalid(`is a masked value; send the whole one from Stripe${keepInstead(', or ')}`);
  if (value.length > MAX_CREDENTIAL_LENGTH)
    return { type: 'string_too_long', msg: `must be at most ${MAX_CREDENTIAL_LENGTH} characters long` };
  if (INVISIBLE.test(value))
    return invalid(
      'has an invisible character in it, like a line break or a zero-width space; copy it again from Stripe',
    );
  const prefix = acceptedPrefix(rule, value, policy);
  if (prefix === undefined) return invalid(wrongPrefix(rule, value, policy));
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
  return policy.acceptRestrictedKeys && isRestricted(rule, value) ? rule.restrictedPrefix : undefined;
}

function wrongPrefix(rule: CredentialRule, value: string, policy: CredentialPolicy): string {
  const { prefix, restrictedPrefix } = rule;
  const accepted =
    policy.acceptRestrictedKeys && restrictedPrefix ? `${prefix} or ${restrictedPrefix}` : prefix;
  return `must start with ${accepted}${hintOf(rule, value)}`;
}

function hintOf(rule: CredentialRule, value: string): string {
  if (isRestricted(rule, value))
    return '; restricted keys are accepted only where the operator sets STRIPE_ACCEPT_RESTRICTED_KEYS=true';
  const wrapping = WRAPPINGS.find(([start]) => start.test(value));
  if (wrapping) return `; ${wrapping[1]}`;
  const lookAlike = LOOK_ALIKES.find(([start]) => value.startsWith(start));
  return lookAlike ? `; this looks like ${lookAlike[1]}` : '';
}

function invalid(msg: string): CredentialProblem {
  return { type: 'value_error', msg };
}
