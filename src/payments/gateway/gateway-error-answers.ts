import type { FastifyReply, FastifyRequest } from 'fastify';
import { EarlyRefusals } from '../../auth/rate-limit.js';
import { DomainError } from '../../common/errors.js';
import type { Settings } from '../../config/settings.js';
import { commonHeaders } from '../../http/adapter.js';
import { type AppLogger, traceIdOf } from '../../http/app-logger.js';
import type { OtherErrorForm, UnreadableRequest } from '../../http/error.filter.js';
import { GatewayError, toGatewayError } from './gateway.errors.js';

/** Paths of Stripe, also of its OAuth, which SDKs expect at this address too. */
const STRIPE_URL = /^(?:https?:\/\/[^/]*)?\/+(?:v[12]|oauth)(?:[/?]|$)/i;

const CODES_OF_UNREADABLE = {
  404: 'gateway_route_unknown',
  408: 'gateway_upload_idle',
  431: 'gateway_headers_too_large',
} as const;

/** Answers errors of the gateway, and of requests that never reach it, in the form of Stripe's. */
export class GatewayErrorAnswers implements OtherErrorForm {
  readonly #refusals: EarlyRefusals;
  readonly #docUrl: string;
  readonly #hasOwnPort: boolean;

  constructor(
    { rateLimitPerMinute, publicBaseUrl, gateway }: Settings,
    private readonly logger: AppLogger,
  ) {
    this.#refusals = new EarlyRefusals(rateLimitPerMinute);
    this.#docUrl = `${publicBaseUrl}/docs#/Gateway%20keys`;
    this.#hasOwnPort = gateway.port !== undefined;
  }

  isFor(url: string): boolean {
    return this.#hasOwnPort || STRIPE_URL.test(url);
  }

  /** @param options.isKeyKnown whether the request has a valid gateway key */
  send(thrown: unknown, request: FastifyRequest, reply: FastifyReply, { isKeyKnown = false } = {}): void {
    const isUnknown = !isKeyKnown && thrown instanceof GatewayError;
    // Somebody who tries out keys is slowed down, by address.
    const limited =
      isUnknown && [401, 403].includes(thrown.status) ? this.#refusals.replacementFor(request) : undefined;
    const error = toGatewayError(limited ?? thrown, request);
    if (error.status === 500)
      this.logger.failure(
        { requestId: request.id, traceId: traceIdOf(request.headers.traceparent) },
        new DomainError('internal_error', error.message, { cause: error.cause }),
      );
    if (!request.raw.complete) reply.header('connection', 'close');
    void reply
      .code(error.status)
      .headers({ ...commonHeaders(request), ...error.headersFor(request.id) })
      .type('application/json; charset=utf-8')
      .send(error.bodyFor(this.#docUrl));
  }

  answerTo({ status, message, requestId }: UnreadableRequest) {
    const codes: Partial<Record<number, (typeof CODES_OF_UNREADABLE)[keyof typeof CODES_OF_UNREADABLE]>> =
      CODES_OF_UNREADABLE;
    const error = new GatewayError(codes[status] ?? 'gateway_request_invalid', message);
    return { body: error.bodyFor(this.#docUrl), headers: error.headersFor(requestId) };
  }
}
