import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, OutgoingHttpHeader } from 'node:http';

/** Request headers that Stripe gets as they are. Others stay here: cookies, addresses, hop-by-hop headers. */
const PASSED = [
  'accept',
  'accept-encoding',
  'accept-language',
  'content-length',
  'content-type',
  'range',
  'stripe-version',
  'user-agent',
  'x-stripe-client-telemetry',
  'x-stripe-client-user-agent',
];

/** Name other accounts than the stored key's, so a key must list their values. */
export const ACCOUNT_HEADERS = ['stripe-account', 'stripe-context'] as const;

const SENT = [...PASSED, ...ACCOUNT_HEADERS];

/** Answer headers that the client gets, besides those of Stripe that begin with a prefix of `ANSWER_PREFIX`. */
const ANSWERED = new Set([
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'accept-ranges',
  'date',
  'etag',
  'idempotent-replayed',
  'last-modified',
  'original-request',
  'request-id',
  'retry-after',
  'vary',
]);
const ANSWER_PREFIX = /^(?:x-)?(?:stripe|ratelimit)-/;

/** Longest key that Stripe accepts. */
const MAX_IDEMPOTENCY_KEY = 255;

/** Frame the body, which is passed on. */
const FRAMING = ['content-length', 'transfer-encoding'];

/**
 * Removes the headers that the client nominated as meant for this server alone (RFC 9110, section 7.6.1).
 * @returns whether the request still means what it said: without its account, it would mean another one
 */
export function removeNominated(headers: IncomingHttpHeaders): boolean {
  const { connection } = headers;
  if (connection === undefined || connection === 'keep-alive') return true;
  const names = connection.toLowerCase().split(/[\s,]+/);
  if (ACCOUNT_HEADERS.some((name) => names.includes(name))) return false;
  for (const name of names) if (!FRAMING.includes(name)) delete headers[name];
  return true;
}

/** @returns names and values in turn, as undici takes them without a copy */
export function headersForStripe(
  headers: IncomingHttpHeaders,
  { authorization, keyId }: { authorization: string; keyId: string },
): string[] {
  const sent = ['authorization', authorization];
  for (const name of SENT) {
    const value = headers[name];
    if (typeof value === 'string') sent.push(name, value);
  }
  const idempotencyKey = headers['idempotency-key'];
  if (typeof idempotencyKey === 'string')
    sent.push('idempotency-key', ownIdempotencyKey(keyId, idempotencyKey));
  return sent;
}

/** Two services of one project may choose the same key, so it is made different for each gateway key. */
function ownIdempotencyKey(keyId: string, value: string): string {
  const own = `${keyId}:${value}`;
  return own.length <= MAX_IDEMPOTENCY_KEY
    ? own
    : `${keyId}:${createHash('sha256').update(value).digest('hex')}`;
}

/**
 * @param idempotencyKey as the client sent it
 * @returns names and values in turn, as Node takes them without a copy
 */
export function headersForClient(
  headers: IncomingHttpHeaders,
  idempotencyKey: string | string[] | undefined,
): OutgoingHttpHeader[] {
  const answered: OutgoingHttpHeader[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && (ANSWERED.has(name) || ANSWER_PREFIX.test(name))) answered.push(name, value);
  }
  if (headers['idempotency-key'] !== undefined && idempotencyKey !== undefined)
    answered.push('idempotency-key', idempotencyKey);
  return answered;
}
