import { createHmac } from 'node:crypto';

/** The `Stripe-Signature` of a body: a valid `v1`, and the invalid `v0` that Stripe adds in test mode. */
export function stripeSignature(body: string, secret: string, timestamp: number): string {
  const hmac = (key: string) => createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex');
  return `t=${timestamp},v1=${hmac(secret)},v0=${hmac(`v0 of ${secret}`)}`;
}
