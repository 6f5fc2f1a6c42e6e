import { SUBJECT, SUBJECT_RULE } from '../auth/tokens/verify-token.js';
import { secretProblem } from '../http/validation/fields.js';
import type { Check } from '../http/validation/request.pipe.js';

/** Checks the `sub` of a person's access tokens. */
export function subjectProblem(value: unknown): ReturnType<Check> {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
  return SUBJECT.test(value) ? undefined : { type: 'value_error', msg: `must be ${SUBJECT_RULE}` };
}

/** Checks a subject before it is stored. Lists and the history show it, so it must be no secret. */
export function newSubjectProblem(value: unknown): ReturnType<Check> {
  return subjectProblem(value) ?? secretProblem(String(value));
}
