import { randomBytes } from 'node:crypto';
import { Secret } from '../common/secret.js';
import { isGuessable } from './guessable.js';

const TEXT_BITS = 64;
const fill = (text: string, length = 32) => text.repeat(Math.ceil(length / text.length)).slice(0, length);

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
    ...['abcdefghijklmnopqrstuvwxyz', 'zyxwvutsrqponmlkjihgfedcba', '0123456789', '9876543210', '0123456789abcdef', 'aabbccddeeff'],
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
  ])('finds %j over and over', (text) => {
    for (const length of [32, 33, 64, 200])
      expect([length, isGuessable(new Secret(fill(text, length)), TEXT_BITS)]).toEqual([length, true]);
  });

  it.each([
    ['zeros', Buffer.alloc(32)],
    ['ones', Buffer.alloc(32, 0xff)],
    ['one byte', Buffer.alloc(32, 'a')],
    ['a few bytes over and over', Buffer.alloc(32, 'deadbeef', 'hex')],
    ['a run', Buffer.from(Array.from({ length: 32 }, (_, index) => index))],
    ['a run of threes, backwards', Buffer.from(Array.from({ length: 32 }, (_, index) => 200 - 3 * index))],
    ['words', Buffer.from('changeme'.repeat(4))],
    ['all zeros but the last', Buffer.concat([Buffer.alloc(31), Buffer.from([1])])],
  ])('finds a master key of %s', (_, bytes) => {
    expect(isGuessable(new Secret(bytes.toString('base64')), TEXT_BITS, 'base64')).toBe(true);
  });

  it('takes random secrets', () => {
    for (let round = 0; round < 100; round += 1) {
      for (const [size, bits] of [
        [16, TEXT_BITS],
        [24, TEXT_BITS],
        [32, TEXT_BITS],
        [8, 32],
      ] as const)
        expect(isGuessable(new Secret(randomBytes(size).toString('hex')), bits)).toBe(false);
      expect(isGuessable(new Secret(randomBytes(24).toString('base64url')), TEXT_BITS)).toBe(false);
      expect(isGuessable(new Secret(randomBytes(12).toString('base64')), 32)).toBe(false);
      expect(isGuessable(new Secret(randomBytes(32).toString('base64')), TEXT_BITS, 'base64')).toBe(false);
    }
  });

  it.each(['plover tartar evoke lumpy rigid snare', 'Zwölf Boxkämpfer jagen Viktor quer', '7f9c-2b41 93d0 e6a8 55b1 0cfe d27a'])(
    'takes %j',
    (text) => {
      expect(isGuessable(new Secret(text), TEXT_BITS)).toBe(false);
    },
  );
});
