import { createHmac } from 'node:crypto';
import type { DataKey } from './data-key.js';
import { lengthPrefixed } from './length-prefixed.js';

const FINGERPRINT_BYTES = 16;

/** Tells whether two values of one tenant are equal without opening them: the start of a keyed HMAC-SHA-256, 22 characters of base64url. */
export function fingerprint(dataKey: DataKey, tenant: string, label: string, value: string): string {
  const mac = createHmac('sha256', dataKey.forTenant(tenant)).update(lengthPrefixed(label, value)).digest();
  return mac.subarray(0, FINGERPRINT_BYTES).toString('base64url');
}
