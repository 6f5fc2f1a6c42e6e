import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestMethod } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { readLoginForms } from '../accounts/login-form.js';
import { AppModule } from '../app.module.js';
import { EarlyRefusals, networkOf } from '../auth/rate-limit.js';
import type { Settings } from '../config/settings.js';
import { createAdapter, createServer, sendCommonHeaders } from '../http/adapter.js';
import { type AppLogger, logRequests } from '../http/app-logger.js';
import { ErrorFilter } from '../http/error.filter.js';
import { readJsonBodies, readRawBodies } from '../http/bodies/json-body.js';
import { serveDocs } from '../http/openapi/docs.js';
import { servePages } from '../http/pages.js';
import { type BodyLimits, RequestBodies } from '../http/bodies/request-bodies.js';
import { refuseUnknownRoutes, RouteTable } from '../http/route-table.js';
import { RequestMetrics } from '../monitoring/process-metrics.js';
import { UnknownQueryInterceptor } from '../http/validation/unknown-query.js';
import { decorateWithBuyer } from '../payments/billing/buyer.guard.js';
import { INVITATION_PAGE } from '../projects/members/invitation-page.controller.js';
import { GatewayErrorAnswers } from '../payments/gateway/gateway-error-answers.js';
import { GatewayServer } from '../payments/gateway/gateway-server.js';
import { GatewayProxy } from '../payments/gateway/gateway.proxy.js';
import { decorateWithProject } from '../projects/permissions/project.guards.js';

const ACCOUNT_URLS = ['/api/v1/auth/', '/api/v1/session'];

const WITHOUT_PREFIX = ['health/*path', 'metrics', 'invitations', 'connect/:token'].map((path) => ({
  path,
  method: RequestMethod.GET,
}));

const CORS = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  exposedHeaders: ['X-Request-Id', 'Retry-After', 'Idempotent-Replayed', 'ETag', 'Link'],
  maxAge: 600,
  strictPreflight: false,
};

/** Creates the complete application, not yet listening. Server and tests use it. */
export async function createApp(
  settings: Settings,
  logger: AppLogger,
  bodyLimits?: BodyLimits,
): Promise<NestFastifyApplication> {
  // Hidden routes stay documented: one OpenAPI document describes every installation.
  const routes = new RouteTable(settings.authBuiltin ? [] : [...ACCOUNT_URLS, INVITATION_PAGE]);
  const refusals = new EarlyRefusals(settings.rateLimitPerMinute);
  const { gateway } = settings;
  const isBeside = gateway.isOn && gateway.port === undefined;
  const gatewayErrors = new GatewayErrorAnswers(settings, logger);
  const errors = new ErrorFilter(
    routes,
    logger,
    (request) => refusals.replacementFor(request),
    isBeside ? gatewayErrors : undefined,
  );
  const bodies = new RequestBodies(({ ip }) => networkOf(ip), bodyLimits);

  let gatewayFastify: FastifyInstance | undefined;
  const neighbour = {
    isFor: (url: string) => gatewayErrors.isFor(url),
    answer: (request: IncomingMessage, response: ServerResponse) =>
      gatewayFastify?.routing(request, response),
  };
  const adapter = createAdapter(settings, routes, errors, isBeside ? neighbour : undefined);
  const fastify = adapter.getInstance<FastifyInstance>();
  routes.watch(fastify);
  bodies.watch(fastify);
  readJsonBodies(fastify);
  readRawBodies(fastify);
  readLoginForms(fastify);
  decorateWithProject(fastify);
  decorateWithBuyer(fastify);
  refuseUnknownRoutes(fastify, routes);
  sendCommonHeaders(fastify);
  logRequests(fastify, logger);

  const options = { bodyParser: false, logger, abortOnError: false };
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(settings), adapter, options);
  if (settings.corsOrigins.length > 0) app.enableCors({ ...CORS, origin: settings.corsOrigins });
  app.setGlobalPrefix('api/v1', { exclude: WITHOUT_PREFIX });
  app.useGlobalInterceptors(bodies, app.get(UnknownQueryInterceptor));
  app.useGlobalFilters(errors);
  await serveDocs(app, servePages(fastify, settings));
  if (gateway.isOn) gatewayFastify = gatewayOf(app, settings, logger, gatewayErrors);
  return app;
}

/** Makes the Fastify of the gateway, which answers nothing else. */
function gatewayOf(
  app: NestFastifyApplication,
  settings: Settings,
  logger: AppLogger,
  errors: GatewayErrorAnswers,
): FastifyInstance {
  const routes = new RouteTable();
  const fastify = createServer(settings, routes, new ErrorFilter(routes, logger, () => undefined, errors));
  const metrics = app.get(RequestMetrics);
  app.get(GatewayProxy).serve(fastify, errors, (request, route) => {
    logger.answered(request);
    const { method, status, milliseconds } = request;
    metrics.count({ method, route, status, milliseconds });
  });
  app.get(GatewayServer).use(fastify);
  return fastify;
}
