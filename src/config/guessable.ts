import type { Secret } from '../common/secret.js';

/** Words in placeholders: names of secrets, advice to replace them, and the commonest English words. */
const PLACEHOLDERS = `
  secret password passwd passphrase token key apikey jwt hmac hash salt credential bearer session cookie signing signature sign signed signer
  auth authentication authorization login admin administrator root user username account client server service backend frontend api app
  application web site company corp project product production prod staging development develop developer dev local localhost database master
  metrics prometheus scrape grafana stripe payment webhook tillkeeper
  change changed replace replaced insert put set enter paste type write fill generate generated make create created provide choose pick use
  using used edit update override remove rotate need needed must should please todo fixme dont before after deploy deployment
  example sample dummy placeholder default demo test testing temp temporary fake mock insecure unsafe secure secured security safe safely strong
  super very really ultra top long longer short random randomly secretly private public hidden unique complex simple
  string text word value variable environment config configuration setting file here there byte bit char character letter digit number length
  minimum maximum min max least most more than less enough hex base64 encoded encoding encode openssl rand output input uuid guid
  aes256 hs256 hs512 sha256 sha512 rsa ecdsa env
  the this that these those and for from with without into onto over under about your yours our ours their his her its mine some any all each
  every one two three four five six seven eight nine ten first last new old good bad best only just not never ever always now then when where
  what which who why how can could will would shall may might was were are been being have has had does did done get got let lets give take
  keep know like love want see say said tell come came goes went look find found thing people time day year way man world life hand part
  also but because through between while such same other another again out off too
  letmein welcome hello foobar foo bar baz qux lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor
  quick brown fox jumps lazy dog correct horse battery staple monkey dragon master football baseball sunshine princess iloveyou shadow
  qwerty azerty asdf zxcv abc xyz
`
  .trim()
  .split(/\s+/);
/** Short words count only where no letters adjoin them; random text contains them too. */
const SHORT_PLACEHOLDERS =
  'a i an as at be by do go he if in is it me my no of ok on or pw so to up us we id kb';

const LEET: Record<string, string> = { a: '[a4@]', e: '[e3]', i: '[i1!]', o: '[o0]', s: '[s5$]', t: '[t7]' };
const MIN_LEET_LENGTH = 5;

const PLACEHOLDER = new RegExp(
  `(?:${[...PLACEHOLDERS]
    .sort((one, other) => other.length - one.length)
    .map((word) =>
      word.length < MIN_LEET_LENGTH ? word : word.replace(/[aeiost]/g, (letter) => LEET[letter] ?? letter),
    )
    .join('|')})s?`,
  'giu',
);
const SHORT_PLACEHOLDER = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${SHORT_PLACEHOLDERS.replaceAll(' ', '|')})+(?![\\p{L}\\p{N}])`,
  'giu',
);

/** A separate word, with adjacent punctuation. */
const WORD =
  /[^\p{L}\p{N}]?(?<![\p{L}\p{N}])(\p{L}\p{Ll}{2,14}|\p{Lu}{3,15})(?![\p{L}\p{N}])[^\p{L}\p{N}]?/gu;
/** Bits of a word chosen from a Diceware list. */
const BITS_OF_WORD = Math.log2(6 ** 5);
/** Random text can contain fewer words. */
const MIN_WORDS = 3;

/** Keyboard keys in the order of typical finger runs. */
const KEYBOARDS = [
  "`1234567890-=qwertyuiop[]asdfghjkl;'zxcvbnm,./",
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
];

/** Problem of a guessable secret, after its variable's name. */
export const MUST_BE_RANDOM =
  'must be random in production, not words, a run or one character over and over, encoded or not: openssl rand -base64 32 makes one.';

/** Minimum length of a repetition. Random text often has shorter ones. */
const MIN_REPETITION = 3;

