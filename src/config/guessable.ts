import type { Secret } from '../common/secret.js';

/** What people put in place of a secret. */
const PLACEHOLDERS =
  /change[-_ ]?(?:me|this|it)|password|passw0rd|secret|example|replace|placeholder|default|insecure|sample|dummy|token|admin|root|letmein|welcome|tillkeeper|please|your|test|todo|key|jwt|metrics|auth/gi;

/** Keys of a keyboard in the orders in which fingers run over them. */
const KEYBOARDS = ["`1234567890-=qwertyuiop[]asdfghjkl;'zxcvbnm,./", '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/'];

/** What is said of a guessable secret, after the name of its variable. */
export const MUST_BE_RANDOM =
  'must be random in production, not a word, a run or one character over and over: openssl rand -base64 32 makes one.';

/** Shorter repetitions are common in random text. */
const MIN_REPETITION = 3;

/**
 * Whether a secret was made up rather than drawn: one character, a word or a run (`abc…`, `123…`, `qwerty…`) over and over, or a
 * placeholder. Of random texts in hexadecimal or base64 it refuses less than one in a million.
 * @param bits that it must have; the estimate is on the low side
 */
export function isGuessable(secret: Secret, bits: number, encoding: BufferEncoding = 'utf8'): boolean {
  const text = Buffer.from(secret.reveal(), encoding).toString('latin1').replace(PLACEHOLDERS, '');
  const characters = Array.from(text, (character) => character.charCodeAt(0));
  const positions = KEYBOARDS.map((keys) =>
    Array.from(text.toLowerCase(), (character) => (keys.includes(character) ? keys.indexOf(character) : 1_000 + character.charCodeAt(0))),
  );
  const readings = [characters, steps(characters), ...positions.map(steps)];
  return Math.min(...readings.map(bitsIn)) < bits;
}

/** From each number to the next: equal ones are a run. */
function steps(numbers: number[]): number[] {
  return numbers.slice(1).map((number, index) => number - (numbers[index] ?? 0));
}

/** What is new in a sequence: a repetition of anything before counts as one symbol. */
function bitsIn(numbers: number[]): number {
  let symbols = 0;
  for (let at = 0; at < numbers.length; symbols += 1) {
    const length = longestRepetition(numbers, at);
    at += length >= MIN_REPETITION ? length : 1;
  }
  return symbols * Math.log2(new Set(numbers).size || 1);
}

function longestRepetition(numbers: number[], at: number): number {
  let longest = 0;
  for (let start = 0; start < at; start += 1) {
    let length = 0;
    while (at + length < numbers.length && numbers[start + length] === numbers[at + length]) length += 1;
    longest = Math.max(longest, length);
  }
  return longest;
}
