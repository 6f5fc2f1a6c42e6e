import { isEmail } from 'class-validator';

/** RFC 5321's longest path, less its angle brackets. */
export const MAX_EMAIL_LENGTH = 254;

/** @returns the address as accounts are told apart by, however its letters are typed; `undefined` when it is none */
export function normalizeEmail(text: string): string | undefined {
  const address = text.trim().normalize('NFC').toLowerCase();
  return address.length <= MAX_EMAIL_LENGTH && isEmail(address) ? address : undefined;
}
