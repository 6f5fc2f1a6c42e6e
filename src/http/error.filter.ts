import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, HttpStatus } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError, type ErrorCode, ValidationFailed } from '../common/errors.js';
import { type AppLogger, traceIdOf } from './app-logger.js';
import { answersOnly, type RouteTable } from './route-table.js';

export const HTTP_STATUS = {
  malformed_request: HttpStatus.BAD_REQUEST,
  webhook_refused: HttpStatus.BAD_REQUEST,
  unauthenticated: HttpStatus.UNAUTHORIZED,
  insufficient_scope: HttpStatus.FORBIDDEN,
  wrong_network: HttpStatus.FORBIDDEN,
  foreign_origin: HttpStatus.FORBIDDEN,
  not_a_member: HttpStatus.FORBIDDEN,
  role_too_low: HttpStatus.FORBIDDEN,
  registration_closed: HttpStatus.FORBIDDEN,
  wrong_password: HttpStatus.FORBIDDEN,
  account_not_found: HttpStatus.NOT_FOUND,
  session_not_found: HttpStatus.NOT_FOUND,
  project_not_found: HttpStatus.NOT_FOUND,
  project_taken: HttpStatus.CONFLICT,
  service_account_not_found: HttpStatus.NOT_FOUND,
  service_account_expired: HttpStatus.CONFLICT,
  too_many_service_accounts: HttpStatus.CONFLICT,
  gateway_key_not_found: HttpStatus.NOT_FOUND,
  gateway_key_expired: HttpStatus.CONFLICT,
  too_many_gateway_keys: HttpStatus.CONFLICT,
  connect_link_not_found: HttpStatus.NOT_FOUND,
  connect_link_ended: HttpStatus.GONE,
  too_many_connect_links: HttpStatus.CONFLICT,
  too_many_members: HttpStatus.CONFLICT,
  too_many_invitations: HttpStatus.CONFLICT,
  member_not_found: HttpStatus.NOT_FOUND,
  invitation_not_found: HttpStatus.NOT_FOUND,
  config_not_found: HttpStatus.NOT_FOUND,
  config_deleted: HttpStatus.NOT_FOUND,
  mode_not_configured: HttpStatus.NOT_FOUND,
  credential_unreadable: HttpStatus.CONFLICT,
  webhook_event_not_found: HttpStatus.NOT_FOUND,
  event_destination_not_found: HttpStatus.NOT_FOUND,
  event_delivery_not_found: HttpStatus.NOT_FOUND,
  too_many_event_destinations: HttpStatus.CONFLICT,
  too_many_former_secrets: HttpStatus.CONFLICT,
  not_receiving: HttpStatus.NOT_FOUND,
  route_not_found: HttpStatus.NOT_FOUND,
  method_not_allowed: HttpStatus.METHOD_NOT_ALLOWED,
  precondition_failed: HttpStatus.PRECONDITION_FAILED,
  payload_gone: HttpStatus.GONE,
  body_too_slow: HttpStatus.REQUEST_TIMEOUT,
  body_too_large: HttpStatus.PAYLOAD_TOO_LARGE,
  unsupported_media_type: HttpStatus.UNSUPPORTED_MEDIA_TYPE,
  email_taken: HttpStatus.CONFLICT,
  already_member: HttpStatus.CONFLICT,
  owner_stays: HttpStatus.CONFLICT,
  transfer_to_stranger: HttpStatus.CONFLICT,
  owner_changed: HttpStatus.CONFLICT,
  account_owns_projects: HttpStatus.CONFLICT,
  account_gone: HttpStatus.CONFLICT,
  validation_failed: HttpStatus.UNPROCESSABLE_ENTITY,
  rate_limited: HttpStatus.TOO_MANY_REQUESTS,
  already_running: HttpStatus.TOO_MANY_REQUESTS,
  idempotency_key_in_use: HttpStatus.CONFLICT,
  internal_error: HttpStatus.INTERNAL_SERVER_ERROR,
  event_not_processed: HttpStatus.INTERNAL_SERVER_ERROR,
  database_unavailable: HttpStatus.SERVICE_UNAVAILABLE,
  not_migrated: HttpStatus.SERVICE_UNAVAILABLE,
  key_provider_unavailable: HttpStatus.SERVICE_UNAVAILABLE,
  authorization_server_unavailable: HttpStatus.SERVICE_UNAVAILABLE,
  stripe_unavailable: HttpStatus.SERVICE_UNAVAILABLE,
  stripe_key_refused: HttpStatus.CONFLICT,
  stripe_permission_missing: HttpStatus.CONFLICT,
  stripe_endpoint_limit: HttpStatus.CONFLICT,
  stripe_refused: HttpStatus.BAD_REQUEST,
  already_subscribed: HttpStatus.BAD_REQUEST,
  price_not_usable: HttpStatus.BAD_REQUEST,
  card_declined: HttpStatus.PAYMENT_REQUIRED,
  change_pending: HttpStatus.CONFLICT,
  confirmation_needed: HttpStatus.PAYMENT_REQUIRED,
  payment_method_missing: HttpStatus.PAYMENT_REQUIRED,
  customer_not_found: HttpStatus.NOT_FOUND,
  subscription_not_found: HttpStatus.NOT_FOUND,
  portal_not_set_up: HttpStatus.CONFLICT,
  checkout_not_set_up: HttpStatus.CONFLICT,
  subscription_scheduled: HttpStatus.CONFLICT,
  endpoint_not_ours: HttpStatus.CONFLICT,
  endpoint_in_progress: HttpStatus.CONFLICT,
  endpoint_not_found: HttpStatus.NOT_FOUND,
  too_busy: HttpStatus.SERVICE_UNAVAILABLE,
  shutting_down: HttpStatus.SERVICE_UNAVAILABLE,
} satisfies Record<ErrorCode, HttpStatus>;

