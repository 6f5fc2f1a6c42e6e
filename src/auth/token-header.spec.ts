import { accessToken } from '../../test/support/tokens.js';
import { readTokenHeader } from './token-header.js';

describe('readTokenHeader', () => {
  it('reads algorithm, key id and type, and nothing that could name another key', () => {
    const hostile = { jwk: { kty: 'oct', k: 'AAAA' }, jku: 'https://evil.test/', x5u: 'https://evil.test/', x5c: ['AAAA'] };
    expect(readTokenHeader(accessToken({}, { kid: 'k1', ...hostile }))).toEqual({ alg: 'HS256', kid: 'k1', typ: 'jwt' });
  });

  it.each([
    ['at+jwt', 'at+jwt'],
    ['AT+JWT', 'at+jwt'],
    ['application/at+jwt', 'at+jwt'],
    ['Application/At+Jwt', 'at+jwt'],
    ['x/at+jwt', 'x/at+jwt'],
    ['x-application/at+jwt', 'x-application/at+jwt'],
  ])('reads the type %s as %s', (sent, typ) => {
    expect(readTokenHeader(accessToken({}, { typ: sent })).typ).toBe(typ);
  });

  it.each([[['exp']], [[]], [null], [false]])('refuses crit %j', (crit) => {
    expect(() => readTokenHeader(accessToken({}, { crit }))).toThrow('The access token asks for an extension that is not supported here.');
  });

  it.each([
    ['an algorithm that is no string', accessToken({}, { alg: ['HS256'] })],
    ['no algorithm', accessToken({}, { alg: undefined })],
    ['a key id that is no string', accessToken({}, { kid: 1 })],
    ['a type that is no string', accessToken({}, { typ: null })],
    ['no signature', accessToken().replace(/[^.]*$/, '')],
    ['two parts', 'e30.e30'],
    ['four parts', `${accessToken()}.AAAA`],
    ['five parts, as encryption has', 'e30.e30.e30.e30.e30'],
    ['padding', `${accessToken()}=`],
    ['a second token behind a comma', `${accessToken()}, Bearer ${accessToken()}`],
    ['a header that is not JSON', accessToken().replace(/^[^.]*/, 'AAAA')],
    ['a header that is null', accessToken().replace(/^[^.]*/, 'bnVsbA')],
    ['a header that is a list', accessToken().replace(/^[^.]*/, 'W10')],
  ])('refuses a token with %s', (_, token) => {
    expect(() => readTokenHeader(token)).toThrow('The access token is malformed.');
  });

  it('refuses every other spelling of the same signature', () => {
    const token = accessToken();
    const spellings = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].map((last) => token.slice(0, -1) + last);
    const signature = (text: string) => Buffer.from(text.slice(text.lastIndexOf('.') + 1), 'base64url');
    const equivalent = spellings.filter((text) => text !== token && signature(text).equals(signature(token)));
    expect(equivalent).toHaveLength(3);
    for (const spelling of equivalent) expect(() => readTokenHeader(spelling)).toThrow('The access token is malformed.');
  });

  it('bounds the size', () => {
    const [header = '', , signature = ''] = accessToken().split('.');
    const sized = (length: number) => `${header}.${'A'.repeat(length - header.length - signature.length - 2)}.${signature}`;
    expect(readTokenHeader(sized(8192)).alg).toBe('HS256');
    expect(() => readTokenHeader(sized(8193))).toThrow('The access token is longer than 8192 characters.');
  });
});
