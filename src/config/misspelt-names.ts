import { isVariableName, VARIABLE_NAMES } from './variables.js';

/** A misspelt optional variable would silently not apply. What is further away than one slip is others' business. */
export function misspeltNames(given: NodeJS.ProcessEnv): string[] {
  return Object.keys(given)
    .filter((name) => given[name] && !isVariableName(name))
    .flatMap((name) => {
      const meant = VARIABLE_NAMES.find((known) => isSlip(name, known));
      return meant === undefined ? [] : `${name} is not a variable of this program: write ${meant}.`;
    });
}

function isSlip(name: string, known: string): boolean {
  // With another digit it is another name: AUTH0_AUDIENCE, PORT2.
  if (digitsOf(name) !== digitsOf(known)) return false;
  // Short common words are one letter away from many others, such as HOST from HOSTS.
  if (!known.includes('_')) return isSwap(name, known);
  return isOneSlipAway(name.toUpperCase(), known);
}

const digitsOf = (name: string): string => name.replace(/\D/g, '');

const isSwap = (name: string, known: string): boolean =>
  name.length === known.length && isOneSlipAway(name, known) && [...name].sort().join('') === [...known].sort().join('');

/** Whether one letter too many, missing, wrong, or a swapped pair makes the difference, or nothing does. */
function isOneSlipAway(one: string, other: string): boolean {
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  let end = 0;
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  const [rest, otherRest] = [one.slice(start, one.length - end), other.slice(start, other.length - end)];
  const isSwap = rest.length === 2 && rest === otherRest.slice(1) + otherRest.charAt(0);
  return isSwap || (rest.length <= 1 && otherRest.length <= 1);
}
