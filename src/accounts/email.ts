import { isEmail } from 'class-validator';

/** RFC 5321's longest path, less its angle brackets. */
export const MAX_EMAIL_LENGTH = 254;

/** One letter is a top-level domain to most, though not to the check. */
const DOTTED_DOMAIN = /@.+\.[^.]*\p{L}[^.]*$/u;

/** @returns the address as accounts are told apart by, however its letters are typed; `undefined` when it is none */
export function normalizeEmail(text: string): string | undefined {
  const address = text.trim().normalize('NFC').toLowerCase();
  return address.length <= MAX_EMAIL_LENGTH && isEmail(address, { require_tld: false }) && DOTTED_DOMAIN.test(address)
    ? address
    : undefined;
}
