import { DomainError, ValidationFailed } from '../../../common/errors.js';
import { stripeUnavailable } from '../../stripe/stripe.errors.js';

export function deadlineExceeded(): DomainError {
  return stripeUnavailable('Stripe did not answer in time; try again shortly.', undefined);
}

export function inProgress(): DomainError {
  const message = 'This webhook endpoint is being made or removed right now; try again shortly.';
  return new DomainError('endpoint_in_progress', message, { retryAfterSeconds: 1 });
}

export function changedMeanwhile(): DomainError {
  const message =
    'The configuration was changed while the webhook endpoint was made or updated; try again shortly.';
  return new DomainError('endpoint_in_progress', message, { retryAfterSeconds: 1 });
}

export function needsHttps(): ValidationFailed {
  const msg =
    "live mode needs an https address for Stripe's webhooks: the operator has to set PUBLIC_BASE_URL to one";
  return new ValidationFailed([{ loc: ['body', 'mode'], msg, type: 'value_error' }]);
}

export function notOurs(url: string): DomainError {
  return new DomainError(
    'endpoint_not_ours',
    `At Stripe there is an endpoint for ${url} that was not made here; remove it in Stripe's dashboard first.`,
  );
}
