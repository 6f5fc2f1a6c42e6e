import { domainToUnicode } from 'node:url';
import unhomoglyph from 'unhomoglyph';
import { isPlainlyVisible } from '../common/typed-text.js';

/** UAX 31's recommended scripts, and those that are written together (UTS 39, "highly restrictive"). */
const SCRIPTS =
  'Arab Armn Beng Cyrl Deva Ethi Geor Grek Gujr Guru Hebr Knda Khmr Laoo Latn Mlym Mymr Orya Sinh Taml Telu Thaa Thai Tibt Latn+Hani+Hira+Kana Latn+Hani+Hang Latn+Hani+Bopo';
const ONE_SCRIPT = SCRIPTS.split(' ').map((scripts) => {
  const classes = ['Zyyy', 'Zinh', ...scripts.split('+')].map((script) => `\\p{scx=${script}}`).join('');
  return new RegExp(`^[${classes}]*$`, 'u');
});
const ASCII = /^[\x20-\x7e]*$/;

/**
 * Whether an address could be taken for another one: it has unseen characters or compatibility forms, mixes scripts in its local part or
 * a label of its domain, or has such a part that looks like ASCII and is not.
 */
export function isLookalike(address: string): boolean {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  const labels = (domainToUnicode(domain) || domain).split('.');
  const parts = [address.slice(0, at), ...domain.split('.'), ...labels];
  return parts.some((part) => !isPlainlyVisible(part) || part.normalize('NFKC') !== part || isMixed(part) || looksLikeAscii(part));
}

function isMixed(part: string): boolean {
  return !ONE_SCRIPT.some((script) => script.test(part));
}

/** By the skeleton of UTS 39. */
function looksLikeAscii(part: string): boolean {
  return !ASCII.test(part) && ASCII.test(unhomoglyph(part.normalize('NFD')));
}
