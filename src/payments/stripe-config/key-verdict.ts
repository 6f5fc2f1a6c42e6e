import type { StripeMode } from './credential-rules.js';

/** What made us look: the validate operation, a save that asked for it, making an endpoint, or a call of some module. */
export const CHECKED_BY = ['validation', 'save', 'use'] as const;
export type CheckedBy = (typeof CHECKED_BY)[number];

export interface StripeAccount {
  /** `acct_…` */
  readonly id: string;
  readonly name: string | null;
}

/** What Stripe says of a secret key. */
export interface KeyVerdict {
  readonly valid: boolean;
  /** In our words; for an invalid key what to do about it. */
  readonly message: string;
  /** Where Stripe told. */
  readonly account?: StripeAccount;
}

/** A key of one project as it is in use, without the key. */
export interface KeyIdentity {
  readonly mode: StripeMode;
  /** Of the secret key. */
  readonly fingerprint: string;
}
