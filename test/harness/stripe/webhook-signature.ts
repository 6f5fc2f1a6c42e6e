import { createHmac } from 'node:crypto';

/** The `Stripe-Signature` of a body: `v1` counts; `v0` is what Stripe puts beside it in test mode, and never right. */
export function stripeSignature(body: string, secret: string, timestamp: number): string {
  const hmac = (key: string) => createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex');
  return `t=${timestamp},v1=${hmac(secret)},v0=${hmac(`v0 of ${secret}`)}`;
}
