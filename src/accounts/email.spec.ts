import { normalizeEmail, spellingsOf } from './email.js';

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

it.each(['ann@münchen.de', 'ann@xn--mnchen-3ya.de'])('knows both spellings of %s', (address) => {
  expect(spellingsOf(address)).toEqual({ unicode: 'ann@münchen.de', ascii: 'ann@xn--mnchen-3ya.de' });
});

it.each([
  'joe@xn--a.com',
  'jo--e@xn--0.com',
  'joe@xn--.com',
  'joe@xn--example-.com',
  'joe@exam\u00adple.com',
  'joe@0x7f.0x1',
  'joe@ｅxample.com',
])('knows no domain in %j', (address) => {
  expect(spellingsOf(address)).toBeUndefined();
});
