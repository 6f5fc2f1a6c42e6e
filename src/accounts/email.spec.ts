import { normalizeEmail } from './email.js';

it.each([
  ['Ada@Example.com ', 'ada@example.com'],
  ['a@b.c', 'a@b.c'],
  ['ada@bücher.example', 'ada@bücher.example'],
  ['ada@example.xn--p1ai', 'ada@example.xn--p1ai'],
])('takes %j', (text, address) => {
  expect(normalizeEmail(text)).toBe(address);
});

it.each(['ada', 'ada@', '@b.c', 'ada@localhost', 'ada@127.0.0.1', 'ada@b.', 'ada@.c', 'ada@b..c', 'a b@b.c', 'ada@b.c,eve@b.c'])(
  'does not take %j',
  (text) => {
    expect(normalizeEmail(text)).toBeUndefined();
  },
);
