import { hasPrefixOf, hashOf, isWellFormed, newOpaqueKey } from './opaque-key.js';

describe('an opaque key', () => {
  const key = newOpaqueKey('service_account');

  it('has a recognizable prefix, 256 bits in base62, and a checksum', () => {
    expect(newOpaqueKey('service_account')).toMatch(/^tks_[0-9A-Za-z]{49}$/);
    expect(newOpaqueKey('invitation')).toMatch(/^tki_[0-9A-Za-z]{49}$/);
    expect(newOpaqueKey('password_reset')).toMatch(/^tkp_[0-9A-Za-z]{49}$/);
    expect(hasPrefixOf('service_account', key)).toBe(true);
    expect(hasPrefixOf('invitation', key)).toBe(false);
  });

  it('is different each time, and uses every character of the alphabet', () => {
    const keys = Array.from({ length: 200 }, () => newOpaqueKey('invitation'));
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(keys.join('').replaceAll('tki_', '')).size).toBe(62);
    for (const each of keys) expect(isWellFormed('invitation', each)).toBe(true);
  });

  it('has the checksum that documentation and secret scanners compute', () => {
    // CRC32 of `tks_` and 43 times `a` is 0xe54602d0, in base62 with six digits.
    expect(isWellFormed('service_account', `tks_${'a'.repeat(43)}4CJoky`)).toBe(true);
  });

  it.each([
    ['an empty text', ''],
    ['the prefix alone', 'tks_'],
    ['a missing character', key.slice(0, -1)],
    ['one character more', `${key}a`],
    ['a space at the end', `${key} `],
    ['a line break at the end', `${key.slice(0, -1)}\n`],
    ['another prefix', key.replace('tks_', 'tki_')],
    ['an upper-case prefix', key.replace('tks_', 'TKS_')],
    ['a character outside of the alphabet', key.replace(/.$/, 'é')],
  ])('is malformed with %s', (_, text) => {
    expect(isWellFormed('service_account', text)).toBe(false);
  });

  it('is malformed with any single character replaced, or two neighbours swapped', () => {
    for (let at = 0; at < key.length; at += 1) {
      const other = key[at] === 'x' ? 'y' : 'x';
      expect(isWellFormed('service_account', key.slice(0, at) + other + key.slice(at + 1))).toBe(false);
      const swapped = key.slice(0, at) + (key[at + 1] ?? '') + (key[at] ?? '') + key.slice(at + 2);
      if (swapped !== key) expect(isWellFormed('service_account', swapped)).toBe(false);
    }
  });

  it('is stored as SHA-256 of the whole text', () => {
    expect(hashOf('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });
});
