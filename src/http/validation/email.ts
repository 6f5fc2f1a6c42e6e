import { isEmail } from 'class-validator';
import { textCheck } from './fields.js';
import type { ValueCheck } from './request.pipe.js';

/** Longest path of RFC 5321, without its angle brackets. */
export const MAX_EMAIL_LENGTH = 254;

/** Replaces `isEmail`'s check of the top-level domain, which rejects one of one letter. */
const DOTTED_DOMAIN = /@.+\.[^.]*\p{L}[^.]*$/u;

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
