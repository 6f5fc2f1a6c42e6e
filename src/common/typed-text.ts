const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Puts U+FFFD in place of lone surrogates in all texts and names of a JSON value, in place. PostgreSQL would
 * do so silently, while SQLite and seals refuse them.
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
 * What nobody can see, and what lets a text be read otherwise than it is stored: controls, zero-width
 * characters, direction marks, tags, what annotates or formats, private use, unassigned code points, half a
 * surrogate pair. RFC 8264 (PRECIS, FreeformClass) disallows the same. Emoji that are newer than the
 * platform's Unicode are unassigned, and yet seen. So are some signs of Arabic and Syriac, though formats.
 */
const UNSEEN = new RegExp(
  [
    '[\\p{C}--[\\p{Cn}&&\\p{Extended_Pictographic}]--[\\u0600-\\u0605\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u{110bd}\\u{110cd}]]',
    '[\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\p{Bidi_Control}\\u{13430}-\\u{1345f}]',
  ].join('|'),
  'v',
);

/** More than any script stacks upon a letter. */
const PILE_OF_MARKS = /\p{M}{9}/u;

/**
 * Neither blank, nor a mark that nothing carries; an empty Braille cell and an empty note head show nothing
 * either.
 */
const SEEN = /[^\p{Z}\p{M}\p{C}\u2800\u{1d159}]|\p{Extended_Pictographic}/u;

/**
 * Where such characters have a visible effect: whole emoji, joiners inside words of scripts that need them
 * and behind a virama (RFC 5892, A.1 and A.2), variants of Han and Mongolian characters.
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

/** Whether a name shows all that is in it. */
export function isVisibleName(text: string): boolean {
  return !UNSEEN.test(text.replace(VISIBLE, '')) && !PILE_OF_MARKS.test(text.normalize('NFD'));
}

/** Whether there is anything to see. */
export function showsSomething(text: string): boolean {
  return SEEN.test(text);
}

/** The same for text that may have several lines. */
export function isVisibleText(text: string): boolean {
  return isVisibleName(text.replace(LINE_BREAKS, ' '));
}

/** Whether there is nothing unseen at all, as in an identifier. */
export function isPlainlyVisible(text: string): boolean {
  return !UNSEEN.test(text) && !PILE_OF_MARKS.test(text.normalize('NFD'));
}

const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/**
 * @param value RFC 3339, or seconds since 1970 as Stripe has them. @returns `undefined` when it is not a time
 * that has been
 */
export function readPastTime(value: unknown): Date | undefined {
  const time = Number.isInteger(value)
    ? Number(value) * 1000
    : typeof value === 'string'
      ? readRfc3339(value)
      : NaN;
  return time >= 0 && time <= Date.now() ? new Date(time) : undefined;
}

function readRfc3339(text: string): number {
  const day = RFC_3339.exec(text)?.[1];
  // JavaScript takes February 30 for March 1 or 2.
  const isDay = day !== undefined && new Date(Date.parse(day)).getUTCDate() === Number(day.slice(-2));
  return isDay ? Date.parse(text) : NaN;
}
