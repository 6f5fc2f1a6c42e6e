import type Stripe from 'stripe';
import { stripeUnavailable } from '../stripe-api/stripe-failure.js';

/** For all that is asked of Stripe on behalf of one request, retries included. */
const BUDGET_MS = 12_000;
/** Of one call. */
const OPTIONS = { timeout: 5_000, maxNetworkRetries: 1 };

/** The calls to Stripe for one request of an end user. Together they take no longer than somebody waits at a till. */
export class StripeCalls {
  #deadline: Promise<never> | undefined;
  #isOver = false;

  constructor(private readonly stripe: Stripe) {}

  /** @throws what the SDK throws; DomainError `stripe_unavailable` when the time is up */
  async make<T>(call: (stripe: Stripe, options: Stripe.RequestOptions) => Promise<T>): Promise<T> {
    this.#deadline ??= this.#startClock();
    if (this.#isOver) throw tooSlow();
    return Promise.race([call(this.stripe, OPTIONS), this.#deadline]);
  }

  #startClock(): Promise<never> {
    const deadline = new Promise<never>((_, reject) => {
      const end = () => {
        this.#isOver = true;
        reject(tooSlow());
      };
      setTimeout(end, BUDGET_MS).unref();
    });
    // It may run out while nobody waits.
    deadline.catch(() => undefined);
    return deadline;
  }
}

function tooSlow() {
  return stripeUnavailable('Stripe takes too long to answer; try again shortly.', undefined);
}
