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
 * Marks that hide in or behind a letter: a dot upon one that has a dot, a stroke across one, a mark twice or upon nothing, and Latin marks upon
 * letters of scripts that have none (UTS 39, 5.4).
 */
const HIDDEN_MARK =
  /[\p{Soft_Dotted}lı\u0237]\p{M}*\u0307|[\u0334-\u0338\u20d2-\u20d4\u20d8-\u20da\u20dd-\u20f0\u0488\u0489]|(\p{Mn})\1|(?<![\p{L}\p{M}])\p{M}|(?<![\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}\p{M}])[\u0300-\u0339]/u;

/**
 * Whether an address could be taken for another one: it has unseen characters, hidden marks or compatibility forms, quotes its local part, mixes scripts in its local part or
 * a label of its domain, or has such a part that looks like ASCII and is not.
 */
export function isLookalike(address: string): boolean {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  const labels = (domainToUnicode(domain) || domain).split('.');
  const parts = [address.slice(0, at), ...domain.split('.'), ...labels];
  if (parts[0]?.startsWith('"')) return true;
  return parts.some(
    (part) =>
      !isPlainlyVisible(part) ||
      HIDDEN_MARK.test(part.normalize('NFD')) ||
      part.normalize('NFKC') !== part ||
      isMixed(part) ||
      looksLikeAscii(part),
  );
}

function isMixed(part: string): boolean {
  return !ONE_SCRIPT.some((script) => script.test(part));
}

/** By the skeleton of UTS 39. */
function looksLikeAscii(part: string): boolean {
  return !ASCII.test(part) && ASCII.test(unhomoglyph(part.normalize('NFD')));
}
