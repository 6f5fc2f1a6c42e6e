import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../../common/secret.js';

/** Maximum difference between a signature's time and our clock, in seconds. */
const TOLERANCE_S = 300;
/** Stripe sends one signature for each valid secret of the endpoint. */
const MAX_SIGNATURES = 32;
const MAX_HEADER_LENGTH = 8_192;

const TIME = /^\d{1,12}$/;
const SHA256_HEX = /^[\da-f]{64}$/i;

/** Why a signature was refused. */
export type SignatureProblem =
  'missing_signature' | 'malformed_signature' | 'wrong_signature' | 'too_old' | 'from_the_future';

/**
 * Verifies that one `v1` signature in the header was made from these bytes with one of the secrets
 * (docs.stripe.com/webhooks/signature).
 * @param header the value of `Stripe-Signature`
 * @param now milliseconds since 1970
 * @returns the problem, or `undefined`. The time is only checked for a valid signature.
 */
export function signatureProblem(
  header: string | undefined,
  body: Buffer,
  secrets: readonly Secret[],
  now: number,
): SignatureProblem | undefined {
  if (!header) return 'missing_signature';
  const parsed = parse(header);
  if (!parsed) return 'malformed_signature';
  if (!secrets.some((secret) => isSignedWith(secret, parsed, body))) return 'wrong_signature';
  const age = Math.floor(now / 1000) - Number(parsed.time);
  if (age > TOLERANCE_S) return 'too_old';
  return age < -TOLERANCE_S ? 'from_the_future' : undefined;
}

interface Signatures {
  readonly time: string;
  readonly v1: readonly Buffer[];
}

function isSignedWith(secret: Secret, { time, v1 }: Signatures, body: Buffer): boolean {
  const expected = createHmac('sha256', secret.reveal()).update(`${time}.`).update(body).digest();
  return v1.some((signature) => timingSafeEqual(signature, expected));
}

/**
 * @returns `undefined` unless there is exactly one time and at least one `v1`. A `v1` that is no SHA-256 in
 * hex is skipped.
 */
function parse(header: string): Signatures | undefined {
  if (header.length > MAX_HEADER_LENGTH) return undefined;
  const items = header.split(',').map((item) => item.trim());
  const valuesOf = (scheme: string) =>
    items.filter((item) => item.startsWith(`${scheme}=`)).map((item) => item.slice(scheme.length + 1));
  const [time, ...otherTimes] = valuesOf('t');
  const signatures = valuesOf('v1');
  if (time === undefined || !TIME.test(time) || otherTimes.length > 0) return undefined;
  if (signatures.length === 0 || signatures.length > MAX_SIGNATURES) return undefined;
  return {
    time,
    v1: signatures.filter((text) => SHA256_HEX.test(text)).map((text) => Buffer.from(text, 'hex')),
  };
}
