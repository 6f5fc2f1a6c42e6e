import type { FastifyInstance } from 'fastify';
import sjson from 'secure-json-parse';
import { ValidationFailed } from './errors.js';

/** Bytes of a JSON body. The largest legitimate one, six credentials of 512 characters, is under 4 KB. */
export const MAX_JSON_BYTES = 64 * 1024;
const MAX_DEPTH = 16;
const MAX_MEMBERS = 1_000;

function unreadable(msg: string): ValidationFailed {
  return new ValidationFailed([{ loc: ['body'], msg, type: 'json_invalid' }]);
}

/** `application/json` alone is read, and bounded before anything walks it: validation of a deep or wide document is what would be slow. */
export function readJsonBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser<string>('application/json', { parseAs: 'string', bodyLimit: MAX_JSON_BYTES }, (_request, text, done) => {
    try {
      done(null, text.trim() === '' ? undefined : parse(text));
    } catch (error) {
      done(error instanceof Error ? error : new Error('The body could not be parsed.'), undefined);
    }
  });
}

function parse(text: string): unknown {
  assertBounded(text);
  try {
    return sjson.parse(text, undefined, { protoAction: 'error', constructorAction: 'error' });
  } catch {
    throw unreadable('is not JSON that can be read');
  }
}

/** Counts brackets and commas outside of strings. */
function assertBounded(text: string): void {
  let depth = 0;
  let members = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (inString) {
      if (character === '\\') index++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    else if (character === ',') members++;
    if (depth > MAX_DEPTH) throw unreadable(`is nested deeper than ${MAX_DEPTH} levels`);
    if (members > MAX_MEMBERS) throw unreadable(`has more than ${MAX_MEMBERS} members`);
  }
}
