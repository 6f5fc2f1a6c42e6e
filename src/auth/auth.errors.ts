import { DomainError } from '../common/errors.js';

// Challenges follow RFC 6750, section 3: an error code only if a token was sent.
// Reasons must contain no quotes or backslashes, because they are not escaped in the header.

export function missingToken(): DomainError {
  return new DomainError(
    'unauthenticated',
    'Send an access token in the Authorization header: Bearer, a space, the token.',
    {
      challenge: 'Bearer',
    },
  );
}

export function invalidToken(reason: string): DomainError {
  return new DomainError('unauthenticated', reason, {
    challenge: `Bearer error="invalid_token", error_description="${reason}"`,
  });
}

/** Refuses to give a project or a role to the holder of a built-in account that is no more. */
export function accountGone(): DomainError {
  return new DomainError('account_gone', 'The account of this person was revoked or deleted.');
}

export function tooManyRequests(retryAfterSeconds: number): DomainError {
  return new DomainError('rate_limited', 'Too many requests; wait as long as Retry-After says.', {
    retryAfterSeconds,
  });
}

export function insufficientScope(reason: string, scope?: string): DomainError {
  const challenge = `Bearer error="insufficient_scope", error_description="${reason}"`;
  return new DomainError('insufficient_scope', reason, {
    challenge: scope === undefined ? challenge : `${challenge}, scope="${scope}"`,
  });
}
