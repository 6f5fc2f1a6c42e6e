import type Stripe from 'stripe';
import { type AnswerTime, timed } from '../stripe-api/answer-time.js';
import { stripeUnavailable } from '../stripe-api/stripe-failure.js';

/** By Stripe's clock, or, as RFC 9110 has it for an answer without a date, by ours. */
export async function timedAnswer<T>(call: () => Promise<Stripe.Response<T>>): Promise<{ answer: Stripe.Response<T>; time: AnswerTime }> {
  const from = new Date();
  const { answer, time = { from, until: new Date() } } = await timed(call);
  return { answer, time };
}

/** Whoever answers JSON with 200 need not be Stripe. @throws DomainError `stripe_unavailable` */
export function assertObject({ object }: { object?: string }, expected: string): void {
  if (object !== expected) throw senseless();
}

export function senseless(cause?: unknown) {
  return stripeUnavailable('Stripe gave an answer that makes no sense; try again shortly.', cause);
}
