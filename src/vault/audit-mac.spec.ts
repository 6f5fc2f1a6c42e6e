import { createHmac, createSecretKey } from 'node:crypto';
import { auditMac } from './audit-mac.js';
import { DataKey } from './data-key.js';
import { deriveKey } from './derive-key.js';
import { lengthPrefixed } from './length-prefixed.js';

const MATERIAL = Buffer.alloc(32, 7);
const dataKey = new DataKey('examplekey03', 'audit', MATERIAL);

describe('auditMac', () => {
  it('is HMAC-SHA-256 under the key of the tenant', () => {
    const key = deriveKey(createSecretKey(MATERIAL), 'audit', 'tenant');
    const mac = createHmac('sha256', key)
      .update(lengthPrefixed('a', '', 'b'))
      .digest('base64url');
    expect(auditMac(dataKey, 'tenant', ['a', '', 'b'])).toBe(mac);
    expect(mac).toHaveLength(43);
  });

  it('differs by each text, where one ends, the tenant and the key', () => {
    const macs = [
      auditMac(dataKey, 'tenant', ['a', 'b']),
      auditMac(dataKey, 'tenant', ['a', 'c']),
      auditMac(dataKey, 'tenant', ['ab', '']),
      auditMac(dataKey, 'tenant', ['', 'ab']),
      auditMac(dataKey, 'tenant', ['ab']),
      auditMac(dataKey, 'another', ['a', 'b']),
      auditMac(new DataKey('examplekey03', 'audit', Buffer.alloc(32, 8)), 'tenant', ['a', 'b']),
      auditMac(new DataKey('examplekey03', 'fingerprint', MATERIAL), 'tenant', ['a', 'b']),
    ];
    expect(new Set(macs).size).toBe(macs.length);
  });
});
