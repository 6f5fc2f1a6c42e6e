import { createHmac } from 'node:crypto';
import type { DataKey } from './data-key.js';
import { lengthPrefixed } from './length-prefixed.js';

/** HMAC-SHA-256 of the texts under the tenant's audit key: 43 characters of base64url. */
export function auditMac(dataKey: DataKey, tenant: string, parts: readonly string[]): string {
  return createHmac('sha256', dataKey.forTenant(tenant))
    .update(lengthPrefixed(...parts))
    .digest('base64url');
}
