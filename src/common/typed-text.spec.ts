import {
  isPlainlyVisible,
  isVisibleName,
  isVisibleText,
  makeWellFormed,
  showsSomething,
} from './typed-text.js';

it('replaces lone surrogates by U+FFFD, in texts and names at any depth, and changes nothing else', () => {
  const value: unknown = JSON.parse(
    '{"a\\ud800":["\\udc00x",{"\\ud83d":{"b":"\\ud83d\\ude00"}}],"n":1,"t":true,"z":null,"\\ud83d\\ude00":"\\u0000","e":""}',
  );
  expect(makeWellFormed(value)).toEqual({
    'a\ufffd': ['\ufffdx', { '\ufffd': { b: '\u{1f600}' } }],
    n: 1,
    t: true,
    z: null,
    '\u{1f600}': '\0',
    e: '',
  });
  expect([makeWellFormed('\udbff'), makeWellFormed(null), makeWellFormed(0)]).toEqual(['\ufffd', null, 0]);
});

it.each([
  ['a plain name', 'Corner shop'],
  ['accents and apostrophes', 'Éloïse O’Brien'],
  ['combining marks', 'Nguyễn'.normalize('NFD')],
  ['Arabic', 'متجر الزاوية'],
  ['Hebrew with points', 'שָׁלוֹם'],
  ['Persian with a zero-width non-joiner', 'می\u200cخواهم'],
  ['Hindi with joiners', 'क्\u200dष and क्\u200cष'],
  ['a Malayalam chillu of a virama and a joiner', 'അവന്\u200d'],
  ['a Sinhala joiner', 'ශ්\u200dරී'],
  ['Mongolian with a variant', 'ᠮᠣᠩᠭᠣᠯ\u180b ᠪᠢᠴᠢᠭ\u180d'],
  ['an Arabic year sign', '\u0601٢٠٢٦'],
  ['eight marks over a letter', `a${'\u0301'.repeat(8)}`],
  ['Japanese with a variant', '葛\u{e0100}城商店'],
  ['emoji of several code points', 'Family 👩‍👩‍👧 ❤️ 👍🏽 🏴󠁧󠁢󠁳󠁣󠁴󠁿 1️⃣ 🇩🇪'],
  ['symbols and mathematics', '½ × ∑ ™ №'],
])('a name may have %s', (_, text) => {
  expect(isVisibleName(text)).toBe(true);
});

it.each([
  ['a line break', 'a\nb'],
  ['a tab', 'a\tb'],
  ['an escape', '\u001b[31m'],
  ['DEL', 'a\x7f'],
  ['a control of Latin-1', 'a\u0085b'],
  ['a direction override', 'a\u202etxt'],
  ['an isolate', '\u2066a\u2069'],
  ['direction marks', 'a\u200e\u200f\u061c'],
  ['a zero-width space', 'a\u200bb'],
  ['a joiner between Latin letters', 'a\u200db'],
  ['a non-joiner at the end', 'a\u200c'],
  ['a word joiner', 'a\u2060b'],
  ['a byte order mark', '\ufeffa'],
  ['a soft hyphen', 'a\u00adb'],
  ['a Hangul filler', '\u3164'],
  ['a line separator', 'a\u2028b'],
  ['tags', 'a\u{e0061}\u{e007f}'],
  ['a variation selector behind a letter', 'a\ufe0f'],
  ['an interlinear annotation', 'a\ufff9b\ufffac\ufffb'],
  ['a hieroglyphic format control', '\u{13000}\u{13430}\u{13000}'],
  ['a blank hieroglyph', '\u{13000}\u{13441}'],
  ['an unassigned code point', 'a\u0378'],
  ['nine marks over a letter', `a${'\u0301'.repeat(9)}`],
  ['a Mongolian variant of a Latin letter', 'a\u180b'],
  ['a joiner behind a joiner', 'അവന്\u200d\u200d'],
  ['private use', '\ue000'],
  ['a noncharacter', '\uffff'],
  ['half a surrogate pair', '\ud800'],
])('a name must not have %s', (_, text) => {
  expect(isVisibleName(text)).toBe(false);
  expect(isPlainlyVisible(text)).toBe(false);
});

it('text may have line breaks and tabs, and no other controls', () => {
  expect(isVisibleText('a\r\nb\n\tc')).toBe(true);
  for (const text of ['a\rb', 'a\vb', 'a\0b', 'a\u200bb']) expect(isVisibleText(text)).toBe(false);
});

it.each(['   ', '\u00a0', '\u3000', '\u2800', '\u0301', ' \u0301 ', '\t'])('%j shows nothing', (text) => {
  expect(showsSomething(text)).toBe(false);
});

it.each(['a', ' a ', '𓀀', '👍🏽', '1', '.', 'é'.normalize('NFD'), '\u{1faff}'])(
  '%j shows something',
  (text) => {
    expect(showsSomething(text)).toBe(true);
  },
);