/** Fastify's errors by code, with messages of ours because Fastify's may repeat the input. */
const FASTIFY_ERRORS: Record<string, [ErrorCode, string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'The body is too large.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported_media_type',
    'The body must be JSON, sent as application/json.',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'malformed_request',
    'The body has another length than the Content-Length header says.',
  ],
  FST_ERR_BAD_URL: ['malformed_request', 'The URL is not valid.'],
  FST_STATIC_FORBIDDEN_PATH: ['route_not_found', 'There is nothing at this URL.'],
  FST_ERR_NOT_FOUND: ['route_not_found', 'There is nothing at this URL.'],
};

const internalError = (cause: unknown) =>
  new DomainError('internal_error', 'Something went wrong on our side.', { cause });

/** Fields of errors from Fastify, its plugins and broken connections. Stripe's have `statusCode`, too. */
interface FrameworkError extends Error {
  code?: string;
  statusCode?: number;
  /** Set by the static file server for client errors. */
  expose?: boolean;
}

/** Converts any error to one that may be shown. An unknown error becomes the cause of `internal_error`. */
export function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  if (error instanceof HttpException) {
    return error.getStatus() === Number(HttpStatus.NOT_FOUND)
      ? new DomainError('route_not_found', 'There is nothing at this URL.')
      : internalError(error);
  }
  // Avoids `instanceof Error`: in Jest, Node's own errors come from another realm.
  const {
    code,
    statusCode = 500,
    expose,
    name,
  }: Partial<FrameworkError> = typeof error === 'object' && error ? error : {};
  const known = code && FASTIFY_ERRORS[code];
  if (known) return new DomainError(...known, { cause: error });
  const isAboutTheRequest = name === 'FastifyError' || expose === true || code === 'ECONNRESET';
  if (isAboutTheRequest && statusCode < 500)
    return new DomainError('malformed_request', 'The request is malformed.', { cause: error });
  return internalError(error);
}

/** What Node's parser refuses, or answers by itself. */
export interface UnreadableRequest {
  readonly status: number;
  readonly message: string;
  readonly requestId: string;
}

/** Errors of URLs whose clients expect another form than ours. */
export interface OtherErrorForm {
  isFor(url: string): boolean;
  send(error: unknown, request: FastifyRequest, reply: FastifyReply): void;
  answerTo(request: UnreadableRequest): { body: object; headers: Record<string, string> };
}

/** Turns every error into a response. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly routes: RouteTable,
    private readonly logger: AppLogger,
    /** Called for 4xx errors. @returns an error to send instead (rate limit) */
    private readonly replacementFor: (request: FastifyRequest) => DomainError | undefined,
    private readonly other?: OtherErrorForm,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.send(exception, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  send(exception: unknown, request: FastifyRequest, reply: FastifyReply): void {
    let error = toDomainError(exception);
    if (error.code === 'route_not_found') {
      const allowed = this.routes.allowedMethods(request.url);
      // A handler, too, throws `route_not_found`; then the method is right.
      if (allowed && !allowed.includes(request.method)) {
        error = new DomainError('method_not_allowed', answersOnly(allowed));
        reply.header('allow', allowed.join(', '));
      }
    }
    if (statusOf(error) < 500) error = this.replacementFor(request) ?? error;
    const status = statusOf(error);
    if (status >= 500)
      this.logger.failure({ requestId: request.id, traceId: traceIdOf(request.headers.traceparent) }, error);
    if (reply.sent) return;
    if (this.other && this.hasOtherForm(request.url)) return this.other.send(error, request, reply);
    if (error.challenge) reply.header('www-authenticate', error.challenge);
    if (error.entityTag) reply.header('etag', error.entityTag);
    if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
    const detail = error instanceof ValidationFailed ? error.problems : error.message;
    void reply.code(status).type('application/json; charset=utf-8').send({ detail });
  }

  /** Whether errors of the URL have another form than ours. */
  hasOtherForm(url: string): boolean {
    return this.other?.isFor(url) ?? false;
  }

  /** @param url `undefined` if it can't be read: then the body has both forms */
  answerTo(url: string | undefined, request: UnreadableRequest): ReturnType<OtherErrorForm['answerTo']> {
    const ours = { body: { detail: request.message }, headers: {} };
    const isOther = this.hasOtherForm(url ?? '');
    if (!this.other || (url !== undefined && !isOther)) return ours;
    const { body, headers } = this.other.answerTo(request);
    return isOther ? { body, headers } : { body: { ...ours.body, ...body }, headers };
  }
}

function statusOf({ code }: DomainError): number {
  return HTTP_STATUS[code];
}
