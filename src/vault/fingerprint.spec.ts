import { randomBytes } from 'node:crypto';
import { DataKey } from './data-key.js';
import { fingerprint } from './fingerprint.js';

const dataKey = new DataKey('examplekey01', 'fingerprint', randomBytes(32));

describe('fingerprint', () => {
  it('is the same for the same value, and 16 bytes long', () => {
    const print = fingerprint(dataKey, 'tenant', 'value', 'whsec_aaaaaaaa');
    expect(fingerprint(dataKey, 'tenant', 'value', 'whsec_aaaaaaaa')).toBe(print);
    expect(Buffer.from(print, 'base64url')).toHaveLength(16);
    expect(print).toHaveLength(22);
  });

  it('differs by value, label, tenant and key', () => {
    const prints = [
      fingerprint(dataKey, 'tenant', 'value', 'whsec_aaaaaaaa'),
      fingerprint(dataKey, 'tenant', 'value', 'whsec_aaaaaaab'),
      fingerprint(dataKey, 'tenant', 'account', 'whsec_aaaaaaaa'),
      fingerprint(dataKey, 'tenant', 'valuew', 'hsec_aaaaaaaa'),
      fingerprint(dataKey, 'another', 'value', 'whsec_aaaaaaaa'),
      fingerprint(new DataKey('examplekey01', 'fingerprint', randomBytes(32)), 'tenant', 'value', 'whsec_aaaaaaaa'),
    ];
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('is not made with the key that seals', () => {
    const material = randomBytes(32);
    const [seals, prints] = (['seal', 'fingerprint'] as const).map((purpose) => new DataKey('examplekey01', purpose, material));
    expect(seals?.forTenant('tenant').export()).not.toEqual(prints?.forTenant('tenant').export());
  });
});
