import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { RequestMethod } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readLoginForms } from './accounts/login-form.js';
import { AppModule } from './app.module.js';
import { EarlyRefusals } from './auth/early-refusals.js';
import { networkOf } from './auth/network-of.js';
import type { AppLogger } from './http/app-logger.js';
import { normalizeForwardedFor } from './common/client-address.js';
import { ErrorFilter } from './http/error.filter.js';
import { DomainError } from './common/errors.js';
import { readJsonBodies } from './http/json-body.js';
import { readRawBodies } from './http/raw-body.js';
import { type BodyLimits, RequestBodies } from './http/request-bodies.js';
import { RouteTable } from './http/route-table.js';
import { traceIdOf } from './http/trace-id.js';
import { answerOddRequests, answerUnparsable } from './http/unparsable-requests.js';
import type { Settings } from './config/settings.js';
import { isDocsUrl, serveDocs } from './http/openapi/docs.js';
import { decorateWithBuyer } from './payments/billing/buyer.js';
import { decorateWithProject } from './projects/project-owner.guard.js';

const ACCOUNTS_URL = '/api/v1/auth/';

const REQUEST_ID_HEADER = 'x-request-id';
/** A UUID or a trace id, as proxies make them; anything else could be made to say something in our logs. */
const ACCEPTED_REQUEST_ID = /^[0-9a-f-]{16,64}$/i;

/** Milliseconds to receive the headers. `RequestBodies` bounds the time of a body, each route's its own. */
const HEADERS_TIMEOUT_MS = 15_000;
/** Milliseconds that no request may exceed, whatever its route allows. Node swaps the two when this one is smaller. */
const REQUEST_TIMEOUT_MS = 600_000;
/** Milliseconds between Node's looks for requests that took too long. */
const TIMEOUT_CHECK_MS = 1_000;
const IDLE_TIMEOUT_MS = 72_000;

/** Nest would flatten Fastify's errors into its own; `ErrorFilter` knows them by their code. */
class Adapter extends FastifyAdapter {
  override mapException(error: unknown): unknown {
    return error;
  }
}

/** The application as it serves, not yet listening. The tests use it as `server.ts` does. */
export async function createApp(settings: Settings, logger: AppLogger, bodyLimits?: BodyLimits): Promise<NestFastifyApplication> {
  // Documented all the same: one document describes every installation.
  const routes = new RouteTable(settings.authBuiltin ? undefined : ACCOUNTS_URL);
  const early = new EarlyRefusals(settings.rateLimitPerMinute);
  const errors = new ErrorFilter(routes, logger, (request) => early.replacementFor(request));
  const hops = settings.trustProxy;
  const adapter = new Adapter({
    trustProxy: typeof hops === 'number' ? (_address, hop) => hop < hops : hops,
    genReqId: requestId,
    requestIdHeader: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // Longer than Node lets a URL be: a long id is a wrong id, not another kind of error.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
    // Node's own answer would have neither a body nor a request id.
    http: { requireHostHeader: false, headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      setCommonHeaders(request, reply);
      errors.send(error, request, reply);
    },
    clientErrorHandler: (error, socket) => answerUnparsable(error, socket, routes),
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  answerOddRequests(fastify.server, routes);
  const bodies = new RequestBodies(({ ip }) => networkOf(ip), bodyLimits);
  // Before Fastify reads it.
  if (hops !== false) fastify.server.prependListener('request', normalizeForwardedFor);
  routes.watch(fastify);
  bodies.watch(fastify);
  readJsonBodies(fastify);
  readRawBodies(fastify);
  readLoginForms(fastify);
  decorateWithProject(fastify);
  decorateWithBuyer(fastify);
  // Before a body is read: where nothing is, or no such method, no body can be wrong.
  fastify.addHook('preParsing', (request, _reply, _payload, done) => done(refusalOf(request, routes)));
  // Not earlier: Nest answers a preflight in a hook that comes before all of ours.
  fastify.addHook('onSend', (request, reply, payload, done) => {
    setCommonHeaders(request, reply);
    done(null, payload);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    logger.answered({
      requestId: request.id,
      traceId: traceIdOf(request.headers.traceparent),
      method: request.method,
      route,
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
    });
    done();
  });

  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(settings), adapter, {
    bodyParser: false,
    logger,
    abortOnError: false,
  });
  if (settings.corsOrigins.length > 0) {
    app.enableCors({
      origin: settings.corsOrigins,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
      exposedHeaders: ['X-Request-Id', 'Retry-After', 'Idempotent-Replayed', 'ETag'],
      maxAge: 600,
      strictPreflight: false,
    });
  }
  app.setGlobalPrefix('api/v1', { exclude: ['health/*path', 'metrics'].map((path) => ({ path, method: RequestMethod.GET })) });
  app.useGlobalInterceptors(bodies);
  app.useGlobalFilters(errors);
  await serveDocs(app);
  return app;
}

function requestId({ headers }: IncomingMessage): string {
  const given = headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && ACCEPTED_REQUEST_ID.test(given) ? given : randomUUID();
}

function refusalOf({ headers, is404, raw, routeOptions }: FastifyRequest, routes: RouteTable): DomainError | null {
  if (headers.host === undefined && raw.httpVersion === '1.1') return new DomainError('malformed_request', 'The Host header is missing.');
  const isNowhere = is404 || routes.isHidden(routeOptions.url);
  return isNowhere ? new DomainError('route_not_found', 'There is nothing at this URL.') : null;
}

/** Of an answer that is data: nothing may keep it, guess its type, frame it or run it. `/docs` is a page and gets helmet's. */
const DATA_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header(REQUEST_ID_HEADER, request.id);
  if (!isDocsUrl(request.url)) reply.headers(DATA_HEADERS);
}
