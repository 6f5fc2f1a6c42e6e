import type { StripeMode } from '../stripe-api/stripe-mode.js';

export { STRIPE_MODES, type StripeMode } from '../stripe-api/stripe-mode.js';

export type CredentialKind = 'secret_key' | 'publishable_key' | 'webhook_secret';
export type CredentialField = `${StripeMode}_${CredentialKind}`;

export interface CredentialRule {
  readonly field: CredentialField;
  readonly mode: StripeMode;
  readonly kind: CredentialKind;
  /** What a value starts with. */
  readonly prefix: string;
  /** What a restricted key of that kind starts with; accepted where the operator turns it on. */
  readonly restrictedPrefix?: string;
}

/** The credentials that a project can have. Decorators, OpenAPI patterns, sealing, masks and messages come from this table. */
export const CREDENTIAL_RULES: readonly CredentialRule[] = [
  { field: 'test_secret_key', mode: 'test', kind: 'secret_key', prefix: 'sk_test_', restrictedPrefix: 'rk_test_' },
  { field: 'test_publishable_key', mode: 'test', kind: 'publishable_key', prefix: 'pk_test_' },
  { field: 'test_webhook_secret', mode: 'test', kind: 'webhook_secret', prefix: 'whsec_' },
  { field: 'live_secret_key', mode: 'live', kind: 'secret_key', prefix: 'sk_live_', restrictedPrefix: 'rk_live_' },
  { field: 'live_publishable_key', mode: 'live', kind: 'publishable_key', prefix: 'pk_live_' },
  { field: 'live_webhook_secret', mode: 'live', kind: 'webhook_secret', prefix: 'whsec_' },
];

export function credentialRule(mode: StripeMode, kind: CredentialKind): CredentialRule {
  const rule = CREDENTIAL_RULES.find((each) => each.mode === mode && each.kind === kind);
  if (!rule) throw new Error(`There is no rule for the ${mode} ${kind}.`);
  return rule;
}

/** Characters of a whole value, prefix included. */
export const MAX_CREDENTIAL_LENGTH = 512;
