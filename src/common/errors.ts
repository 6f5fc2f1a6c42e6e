/** Codes of expected errors. `http/error.filter.ts` maps each to a status; `docs/errors.md` explains each. */
export const ERROR_CODES = [
  'malformed_request',
  'webhook_refused',
  'unauthenticated',
  'insufficient_scope',
  'wrong_network',
  'foreign_origin',
  'not_a_member',
  'role_too_low',
  'registration_closed',
  'wrong_password',
  'account_not_found',
  'session_not_found',
  'project_not_found',
  'project_taken',
  'service_account_not_found',
  'service_account_expired',
  'too_many_service_accounts',
  'gateway_key_not_found',
  'gateway_key_expired',
  'too_many_gateway_keys',
  'connect_link_not_found',
  'connect_link_ended',
  'too_many_connect_links',
  'too_many_members',
  'too_many_invitations',
  'member_not_found',
  'invitation_not_found',
  'config_not_found',
  'config_deleted',
  'mode_not_configured',
  'credential_unreadable',
  'webhook_event_not_found',
  'event_destination_not_found',
  'event_delivery_not_found',
  'too_many_event_destinations',
  'too_many_former_secrets',
  'not_receiving',
  'route_not_found',
  'method_not_allowed',
  'precondition_failed',
  'payload_gone',
  'body_too_slow',
  'body_too_large',
  'unsupported_media_type',
  'email_taken',
  'already_member',
  'owner_stays',
  'transfer_to_stranger',
  'owner_changed',
  'account_owns_projects',
  'account_gone',
  'validation_failed',
  'rate_limited',
  'already_running',
  'idempotency_key_in_use',
  'internal_error',
  'event_not_processed',
  'database_unavailable',
  'not_migrated',
  'key_provider_unavailable',
  'authorization_server_unavailable',
  'stripe_unavailable',
  'stripe_key_refused',
  'stripe_permission_missing',
  'stripe_endpoint_limit',
  'stripe_refused',
  'already_subscribed',
  'price_not_usable',
  'card_declined',
  'change_pending',
  'confirmation_needed',
  'payment_method_missing',
  'customer_not_found',
  'subscription_not_found',
  'portal_not_set_up',
  'checkout_not_set_up',
  'subscription_scheduled',
  'endpoint_not_ours',
  'endpoint_in_progress',
  'endpoint_not_found',
  'too_busy',
  'shutting_down',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Kinds of invalid input, named as in pydantic where possible; `docs/errors.md` explains each. */
export const PROBLEM_TYPES = [
  'bool_type',
  'datetime_parsing',
  'dict_type',
  'enum',
  'extra_forbidden',
  'greater_than_equal',
  'int_type',
  'json_invalid',
  'less_than_equal',
  'missing',
  'model_type',
  'string_too_long',
  'string_too_short',
  'string_type',
  'uuid_parsing',
  'value_error',
] as const;

/** One invalid input: its location, a remedy, and its kind. */
export interface Problem {
  loc: (string | number)[];
  msg: string;
  type: (typeof PROBLEM_TYPES)[number];
}

interface DomainErrorOptions {
  /** Whole seconds before a retry makes sense. */
  retryAfterSeconds?: number;
  /** The response's `WWW-Authenticate` challenge (RFC 6750). */
  challenge?: string;
  /** The current `ETag`, after a failed precondition. */
  entityTag?: string;
  cause?: unknown;
}

/** An expected failure. Callers see its message: one sentence, never a submitted value. */
export class DomainError extends Error {
  readonly retryAfterSeconds?: number;
  readonly challenge?: string;
  readonly entityTag?: string;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: DomainErrorOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.challenge = options.challenge;
    this.entityTag = options.entityTag;
  }
}

/** Invalid input, with all problems in the order of the input. */
export class ValidationFailed extends DomainError {
  constructor(readonly problems: Problem[]) {
    super('validation_failed', 'The request is not valid.');
  }
}
