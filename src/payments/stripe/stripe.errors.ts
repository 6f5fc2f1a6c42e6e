import { DomainError } from '../../common/errors.js';
import { permissionName } from './permissions.js';

const RETRY_AFTER_SECONDS = 10;

export interface StripeErrorFacts {
  statusCode?: number;
  code?: string;
  param?: string;
  message: string;
  headers?: Readonly<Record<string, string>>;
}

/** Detects the SDK's errors by `type`, because its classes load on demand. @returns `undefined` for others */
export function stripeErrorOf(error: unknown): StripeErrorFacts | undefined {
  return error instanceof Error &&
    'type' in error &&
    typeof error.type === 'string' &&
    error.type.startsWith('Stripe')
    ? error
    : undefined;
}

/** Matches the message, because Stripe has no code for a key that is limited to other IP addresses. */
export function isAddressRefusal({ statusCode, message }: StripeErrorFacts): boolean {
  return (
    (statusCode === 403 || statusCode === 401) &&
    /\bIP\b.*\baddress|\bIP\b.*\b(?:allow|restrict|permit|white)/i.test(message)
  );
}

export function isExpired(facts: StripeErrorFacts | undefined): boolean {
  return facts?.code === 'api_key_expired' || facts?.code === 'platform_api_key_expired';
}

export function stripeUnavailable(message: string, cause: unknown): DomainError {
  return new DomainError('stripe_unavailable', message, { retryAfterSeconds: RETRY_AFTER_SECONDS, cause });
}

/** Translates a failed call with a stored key. Other errors are returned unchanged. */
export function asStripeFailure(error: unknown): unknown {
  const facts = stripeErrorOf(error);
  if (!facts) return error;
  const { statusCode = 0, code, message } = facts;
  if (isAddressRefusal(facts)) {
    const refusal =
      'Stripe refuses the stored secret key from the address of this service: add it to the IP addresses that the key is limited to.';
    return new DomainError('stripe_key_refused', refusal, { cause: error });
  }
  if (isExpired(facts))
    return new DomainError(
      'stripe_key_refused',
      'The stored secret key has expired at Stripe; store a new one.',
      { cause: error },
    );
  if (statusCode === 401 || code === 'account_invalid')
    return new DomainError(
      'stripe_key_refused',
      'Stripe does not accept the stored secret key; store a new one.',
      { cause: error },
    );
  if (statusCode === 403) {
    const missing = (message.match(/\brak_[a-z_]+/g) ?? []).map(permissionName).join(', ');
    const lacks = missing ? `the permission for ${missing}` : 'a permission that is needed';
    return new DomainError('stripe_permission_missing', `The stored restricted key lacks ${lacks}.`, {
      cause: error,
    });
  }
  if (statusCode === 429)
    return stripeUnavailable('Stripe limits how much it is asked at the moment; try again shortly.', error);
  // 409 is temporary: another request with this idempotency key or object is still running.
  if (statusCode === 0 || statusCode === 409 || statusCode >= 500)
    return stripeUnavailable('Stripe can not be reached at the moment; try again shortly.', error);
  return new DomainError('stripe_refused', 'Stripe refused the request.', { cause: error });
}
