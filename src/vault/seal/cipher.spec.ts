import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { DataKey, deriveKey } from '../keys/data-key.js';
import { historyMac, fingerprint, lengthPrefixed } from './cipher.js';

const dataKey = new DataKey('examplekey01', 'fingerprint', randomBytes(32));

describe('fingerprint', () => {
  it('is equal for equal values, and 16 bytes long', () => {
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
      fingerprint(
        new DataKey('examplekey01', 'fingerprint', randomBytes(32)),
        'tenant',
        'value',
        'whsec_aaaaaaaa',
      ),
    ];
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('is not made with the seal key', () => {
    const material = randomBytes(32);
    const [seals, prints] = (['seal', 'fingerprint'] as const).map(
      (purpose) => new DataKey('examplekey01', purpose, material),
    );
    expect(seals?.forTenant('tenant').export()).not.toEqual(prints?.forTenant('tenant').export());
  });
});

const MATERIAL = Buffer.alloc(32, 7);
const macKey = new DataKey('examplekey03', 'audit', MATERIAL);

describe('historyMac', () => {
  it('is HMAC-SHA-256 under the key of the tenant', () => {
    const key = deriveKey(createSecretKey(MATERIAL), 'audit', 'tenant');
    const mac = createHmac('sha256', key)
      .update(lengthPrefixed('a', '', 'b'))
      .digest('base64url');
    expect(historyMac(macKey, 'tenant', ['a', '', 'b'])).toBe(mac);
    expect(mac).toHaveLength(43);
  });

  it('differs by each text, the ends of the texts, the tenant and the key', () => {
    const macs = [
      historyMac(macKey, 'tenant', ['a', 'b']),
      historyMac(macKey, 'tenant', ['a', 'c']),
      historyMac(macKey, 'tenant', ['ab', '']),
      historyMac(macKey, 'tenant', ['', 'ab']),
      historyMac(macKey, 'tenant', ['ab']),
      historyMac(macKey, 'another', ['a', 'b']),
      historyMac(new DataKey('examplekey03', 'audit', Buffer.alloc(32, 8)), 'tenant', ['a', 'b']),
      historyMac(new DataKey('examplekey03', 'fingerprint', MATERIAL), 'tenant', ['a', 'b']),
    ];
    expect(new Set(macs).size).toBe(macs.length);
  });
});
