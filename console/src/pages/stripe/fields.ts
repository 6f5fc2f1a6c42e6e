import type { Mode, Schema } from '../../api/types';

export const KINDS = ['secret_key', 'publishable_key', 'webhook_secret'] as const;
export type Kind = (typeof KINDS)[number];

export type FieldName = `${Mode}_${Kind}`;
export const fieldOf = (mode: Mode, kind: Kind): FieldName => `${mode}_${kind}`;

type Config = Schema<'StripeConfigResponse'> | null;
export const maskOf = (config: Config, mode: Mode, kind: Kind): string | null =>
  config?.is_active ? config[`${fieldOf(mode, kind)}_masked`] : null;

/** Placeholders; the server has the rules. */
export const EXAMPLES: Record<Kind, (mode: Mode) => string> = {
  secret_key: (mode) => `sk_${mode}_…`,
  publishable_key: (mode) => `pk_${mode}_…`,
  webhook_secret: () => 'whsec_…',
};

export type Slip =
  'other_mode' | 'publishable' | 'secret' | 'webhook_secret' | 'mask' | 'incomplete' | 'unknown';

/** Finds a value that can only be a slip before anybody is asked about it. */
export function slipOf(value: string, mode: Mode, kind: Kind): Slip | undefined {
  if (/[…•*]/.test(value)) return 'mask';
  const [, prefix, of] = /^(sk|rk|pk)_(test|live)_/.exec(value) ?? [];
  const isWebhookSecret = value.startsWith('whsec_');
  if (kind === 'webhook_secret') return isWebhookSecret ? undefined : prefix ? 'secret' : 'unknown';
  if (isWebhookSecret) return 'webhook_secret';
  if (prefix === undefined) return value.length < 8 ? 'incomplete' : 'unknown';
  if (of !== mode) return 'other_mode';
  if (kind === 'secret_key' && prefix === 'pk') return 'publishable';
  if (kind === 'publishable_key' && prefix !== 'pk') return 'secret';
  return undefined;
}
