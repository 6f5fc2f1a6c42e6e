import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import type { Problem } from '../../../common/errors.js';
import { isLoopbackHost } from '../../../config/rules.js';
import { Checked } from '../../../http/validation/request.pipe.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

type Complaint = Omit<Problem, 'loc'>;

/** Stripe's own limit. */
const MAX_LENGTH = 5_000;

/**
 * Checks a URL to which Stripe's pages send the buyer, for both modes. Stripe gets the original text, because
 * the parser would encode the braces of `{CHECKOUT_SESSION_ID}`.
 */
export function returnUrlProblem(value: unknown): Complaint | undefined {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
  if (value === '') return { type: 'string_too_short', msg: 'must have at least 1 character' };
  if (value.length > MAX_LENGTH)
    return { type: 'string_too_long', msg: `must have at most ${MAX_LENGTH} characters` };
  const url = parse(value);
  if (!url) return wrong('must be an absolute https URL, such as https://shop.example.com/thanks');
  if (hasCredentials(value)) return wrong('must not have a user name or password in it');
  if (url.protocol === 'http:' && !isLoopback(url))
    return wrong('must start with https:// (http:// only on a loopback host, in test mode)');
  return undefined;
}

/** Checks what depends on the mode, for a URL without other problems. */
export function returnUrlProblemInMode(value: string, mode: StripeMode): Complaint | undefined {
  return mode === 'live' && !/^https:/i.test(value)
    ? wrong('must start with https:// in live mode')
    : undefined;
}

/**
 * Stricter than the parser, which repairs spaces, backslashes and missing slashes, and so may read another
 * host than a browser.
 */
function parse(value: string): URL | undefined {
  if (!/^https?:\/\/[^/?#]/i.test(value) || /[\s\\\p{Cc}\p{Cs}]/u.test(value) || !URL.canParse(value))
    return undefined;
  const url = new URL(value);
  return /[{}]/.test(url.host) ? undefined : url;
}

/** Finds empty credentials too, which the parser drops. */
function hasCredentials(value: string): boolean {
  return /^[^/]*\/\/[^/?#]*@/.test(value);
}

function isLoopback({ hostname }: URL): boolean {
  return isLoopbackHost(hostname.replace(/^\[|]$/g, ''));
}

function wrong(msg: string): Complaint {
  return { type: 'value_error', msg };
}

export function ReturnUrl(description: string, example: string): PropertyDecorator {
  const rule = 'An absolute `https` URL, or `http` on a loopback host in test mode.';
  return applyDecorators(
    ApiProperty({ description: `${description} ${rule}`, type: 'string', minLength: 1, example }),
    Checked(returnUrlProblem),
  );
}
