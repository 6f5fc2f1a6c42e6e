import { isVariableName, VARIABLE_NAMES } from './variables.js';

/** A misspelt optional variable would silently not apply. Only names that start like ours are looked at: the rest is others' business. */
export function misspeltNames(given: NodeJS.ProcessEnv): string[] {
  return Object.keys(given)
    .filter((name) => /^(AUTH|STRIPE|DATABASE|MASTER|VAULT)_/.test(name) && given[name] && !isVariableName(name))
    .flatMap((name) => {
      const meant = VARIABLE_NAMES.find((known) => isOneSlipAway(name, known));
      return meant === undefined ? [] : `${name} is not a variable of this program: write ${meant}.`;
    });
}

/** Whether one letter too many, missing, wrong, or a swapped pair makes the difference. */
function isOneSlipAway(one: string, other: string): boolean {
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  let end = 0;
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  const [rest, otherRest] = [one.slice(start, one.length - end), other.slice(start, other.length - end)];
  const isSwap = rest.length === 2 && rest === otherRest.slice(1) + otherRest.charAt(0);
  return isSwap || (rest.length <= 1 && otherRest.length <= 1);
}
