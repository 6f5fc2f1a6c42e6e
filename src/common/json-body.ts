import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import sjson from 'secure-json-parse';
import { DomainError, ValidationFailed } from './errors.js';

/** Bytes of a JSON body. The largest legitimate one, six credentials of 512 characters, is under 4 KB. */
export const MAX_JSON_BYTES = 64 * 1024;
const MAX_DEPTH = 16;
const MAX_MEMBERS = 1_000;
const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i;

function unreadable(msg: string): ValidationFailed {
  return new ValidationFailed([{ loc: ['body'], msg, type: 'json_invalid' }]);
}

/** `application/json` alone is read, and bounded before anything walks it: validation of a deep or wide document is what would be slow. */
export function readJsonBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer', bodyLimit: MAX_JSON_BYTES }, ({ headers }, bytes, done) => {
    try {
      assertPlainUtf8(headers);
      done(null, parse(bytes));
    } catch (error) {
      done(error instanceof Error ? error : new Error('The body could not be parsed.'), undefined);
    }
  });
  // A DELETE has no body here; what comes along anyway is not looked at, as with GET.
  fastify.addHttpMethod('DELETE', { hasBody: false, overrideExisting: true });
}

/** RFC 8259 knows no other encoding than UTF-8. To read another one as UTF-8 would be to guess. */
function assertPlainUtf8(headers: IncomingHttpHeaders): void {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  if (!/^utf-?8$/i.test(charset)) throw new DomainError('unsupported_media_type', 'The body must be JSON in UTF-8.');
  if (!/^(?:identity)?$/i.test(headers['content-encoding'] ?? '')) {
    throw new DomainError('unsupported_media_type', 'The body must not be compressed.');
  }
}

/** @returns `undefined` for an empty body */
function parse(bytes: Buffer): unknown {
  // Node would put U+FFFD in place of bytes that are not UTF-8.
  if (!isUtf8(bytes)) throw unreadable('is not JSON that can be read');
  const text = bytes.toString();
  if (text.trim() === '') return undefined;
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
