import { isLookalike } from './lookalike.js';

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
])('takes %s', (address) => {
  expect(isLookalike(address)).toBe(false);
});

it.each([
  ['Cyrillic among Latin letters', 'аda@example.com'],
  ['Greek among Latin letters', 'οscar@example.com'],
  ['Cyrillic in the domain', 'ada@exаmple.com'],
  ['the same in Punycode', 'ada@xn--exmple-4nf.com'],
  ['nothing but Cyrillic that looks like Latin', 'ѕсоре@example.com'],
  ['a domain of nothing but such letters', 'ada@аррӏе.com'],
  ['Latin letters that look like others', 'ɑda@example.com'],
  ['a dotless i', 'adrıan@example.com'],
  ['a zero-width space', 'a\u200bda@example.com'],
  ['a joiner', 'a\u200dda@example.com'],
  ['a soft hyphen', 'a\u00adda@example.com'],
  ['a direction mark', 'ada\u202e@example.com'],
  ['full-width letters', 'ａda@example.com'],
  ['mathematical letters', '𝐚da@example.com'],
  ['an apostrophe that looks like another', 'o’brien@example.com'],
  ['a ligature', 'ﬁne@example.com'],
])('refuses %s', (_, address) => {
  expect(isLookalike(address)).toBe(true);
});
