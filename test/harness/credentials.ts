import type { StripeMode } from '../../src/payments/stripe/stripe-mode.js';
import { CREDENTIAL_RULES, type CredentialField } from '../../src/payments/stripe-config/credential-rules.js';

export type Credentials = Partial<Record<CredentialField, string>>;
export type Masks = Partial<Record<`${CredentialField}_masked`, string | null>>;

/** Values that end in `number`, which their masks show. @param number below 10,000 */
export function numbered(number: number, fields: readonly CredentialField[] = FIELDS): Credentials {
  const end = String(number).padStart(4, '0');
  return Object.fromEntries(
    CREDENTIAL_RULES.filter(({ field }) => fields.includes(field)).map(({ field, prefix }) => [
      field,
      `${prefix}${'a'.repeat(28)}${end}`,
    ]),
  );
}

/** The number that a masked field of an answer ends in; `null` when the field is not set. */
export function numberIn(body: unknown, field: CredentialField): number | null {
  const mask = (body as Masks)[`${field}_masked`];
  if (mask === undefined) throw new Error(`No ${field}_masked in ${JSON.stringify(body)}.`);
  return mask === null ? null : Number(mask.slice(-4));
}

export const FIELDS = CREDENTIAL_RULES.map(({ field }) => field);

export function fieldsOf(mode: StripeMode): CredentialField[] {
  return CREDENTIAL_RULES.filter((rule) => rule.mode === mode).map(({ field }) => field);
}
