import type Stripe from 'stripe';
import { Deadline } from '../../common/deadline.js';
import { stripeUnavailable } from '../stripe-api/stripe-failure.js';

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
