import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import sjson from 'secure-json-parse';
import { DomainError, ValidationFailed } from '../../common/errors.js';
import { addUnreadBodyParser } from './request-bodies.js';
import type { ErrorFilter } from '../error.filter.js';
import { answersOnly, type RouteTable } from '../route-table.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Maximum bytes of a body that reaches the handler unparsed, for any content type. */
    rawBodyLimit?: number;
  }
}

const RAW = 'application/x-raw';

/** Keeps bodies unparsed on routes with `rawBodyLimit`, because Stripe signs the raw bytes. */
export function readRawBodies(fastify: FastifyInstance): void {
  addUnreadBodyParser(fastify, RAW, ({ routeOptions }) => {
    const limit = routeOptions.config.rawBodyLimit;
    if (limit === undefined)
      throw new DomainError('unsupported_media_type', 'The body must be JSON, sent as application/json.');
    return { limit, parse: (bytes) => bytes };
  });
  fastify.addHook('onRoute', (route) => {
    if (route.config?.rawBodyLimit === undefined) return;
    route.preParsing = (request, _reply, payload, done) => {
      request.headers['content-type'] = RAW;
      done(null, payload);
    };
  });
}

/** Maximum bytes of a JSON body. The largest legitimate one (six credentials) has under 4 KB. */
export const MAX_JSON_BYTES = 64 * 1024;
const BOUNDS: JsonBounds = { depth: 16, members: 1_000 };
const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i;

/** Limits of a JSON document: nesting depth, and members and elements in total. */
export interface JsonBounds {
  readonly depth: number;
  readonly members: number;
}

function unreadable(msg: string): ValidationFailed {
  return new ValidationFailed([{ loc: ['body'], msg, type: 'json_invalid' }]);
}

/** Accepts only `application/json`, and checks its bounds first: validating a deep document is slow. */
export function readJsonBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  addUnreadBodyParser(fastify, 'application/json', ({ headers }) => {
    assertPlainUtf8(headers);
    return { limit: MAX_JSON_BYTES, parse: (bytes) => parseJson(bytes, BOUNDS) };
  });
  // Ignores the body of a DELETE, as of a GET.
  fastify.addHttpMethod('DELETE', { hasBody: false, overrideExisting: true });
}

/** RFC 8259 requires UTF-8. */
function assertPlainUtf8(headers: IncomingHttpHeaders): void {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  if (!/^utf-?8$/i.test(charset))
    throw new DomainError('unsupported_media_type', 'The body must be JSON in UTF-8.');
  if (!/^(?:identity)?$/i.test(headers['content-encoding'] ?? '')) {
    throw new DomainError('unsupported_media_type', 'The body must not be compressed.');
  }
}

/**
 * @param poison what happens to a member that would change the object's prototype
 * @returns `undefined` for an empty body
 * @throws ValidationFailed
 */
export function parseJson(bytes: Buffer, bounds: JsonBounds, poison: 'error' | 'remove' = 'error'): unknown {
  // Node would decode invalid UTF-8 as U+FFFD.
  if (!isUtf8(bytes)) throw unreadable('is not JSON that can be read');
  const text = bytes.toString();
  if (text.trim() === '') return undefined;
  assertBounded(text, bounds);
  try {
    return sjson.parse(text, undefined, { protoAction: poison, constructorAction: poison });
  } catch {
    throw unreadable('is not JSON that can be read');
  }
}

/** Counts brackets and commas outside of strings. */
function assertBounded(text: string, bounds: JsonBounds): void {
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
    if (depth > bounds.depth) throw unreadable(`is nested deeper than ${bounds.depth} levels`);
    if (members > bounds.members) throw unreadable(`has more than ${bounds.members} members`);
  }
}

interface ClientError extends Error {
  code?: string;
  /** The bytes that Node's parser was given. Fastify declares another type. */
  rawPacket?: unknown;
}

const REQUEST_TARGET = /^\S+ (\/\S*)/;

const SENTENCES: Record<string, [status: number, detail: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'The request headers are too large.'],
};

/** Answers on the socket, because a request that Node's HTTP parser refuses has no reply object. */
export class SocketAnswers {
  constructor(
    private readonly routes: RouteTable,
    private readonly errors: Pick<ErrorFilter, 'hasOtherForm' | 'answerTo'>,
  ) {}

  answerUnparsable(error: ClientError, socket: Duplex): void {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const [, url] = REQUEST_TARGET.exec(String(error.rawPacket)) ?? [];
    // Node's parser refuses unknown methods; a known path still gets 405.
    const allowed = error.code === 'HPE_INVALID_METHOD' && url && this.routes.allowedMethods(url);
    if (allowed) return this.#refuseMethod(socket, url, allowed);
    const [status, detail] = SENTENCES[error.code ?? ''] ?? [400, 'The request is not valid HTTP.'];
    this.#answer(socket, url, { status, detail });
  }

  /** Overrides Node's defaults: it closes the connection on CONNECT, and answers an unknown `Expect` itself. */
  answerOddRequests(server: Server): void {
    server.on('connect', ({ url = '' }, socket) => {
      const allowed = this.routes.allowedMethods(url);
      if (!allowed && this.errors.hasOtherForm(url))
        return this.#answer(socket, url, { status: 404, detail: 'There is nothing at this URL.' });
      this.#refuseMethod(socket, url, allowed ?? []);
    });
    server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  }

  #refuseMethod(socket: Duplex, url: string, allowed: string[]): void {
    const headers = { Allow: allowed.join(', ') };
    this.#answer(socket, url, { status: 405, detail: answersOnly(allowed), headers });
  }

  #answer(
    socket: Duplex,
    url: string | undefined,
    { status, detail, headers }: { status: number; detail: string; headers?: Record<string, string> },
  ): void {
    const requestId = randomUUID();
    const answer = this.errors.answerTo(url, { status, message: detail, requestId });
    const body = JSON.stringify(answer.body);
    const all = {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'X-Request-Id': requestId,
      ...headers,
      ...answer.headers,
      Connection: 'close',
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'));
  }
}
