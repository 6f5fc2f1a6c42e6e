import { domainToASCII, domainToUnicode } from 'node:url';
import { isEmail } from 'class-validator';

/** RFC 5321's longest path, less its angle brackets. */
export const MAX_EMAIL_LENGTH = 254;

/** One letter is a top-level domain to most, though not to the check. */
const DOTTED_DOMAIN = /@.+\.[^.]*\p{L}[^.]*$/u;

/** @returns the address, however its letters are typed; `undefined` when it is none */
export function normalizeEmail(text: string): string | undefined {
  const address = text.trim().normalize('NFC').toLowerCase();
  return address.length <= MAX_EMAIL_LENGTH && isEmail(address, { require_tld: false }) && DOTTED_DOMAIN.test(address)
    ? address
    : undefined;
}

/** The canonical form of an address, and the other spelling of its domain (Unicode or Punycode). */
export interface Spellings {
  /** With a domain in Unicode. New accounts have it. */
  readonly unicode: string;
  /** With a domain in Punycode. Accounts that an earlier version made may have it. */
  readonly ascii: string;
}

/** @param address normalized. @returns `undefined` when its domain is none: invalid Punycode, or letters that no domain has */
export function spellingsOf(address: string): Spellings | undefined {
  const at = address.lastIndexOf('@') + 1;
  const [local, domain] = [address.slice(0, at), address.slice(at)];
  const [ascii, unicode] = [domainToASCII(domain), domainToUnicode(domain)];
  const isOne = ascii !== '' && domainToASCII(unicode) === ascii && domainToUnicode(ascii) === unicode;
  const isTyped = domain.split('.').every((label, index) => [ascii, unicode].some((form) => form.split('.')[index] === label));
  return isOne && isTyped && local.length + ascii.length <= MAX_EMAIL_LENGTH
    ? { unicode: local + unicode, ascii: local + ascii }
    : undefined;
}
