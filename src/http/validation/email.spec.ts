import { isLookalike, normalizeEmail, spellingsOf } from './email.js';

it.each([
  ['ada@example.com'],
  ['john1@example.com'],
  ["o'brien+shop_1@example.com"],
  ['jürgen@bücher.example'],
  ['иван@почта.рф'],
  ['иван.2@example.com'],
  ['παράδειγμα@example.gr'],
  ['用户@例え.jp'],
  ['テスト太郎@example.jp'],
  ['사용자@example.kr'],
  ['مثال@example.com'],
  ['משתמש@example.com'],
  ['ada@xn--bcher-kva.example'],
  ['sạm@example.com'],
  ['ann@münchen.de'],
  ['nguyễn@example.com'],
  ['ọ\u0301@example.com'],
  ['हिन्दी@उदाहरण.भारत'],
])('accepts %s', (address) => {
  expect(isLookalike(address)).toBe(false);
});

it.each([
  ['Cyrillic among Latin letters', 'аda@example.com'],
  ['Greek among Latin letters', 'οscar@example.com'],
  ['Cyrillic in the domain', 'ada@exаmple.com'],
  ['Cyrillic in the domain, in Punycode', 'ada@xn--exmple-4nf.com'],
  ['Cyrillic letters only, which look like Latin', 'ѕсоре@example.com'],
  ['a domain of Cyrillic letters that look like Latin', 'ada@аррӏе.com'],
  ['Latin letters that look like others', 'ɑda@example.com'],
  ['a dotless i', 'adrıan@example.com'],
  ['a zero-width space', 'a\u200bda@example.com'],
  ['a joiner', 'a\u200dda@example.com'],
  ['a soft hyphen', 'a\u00adda@example.com'],
  ['a direction mark', 'ada\u202e@example.com'],
  ['full-width letters', 'ａda@example.com'],
  ['mathematical letters', '𝐚da@example.com'],
  ['a typographic apostrophe', 'o’brien@example.com'],
  ['a dot over an i', 'bill@i\u0307stanbul.com'],
  ['a dot over a capital I', 'joe@İstanbul.com'.toLowerCase()],
  ['a dot over a j, below another mark', 'j\u0323\u0307oe@example.com'.normalize('NFC')],
  ['a stroke across a letter', 'a\u0336da@example.com'],
  ['a slash across a letter', 'ada@exa\u0338mple.com'],
  ['a circle around a letter', 'a\u20ddda@example.com'],
  ['a mark twice', 'a\u0323\u0323da@example.com'.normalize('NFC')],
  ['a mark over a digit', 'ada1\u0301@example.com'],
  ['a quoted local part', '"sam"@example.com'],
  ['a ligature', 'ﬁne@example.com'],
])('refuses %s', (_, address) => {
  expect(isLookalike(address)).toBe(true);
});

it.each([
  ['Ada@Example.com ', 'ada@example.com'],
  ['a@b.c', 'a@b.c'],
  ['ada@bücher.example', 'ada@bücher.example'],
  ['ada@example.xn--p1ai', 'ada@example.xn--p1ai'],
])('accepts %j', (text, address) => {
  expect(normalizeEmail(text)).toBe(address);
});

it.each([
  'ada',
  'ada@',
  '@b.c',
  'ada@localhost',
  'ada@127.0.0.1',
  'ada@b.',
  'ada@.c',
  'ada@b..c',
  'a b@b.c',
  'ada@b.c,eve@b.c',
])('refuses %j', (text) => {
  expect(normalizeEmail(text)).toBeUndefined();
});

it.each(['ann@münchen.de', 'ann@xn--mnchen-3ya.de'])(
  'has one canonical form for both spellings of %s',
  (address) => {
    expect(spellingsOf(address)).toEqual({ unicode: 'ann@münchen.de', ascii: 'ann@xn--mnchen-3ya.de' });
  },
);

it.each([
  'joe@xn--a.com',
  'jo--e@xn--0.com',
  'joe@xn--.com',
  'joe@xn--example-.com',
  'joe@exam\u00adple.com',
  'joe@0x7f.0x1',
  'joe@ｅxample.com',
])('finds no domain in %j', (address) => {
  expect(spellingsOf(address)).toBeUndefined();
});
