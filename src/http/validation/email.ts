import { domainToASCII, domainToUnicode } from 'node:url';
import { isEmail } from 'class-validator';
import unhomoglyph from 'unhomoglyph';
import { isPlainlyVisible } from '../../common/typed-text.js';
import { textCheck } from './fields.js';
import type { ValueCheck } from './request.pipe.js';

/** Longest path of RFC 5321, without its angle brackets. */
export const MAX_EMAIL_LENGTH = 254;

/** Replaces `isEmail`'s check of the top-level domain, which rejects one of one letter. */
const DOTTED_DOMAIN = /@.+\.[^.\p{L}]*\p{L}[^.]*$/u;

/** @returns the canonical form of an address, or `undefined` if it is invalid */
export function normalizeEmail(text: string): string | undefined {
  const address = text.trim().normalize('NFC').toLowerCase();
  return address.length <= MAX_EMAIL_LENGTH &&
    isEmail(address, { require_tld: false }) &&
    DOTTED_DOMAIN.test(address)
    ? address
    : undefined;
}

export const emailProblem: ValueCheck = (value) =>
  textCheck(1, MAX_EMAIL_LENGTH)(value) ??
  (normalizeEmail(String(value))
    ? undefined
    : { type: 'value_error', msg: 'must be an e-mail address, such as ada@example.com' });

/** Recommended scripts of UAX 31, and scripts written together (UTS 39, "highly restrictive"). */
const SCRIPTS =
  'Arab Armn Beng Cyrl Deva Ethi Geor Grek Gujr Guru Hebr Knda Khmr Laoo Latn Mlym Mymr Orya Sinh Taml Telu Thaa Thai Tibt Latn+Hani+Hira+Kana Latn+Hani+Hang Latn+Hani+Bopo';
const ONE_SCRIPT = SCRIPTS.split(' ').map((scripts) => {
  const classes = ['Zyyy', 'Zinh', ...scripts.split('+')].map((script) => `\\p{scx=${script}}`).join('');
  return new RegExp(`^[${classes}]*$`, 'u');
});
const ASCII = /^[\x20-\x7e]*$/;

/**
 * Marks that are hard to see (UTS 39, 5.4): repeated, without a letter, or through a letter;
 * a dot on a dotted letter; a Latin mark on another script's letter.
 */
const HIDDEN_MARK =
  /[\p{Soft_Dotted}lı\u0237]\p{M}*\u0307|[\u0334-\u0338\u20d2-\u20d4\u20d8-\u20da\u20dd-\u20f0\u0488\u0489]|(\p{Mn})\1|(?<![\p{L}\p{M}])\p{M}|(?<![\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}\p{M}])[\u0300-\u0339]/u;

/**
 * Whether an address could be mistaken for another: it has invisible characters, hidden marks or
 * compatibility forms, a quoted local part, or a part that mixes scripts or resembles ASCII.
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

/** Compares skeletons (UTS 39). */
function looksLikeAscii(part: string): boolean {
  return !ASCII.test(part) && ASCII.test(unhomoglyph(part.normalize('NFD')));
}

/** An address with its domain in Unicode and in Punycode. */
export interface Spellings {
  /** Form of new accounts. */
  readonly unicode: string;
  /** Accounts of an earlier version may have this form. */
  readonly ascii: string;
}

/**
 * @param address normalized
 * @returns `undefined` for an invalid domain, such as malformed Punycode
 */
export function spellingsOf(address: string): Spellings | undefined {
  const at = address.lastIndexOf('@') + 1;
  const [local, domain] = [address.slice(0, at), address.slice(at)];
  const [ascii, unicode] = [domainToASCII(domain), domainToUnicode(domain)];
  // For malformed Punycode, Node 22 and older return an empty text, and newer ones the input.
  const isWellFormed = ascii !== '' && !/(?:^|\.)xn--/.test(unicode);
  const isOne = isWellFormed && domainToASCII(unicode) === ascii && domainToUnicode(ascii) === unicode;
  const isTyped = domain
    .split('.')
    .every((label, index) => [ascii, unicode].some((form) => form.split('.')[index] === label));
  return isOne && isTyped && local.length + ascii.length <= MAX_EMAIL_LENGTH
    ? { unicode: local + unicode, ascii: local + ascii }
    : undefined;
}

/** The form of a normalized address for storage, and for counting attempts. */
export function storedForm(email: string): string {
  return spellingsOf(email)?.unicode ?? email;
}

/** Checks a new account's address. Existing accounts may have others. */
export const newEmailProblem: ValueCheck = (value) => {
  const problem = emailProblem(value);
  if (problem) return problem;
  const address = normalizeEmail(String(value)) ?? '';
  if (!spellingsOf(address))
    return { type: 'value_error', msg: 'must have a domain in valid Punycode or in the letters of its name' };
  return isLookalike(address)
    ? {
        type: 'value_error',
        msg: 'could be taken for another address: it mixes scripts, is quoted, or has letters that look like others or cannot be seen',
      }
    : undefined;
};
