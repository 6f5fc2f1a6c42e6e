import { createHmac, timingSafeEqual } from 'node:crypto';

/** An event that Tillkeeper sent. */
export interface TillkeeperEvent {
  /** Equal in all deliveries of the event. */
  readonly id: string;
  /** `payment.succeeded` */
  readonly type: string;
  /** RFC 3339 */
  readonly timestamp: string;
  readonly project_id: string | null;
  readonly mode: 'test' | 'live' | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** `request.headers` of Node's server, or `Headers`. */
export type EventHeaders = Headers | Readonly<Record<string, string | string[] | undefined>>;

/** Seconds that the sender's clock and ours may differ, in both directions. */
const TOLERANCE_SECONDS = 5 * 60;
const PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** A delivery that did not come from Tillkeeper, or was changed or held back on its way. Answer 400. */
export class EventVerificationError extends Error {
  override readonly name = 'EventVerificationError';
}

/**
 * Checks the signature of a delivery by Standard Webhooks 1.0, and its age.
 * @param body as it arrived: parsed and serialized again, it would have other bytes
 * @param secret of the destination, `whsec_…`
 * @throws EventVerificationError, and TypeError for a body or a secret of a wrong kind
 */
export function verifyEvent(
  body: string | Uint8Array,
  headers: EventHeaders,
  secret: string,
): TillkeeperEvent {
  if (typeof body !== 'string' && !(body instanceof Uint8Array))
    throw new TypeError('body must be the raw body, as a string or as bytes: read it before JSON is parsed.');
  const key = keyOf(secret);
  const id = headerOf(headers, 'webhook-id');
  const timestamp = headerOf(headers, 'webhook-timestamp');
  const signatures = headerOf(headers, 'webhook-signature');
  if (!/^\d{1,12}$/.test(timestamp)) throw new EventVerificationError('webhook-timestamp is no time.');
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS)
    throw new EventVerificationError('webhook-timestamp is more than five minutes away.');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  // During a rotation there are two.
  const isSigned = signatures.split(' ').some((signature) => isEqual(signature, expected));
  if (!isSigned) throw new EventVerificationError('No signature is of this body and this secret.');
  return parse(typeof body === 'string' ? body : Buffer.from(body).toString());
}

function keyOf(secret: string): Buffer {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '';
  if (!BASE64.test(text)) throw new TypeError('secret must be whsec_ followed by base64.');
  return Buffer.from(text, 'base64');
}

function headerOf(headers: EventHeaders, name: string): string {
  const value =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
  if (typeof value !== 'string' || value === '')
    throw new EventVerificationError(`The header ${name} is missing.`);
  return value;
}

function isEqual(signature: string, expected: Buffer): boolean {
  const [version, value = ''] = signature.split(',');
  if (version !== 'v1' || !BASE64.test(value)) return false;
  const given = Buffer.from(value, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function parse(text: string): TillkeeperEvent {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch (cause) {
    throw new EventVerificationError('The body is no JSON.', { cause });
  }
  if (typeof event !== 'object' || event === null || !('id' in event) || !('type' in event))
    throw new EventVerificationError('The body is no event.');
  return event as TillkeeperEvent;
}
