import { parseTime } from './time.js';
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Replaces lone surrogates by U+FFFD in all strings and names of a JSON value, in place.
 * PostgreSQL would do so silently, while SQLite and seals refuse them.
 */
export function makeWellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    value.forEach((item, index) => (value[index] = makeWellFormed(item)));
    return value;
  }
  const fields = value as Record<string, unknown>;
  for (const [name, field] of Object.entries(fields)) {
    if (LONE_SURROGATE.test(name)) {
      delete fields[name];
      fields[name.toWellFormed()] = makeWellFormed(field);
    } else if (typeof field === 'string' || typeof field === 'object') fields[name] = makeWellFormed(field);
  }
  return value;
}

/**
 * Invisible characters, and characters that change how a text is read. RFC 8264 (PRECIS, FreeformClass)
 * disallows them, too. Exceptions: emoji newer than this Unicode version, and visible format characters
 * of Arabic and Syriac.
 */
const UNSEEN = new RegExp(
  [
    '[\\p{C}--[\\p{Cn}&&\\p{Extended_Pictographic}]--[\\u0600-\\u0605\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u{110bd}\\u{110cd}]]',
    '[\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\p{Bidi_Control}\\u{13430}-\\u{1345f}]',
  ].join('|'),
  'v',
);

/** More marks than any script puts on one letter. */
const PILE_OF_MARKS = /\p{M}{9}/u;

/** A visible character. An empty Braille cell and a null notehead are invisible. */
const SEEN = /[^\p{Z}\p{M}\p{C}\u2800\u{1d159}]|\p{Extended_Pictographic}/u;

/**
 * Contexts where invisible characters matter: emoji, variation selectors of Han and Mongolian,
 * and joiners in scripts that need them or after a virama (RFC 5892, A.1 and A.2).
 */
const VIRAMA =
  '[\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d3b\\u0d3c\\u0d4d\\u0dca\\u1039\\u17d2\\u1b44\\ua8c4\\ua9c0\\u{11046}]';
const VISIBLE = new RegExp(
  [
    '\\p{RGI_Emoji}',
    '(?<=[[\\p{L}\\p{M}]--[\\p{sc=Latin}\\p{sc=Greek}\\p{sc=Cyrillic}\\p{sc=Common}\\p{sc=Inherited}]])[\\u200c\\u200d](?=[\\p{L}\\p{M}])',
    `(?<=${VIRAMA})[\\u200c\\u200d]`,
    '(?<=\\p{sc=Han})[\\u{e0100}-\\u{e01ef}]',
    '(?<=[\\p{sc=Mongolian}&&\\p{L}])[\\u180b-\\u180d\\u180f]',
  ].join('|'),
  'gv',
);
const LINE_BREAKS = /\r\n|[\n\t]/g;

/** Whether a name has no hidden characters. */
export function isVisibleName(text: string): boolean {
  return !UNSEEN.test(text.replace(VISIBLE, '')) && !PILE_OF_MARKS.test(text.normalize('NFD'));
}

/** Whether any character is visible. */
export function showsSomething(text: string): boolean {
  return SEEN.test(text);
}

/** Whether a text, possibly of several lines, has no hidden characters. */
export function isVisibleText(text: string): boolean {
  return isVisibleName(text.replace(LINE_BREAKS, ' '));
}

/** Whether an identifier has no hidden characters, without the exceptions for emoji and joiners. */
export function isPlainlyVisible(text: string): boolean {
  return !UNSEEN.test(text) && !PILE_OF_MARKS.test(text.normalize('NFD'));
}

/** Parses RFC 3339, or Stripe's seconds since 1970. @returns `undefined` unless it is a past time */
export function readPastTime(value: unknown): Date | undefined {
  const time = Number.isInteger(value) ? Number(value) * 1000 : (readTime(value)?.valueOf() ?? NaN);
  return time >= 0 && time <= Date.now() ? new Date(time) : undefined;
}

/** Parses RFC 3339. @returns `undefined` for anything else */
export function readTime(value: unknown): Date | undefined {
  return typeof value === 'string' ? parseTime(value) : undefined;
}
