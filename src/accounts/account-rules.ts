import { nameCheck, textCheck } from '../http/validation/fields.js';

export const MIN_PASSWORD_LENGTH = 8;
/** Far above the length of real passwords. */
const MAX_PASSWORD_LENGTH = 1_000;
export const MAX_NAME_LENGTH = 255;

export const newPasswordProblem = textCheck(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH);

/** A login accepts any text, because a wrong password matches no account. */
export const passwordProblem = textCheck(0, Infinity);

export const fullNameProblem = nameCheck(0, MAX_NAME_LENGTH);
