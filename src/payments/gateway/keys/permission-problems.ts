import { type EntryProblem, isPlausibleName } from '../../../http/validation/request.pipe.js';
import { GATEWAY_ACTIONS, isPermissionName, PERMISSION_NAMES } from '../gateway-permissions.js';

const MOST_LISTED = 10;
/** Typing errors in a name that is still recognized. */
const MOST_EDITS = 3;
/** Bounds the comparison with every resource. Their names are shorter. */
const MAX_NAME_LENGTH = 64;

/** @returns the problems of the permissions of a new or changed key: one for each wrong name and value */
export function permissionProblems(value: unknown): readonly EntryProblem[] {
  if (value === undefined) return [{ type: 'missing', msg: 'is required' }];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [{ type: 'dict_type', msg: 'must be an object such as {"customers": "write"}' }];
  const entries = Object.entries(value);
  const wrong = entries.filter(([name, action]) => !isPermissionName(name) || !isAction(action));
  const problems = wrong.slice(0, MOST_LISTED).map(([name]) => problemOf(name));
  const more = wrong.length - problems.length;
  if (more > 0) problems.push({ type: 'value_error', msg: `${more} more permissions are wrong` });
  return problems;
}

function isAction(value: unknown): boolean {
  return GATEWAY_ACTIONS.some((known) => known === value);
}

function problemOf(name: string): EntryProblem {
  if (isPermissionName(name)) return { entry: name, type: 'enum', msg: 'must be read or write' };
  if (!isResourceLike(name))
    return {
      type: 'value_error',
      msg: 'has a name that is no resource of Stripe; it is not repeated here, in case it is a secret',
    };
  const close = closeTo(name);
  const advice =
    close.length > 0
      ? `did you mean ${close.join(' or ')}?`
      : 'write path resources such as customers or checkout/sessions, or *';
  return { entry: name, type: 'value_error', msg: `is no resource of Stripe; ${advice}` };
}

/** Whether a wrong name may be repeated: words, with a version before them at most. */
function isResourceLike(name: string): boolean {
  return (
    name.length <= MAX_NAME_LENGTH &&
    name
      .replace(/^\/?v[12]\//, '')
      .split(/[/.: ]/)
      .every((part) => isPlausibleName(part.replace(/^[A-Z]/, (letter) => letter.toLowerCase())))
  );
}

/** Resources that the client may have meant, at most two. */
function closeTo(name: string): readonly string[] {
  const plain = name
    .replace(/^\/?v[12]\//, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, '_')
    .toLowerCase()
    .replace(/[- ]/g, '_')
    .replace(/[.:]/g, '/');
  const distances = PERMISSION_NAMES.map((known) => editsBetween(plain, known));
  const fewest = Math.min(...distances);
  if (fewest <= Math.min(MOST_EDITS, plain.length / 3))
    return PERMISSION_NAMES.filter((_, nth) => distances[nth] === fewest).slice(0, 2);
  const within = PERMISSION_NAMES.filter((known) => `${known}/`.startsWith(`${plain}/`));
  const parts = within.length > 0 ? within : PERMISSION_NAMES.filter((known) => known.endsWith(`/${plain}`));
  return parts.length <= 2 ? parts : [];
}

/** The number of letters to insert, remove or replace (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, nth) => nth);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
