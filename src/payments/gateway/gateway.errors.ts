import type { FastifyRequest } from 'fastify';
import { DomainError, type ErrorCode } from '../../common/errors.js';
import type { GatewayAction } from './gateway-permissions.js';

/** Errors of the gateway itself, by `code`: status, and whether an SDK should send the request again. */
const ERRORS = {
  gateway_request_invalid: [400, false],
  gateway_key_missing: [401, false],
  gateway_key_invalid: [401, false],
  stripe_key_missing: [401, false],
  stripe_key_rejected: [401, false],
  gateway_permission_missing: [403, false],
  gateway_account_not_allowed: [403, false],
  gateway_key_paused: [403, false],
  gateway_project_paused: [403, false],
  gateway_wrong_network: [403, false],
  gateway_route_unknown: [404, false],
  gateway_upload_idle: [408, true],
  gateway_body_too_large: [413, false],
  gateway_body_compressed: [415, false],
  gateway_rate_limit: [429, true],
  gateway_headers_too_large: [431, false],
  gateway_client_closed: [499, false],
  gateway_error: [500, false],
  stripe_unreachable: [502, true],
  gateway_unavailable: [503, true],
  stripe_too_slow: [504, true],
} as const satisfies Record<string, readonly [status: number, shouldRetry: boolean]>;

type GatewayErrorCode = keyof typeof ERRORS;

const RETRY_AFTER_SECONDS: Partial<Record<number, number>> = { 429: 1, 502: 2, 503: 5, 504: 2 };

interface Options {
  /** `false` for a request that Stripe may have carried out, and that has no `Idempotency-Key`. */
  readonly canRepeat?: boolean;
  /** Stripe's id of the request, if it has one. */
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** An error that the client sees in the form of Stripe's own. */
export class GatewayError extends Error {
  readonly status: number;
  readonly shouldRetry: boolean;
  readonly #requestId: string | undefined;

  constructor(
    readonly code: GatewayErrorCode,
    message: string,
    { canRepeat = true, requestId, cause }: Options = {},
  ) {
    super(message, { cause });
    const [status, shouldRetry] = ERRORS[code];
    this.status = status;
    this.shouldRetry = shouldRetry && canRepeat;
    this.#requestId = requestId;
  }

  /** @param requestId ours */
  headersFor(requestId: string): Record<string, string> {
    const retryAfter = RETRY_AFTER_SECONDS[this.status];
    return {
      'request-id': this.#requestId ?? requestId,
      'stripe-should-retry': String(this.shouldRetry),
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      ...(this.status === 401 && { 'www-authenticate': 'Bearer' }),
    };
  }

  bodyFor(docUrl: string) {
    const { status, code, message } = this;
    const type = status < 500 ? 'invalid_request_error' : 'api_error';
    return { error: { type, code, message, doc_url: docUrl } };
  }
}

export function permissionMissing(resource: string, action: GatewayAction): GatewayError {
  return new GatewayError(
    'gateway_permission_missing',
    `This gateway key lacks the permission "${resource}": "${action}". An admin of the project can add it.`,
  );
}

const UNKNOWN_KEY = 'The gateway key is unknown, or was revoked.';
const NO_STORED_KEY =
  'The gateway key was accepted, but the project has no Stripe secret key of its mode: store one in the Stripe configuration.';
const UNREADABLE_KEY =
  'The gateway key was accepted, but the stored Stripe secret key can not be read: store it again.';
const UNAVAILABLE = 'The gateway is not available at the moment; try again shortly.';

/** Errors of other modules. The message is that of the error where none is given. */
const OF_OTHERS: Partial<Record<ErrorCode, readonly [code: GatewayErrorCode, message?: string]>> = {
  config_not_found: ['stripe_key_missing', NO_STORED_KEY],
  config_deleted: ['stripe_key_missing', NO_STORED_KEY],
  mode_not_configured: ['stripe_key_missing', NO_STORED_KEY],
  credential_unreadable: ['stripe_key_missing', UNREADABLE_KEY],
  project_not_found: ['gateway_key_invalid', UNKNOWN_KEY],
  route_not_found: ['gateway_route_unknown'],
  malformed_request: ['gateway_request_invalid'],
  rate_limited: ['gateway_rate_limit'],
  database_unavailable: ['gateway_unavailable', UNAVAILABLE],
  not_migrated: ['gateway_unavailable', UNAVAILABLE],
  key_provider_unavailable: ['gateway_unavailable', UNAVAILABLE],
  shutting_down: ['gateway_unavailable', UNAVAILABLE],
};

/** Turns any error into one for the client. */
export function toGatewayError(error: unknown, request: FastifyRequest): GatewayError {
  if (error instanceof GatewayError) return error;
  const known = error instanceof DomainError ? OF_OTHERS[error.code] : undefined;
  if (!known || !(error instanceof DomainError)) return atStripe(error, canRepeat(request));
  const [code, message = error.message] = known;
  return new GatewayError(code, message, { cause: error });
}

export function unknownKey(): GatewayError {
  return new GatewayError('gateway_key_invalid', UNKNOWN_KEY);
}

/** Whether a second request does no harm: it only reads, or has a key by which Stripe recognizes it. */
function canRepeat({ method, headers }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD' || headers['idempotency-key'] !== undefined;
}

const NOT_SENT = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];
const TOO_SLOW = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'];
const BROKEN = /^(?:UND_ERR_|E[A-Z]+$|HPE_|ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/;

/** A failed call. Node's errors come from another realm in tests, so `instanceof` tells nothing. */
function atStripe(error: unknown, canRepeat: boolean): GatewayError {
  const code = typeof error === 'object' && error && 'code' in error ? String(error.code) : '';
  if (TOO_SLOW.includes(code))
    return new GatewayError('stripe_too_slow', 'Stripe took too long to answer.', {
      canRepeat,
      cause: error,
    });
  if (BROKEN.test(code))
    return new GatewayError('stripe_unreachable', 'Stripe can not be reached at the moment.', {
      canRepeat: canRepeat || NOT_SENT.includes(code),
      cause: error,
    });
  return new GatewayError('gateway_error', 'Something went wrong in the gateway.', { cause: error });
}
