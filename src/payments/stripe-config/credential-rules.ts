import { STRIPE_MODES, type StripeMode } from '../stripe-api/stripe-mode.js';

export { STRIPE_MODES, type StripeMode } from '../stripe-api/stripe-mode.js';

interface KindRule {
  /** As messages call it. */
  readonly name: string;
  /** What a value starts with. */
  readonly prefix: (mode: StripeMode) => string;
  /** What a restricted key of that kind starts with; accepted where the operator turns it on. */
  readonly restrictedPrefix?: (mode: StripeMode) => string;
  /** Whether a value may name its Stripe account, as keys of the newer form do. */
  readonly namesAccount: boolean;
  /** Characters after the prefix; a shorter value looks cut off. */
  readonly minBody: number;
}

/**
 * The kinds of credential that a project can have in each mode. Fields, DTOs, OpenAPI, validation, look-alike messages, sealing, masks and
 * the history derive from this table: another kind is one more row.
 */
const KINDS = {
  secret_key: {
    name: 'secret key',
    prefix: (mode) => `sk_${mode}_`,
    restrictedPrefix: (mode) => `rk_${mode}_`,
    namesAccount: true,
    minBody: 24,
  },
  publishable_key: { name: 'publishable key', prefix: (mode) => `pk_${mode}_`, namesAccount: true, minBody: 24 },
  webhook_secret: { name: 'webhook signing secret', prefix: () => 'whsec_', namesAccount: false, minBody: 32 },
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

/** One rule for each field, those of test mode first. */
export const CREDENTIAL_RULES: readonly CredentialRule[] = STRIPE_MODES.flatMap((mode) =>
  Object.entries<KindRule>(KINDS).map(([name, rule]) => {
    const kind = name as CredentialKind;
    const restrictedPrefix = rule.restrictedPrefix?.(mode);
    return { ...rule, field: `${mode}_${kind}` as const, mode, kind, prefix: rule.prefix(mode), restrictedPrefix };
  }),
);

export function credentialRule(mode: StripeMode, kind: CredentialKind): CredentialRule {
  const rule = CREDENTIAL_RULES.find((each) => each.mode === mode && each.kind === kind);
  if (!rule) throw new Error(`There is no rule for the ${mode} ${kind}.`);
  return rule;
}

/** Characters of a whole value, prefix included. */
export const MAX_CREDENTIAL_LENGTH = 512;
