import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import Fastify, {
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { normalizeForwardedFor } from '../common/actor.js';
import type { Settings } from '../config/settings.js';
import type { ErrorFilter } from './error.filter.js';
import { SocketAnswers } from './bodies/json-body.js';
import { isDocsUrl } from './openapi/docs.js';
import type { RouteTable } from './route-table.js';

const REQUEST_ID_HEADER = 'x-request-id';

/** Forbids storing, sniffing and framing a response. `/docs` gets helmet's headers instead. */
const DATA_HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const POLICY_HEADER = 'content-security-policy';
const NOTHING_RUNS = "default-src 'none'; frame-ancestors 'none'";

export function sendCommonHeaders(fastify: FastifyInstance): void {
  // `onRequest` is too early: Nest answers a preflight in a hook that runs before ours.
  fastify.addHook('onSend', (request, reply, payload, done) => {
    setCommonHeaders(request, reply);
    done(null, payload);
  });
}

function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  if (isDocsUrl(request.url)) return void reply.header(REQUEST_ID_HEADER, request.id);
  // A page brings its own policy, which may name an origin that shows it in a frame: `X-Frame-Options` can't.
  const policy = reply.getHeader(POLICY_HEADER);
  reply.headers({ ...commonHeaders(request), ...(policy !== undefined && { [POLICY_HEADER]: policy }) });
  if (/frame-ancestors http/.test(String(policy))) reply.removeHeader('x-frame-options');
}

/** Headers of every answer, except those of `/docs`. */
const COMMON_HEADERS = { [POLICY_HEADER]: NOTHING_RUNS, ...DATA_HEADERS };
const COMMON_LIST = Object.entries(COMMON_HEADERS).flat();

export function commonHeaders({ id }: FastifyRequest): Record<string, string> {
  return { 'x-request-id': id, ...COMMON_HEADERS };
}

/** Names and values in turn, for an answer that is written past Fastify. */
export function commonHeaderList({ id }: FastifyRequest): string[] {
  return ['x-request-id', id, ...COMMON_LIST];
}

/** A UUID or a trace id, as proxies send. Other text could forge log entries. */
const ACCEPTED_REQUEST_ID = /^[0-9a-f-]{16,64}$/i;

/** Milliseconds to receive the headers. `RequestBodies` limits the time of a body, per route. */
const HEADERS_TIMEOUT_MS = 15_000;
/** Milliseconds for a whole request on any route. Node swaps it with `headersTimeout` if it is smaller. */
const REQUEST_TIMEOUT_MS = 600_000;
/** Milliseconds between Node's checks for requests that took too long. */
const TIMEOUT_CHECK_MS = 1_000;
const IDLE_TIMEOUT_MS = 72_000;

/** Keeps Fastify's errors, whose codes `ErrorFilter` needs; Nest would wrap them. */
class Adapter extends FastifyAdapter {
  override mapException(error: unknown): unknown {
    return error;
  }
}

/** A part of the service that answers its URLs without Nest, and without the hooks of Nest's Fastify. */
export interface Neighbour {
  isFor(url: string): boolean;
  answer(request: IncomingMessage, response: ServerResponse): void;
}

/** Creates Fastify with our timeouts, request ids, trusted proxies, and answers to invalid HTTP. */
export function createAdapter(
  settings: Settings,
  routes: RouteTable,
  errors: ErrorFilter,
  neighbour?: Neighbour,
): FastifyAdapter {
  const answers = new SocketAnswers(routes, errors);
  const adapter = new Adapter(serverOptions(settings, errors, answers));
  const fastify = adapter.getInstance<FastifyInstance>();
  if (neighbour) divert(fastify, neighbour);
  prepareServer(fastify, settings, answers);
  endBrokenAnswers(fastify);
  return adapter;
}

function divert(fastify: FastifyInstance, neighbour: Neighbour): void {
  fastify.server.removeAllListeners('request');
  fastify.server.on('request', (request, response) => {
    if (neighbour.isFor(request.url ?? '')) neighbour.answer(request, response);
    else fastify.routing(request, response);
  });
}

/** Creates a second Fastify beside Nest's. It has no hooks. */
export function createServer(settings: Settings, routes: RouteTable, errors: ErrorFilter): FastifyInstance {
  const answers = new SocketAnswers(routes, errors);
  const fastify: FastifyInstance = Fastify(serverOptions(settings, errors, answers));
  prepareServer(fastify, settings, answers);
  return fastify;
}

function serverOptions(
  { trustProxy, gateway }: Settings,
  errors: ErrorFilter,
  answers: SocketAnswers,
): FastifyHttpOptions<Server> {
  return {
    trustProxy: typeof trustProxy === 'number' ? (_address, hop) => hop < trustProxy : trustProxy,
    genReqId: requestId,
    requestIdHeader: false,
    // Uploads through the gateway have an idle limit only.
    requestTimeout: gateway.isOn ? 0 : REQUEST_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // Exceeds Node's limit for a URL, so that an overlong id is reported as a wrong id.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
    // Node would answer a missing Host header without a body or request id.
    http: {
      requireHostHeader: false,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      setCommonHeaders(request, reply);
      errors.send(error, request, reply);
    },
    clientErrorHandler: (error, socket) => answers.answerUnparsable(error, socket),
  };
}

function prepareServer({ server }: FastifyInstance, { trustProxy }: Settings, answers: SocketAnswers): void {
  answers.answerOddRequests(server);
  // Runs before Fastify reads `X-Forwarded-For`.
  if (trustProxy !== false) server.prependListener('request', normalizeForwardedFor);
}

/**
 * Lets the `onResponse` hooks run for an answer that breaks off, or that nobody waits for any more: Fastify waits
 * for `finish` or `error`, and Node emits neither.
 */
function endBrokenAnswers(fastify: FastifyInstance): void {
  const end = (raw: ServerResponse): void => {
    // Fastify's listener, as long as no hook ran.
    if (raw.listenerCount('error') > 0) raw.emit('error', new Error('The connection closed.'));
  };
  fastify.addHook('onRequest', (_request, { raw }, done) => {
    raw.once('close', () => {
      if (raw.headersSent && !raw.writableFinished) end(raw);
    });
    done();
  });
  fastify.addHook('onSend', (_request, { raw }, payload, done) => {
    done(null, payload);
    if (raw.closed) end(raw);
  });
}

function requestId({ headers }: IncomingMessage): string {
  const given = headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && ACCEPTED_REQUEST_ID.test(given) ? given : randomUUID();
}
