import type Stripe from 'stripe';
import { stripeUnavailable } from '../stripe-api/stripe-failure.js';

/** When Stripe gave the answer: by its own clock, or, as RFC 9110 has it for an answer without a date, by ours. */
export function answeredAt({ lastResponse }: Stripe.Response<object>): Date {
  const date = new Date(lastResponse.headers['date'] ?? NaN);
  return Number.isNaN(date.getTime()) ? new Date() : date;
}

/** Whoever answers JSON with 200 need not be Stripe. @throws DomainError `stripe_unavailable` */
export function assertObject({ object }: { object?: string }, expected: string): void {
  if (object !== expected) throw senseless();
}

export function senseless() {
  return stripeUnavailable('Stripe gave an answer that makes no sense; try again shortly.', undefined);
}
