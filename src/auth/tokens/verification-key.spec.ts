import { generateKeyPairSync } from 'node:crypto';
import { type Claims, SigningKey } from '../../../test/harness/tokens.js';
import { isSigningAlgorithm, verificationKeys } from './verification-key.js';

const rsa = new SigningKey('RS256', 'rsa');
const ec = new SigningKey('ES256', 'ec');
const ed = new SigningKey('EdDSA', 'ed');

const read = (...keys: unknown[]) =>
  verificationKeys({ keys }).map(({ id, algorithm }) => ({ id, algorithm }));
const without = (jwk: Claims, ...names: string[]) =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)));

describe('verificationKeys', () => {
  it('gives each kind of key its one algorithm', () => {
    expect(read(rsa.jwk, ec.jwk, ed.jwk)).toEqual([
      { id: 'rsa', algorithm: 'RS256' },
      { id: 'ec', algorithm: 'ES256' },
      { id: 'ed', algorithm: 'EdDSA' },
    ]);
  });

  it('needs neither alg, use nor kid', () => {
    expect(read(without(ec.jwk, 'alg', 'use', 'kid'))).toEqual([{ id: undefined, algorithm: 'ES256' }]);
    expect(read({ ...ec.jwk, key_ops: ['verify'] })).toHaveLength(1);
    expect(read({ ...ec.jwk, kid: 7 })).toEqual([{ id: undefined, algorithm: 'ES256' }]);
  });

  it.each([
    [
      'a symmetric key',
      { kty: 'oct', k: Buffer.alloc(32, 'a').toString('base64url'), kid: 'rsa', alg: 'HS256' },
    ],
    [
      'an RSA key of 1024 bits',
      generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }),
    ],
    [
      'a key on P-384',
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }),
    ],
    [
      'a key on secp256k1',
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' }),
    ],
    ['an X25519 key', generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })],
    ['a key for another algorithm', { ...rsa.jwk, alg: 'PS256' }],
    ['a key whose alg is HMAC', { ...rsa.jwk, alg: 'HS256' }],
    ['a key for encryption', { ...rsa.jwk, use: 'enc' }],
    ['a key for signing only', { ...rsa.jwk, key_ops: ['sign'] }],
    ['a key whose key_ops is not a list', { ...rsa.jwk, key_ops: 'verify' }],
    ['a published private key', ec.privateKey.export({ format: 'jwk' })],
    ['a point that is not on the curve', { ...ec.jwk, y: ec.jwk.x }],
    ['half a key', without(rsa.jwk, 'n')],
    ['null', null],
    ['a string', 'rsa'],
    ['a list', [rsa.jwk]],
  ])('skips %s and reads on', (_, entry) => {
    expect(read(entry, ed.jwk)).toEqual([{ id: 'ed', algorithm: 'EdDSA' }]);
  });

  it.each([[null], ['keys'], [[]], [{}], [{ keys: {} }], [{ keys: null }]])('finds nothing in %j', (jwks) => {
    expect(verificationKeys(jwks)).toEqual([]);
  });
});

it('isSigningAlgorithm accepts the three algorithms, and neither HMAC nor none', () => {
  const names = ['RS256', 'ES256', 'EdDSA', 'HS256', 'none', 'rs256', 'RS512', ''];
  expect(names.filter(isSigningAlgorithm)).toEqual(['RS256', 'ES256', 'EdDSA']);
});
