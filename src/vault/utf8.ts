import { toUSVString } from 'node:util';

/**
 * @returns the text's UTF-8 bytes
 * @throws TypeError for a lone surrogate: Node would turn it into U+FFFD, and something else would come out than went in
 */
export function utf8(text: string): Buffer {
  if (toUSVString(text) !== text) throw new TypeError('The text has a lone surrogate and so no UTF-8 form.');
  return Buffer.from(text, 'utf8');
}
