import { nameCheck, textCheck, type ValueCheck } from '../http/fields.js';
import { MAX_EMAIL_LENGTH, normalizeEmail, spellingsOf } from './email.js';
import { isLookalike } from './lookalike.js';

export const MIN_PASSWORD_LENGTH = 8;
/** Far above any password; what is longer is an attack. */
const MAX_PASSWORD_LENGTH = 1_000;
export const MAX_NAME_LENGTH = 255;

// What is wrong with each field, for the API and the command line.

export const emailProblem: ValueCheck = (value) =>
  textCheck(1, MAX_EMAIL_LENGTH)(value) ??
  (normalizeEmail(String(value)) ? undefined : { type: 'value_error', msg: 'must be an e-mail address, such as ada@example.com' });

/** Rule for the address of a new account. Accounts that an earlier version made keep theirs. */
export const newEmailProblem: ValueCheck = (value) => {
  const problem = emailProblem(value);
  if (problem) return problem;
  const address = normalizeEmail(String(value)) ?? '';
  if (!spellingsOf(address)) return { type: 'value_error', msg: 'must have a domain in valid Punycode or in the letters of its name' };
  return isLookalike(address)
    ? {
        type: 'value_error',
        msg: 'could be taken for another address: it mixes scripts, is quoted, or has letters that look like others or cannot be seen',
      }
    : undefined;
};

export const newPasswordProblem = textCheck(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH);

/** Of a login any text will do: a wrong one is refused, but not here. */
export const passwordProblem = textCheck(0, Infinity);

export const fullNameProblem = nameCheck(0, MAX_NAME_LENGTH);
