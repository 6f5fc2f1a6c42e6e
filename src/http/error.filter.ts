import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError, ValidationFailed } from '../common/errors.js';
import { HTTP_STATUS, toDomainError } from './http-errors.js';
import type { AppLogger } from './app-logger.js';
import { answersOnly, type RouteTable } from './route-table.js';
import { traceIdOf } from './trace-id.js';

/** The one place where a failure becomes an answer. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly routes: RouteTable,
    private readonly logger: AppLogger,
    /** Looks at what the caller is to blame for. @returns what is answered instead, if anything */
    private readonly replacementFor: (request: FastifyRequest) => DomainError | undefined,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.send(exception, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  send(exception: unknown, request: FastifyRequest, reply: FastifyReply): void {
    let error = toDomainError(exception);
    if (error.code === 'route_not_found') {
      const allowed = this.routes.allowedMethods(request.url);
      // A route may find nothing by itself.
      if (allowed && !allowed.includes(request.method)) {
        error = new DomainError('method_not_allowed', answersOnly(allowed));
        reply.header('allow', allowed.join(', '));
      }
    }
    if (statusOf(error) < 500) error = this.replacementFor(request) ?? error;
    const status = statusOf(error);
    if (status >= 500) this.logger.failure({ requestId: request.id, traceId: traceIdOf(request.headers.traceparent) }, error);
    if (reply.sent) return;
    if (error.challenge) reply.header('www-authenticate', error.challenge);
    if (error.entityTag) reply.header('etag', error.entityTag);
    if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
    const detail = error instanceof ValidationFailed ? error.problems : error.message;
    void reply.code(status).type('application/json; charset=utf-8').send({ detail });
  }
}

function statusOf({ code }: DomainError): number {
  return HTTP_STATUS[code];
}
