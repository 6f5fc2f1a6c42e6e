import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { Secret } from '../common/secret.js';
import { isGuessable } from './guessable.js';

const TEXT_BITS = 64;
const fill = (text: string, length = 32) => text.repeat(Math.ceil(length / text.length)).slice(0, length);
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const ALPHABETS = [
  LOWER,
  `${LOWER.toUpperCase()}234567`,
  `${LOWER}${LOWER.toUpperCase()}0123456789`,
  `${LOWER}${LOWER.toUpperCase()}0123456789!@#$%^&*()-_=+ `,
];
const draw = (alphabet: string, length: number) =>
  Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');

describe('isGuessable', () => {
  it.each([
    ...[
      'a',
      '0',
      'ab',
      'abc',
      'abc123',
      'changeme',
      'change-me-',
      'CHANGE_ME',
      'password',
      'secret',
      'Passw0rd!',
      'your-secret-key-',
      '\u00e9',
      ' ',
    ],
    ...[
      'abcdefghijklmnopqrstuvwxyz',
      'zyxwvutsrqponmlkjihgfedcba',
      '0123456789',
      '9876543210',
      '0123456789abcdef',
      'aabbccddeeff',
    ],
    ...[
      'qwertyuiop',
      'qwertyuiopasdfghjklzxcvbnm',
      'asdfghjkl;',
      '1qaz2wsx3edc4rfv',
      'qazwsxedcrfvtgbyhnujmik',
      'QWERTYUIOPASDFGH',
      'a1b2c3d4e5f6g7h8i9',
    ],
    ...[
      'deadbeef',
      'correct',
      'foobar',
      'lorem ipsum ',
      `${'a'.repeat(31)}b`,
      `${'a'.repeat(16)}${'b'.repeat(16)}`,
      'test-jwt-secret-1234567890-token',
    ],
  ])('finds repetitions of %j', (text) => {
    for (const length of [32, 33, 64, 200])
      expect([length, isGuessable(new Secret(fill(text, length)), TEXT_BITS)]).toEqual([length, true]);
  });

  it.each([
    ['zeros', Buffer.alloc(32)],
    ['ones', Buffer.alloc(32, 0xff)],
    ['one byte', Buffer.alloc(32, 'a')],
    ['a few bytes, repeated', Buffer.alloc(32, 'deadbeef', 'hex')],
    ['a run', Buffer.from(Array.from({ length: 32 }, (_, index) => index))],
    ['a run of threes, backwards', Buffer.from(Array.from({ length: 32 }, (_, index) => 200 - 3 * index))],
    ['words', Buffer.from('changeme'.repeat(4))],
    ['all zeros but the last', Buffer.concat([Buffer.alloc(31), Buffer.from([1])])],
  ])('finds a master key of %s', (_, bytes) => {
    expect(isGuessable(new Secret(bytes.toString('base64')), TEXT_BITS, 'base64')).toBe(true);
  });

  it.each([
    'your-super-secret-jwt-token-with-at-least-32-characters-long',
    'this-is-my-super-secret-jwt-key!!',
    'replace-me-with-a-long-random-string',
    '<put-your-32-byte-secret-string-here>',
    'openssl rand -base64 32 output here',
    'ThisIsMySuperSecretJwtKeyForProd1',
    'thisisasecretkeyforjwtsigning123',
    'my_sup3r_s3cr3t_p@ssw0rd_f0r_production',
    'acme-corp-jwt-signing-secret-2026-production',
    'the quick brown fox jumps over the lazy dog',
    'correcthorsebatterystaplecorrecthorse',
    'To be, or not to be, that is the question',
  ])('finds words in place of a secret: %j, encoded or not', (text) => {
    const encoded = (['hex', 'base64', 'base64url'] as const).map((encoding) =>
      Buffer.from(text).toString(encoding),
    );
    const twice = Buffer.from(Buffer.from(text).toString('hex')).toString('base64');
    const ofPowerShell = Buffer.from(text, 'utf16le').toString('base64');
    for (const written of [text, `${text}\n`, ...encoded, twice, ofPowerShell])
      expect([written, isGuessable(new Secret(written), TEXT_BITS)]).toEqual([written, true]);
  });

  it.each([
    ['a run', Buffer.from(Array.from({ length: 32 }, (_, index) => index))],
    ['a placeholder', Buffer.from('changeme'.repeat(4))],
    ['a sentence', Buffer.from('this is my super secret jwt key!')],
    ['all zeros but the last', Buffer.concat([Buffer.alloc(31), Buffer.from([1])])],
  ])('finds %s of 32 bytes in hexadecimal and base64', (_, bytes) => {
    const pairs = bytes.toString('hex').match(/../g) ?? [];
    for (const text of [
      bytes.toString('hex'),
      pairs.join(':'),
      pairs.join(' ').toUpperCase(),
      `0x${pairs.join('')}`,
    ])
      expect([text, isGuessable(new Secret(text), TEXT_BITS)]).toEqual([text, true]);
    for (const encoding of ['base64', 'base64url'] as const)
      expect(isGuessable(new Secret(bytes.toString(encoding)), TEXT_BITS)).toBe(true);
    expect(isGuessable(new Secret(bytes.toString('base64')), 96, 'base64')).toBe(true);
  });

  it('finds a master key that is a passphrase', () => {
    const key = Buffer.from('plover tartar evoke lumpy rigid ').toString('base64');
    expect(isGuessable(new Secret(key), 96, 'base64')).toBe(true);
  });

  it('accepts random secrets', () => {
    for (let round = 0; round < 100; round += 1) {
      for (const [size, bits] of [
        [16, TEXT_BITS],
        [24, TEXT_BITS],
        [32, TEXT_BITS],
        [8, 32],
      ] as const)
        expect(isGuessable(new Secret(randomBytes(size).toString('hex')), bits)).toBe(false);
      expect(isGuessable(new Secret(randomBytes(24).toString('base64url')), TEXT_BITS)).toBe(false);
      expect(isGuessable(new Secret(randomBytes(18).toString('base64')), 32)).toBe(false);
      expect(isGuessable(new Secret(randomBytes(32).toString('base64')), 96, 'base64')).toBe(false);
      expect(isGuessable(new Secret(randomUUID()), TEXT_BITS)).toBe(false);
      for (const alphabet of ALPHABETS) {
        for (const [length, bits] of [
          [32, TEXT_BITS],
          [24, 32],
        ] as const) {
          const text = draw(alphabet, length);
          expect([text, isGuessable(new Secret(text), bits)]).toEqual([text, false]);
        }
      }
    }
  });

  it.each([
    'plover tartar evoke lumpy rigid snare',
    'plover-tartar-evoke-lumpy-rigid-string',
    'Zwölf Boxkämpfer jagen Viktor quer',
    '7f9c-2b41 93d0 e6a8 55b1 0cfe d27a',
  ])('accepts %j', (text) => {
    expect(isGuessable(new Secret(text), TEXT_BITS)).toBe(false);
  });
});
