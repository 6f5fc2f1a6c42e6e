import crypto, { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { withStrayBits } from '../../../test/harness/vault/seal-mutations.js';
import { Secret } from '../../common/secret.js';
import { DataKey } from '../keys/data-key.js';
import { unseal, seal, SealBroken, type SealedText } from './seal.js';

const context = {
  purpose: 'stripe-credential',
  tenant: '11111111-2222-4333-8444-555555555555',
  field: 'test_secret_key',
};
const dataKey = new DataKey('examplekey01', 'seal', randomBytes(32));
const plaintext = new Secret('sk_test_aaaaaaaaaaaaaaaaaaaaaaaa');

const thrownBy = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
};

describe('seal', () => {
  it('returns any sealed text, in any context', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 });
    fc.assert(
      fc.property(text, fc.record({ purpose: text, tenant: text, field: text }), (value, anyContext) => {
        expect(unseal(dataKey, anyContext, seal(dataKey, anyContext, new Secret(value))).reveal()).toBe(
          value,
        );
      }),
    );
  });

  it('can not be unsealed in another context', () => {
    const contexts = fc.record({ purpose: fc.string(), tenant: fc.string(), field: fc.string() });
    fc.assert(
      fc.property(contexts, contexts, (one, other) => {
        fc.pre(one.purpose !== other.purpose || one.tenant !== other.tenant || one.field !== other.field);
        const sealed = seal(dataKey, one, plaintext);
        expect(() => unseal(dataKey, other, sealed)).toThrow(SealBroken);
      }),
    );
  });

  it('keeps an empty text and a byte order mark', () => {
    for (const value of ['', '\ufeffsk'])
      expect(unseal(dataKey, context, seal(dataKey, context, new Secret(value))).reveal()).toBe(value);
  });

  it('refuses a text without a UTF-8 form', () => {
    const error = thrownBy(() => seal(dataKey, context, new Secret('sk_test_\ud800')));
    expect(error).toBeInstanceOf(TypeError);
    expect(inspect(error)).not.toContain('sk_test_');
  });

  it('uses another nonce each time', () => {
    const nonces = Array.from({ length: 2_000 }, () => {
      const [, , body = ''] = seal(dataKey, context, plaintext).split('.');
      return body.slice(0, 16);
    });
    expect(new Set(nonces).size).toBe(2_000);
  });

  it('can not be unsealed under another data key, even with the same id', () => {
    const sealed = seal(dataKey, context, plaintext);
    expect(() => unseal(new DataKey(dataKey.id, 'seal', randomBytes(32)), context, sealed)).toThrow(
      SealBroken,
    );
    expect(() => unseal(new DataKey('examplekey09', 'seal', randomBytes(32)), context, sealed)).toThrow(
      SealBroken,
    );
  });

  it.each([1, 2])('refuses the stray bits that Node decodes to the same bytes (%i bytes over)', (over) => {
    const sealed = seal(dataKey, context, new Secret('a'.repeat(99 - 28 + over)));
    const stray = withStrayBits({ context, sealed }).sealed;
    const decode = (text: SealedText) => Buffer.from(text.split('.')[2] ?? '', 'base64url');
    expect(stray).not.toBe(sealed);
    expect(decode(stray)).toEqual(decode(sealed));
    expect(() => unseal(dataKey, context, stray)).toThrow(SealBroken);
  });

  it('passes only well-formed text to the cipher', () => {
    const sealed = seal(dataKey, context, plaintext);
    const [, , body = ''] = sealed.split('.');
    const malformed = [
      '',
      body,
      `tk2.${dataKey.id}.${body}`,
      `tk1.examplekey09.${body}`,
      `tk1.${dataKey.id}.`,
      `tk1.${dataKey.id}.${Buffer.alloc(27).toString('base64url')}`,
      `${sealed}=`,
      `${sealed}\n`,
      ` ${sealed}`,
    ];
    const cipher = jest.spyOn(crypto, 'createDecipheriv');
    try {
      for (const text of malformed)
        expect(() => unseal(dataKey, context, text as SealedText)).toThrow(SealBroken);
      expect(cipher).not.toHaveBeenCalled();
      unseal(dataKey, context, sealed);
      expect(cipher).toHaveBeenCalledTimes(1);
    } finally {
      cipher.mockRestore();
    }
  });

  it('fails with one error for every cause', () => {
    const sealed = seal(dataKey, context, plaintext);
    const errors = [
      thrownBy(() => unseal(dataKey, { ...context, field: 'live_secret_key' }, sealed)),
      thrownBy(() => unseal(dataKey, context, `${sealed}=` as SealedText)),
      thrownBy(() => unseal(dataKey, context, 'sk_test_aaaaaaaaaaaaaaaaaaaaaaaa' as SealedText)),
    ];
    for (const error of errors) {
      expect(error).toEqual(new SealBroken());
      expect(inspect(error, { showHidden: true })).not.toContain('cause');
      expect(inspect(error, { showHidden: true })).not.toContain('sk_test');
    }
  });
});

describe('DataKey', () => {
  it('derives once for several values of one tenant', () => {
    const fresh = new DataKey('examplekey01', 'seal', randomBytes(32));
    const derivation = jest.spyOn(crypto, 'hkdfSync');
    try {
      for (const field of ['a', 'b', 'c', 'd', 'e', 'f']) seal(fresh, { ...context, field }, plaintext);
      expect(derivation).toHaveBeenCalledTimes(1);
      seal(fresh, { ...context, tenant: 'another' }, plaintext);
      expect(derivation).toHaveBeenCalledTimes(2);
    } finally {
      derivation.mockRestore();
    }
  });

  it('refuses material that is not 32 bytes long', () => {
    for (const length of [0, 16, 31, 33])
      expect(() => new DataKey('examplekey01', 'seal', Buffer.alloc(length))).toThrow(RangeError);
  });
});
