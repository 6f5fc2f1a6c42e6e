import type Stripe from 'stripe';
import { Deadline } from '../../common/deadline.js';
import { stripeUnavailable } from '../stripe-api/stripe-failure.js';
import { type AnswerTime, timed } from '../stripe-api/answer-time.js';

/** All calls to Stripe for one request, with their retries. */
const BUDGET_MS = 12_000;
/** One call. */
const OPTIONS = { timeout: 5_000, maxNetworkRetries: 1 };

/** Calls to Stripe for one request of an end user, under one deadline that starts with the first call. */
export class StripeCalls {
  #deadline: Deadline | undefined;

  constructor(private readonly stripe: Stripe) {}

  /** @throws errors of the SDK; DomainError `stripe_unavailable` once the deadline has passed */
  make<T>(call: (stripe: Stripe, options: Stripe.RequestOptions) => Promise<T>): Promise<T> {
    this.#deadline ??= new Deadline(BUDGET_MS, tooSlow);
    return this.#deadline.run(() => call(this.stripe, OPTIONS));
  }
}

function tooSlow() {
  return stripeUnavailable('Stripe takes too long to answer; try again shortly.', undefined);
}

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
