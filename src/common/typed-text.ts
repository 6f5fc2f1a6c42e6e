/**
 * What nobody can see, and what lets a text be read otherwise than it is stored: controls, zero-width characters, direction marks, tags,
 * private use, half a surrogate pair. RFC 8264 (PRECIS, FreeformClass) disallows the same.
 */
const UNSEEN = /[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/u;

/** Where such characters have a visible effect: whole emoji, joiners inside words of scripts that need them, variants of Han characters. */
const VISIBLE = new RegExp(
  [
    '\\p{RGI_Emoji}',
    '(?<=[[\\p{L}\\p{M}]--[\\p{sc=Latin}\\p{sc=Greek}\\p{sc=Cyrillic}\\p{sc=Common}\\p{sc=Inherited}]])[\\u200c\\u200d](?=[\\p{L}\\p{M}])',
    '(?<=\\p{sc=Han})[\\u{e0100}-\\u{e01ef}]',
  ].join('|'),
  'gv',
);
const LINE_BREAKS = /\r\n|[\n\t]/g;

/** Whether a name shows all that is in it. */
export function isVisibleName(text: string): boolean {
  return !UNSEEN.test(text.replace(VISIBLE, ''));
}

/** The same for text that may have several lines. */
export function isVisibleText(text: string): boolean {
  return isVisibleName(text.replace(LINE_BREAKS, ' '));
}

/** Whether there is nothing unseen at all, as in an identifier. */
export function isPlainlyVisible(text: string): boolean {
  return !UNSEEN.test(text);
}