/** Minimum bits per decoded byte. Far below random bytes, because few texts are really encodings. */
const BITS_OF_BYTE = 1;
/** Fewer random bytes may be a text by chance. */
const MIN_TEXT_BYTES = 16;

const HEX = /^(?:[0-9a-f]{2})+$/i;
const BASE64 = /^[\w+/-]+={0,2}$/;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Whether a secret looks invented: repetitions, runs (`abc…`), placeholders, words, or an encoding of these.
 * Almost never rejects 16 random bytes in hexadecimal or base64.
 * @param bits the required minimum; the estimate is low
 */
export function isGuessable(secret: Secret, bits: number, encoding: 'utf8' | 'base64' = 'utf8'): boolean {
  return encoding === 'utf8'
    ? isGuessableText(secret.reveal(), bits)
    : areGuessableBytes(Buffer.from(secret.reveal(), encoding), bits, bits);
}

function isGuessableText(text: string, bits: number): boolean {
  return (
    bitsInText(text) < bits ||
    decodings(text).some((bytes) => areGuessableBytes(bytes, bits, bytes.length * BITS_OF_BYTE))
  );
}

/** @param bitsOfText the required minimum if the bytes are a text */
function areGuessableBytes(bytes: Buffer, bitsOfText: number, bits: number): boolean {
  const least = Math.min(bitsOfText, bits);
  const text = textIn(bytes);
  if (text !== undefined && isGuessableText(text, bytes.length < MIN_TEXT_BYTES ? least : bitsOfText))
    return true;
  return bitsInNumbers([...bytes]) < least;
}

/** Decodes a text as hexadecimal and base64, where it may be either. */
function decodings(text: string): Buffer[] {
  const digits = text.replace(/^0x|[\s:.-]/gi, '');
  return [
    ...(HEX.test(digits) ? [Buffer.from(digits, 'hex')] : []),
    ...(BASE64.test(text.replace(/\s/g, '')) ? [Buffer.from(text, 'base64')] : []),
  ];
}

/** @returns the bytes as UTF-8, or as UTF-16 of ASCII characters */
function textIn(bytes: Buffer): string | undefined {
  try {
    const text = UTF8.decode(bytes).replaceAll('\0', '');
    return /[^\P{C}\t\r\n]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function bitsInText(given: string): number {
  const text = withoutPlaceholders(given);
  const positions = KEYBOARDS.map((keys) =>
    Array.from(text.toLowerCase(), (character) =>
      keys.includes(character) ? keys.indexOf(character) : 1_000 + codePoint(character),
    ),
  );
  return Math.min(
    bitsInNumbers(codePoints(text)),
    bitsInWords(given),
    ...positions.map((numbers) => bitsIn(steps(numbers))),
  );
}

/** Sums the bits of separate words and of the text between them. */
function bitsInWords(given: string): number {
  const words = new Set<string>();
  if ((given.match(WORD)?.length ?? 0) < MIN_WORDS) return Infinity;
  const between = given.replace(WORD, (_, word: string) => {
    if (withoutPlaceholders(word).trim() !== '') words.add(word.toLowerCase());
    return ' ';
  });
  const rest = withoutPlaceholders(between).replace(/[^\p{L}\p{N}]* [^\p{L}\p{N}]*/gu, '');
  return words.size * BITS_OF_WORD + bitsIn(codePoints(rest));
}

function withoutPlaceholders(text: string): string {
  return text.replace(PLACEHOLDER, ' ').replace(SHORT_PLACEHOLDER, ' ');
}

function bitsInNumbers(numbers: number[]): number {
  return Math.min(bitsIn(numbers), bitsIn(steps(numbers)));
}

function codePoints(text: string): number[] {
  return Array.from(text, codePoint);
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}

/** Differences between neighbours: a run has equal ones. */
function steps(numbers: number[]): number[] {
  return numbers.slice(1).map((number, index) => number - (numbers[index] ?? 0));
}

/** Estimates the bits of a sequence. A repetition of anything earlier counts as one symbol. */
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
