const TRUE = ['true', '1', 't', 'y', 'yes', 'on'];
const FALSE = ['false', '0', 'f', 'n', 'no', 'off'];

/** A truth value as text, in all the ways that clients write one: Python's say `True`. @returns `undefined` when it is none */
export function readFlag(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (TRUE.includes(word)) return true;
  return FALSE.includes(word) ? false : undefined;
}
